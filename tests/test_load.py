"""What was written as JSON is the same report when it is read back, or is refused in one line."""

from __future__ import annotations

import copy
import json
import pickle
import random
from collections.abc import Callable, Iterator
from dataclasses import replace
from io import BytesIO
from pathlib import Path

import jsonschema
import numpy as np
import onnx.parser
import pytest
from amounts import amount, some
from made_recordings import recording_named
from onnx import numpy_helper

import cnnscope
from cnnscope.analyzer.render.forms.json import dumped
from cnnscope.analyzer.render.subjects.report import report_schema
from cnnscope.analyzer.report.execution import Execution
from cnnscope.analyzer.values.dimension import Dim, FreeDim
from cnnscope.analyzer.values.extremes import greatest, smallest
from cnnscope.analyzer.values.formula_table import FormulaTable, Unknown
from cnnscope.analyzer.values.polynomial import Atom
from cnnscope.cli import main

STRIDED = """<ir_version: 8, opset_import: ["" : 17]> g (float[N,3,H,W] x) => (float[N,8,h,w] y) {
    a = Conv<strides=[2,2]>(x, w1)
    b = Conv<strides=[3,2]>(a, w2)
    y = Relu(b)
}"""


def loaded(report: cnnscope.Report, *, tensors: bool = False) -> cnnscope.Report:
    """The report, written and read back."""
    found = cnnscope.load(dumped(report.to_dict(tensors=tensors)).encode())
    assert isinstance(found, cnnscope.Report)
    return found


def strided() -> cnnscope.Report:
    """The report of a model whose lengths are quotients."""
    model = onnx.parser.parse_model(STRIDED)
    for name, shape in (("w1", (8, 3, 3, 3)), ("w2", (8, 8, 3, 3))):
        model.graph.initializer.append(numpy_helper.from_array(np.zeros(shape, np.float32), name))
    return cnnscope.analyze(model)


def models(samples: Path, corpus: Path | None, cases: Path) -> Iterator[Path]:
    yield from sorted(samples.glob("*.onnx"))
    yield from sorted(cases.glob("*.onnx"))
    if corpus is not None:
        yield from sorted((corpus / "models").glob("*.onnx"))


# -- the same again --------------------------------------------------------------------------------


def answers(report: cnnscope.Report) -> list[object]:
    """Everything that a report says without its model."""
    groups = (report.by_op(), report.by_kind(), report.by_module(2), report.by_block())
    return [
        report.to_dict(), report.to_dict(tensors=True), str(report), report._repr_html_(),
        [[group.to_dict() for group in by] for by in groups],
        [cnnscope.convention(report, name).to_dict() for name in ("fvcore", "thop", "ptflops")],
        [(x.path, x.operands and [v and (v.name, v.shape) for v in x.operands]) for x in report.layers],
        list(report.records()), report.batch, report.batch_axes, report.complete,
        sorted(report.graph.nodes), sorted(report.graph.edges),
    ]  # fmt: skip


def test_every_model_comes_back(samples: Path, cases: Path, request: pytest.FixtureRequest) -> None:
    try:
        corpus = request.getfixturevalue("corpus")
    except pytest.skip.Exception:
        corpus = None
    told = 0
    # Of the first, layers read what nodes give that are no layers.
    for path in (cases / "dynv_gather_unsq.onnx", *some(models(samples, corpus, cases), 2)):
        try:
            report = cnnscope.analyze(path)
        except cnnscope.CnnscopeError:
            continue
        again = loaded(report, tensors=True)
        assert answers(again) == answers(report), path
        assert cnnscope.diff(again, report).same, path
        assert cnnscope.diff(again, again).same, path
        told += 1
    assert told > 2


def test_formulas_come_back() -> None:
    report = strided()
    jsonschema.Draft202012Validator(report_schema()).validate(report.to_dict())
    assert any("floor" in str(dim) for x in report.layers for dim in x.output_shape or ())
    again = loaded(report)
    assert answers(again) == answers(report)
    for one, other in zip(report.layers, again.layers, strict=True):
        # Not texts: lengths that can be worked with.
        assert one.output_shape == other.output_shape
        assert one.work == other.work
        assert one.bytes_read == other.bytes_read
    assert again.totals.peak_activation_bytes.moments == report.totals.peak_activation_bytes.moments


def test_moments_are_those_of_the_peak() -> None:
    """A figure may be a formula that hangs on nothing, and a formula may be without its parts."""
    report = strided()
    odd = replace(report.totals.peak_activation_bytes, formula="8000", moments=(8000,))
    for peak in (odd, replace(odd, moments=()), replace(odd, formula=None, moments=())):
        one = replace(report, totals=replace(report.totals, peak_activation_bytes=peak))
        again = loaded(one)
        assert again.totals.peak_activation_bytes.moments == peak.moments
        assert again.to_dict() == one.to_dict()


def test_a_name_that_reads_like_a_formula() -> None:
    # Two lengths with one text: H + H, and a dimension that is called so.
    one, other = 2 * FreeDim.named("H"), FreeDim.named("2*H")
    assert (str(one), str(other), one == other) == ("2*H", "2*H", False)
    table = FormulaTable.of([one, other])
    assert table.formulas == {"2*H": None}
    (found,) = table.read().values()
    assert str(found) == "2*H"
    assert found.least() is None  # nobody says which of them it is
    odd = FreeDim.named("floor((a + 1)/2)")
    assert FormulaTable.of([odd]).read() == {"floor((a + 1)/2)": odd}


def test_formulas_by_chance() -> None:
    dice = random.Random(11)
    known: list[Dim] = [
        FreeDim.named("H"),
        FreeDim.named("W"),
        FreeDim.from_data("NonZero count"),
        3,
    ]
    rules: list[Callable[[Dim, Dim], Dim]] = [
        lambda a, b: a + b, lambda a, b: a * b, lambda a, b: a - b, lambda a, b: a // 2,
        lambda a, b: (a + 1) // 3, greatest, smallest,
        lambda a, b: a // (b * b + 1 if isinstance(b, int) else b),
    ]  # fmt: skip
    for _ in range(amount(150, 20_000)):
        made = dice.choice(rules)(dice.choice(known), dice.choice(known))
        known[dice.randrange(4, len(known)) if len(known) > 40 else len(known) :] = [made]
    table = FormulaTable.of(known)
    terms = table.read()
    free = [x for x in known if isinstance(x, FreeDim)]
    assert len(free) > 20
    for formula in free:
        if table.formulas[str(formula)] is not None:
            again = terms[str(formula)]
            assert again == formula
            assert (again.least(), again.names, again.data) == (
                formula.least(),
                formula.names,
                formula.data,
            )
            assert again // 2 == formula // 2


def test_a_formula_of_thousands_of_quotients() -> None:
    deep = FreeDim.named("H")
    for i in range(3000):
        deep = FreeDim({(Atom(f"q{i}", frozenset("H"), frozenset(), 0, deep, 2),): 1})
    (again,) = FormulaTable.of([deep]).read().values()
    assert str(again) == "q2999"


def test_what_a_run_showed(samples: Path) -> None:
    from test_measurement import a_profile

    path = samples / "lenet5.onnx"
    report = cnnscope.analyze(path)
    checked = cnnscope.verify(path, provider="cpu")
    run = Execution(a_profile(), checked)
    again = loaded(replace(report, execution=run))
    assert again.to_dict()["run"] == replace(report, execution=run).to_dict()["run"]
    assert str(again) == str(replace(report, execution=run))
    assert again.execution is not None
    assert str(again.execution.verification) == str(checked)
    # The time line of one run is the one thing that isn't in JSON.
    assert str(again.execution.profile) == str(replace(a_profile(), timeline=()))


@pytest.mark.parametrize("name", some(["lenet5", "mobilenet_v2", "resnet50"], 1))
def test_what_a_device_recorded(name: str, samples: Path) -> None:
    report = cnnscope.analyze(samples / f"{name}.onnx")
    timed = cnnscope.profile(samples / f"{name}.onnx", recording=recording_named(f"{name}_b1"))
    assert timed.device is not None
    run = Execution(replace(timed, timeline=()))
    again = loaded(replace(report, execution=run))
    assert again.execution == run
    assert again.execution is not None
    assert str(again.execution.profile) == str(run.profile)
    assert again.to_dict() == replace(report, execution=run).to_dict()


def test_what_it_goes_on_to_do(samples: Path, tmp_path: Path) -> None:
    report, other = (cnnscope.analyze(samples / f"{name}.onnx") for name in ("unet", "lenet5"))
    again = loaded(report)
    limits = {
        "macs": "1 G",
        "params": "40 M",
        "receptive_field": ">= 100",
        "kind.convolution.macs": "1 T",
    }
    assert str(cnnscope.check(again, limits)) == str(cnnscope.check(report, limits))
    assert str(cnnscope.compare([other, again])) == str(cnnscope.compare([other, report]))
    told = cnnscope.diff(again, other)
    assert not told.same
    assert "the numbers stored as weights were not compared" in str(told)
    assert str(told) == str(cnnscope.diff(report, other, weights=False))
    for copied in (copy.deepcopy(again), pickle.loads(pickle.dumps(again))):  # its own
        assert copied.to_dict() == report.to_dict()


def test_several_models(samples: Path, tmp_path: Path) -> None:
    paths = [samples / "lenet5.onnx", samples / "alexnet.onnx"]
    written = tmp_path / "reports.json"
    with pytest.raises(SystemExit, match="0"):
        main(["analyze", *map(str, paths), "--format", "json", "-o", str(written)])
    for source in (written, str(written), written.read_bytes(), BytesIO(written.read_bytes())):
        found = cnnscope.load(source)
        assert isinstance(found, list)
        assert [x.to_dict() for x in found] == [cnnscope.analyze(path).to_dict() for path in paths]


def test_what_needs_the_model(samples: Path) -> None:
    again = loaded(cnnscope.analyze(samples / "lenet5.onnx"))
    layer = again.layers[0]
    with pytest.raises(
        ValueError, match=r"which inputs a unit sees needs the model itself.*lenet5"
    ):
        layer.region([0, 0, 0, 0])
    with pytest.raises(ValueError, match="how its numbers come about needs the model itself"):
        layer.explain()
    with pytest.raises(ValueError, match="rules need the model itself"):
        cnnscope.lint(again)
    with pytest.raises(cnnscope.RunError, match="the model itself"):
        cnnscope.verify(again)


# -- refused ---------------------------------------------------------------------------------------


def changed(record: dict, *path: str | int, to: object) -> dict:
    """The record with another value at a place; None takes the member away."""
    found = copy.deepcopy(record)
    at: object = found
    for step in path[:-1]:
        at = at[step]  # type: ignore[index]  # what the test says is there
    if to is ...:
        del at[path[-1]]  # type: ignore[attr-defined]
    else:
        at[path[-1]] = to  # type: ignore[index]
    return found


WRONG: list[tuple[tuple[str | int, ...], object, str]] = [
    (("schema_version",), 2, "schema_version 2, and this cnnscope reads 1; write it anew"),
    (("schema_version",), True, "schema_version True"),
    (("schema_version",), ..., "schema_version None"),
    (("totals",), ..., "what `cnnscope analyze --format json` writes is wanted"),
    (("layers",), {}, "layers: a list is wanted, this is an object"),
    (("layers", 0), [], r"layers\[0\]: an object is wanted, this is a list"),
    (("layers", 0, "params"), -1, r"layers\[0\]\.params: -1, where nothing is below 0"),
    (("layers", 0, "params"), 10**400, r"layers\[0\]\.params: a number of hundreds of digits"),
    (("layers", 0, "params"), 1.5, r"layers\[0\]\.params: a whole number is wanted"),
    (("layers", 0, "params"), True, r"params: a whole number is wanted, this is true or false"),
    (("layers", 1, "name"), None, r"layers\[1\]\.name: a text is wanted, this is null"),
    (("layers", 0, "op"), ..., r"layers\[0\]: 'op' is missing"),
    (("layers", 0, "kind", "padding"), "all", r"layers\[0\]\.kind\.padding: one of 'valid', "),
    (("layers", 0, "outputs", 0, "shape", 1), None, r"outputs\[0\]\.shape\[1\]: a text is wanted"),
    (("layers", 0, "receptive_field", 0, "spans"), [], r"receptive_field\[0\]: there aren't as many spans"),
    (("layers", 0, "receptive_field", 0, "mean_step"), "1/0", r"mean_step: '1/0' is no fraction"),
    (("totals", "macs", "status"), "partial", r"totals\.macs: its figures aren't those .* is partial"),
    (("totals", "macs", "value"), 3, r"totals\.macs: its figures"),
    (("model", "opsets"), [], r"model\.opsets: an object is wanted, this is a list"),
    (("diagnostics", 0, "severity"), "fatal", r"diagnostics\[0\]\.severity: one of"),
    (("formulas",), {"unknowns": [], "terms": {"H": [[1, [0]]]}}, "formulas: an unknown that doesn't"),
    (
        ("formulas",),
        {"unknowns": [{"text": "H", "names": [], "data": [], "least": 1}], "terms": {"W": [[1, [0]]]}},
        "formulas: the terms of 'W' are another formula's",
    ),
]  # fmt: skip


@pytest.mark.parametrize(("path", "to", "said"), WRONG)
def test_what_is_wrong_is_said(
    path: tuple[str | int, ...], to: object, said: str, samples: Path
) -> None:
    record = cnnscope.analyze(samples / "lenet5.onnx").to_dict()
    record["diagnostics"] = [
        {"code": "a", "severity": "info", "layer": None, "message": "m", "hint": ""}
    ]
    assert cnnscope.load(json.dumps(record).encode())
    with pytest.raises(cnnscope.ReportFileError, match=said) as refused:
        cnnscope.load(json.dumps(changed(record, *path, to=to)).encode())
    assert "\n" not in str(refused.value)


FILES: dict[str, tuple[bytes, str]] = {
    "nothing": (b"", "no JSON that can be read"),
    "a model": (b"\x08\x08\x12\x07pytorch", "no JSON that can be read"),
    "nested": (b"[" * 100_000, "nested too deeply"),
    "nested within": (b'{"schema_version":1,"totals":' + b"[" * 100_000, "nested too deeply"),
    "not a number": (b'{"schema_version": NaN}', "no JSON that can be read"),
    "digits": (b"1" * 100_000, "no JSON that can be read"),
    "a number": (b"3", "an object is wanted, this is a number"),
    "an empty list": (b"[]", "an empty list"),
    "another's": (b'{"schema_version": 1, "ok": true}', "what `cnnscope analyze --format json` writes"),
}  # fmt: skip


@pytest.mark.parametrize("what", FILES)
def test_what_is_no_report(what: str, tmp_path: Path) -> None:
    data, said = FILES[what]
    path = tmp_path / "r\x1b[31m.json"
    path.write_bytes(data)
    with pytest.raises(cnnscope.ReportFileError, match=said) as refused:
        cnnscope.load(path)
    assert "\x1b" not in str(refused.value)


def test_files_that_cant_be_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from cnnscope.analyzer.report import loading

    for path, said in (
        (tmp_path / "none.json", "No such file"), (tmp_path, "irectory"), ("a\0b", "null byte"),
        ("/dev/zero", "this is a device"),
    ):  # fmt: skip
        with pytest.raises(cnnscope.ReportFileError, match=said):
            cnnscope.load(path)
    with pytest.raises(cnnscope.ReportFileError, match="more values than any report"):
        cnnscope.load(b"[" + b"[]," * 20_000_000 + b"[]]")
    monkeypatch.setattr(loading, "LARGEST", 1 << 20)
    with pytest.raises(cnnscope.ReportFileError, match="more than 1 MiB"):
        cnnscope.load(b" " * (2 << 20))


def places(data: object) -> Iterator[tuple[object, str | int]]:
    """Every place in the data that could hold something else."""
    for key in (
        data if isinstance(data, dict) else range(len(data)) if isinstance(data, list) else ()
    ):
        yield data, key
        yield from places(data[key])  # type: ignore[index]  # a dict or a list


def test_damaged_reports_are_refused_or_shown(samples: Path) -> None:
    """Whatever is changed: one line, or a report that can be shown, grouped and compared."""
    dice = random.Random(5)
    odd: list[object] = [
        None,
        True,
        -1,
        0,
        1,
        2**70,
        0.5,
        "",
        "H",
        "floor(H/2)",
        "1/2",
        [],
        [1],
        {},
        {"a": 1},
    ]
    records = [
        strided(),
        cnnscope.analyze(samples / "lenet5.onnx"),
    ]  # fmt: skip
    shown = refused = 0
    for _ in range(amount(30, 20_000)):
        damaged = json.loads(json.dumps(dice.choice(records).to_dict()))
        for _ in range(dice.randint(1, 3)):
            at, key = dice.choice(list(places(damaged)))
            if dice.random() < 0.2:
                del at[key]  # type: ignore[attr-defined]
            else:
                at[key] = dice.choice(odd)  # type: ignore[index]
        try:
            report = cnnscope.load(json.dumps(damaged).encode())
        except cnnscope.ReportFileError as error:
            assert "\n" not in str(error)  # noqa: PT017
            refused += 1
            continue
        assert isinstance(report, cnnscope.Report)
        str(report), report._repr_html_(), report.to_dict(), list(report.records())
        (
            str(cnnscope.compare([report, records[1]])),
            report.by_block(),
            report.by_module(),
            report.graph,
        )
        str(cnnscope.check(report, {"macs": "1 M", "receptive_field": ">= 3"}, allow_unknown=True))
        str(cnnscope.diff(report, records[1])), str(cnnscope.convention(report, "thop"))
        shown += 1
    assert shown > 3
    assert refused > 10


def test_unknowns_say_what_they_are_made_of() -> None:
    with pytest.raises(ValueError, match="isn't said what the unknown"):
        FormulaTable((Unknown("q", (), (), None, how="max"),), {}).read()


def test_what_an_input_is_comes_back(tmp_path: Path) -> None:
    text = """<ir_version: 8, opset_import: ["": 17]> g (seq(float[2]) s) => (float[N] y) {
        y = ConcatFromSequence <axis = 0> (s)
    }"""
    report = cnnscope.analyze(onnx.parser.parse_model(text))
    jsonschema.validate(report.to_dict(), report_schema())
    (tmp_path / "r.json").write_text(json.dumps(report.to_dict()))
    loaded = cnnscope.load(tmp_path / "r.json")
    assert isinstance(loaded, cnnscope.Report)
    kinds = [[x.tensor.kind for x in found.inputs] for found in (report, loaded)]
    assert kinds == [["sequence"], ["sequence"]]
