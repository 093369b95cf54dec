"""Do operators from outside get what cnnscope's own have, and do mistakes in them show?

The page docs/custom-operators.md is run as it stands. What its operator sees is compared with a
brute force in `onnx.reference`, where the operator is written a second time, from its definition.
Plugins are packages made on the fly, picked up by the command in a process of its own.
"""

from __future__ import annotations

import ast
import importlib
import json
import math
import os
import re
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from networks import refusal
from onnx import TensorProto, helper
from onnx.reference import ReferenceEvaluator
from onnx.reference.op_run import OpRun

import cnnscope
from cnnscope.analyzer.operators import definition as registry
from cnnscope.analyzer.operators import homes, plugins
from cnnscope.analyzer.values.diagnostics import Diagnostic

ROOT = Path(__file__).resolve().parent.parent
PAGE = (ROOT / "docs" / "custom-operators.md").read_text(encoding="utf-8")


@pytest.fixture(autouse=True)
def _restored(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """What a test registers is gone after it."""
    homes.load_families()  # a family that is loaded in between would be gone as well
    known = {key: list(versions) for key, versions in registry._REGISTRY.items()}
    monkeypatch.setattr(plugins, "_found", [])  # no plugin of this machine takes part
    yield
    registry._REGISTRY.clear()
    registry._REGISTRY.update(known)


def run_page() -> dict[str, Any]:
    names: dict[str, Any] = {}
    for block in re.findall(r"^```python\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL):
        exec(compile(block, "custom-operators.md", "exec"), names)
    return names


def model(op: str = "Op", shape: tuple[Any, ...] = (1, 4, 6, 6), **attributes: Any) -> bytes:
    """Relu, then the operator as the node "it"; what it gives isn't declared."""
    graph = helper.make_graph(
        [
            helper.make_node("Relu", ["x"], ["r"], "relu"),
            helper.make_node(op, ["r"], ["y"], "it", domain="test", **attributes),
        ],
        "g",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, shape)],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, None)],
    )
    versions = [helper.make_opsetid("", 17), helper.make_opsetid("test", 3)]
    return helper.make_model(graph, opset_imports=versions, ir_version=8).SerializeToString()


def faults(report: cnnscope.Report) -> list[Diagnostic]:
    return [d for d in report.diagnostics if d.code == "rule-failed"]


# -- the page -------------------------------------------------------------------------------------


def test_the_page_runs() -> None:
    names = run_page()
    assert len(re.findall("^assert ", PAGE, re.MULTILINE)) >= 6
    assert names["layer"].op == "my.vision::Involution"
    assert names["report"].complete
    assert not faults(names["report"])
    assert not faults(names["free"])


class Involution(OpRun):  # type: ignore[misc]  # onnx.reference isn't typed
    """Li et al. 2021, equations (4) and (5), written out in loops."""

    op_domain = "my.vision"

    def _run(
        self, x: np.ndarray, kernel: np.ndarray, kernel_size: int, stride: int, dilation: int, groups: int
    ) -> tuple[np.ndarray]:  # fmt: skip
        _, channels, height, width = x.shape
        reach = dilation * (kernel_size - 1) // 2
        y = np.zeros((1, channels, -(-height // stride), -(-width // stride)), np.float32)
        for c, i, j in np.ndindex(*y.shape[1:]):
            for u, v in np.ndindex(kernel_size, kernel_size):
                row, column = stride * i - reach + u * dilation, stride * j - reach + v * dilation
                if 0 <= row < height and 0 <= column < width:
                    tap = (c * groups // channels) * kernel_size**2 + u * kernel_size + v
                    y[0, c, i, j] += kernel[0, tap, i, j] * x[0, c, row, column]
        return (y,)


@pytest.mark.parametrize("axis", [2, 3])
def test_the_pages_operator_sees_what_brute_force_says(axis: int) -> None:
    names = run_page()
    proto = names["network"](13, 9)
    sizes = {2: 13, 3: 9}
    report = cnnscope.analyze(proto)
    evaluator = ReferenceEvaluator(proto, new_ops=[Involution])
    touched = []
    for index in range(sizes[axis]):
        x = np.random.default_rng(index).random((1, 16, 13, 9)).astype(np.float32)
        np.moveaxis(x, axis, 0)[index] = np.nan
        results = evaluator.run(["y", "z"], {"x": x})
        others = tuple(a for a in range(4) if a != axis)
        touched.append([np.isnan(result).any(axis=others) for result in results])
    for which, name in enumerate(["involution", "last"]):
        assert report.layers[name].output_shape == tuple(results[which].shape)
        for unit in range(results[which].shape[axis]):
            seen = {i for i, rows in enumerate(touched) if rows[which][unit]}
            wanted = report.layers[name].region([unit if a == axis else None for a in range(4)])
            ranges = wanted["x"][axis]
            assert {i for lo, hi in ranges for i in range(lo, hi + 1)} == seen, (name, unit)


def test_the_pages_operator_reads_a_groups_kernel() -> None:
    run_page()
    shapes = {"x": (1, 8, 5, 5), "k": (1, 36, 5, 5)}
    node = helper.make_node(
        "Involution", ["x", "k"], ["y"], "it", domain="my.vision",
        kernel_size=3, stride=1, dilation=1, groups=4,
    )  # fmt: skip
    values = [helper.make_tensor_value_info(n, TensorProto.FLOAT, s) for n, s in shapes.items()]
    outputs = [helper.make_tensor_value_info("y", TensorProto.FLOAT, None)]
    versions = [helper.make_opsetid("", 17), helper.make_opsetid("my.vision", 1)]
    proto = helper.make_model(
        helper.make_graph([node], "g", values, outputs), opset_imports=versions
    )
    evaluator = ReferenceEvaluator(proto, new_ops=[Involution])
    layer = cnnscope.analyze(proto).layers["it"]
    random = np.random.default_rng(0)
    for tap in range(36):
        given = {n: random.random(shape).astype(np.float32) for n, shape in shapes.items()}
        given["k"][:, tap] = np.nan
        (y,) = evaluator.run(None, given)
        poisoned = [bool(np.isnan(y[:, c]).any()) for c in range(8)]
        regions = [layer.region((0, c, None, None))["k"][1] for c in range(8)]
        assert poisoned == [any(lo <= tap <= hi for lo, hi in r) for r in regions]


@pytest.mark.parametrize(("height", "width"), [(1, 1), (7, 12), (64, 33)])
def test_free_dimensions_go_through_rules_from_outside(height: int, width: int) -> None:
    names = run_page()
    known = cnnscope.analyze(names["network"](height, width))
    for free, bound in zip(names["free"].layers, known.layers, strict=True):
        given = {"H": height, "W": width, "floor": math.floor}
        assert eval(str(free.work.macs), given) == bound.macs
        shape = tuple(d if isinstance(d, int) else eval(str(d), given) for d in free.output_shape)
        assert shape == bound.output_shape


# -- what is registered ---------------------------------------------------------------------------


def test_the_last_rules_registered_hold() -> None:
    for count in (1, 2):  # a notebook's cell, changed and run again
        cnnscope.register("test", "Op", infer=cnnscope.same, work=cnnscope.each(mul=count))
    assert cnnscope.analyze(model()).layers["it"].flops == 2 * 144
    cnnscope.register("test", "Op", infer=cnnscope.same, work=cnnscope.each(mul=3), since=3)
    cnnscope.register("test", "Op", infer=cnnscope.same, work=cnnscope.each(mul=4), since=4)
    cnnscope.register("test", "Op", infer=cnnscope.same, work=cnnscope.each(mul=5))
    assert cnnscope.analyze(model()).layers["it"].flops == 3 * 144  # the model has version 3


def test_rules_of_cnnscope_are_replaced_only_on_demand() -> None:
    with pytest.raises(ValueError, match=r"Relu: cnnscope has rules of its own .* replace=True"):
        cnnscope.register("ai.onnx", "Relu", infer=cnnscope.same)
    work = cnnscope.each(compare=7)
    cnnscope.register("ai.onnx", "Relu", infer=cnnscope.same, work=work, replace=True)
    assert cnnscope.analyze(model()).layers["relu"].flops == 7 * 144


@pytest.mark.parametrize(
    ("arguments", "error", "said"),
    [
        ({"infer": None}, TypeError, "infer is None, a function is wanted"),
        ({"work": cnnscope.Work()}, TypeError, r"work is Work\(.*\), a function is wanted"),
        ({"infer": lambda x, axis=1: x}, TypeError, "axis=1 by position.* stand after a *"),
        ({"since": 0}, ValueError, "since is 0, a version from 1 on"),
        ({"since": True}, ValueError, "since is True"),
        ({"kind": "convolutoin"}, ValueError, "'convolutoin' is no kind"),
        ({"roles": {0: "weights"}}, ValueError, "roles has 0: 'weights'; e.g. 1: 'constant'"),
        ({"name": ""}, ValueError, "name is empty"),
        ({"name": 3}, TypeError, "name is 3, a string"),
        ({"domain": None}, TypeError, "domain is None, a string"),
    ],
)
def test_what_cannot_be_registered(
    arguments: dict[str, Any], error: type[Exception], said: str
) -> None:
    given = {"domain": "test", "name": "Op", "infer": cnnscope.same, **arguments}
    with pytest.raises(error, match=said):
        cnnscope.register(given.pop("domain"), given.pop("name"), **given)


# -- rules that are wrong -------------------------------------------------------------------------

Along, Whole, Window, Work = cnnscope.Along, cnnscope.Whole, cnnscope.Window, cnnscope.Work


def halved(x: cnnscope.Tensor) -> cnnscope.Tensor:
    return x.of((*x.dims[:2], x.dims[2] // 2, x.dims[3] // 2))


def reading(*read: object) -> Callable[..., object]:
    return lambda outputs, x: (read,)


@pytest.mark.parametrize(
    ("rules", "said"),
    [
        ({"infer": lambda x: None}, "its infer rule gave None, where a Tensor"),
        ({"infer": lambda x: [x]}, "its infer rule gave a list, where a Tensor"),
        ({"infer": lambda x: x.shape}, "its infer rule gave an int, where a Tensor"),
        ({"infer": lambda x: ()}, "its infer rule gave 0 of 1 outputs"),
        ({"infer": lambda x: x.of((1, 6 / 2))}, "gave axis 1 of output 0 = 3.0, where a whole"),
        ({"infer": lambda x: x.of((1,), "float")}, "gave output 0 the dtype 'float', where a name"),
        ({"infer": lambda x: x.of((1,)).dtypo}, "its infer rule raised AttributeError"),
        ({"infer": lambda x, *, size: x}, "raised TypeError: .* missing .* 'size'"),
        (
            {"infer": lambda x: x.of((1 // 0,))},
            r"raised ZeroDivisionError: .* \(test_custom.py, line",
        ),
        ({"work": lambda o, x: None}, "its work rule gave None, where Work"),
        ({"work": lambda o, x: (Work(),)}, "its work rule gave a tuple, where Work"),
        ({"work": lambda o, x: Work(mul=2.5)}, "gave mul = 2.5, where a whole number"),  # type: ignore[arg-type]
        ({"work": lambda o, x: Work(mul=-1)}, "gave mul=-1, where a count"),
        ({"work": lambda o, x: {}["k"]}, "its work rule raised KeyError: 'k'"),
        ({"work": lambda o, x: int("?")}, "its work rule raised ValueError"),
        ({"reads": lambda o, x: None}, "its reads rule gave None, where a tuple"),
        ({"reads": lambda o, x: [1 / 0]}, "its reads rule raised ZeroDivisionError"),
        ({"reads": lambda o, x: (None, None)}, "gave reads for 2 inputs, where the node has 1"),
        ({"reads": lambda o, x: {2: ()}}, "gave reads for output 2 of 1"),
        ({"reads": reading(Along(0))}, "gave 1 reads for input 0, which has 4 axes"),
        ({"reads": reading(Along(0), 3, Along(2), Along(3))}, "gave axis 1 of input 0 an int"),
        ({"reads": reading(Along(0), Whole, Along(2), Along(3))}, "of input 0 the class Whole"),
        (
            {"reads": reading(Along(0), Whole(), Along(2), Along(-1))},
            "output's axis -1, where 0 to 3",
        ),
        (
            {"reads": reading(Along(0), Whole(), Along(2), Along(2))},
            "axis 2, which another axis has",
        ),
        (
            {"reads": reading(Along(0), Along(1), Along(2), Along(3, Window(0)))},
            "axis 3 of input 0 a window of size 0",
        ),
        (
            {"reads": reading(Along(0), Along(1), Along(2), Along(3, 3))},  # type: ignore[arg-type]
            "axis 3 of input 0 an int, where a Window",
        ),
        (
            {"reads": reading(Along(0), cnnscope.Listed(1, ((0, 1),)), Along(2), Along(3))},
            "axis 1 of input 0 1 rows for 4 outputs",
        ),
        ({"infer": halved, "reads": lambda o, x: (cnnscope.FLAT,)}, "gave FLAT for input 0"),
        ({"infer": halved}, "default reads rule, elementwise, gave nothing for input 0, 1x4x6x6"),
    ],
)
def test_wrong_rules_show(rules: dict[str, Any], said: str) -> None:
    work = cnnscope.each(mul=1)
    cnnscope.register("test", "Op", **{"infer": cnnscope.same, "work": work, **rules})
    report = cnnscope.analyze(model())
    assert re.search(said, faults(report)[0].message), faults(report)
    assert faults(report)[0].layer == "it"
    assert faults(report)[0].message.startswith("test::Op: its ")
    layer = report.layers["it"]
    if "work" in rules:
        assert layer.work is None
        assert report.totals.flops.status == "partial"
        assert layer.output_shape == (1, 4, 6, 6)
    elif "infer" in rules and rules["infer"] is not halved:
        assert layer.output_shape in (None, (1, 4, 6, 6))
    else:  # what it reads isn't known, the rest is
        assert layer.flops == math.prod(layer.output_shape or ())
        assert all(f.size is None for f in layer.receptive_field)


def test_what_the_rule_says_of_the_model_is_an_error() -> None:
    def refused(x: cnnscope.Tensor) -> cnnscope.Tensor:
        raise ValueError("4 channels don't make 3 groups")

    cnnscope.register("test", "Op", infer=refused)
    assert re.search(r"'it' \(test::Op\): 4 channels .* 1x4x6x6", refusal(model()))
    cnnscope.register("test", "Op", infer=lambda x: x.of((x.dims[0] - 4,)))
    assert "axis 0 of output 0 would have length -3" in refusal(model())


def test_what_a_rule_cannot_know_is_no_fault() -> None:
    def unknown(outputs: object, x: cnnscope.Tensor) -> cnnscope.Work:
        raise cnnscope.Undetermined("how often it turns")

    cnnscope.register("test", "Op", infer=cnnscope.same, work=unknown)
    report = cnnscope.analyze(model())
    assert not faults(report)
    assert dict(report.layers["it"].uncounted) == {"test::Op (how often it turns)": 1}


def test_numbers_of_numpy_are_numbers() -> None:
    cnnscope.register(
        "test", "Op", infer=lambda x: x.of(tuple(np.array(x.dims))),
        work=lambda o, x: Work(mul=np.int64(5)),  # type: ignore[arg-type]
    )  # fmt: skip
    layer = cnnscope.analyze(model()).layers["it"]
    assert (layer.output_shape, layer.flops) == ((1, 4, 6, 6), 5)
    assert all(type(d) is int for d in layer.output_shape or ())


# -- what is public -------------------------------------------------------------------------------

WORDS = [
    "register",
    "Tensor",
    "Window",
    "Work",
    "Along",
    "Listed",
    "Whole",
    "Upto",
    "Only",
    "FLAT",
    "NOTHING",
    "Undetermined",
    "same",
    "each",
    "everything",
    "product",
    "broadcast_shapes",
]


@pytest.mark.parametrize("name", WORDS)
def test_what_rules_are_written_with_is_public_and_explained(name: str) -> None:
    assert name in cnnscope.__all__
    assert name in importlib.import_module("cnnscope.analyzer").__all__
    assert re.search(rf"\b{name}\b", PAGE)
    thing = getattr(cnnscope, name)
    text = (thing if callable(thing) else type(thing)).__doc__
    assert text
    assert not text.startswith(f"{name}(")


# -- plugins --------------------------------------------------------------------------------------

SAME = "cnnscope.register('test', {op!r}, infer=cnnscope.same, work=cnnscope.each(mul={times}))"


def plugin(folder: Path, name: str, code: str, entry: str = "rules") -> None:
    """An installed distribution: a module, and the metadata that names its entry point."""
    module = name.replace("-", "_")
    (folder / f"{module}.py").write_text(f"import cnnscope\n{code}\n", encoding="utf-8")
    info = folder / f"{module}-1.0.dist-info"
    info.mkdir()
    info.joinpath("METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n")
    value = f"{module}:{entry}" if entry else module
    info.joinpath("entry_points.txt").write_text(f"[cnnscope.operators]\nx = {value}\n")


def run(folder: Path, *arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
    link = folder / "packages"
    link.mkdir(exist_ok=True)
    if not (link / "cnnscope").exists():
        (link / "cnnscope").symlink_to(ROOT, target_is_directory=True)
    path = os.pathsep.join([str(link), str(folder), os.environ.get("PYTHONPATH", "")])
    return subprocess.run(
        [sys.executable, "-m", "cnnscope.cli", *arguments],
        cwd=folder, env={**os.environ, "PYTHONPATH": path, "COLUMNS": "100", **variables},
        capture_output=True, text=True, check=False, timeout=300,
    )  # fmt: skip


def test_plugins_are_picked_up_by_the_command(tmp_path: Path) -> None:
    loaded = "import pathlib; pathlib.Path('loaded').touch()\n"
    one, two = SAME.format(op="Op", times=2), SAME.format(op="Other", times=3)
    plugin(tmp_path, "good-ops", f"{loaded}def rules():\n    {one}")
    plugin(tmp_path, "module-ops", two, entry="")
    plugin(tmp_path, "zweite-ops", f"def rules():\n    {one}\n    {two}")
    plugin(tmp_path, "broken-ops", "1 / 0")
    plugin(tmp_path, "quitting-ops", "raise SystemExit(3)")
    plugin(
        tmp_path,
        "greedy-ops",
        "def rules():\n    cnnscope.register('', 'Relu', infer=cnnscope.same)",
    )
    plugin(tmp_path, "odd-ops", "rules = 3")
    (tmp_path / "op.onnx").write_bytes(model())
    usual = run(tmp_path, "analyze", str(ROOT / "sample_models" / "lenet5.onnx"))
    assert usual.returncode == 0
    assert not (tmp_path / "loaded").exists()

    done = run(tmp_path, "analyze", "op.onnx", "--format", "json", CNNSCOPE_DEBUG="1")
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert [layer["flops"] for layer in found["layers"]] == [144, 2 * 144]
    notes = [(d["code"], d["message"]) for d in found["diagnostics"]]
    wanted = [
        ("plugin-failed", r"broken-ops \(x = broken_ops:rules\).*: ZeroDivisionError: division"),
        ("plugin-conflict", r"greedy-ops defines Relu, for which cnnscope has rules: cnnscope's"),
        ("plugin-failed", r"odd-ops .*: TypeError: it is int, neither"),
        ("plugin-failed", r"quitting-ops .*: SystemExit: 3"),
        ("plugin-conflict", r"zweite-ops defines test::Op, for which good-ops has rules"),
        ("plugin-conflict", r"zweite-ops defines test::Other, for which module-ops has rules"),
    ]
    assert [code for code, _ in notes] == [code for code, _ in wanted]
    for (_, message), (_, pattern) in zip(notes, wanted, strict=True):
        assert re.search(pattern, message), message
    assert "ZeroDivisionError: division by zero\n" in done.stderr  # the traceback, when asked for

    listed = run(tmp_path, "operators", "--format", "json")
    assert "Traceback" not in listed.stderr
    assert "broken-ops" in listed.stderr
    sources = {(x["domain"], x["op"]): x["source"] for x in json.loads(listed.stdout)}
    assert sources["test", "Op"] == "good-ops"
    assert sources["test", "Other"] == "module-ops"
    assert sources["ai.onnx", "Relu"] == "cnnscope"
    assert {"cnnscope", "onnx", "good-ops", "module-ops"} == set(sources.values())


RAISED = ("SystemExit(0)", "KeyboardInterrupt", "GeneratorExit", "BaseException('x')", "Exception",
          "MemoryError", "RecursionError")  # fmt: skip


def test_plugins_raise_and_write_what_they_like(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    """At import and in rules: each is one diagnostic, and nothing reaches standard output."""
    write = "import os, sys; print('LOUD'); os.write(1, b'LOUD'); sys.stdout.write('LOUD')"
    for i, raised in enumerate(RAISED):
        plugin(tmp_path, f"raising-{i}", f"{write}\nraise {raised}")
        plugin(
            tmp_path, f"rule-{i}",
            f"def rules():\n    cnnscope.register('test', 'R{i}', infer=cnnscope.same, work=work)\n"
            f"def work(outputs, *inputs):\n    {write}\n    raise {raised}",
        )  # fmt: skip
    plugin(
        tmp_path, "loud",
        f"def rules():\n    {SAME.format(op='Op', times=2)}\n"
        f"    cnnscope.register('test', 'Loud', infer=infer)\n"
        f"def infer(x):\n    {write}\n    return cnnscope.same(x)",
    )  # fmt: skip
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.setattr(plugins, "_found", None)
    nodes = [
        helper.make_node(f"R{i}", ["x"], [f"r{i}"], f"r{i}", domain="test")
        for i in range(len(RAISED))
    ]
    nodes.append(helper.make_node("Loud", ["x"], ["y"], "loud", domain="test"))
    graph = helper.make_graph(
        nodes, "g", [helper.make_tensor_value_info("x", 1, [2, 3])],
        [helper.make_tensor_value_info("y", 1, [2, 3])],
    )  # fmt: skip
    opsets = [helper.make_opsetid("", 17), helper.make_opsetid("test", 1)]
    report = cnnscope.analyze(helper.make_model(graph, opset_imports=opsets))
    assert capfd.readouterr().out == ""
    said = [(d.code, d.layer, d.message) for d in report.diagnostics]
    failed = [m for code, _, m in said if code == "plugin-failed"]
    assert len(failed) == len(RAISED)
    for i, raised in enumerate(RAISED):
        assert sum(f"raising-{i} " in m and raised.partition("(")[0] in m for m in failed) == 1
    broken = [layer for code, layer, _ in said if code == "rule-failed"]
    assert broken == [node.name for node in nodes[:-1]]
    wrote = [m for code, _, m in said if code == "plugin-output"]
    assert sum("the plugin loud writes" in m for m in wrote) == 1
    assert len(wrote) == 2 * len(RAISED) + 1
    assert report.outputs[0].shape == (2, 3)
    sys.stdout.write("still there\n")
    os.write(1, b"and this\n")
    assert capfd.readouterr().out == "still there\nand this\n"


def test_a_key_pressed_while_a_rule_runs_stops_the_program() -> None:
    def infer(x: cnnscope.Tensor) -> cnnscope.Tensor:
        signal.raise_signal(signal.SIGINT)
        return x

    cnnscope.register("test", "Op", infer=infer)
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        with pytest.raises(KeyboardInterrupt):
            cnnscope.analyze(model())
    finally:
        signal.signal(signal.SIGINT, before)


def test_the_program_goes_before_plugins(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    plugin(tmp_path, "early-ops", f"def rules():\n    {SAME.format(op='Op', times=2)}")
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.setattr(plugins, "_found", None)
    cnnscope.register("test", "Op", infer=cnnscope.same, work=cnnscope.each(mul=9))
    assert plugins.load_plugins() == ()
    assert cnnscope.analyze(model()).layers["it"].flops == 9 * 144


def test_a_program_replaces_a_plugins_rules(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    plugin(tmp_path, "late-ops", f"def rules():\n    {SAME.format(op='Op', times=2)}")
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.setattr(plugins, "_found", None)
    assert cnnscope.analyze(model()).layers["it"].flops == 2 * 144
    cnnscope.register("test", "Op", infer=cnnscope.same, work=cnnscope.each(mul=9))
    assert cnnscope.analyze(model()).layers["it"].flops == 9 * 144


def test_the_names_of_the_root_package_load_nothing() -> None:
    code = "import cnnscope, sys; cnnscope.__all__; assert 'onnx' not in sys.modules"
    env = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    subprocess.run([sys.executable, "-c", code], check=True, env=env, timeout=300)


def test_a_public_name_is_where_type_checkers_look_for_it() -> None:
    """The imports for type checkers, the list of names and the homes they are loaded from agree."""
    root, analyzer = cnnscope, importlib.import_module("cnnscope.analyzer")
    assert {*root.__all__} == {*analyzer.__all__, *root._HOMES, "__version__"}
    for package, prefix in ((root, ""), (analyzer, "cnnscope.analyzer.")):
        source = ast.parse(Path(str(package.__file__)).read_text(encoding="utf-8"))
        shown = {
            name.name: statement.module
            for block in source.body
            if isinstance(block, ast.If)
            for statement in block.body
            if isinstance(statement, ast.ImportFrom)
            for name in statement.names
            if name.name != "*"
        }
        assert shown == {name: prefix + home for name, home in package._HOMES.items()}
    assert {*analyzer.__all__} == {*analyzer._HOMES}
    assert all(getattr(root, name) is getattr(analyzer, name) for name in analyzer.__all__)
