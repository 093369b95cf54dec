"""Arguments that aren't what they have to be: one of cnnscope's errors, that says what is wanted."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

import cnnscope

LENET = str(Path(__file__).resolve().parent.parent / "sample_models" / "lenet5.onnx")
REPORT = cnnscope.analyze(LENET)
WRONG_MODELS = (None, 5, 1.5, [], {}, ("a", "b"), object(), np.zeros(3))

CASES: dict[str, tuple[Callable[[], object], str]] = {
    "dims=5": (lambda: cnnscope.analyze(LENET, dims=5), "a dict from names of dimensions"),
    "dims text": (lambda: cnnscope.analyze(LENET, dims={"H": "x"}), "'H' has 'x'; a whole number"),
    "dims True": (lambda: cnnscope.analyze(LENET, dims={"H": True}), "'H' has True; a whole"),
    "dims float": (lambda: cnnscope.analyze(LENET, dims={"H": 1.5}), "'H' has 1.5; a whole"),
    "dims nan": (lambda: cnnscope.analyze(LENET, dims={"H": float("nan")}), "'H' has nan; a whole"),
    "dims negative": (lambda: cnnscope.analyze(LENET, dims={"H": -3}), "can't have the length -3"),
    "dims huge": (lambda: cnnscope.analyze(LENET, dims={"H": 10**5000}), "64 bits"),
    "dims key": (lambda: cnnscope.analyze(LENET, dims={3: 3}), "names a dimension 3"),
    "dims list": (lambda: cnnscope.analyze(LENET, dims=["H"]), "dims is a list"),
    "shapes=5": (lambda: cnnscope.analyze(LENET, shapes=5), "a dict from input names"),
    "shapes text": (lambda: cnnscope.analyze(LENET, shapes={"x": "a"}), "lengths are wanted"),
    "shapes number": (lambda: cnnscope.analyze(LENET, shapes={"x": 5}), "lengths are wanted"),
    "shapes of text": (lambda: cnnscope.analyze(LENET, shapes={"x": ["a"]}), "has 'a'; a whole"),
    "shapes list": (lambda: cnnscope.analyze(LENET, shapes=[1, 3]), "shapes is a list"),
    "shapes key": (lambda: cnnscope.analyze(LENET, shapes={None: [1]}), "names an input None"),
    "a folder": (lambda: cnnscope.analyze("."), "this is a folder"),
    "check limits=5": (lambda: cnnscope.check(LENET, limits=5), "a dict from quantities"),
    "check limits key": (lambda: cnnscope.check(LENET, limits={3: 5}), "has the key 3"),
    "check limit": (lambda: cnnscope.check(LENET, limits={"macs": []}), "is no amount"),
    "check limit nan": (lambda: cnnscope.check(LENET, limits={"macs": float("nan")}), "no amount"),
    "check no such": (lambda: cnnscope.check(LENET, limits={"mcas": 1}), "mcas"),
    "check dims": (lambda: cnnscope.check(LENET, {"macs": 1}, dims=5), "a dict from names"),
    "check shapes": (lambda: cnnscope.check(LENET, {"macs": 1}, shapes="x"), "a dict from input"),
    "lint select=3": (lambda: cnnscope.lint(LENET, select=3), "select is 3; a list of texts"),
    "lint select of 3": (lambda: cnnscope.lint(LENET, select=[3]), "select holds 3; texts"),
    "lint ignore": (lambda: cnnscope.lint(LENET, ignore={"a": 1}), "ignore is a dict"),
    "lint ridge": (lambda: cnnscope.lint(LENET, ridge=float("nan")), "ridge is nan; a number"),
    "lint heavy": (lambda: cnnscope.lint(LENET, heavy="x"), "heavy is 'x'; a number above 0"),
    "lint layers": (lambda: cnnscope.lint(LENET, per_layer_ignores=3), "per_layer_ignores is 3"),
    "convention": (lambda: cnnscope.convention(REPORT, 5), "a text is wanted"),
    "convention name": (lambda: cnnscope.convention(REPORT, "nix"), "nix"),
    "convention model": (lambda: cnnscope.convention(LENET, "thop"), "takes a report"),
    "compare(5)": (lambda: cnnscope.compare(5), "models is 5; a list of models"),
    "compare path": (lambda: cnnscope.compare(LENET), "a list of models or reports is wanted"),
    "compare none": (lambda: cnnscope.compare([]), "needs a model"),
    "diff(1, 2)": (lambda: cnnscope.diff(1, 2), "the model is 1; a path"),
    "register": (lambda: cnnscope.register(1, 2, infer=3), "domain is 1, a string"),
    "register roles": (
        lambda: cnnscope.register("t", "Op", infer=cnnscope.same, roles=5), "roles is 5",
    ),
    "register infer": (lambda: cnnscope.register("t", "Op", infer=5), "a function is wanted"),
    "register since": (
        lambda: cnnscope.register("t", "Op", infer=cnnscope.same, since="1"), "a version from 1",
    ),
    "verify(5)": (lambda: cnnscope.verify(5), "the model is 5; a path"),
    "profile(None)": (lambda: cnnscope.profile(None), "the model is None; a path"),
    "profile batches": (lambda: cnnscope.profile(LENET, batches=5), "batches is 5; a list of whole"),
    "profile batch": (
        lambda: cnnscope.profile(LENET, batches=["a"]), "one of batches is 'a'; a whole number from 1",
    ),
    "profile batch of 0": (
        lambda: cnnscope.profile(LENET, batches=[0]), "one of batches is 0; a whole number from 1",
    ),
    "profile threads": (lambda: cnnscope.profile(LENET, threads=-1), "threads is -1; a whole number"),
    "profile seconds": (lambda: cnnscope.profile(LENET, seconds="x"), "seconds is 'x'; a number"),
    "free=3": (lambda: cnnscope.analyze(LENET, free=3), "free is 3; a list of texts is wanted"),
    "sizes free": (lambda: cnnscope.sizes(LENET, free=b"HxW"), "free is a bytes; a list of texts"),
    "sizes dims": (lambda: cnnscope.sizes(LENET, dims=5), "a dict from names of dimensions"),
    "sizes dims text": (
        lambda: cnnscope.sizes(LENET, free="HxW", dims={"H": "x"}), "'H' has 'x'; a whole number",
    ),
    "sweep dims": (lambda: cnnscope.sweep(LENET, 5), "a dict from names of dimensions"),
    "sweep dims key": (lambda: cnnscope.sweep(LENET, {5: 3}), "names a dimension 5; a text"),
    "intervals dims": (lambda: cnnscope.intervals(LENET, "H"), "a dict from names of dimensions"),
    "intervals dims key": (
        lambda: cnnscope.intervals(LENET, {(3, "H"): range(9)}), "names a dimension 3; a text",
    ),
    "tile": (lambda: cnnscope.tile(LENET, "256"), "tile is '256'; a list of whole numbers"),
    "tile of 0": (lambda: cnnscope.tile(LENET, 0), "one of tile is 0; a whole number from 1"),
    "tile of 1.5": (lambda: cnnscope.tile(LENET, 1.5), "one of tile is 1.5; a whole number from 1"),
    "no tile": (lambda: cnnscope.tile(LENET, []), "tile is an empty list"),
    "patchwise patches": (
        lambda: cnnscope.patchwise(LENET, patches="4"), "patches is '4'; a list of whole numbers",
    ),
    "patchwise patches of 0": (
        lambda: cnnscope.patchwise(LENET, patches=0), "one of patches is 0; a whole number from 1",
    ),
    "patchwise until": (lambda: cnnscope.patchwise(LENET, until=3), "until is 3; a text is wanted"),
    "stream rate": (lambda: cnnscope.stream(LENET, rate=0), "rate is 0; a whole number from 1"),
    "stream axis": (lambda: cnnscope.stream(LENET, axis=2), "axis is 2; a text is wanted"),
    "shift layers": (lambda: cnnscope.shift(LENET, layers=4), "layers is 4; a list of texts"),
    "verify probes": (lambda: cnnscope.verify(LENET, probes=2.5), "probes is 2.5; a whole number"),
    "shift(5)": (lambda: cnnscope.shift(5), "the model is 5; a path"),
    "shift pairs": (lambda: cnnscope.shift(LENET, pairs=-1), "pairs is -1; a whole number from 0"),
    "shift timeout": (lambda: cnnscope.shift(LENET, timeout=-1), "timeout is -1; a number above 0"),
}  # fmt: skip

#: what `verify` and `profile` both take
RUNS: dict[str, tuple[dict[str, object], str]] = {
    "shapes": ({"shapes": 5}, "a dict from input names"),
    "dims": ({"dims": {"H": "x"}}, "'H' has 'x'; a whole number"),
    "provider": ({"provider": 3}, "provider is 3; a text is wanted"),
    "provider none": ({"provider": "nix"}, "ONNX Runtime knows no such provider"),
    "inputs": ({"inputs": 5}, "inputs is 5; a dict from input names"),
    "input": ({"inputs": {"x": 5}}, "input 'x' is 5; an array or the path"),
    "seed": ({"seed": "a"}, "seed is 'a'; a whole number from 0"),
    "seed negative": ({"seed": -1}, "seed is -1; a whole number from 0"),
    "timeout": ({"timeout": float("nan")}, "timeout is nan; a number above 0"),
    "progress": ({"progress": 5}, "progress is 5; a function"),
}


@pytest.mark.parametrize("run", [cnnscope.verify, cnnscope.profile], ids=["verify", "profile"])
@pytest.mark.parametrize("name", RUNS)
def test_arguments_of_runs(name: str, run: Callable[..., object]) -> None:
    given, said = RUNS[name]
    with pytest.raises(cnnscope.CnnscopeError, match=re.escape(said)):
        run(LENET, **given)


@pytest.mark.parametrize("name", CASES)
def test_arguments(name: str) -> None:
    call, said = CASES[name]
    with pytest.raises(cnnscope.CnnscopeError, match=re.escape(said)):
        call()


@pytest.mark.parametrize("given", WRONG_MODELS, ids=lambda x: type(x).__name__)
def test_models(given: object) -> None:
    for call in (cnnscope.analyze, cnnscope.lint, lambda x: cnnscope.diff(LENET, x)):
        with pytest.raises(cnnscope.CnnscopeError, match=r"the model is .*; a path"):
            call(given)


def test_numpys_numbers_are_numbers() -> None:
    report = cnnscope.analyze(
        LENET, shapes={REPORT.inputs[0].name: np.array(REPORT.inputs[0].shape)}
    )
    assert report.to_dict()["totals"] == REPORT.to_dict()["totals"]
