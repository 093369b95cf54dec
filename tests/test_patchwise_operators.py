"""Is every operator that is run in parts the same in parts? ONNX's own backend node tests, cut.

Each case's node is cut along each axis of its output into two or three patches, whether or not a network
would be cut there; what isn't refused is run by ONNX Runtime and held against the node as it was.
"""

from __future__ import annotations

import importlib
import itertools
import warnings
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import onnx.backend.test.case.node as kind
import pytest
from amounts import amount

import cnnscope
from cnnscope.analyzer.model.rewriting import write_with_nodes
from cnnscope.analyzer.operators.parts import NotInParts
from cnnscope.analyzer.report.examination import examine
from cnnscope.analyzer.sizes.patch_nodes import nodes_of
from cnnscope.analyzer.sizes.patch_planning import StagePlan
from cnnscope.analyzer.sizes.patch_program import Stage, program_of
from cnnscope.analyzer.sizes.patch_regions import StageObstacle, StageRegions

onnxruntime = pytest.importorskip("onnxruntime", reason="what was written is run")

FOLDER = Path(kind.__file__).parent
MODULES = sorted(path.stem for path in FOLDER.glob("*.py") if path.stem != "__init__")
#: what is looked at in each run: cases that are made quickly, of operators whose parts are least like wholes
OPERATORS = {
    "conv": "Conv", "pad": "Pad", "slice": "Slice", "trilu": "Trilu", "expand": "Expand",
    "concat": "Concat",
}  # fmt: skip


def run(model: str | bytes, inputs: list[np.ndarray]) -> list[np.ndarray]:
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 4
    session = onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])
    names = [x.name for x in session.get_inputs()]
    return list(session.run(None, dict(zip(names, inputs, strict=True))))


def cases() -> Iterator[Any]:
    every = amount(1, 2) == 2
    with warnings.catch_warnings():  # making the cases overflows casts on purpose
        warnings.simplefilter("ignore")
        for module in MODULES if every else OPERATORS:
            importlib.import_module(f"{kind.__name__}.{module}")
    for case in list(kind._NodeTestCases):
        if case.model is None or len(case.model.graph.node) != 1:
            continue
        if every or case.model.graph.node[0].op_type in OPERATORS.values():
            yield case


def cut(model: Any, axis: int, count: int, inputs: dict[str, np.ndarray], output: Path) -> bool:
    """Write it cut along one axis of its output; False where that is refused."""
    values = {name: x for name, x in inputs.items() if x.dtype == np.int64 and x.size < 32}
    try:
        analysis = examine(model.SerializeToString(), values=values)
    except cnnscope.CnnscopeError:
        return False
    (node,) = analysis.graph.nodes
    if analysis.shapes.folded(node):
        return False
    stage = Stage((node,), node.outputs[0], (axis,), (count,))
    try:
        regions = StageRegions(analysis.shapes, {})
        if len(regions.whole(node.outputs[0])) <= axis:
            return False
        pieces = program_of(stage, regions, set(analysis.shapes.tensors))
        plan = StagePlan(stage, tuple(pieces), (), {}, 0)
        write_with_nodes(analysis.file, nodes_of(analysis, plan), output)
    except (StageObstacle, NotInParts, cnnscope.GraphError):
        return False
    return len(pieces) > 1


def test_in_parts(tmp_path: Path) -> None:
    done: Counter[str] = Counter()
    for case in cases():
        inputs, wanted = case.data_sets[0]
        if len(wanted) != 1 or not all(isinstance(x, np.ndarray) for x in (*inputs, *wanted)):
            continue
        named = dict(zip([x.name for x in case.model.graph.input], inputs, strict=True))
        try:
            (whole,) = run(case.model.SerializeToString(), inputs)
        except Exception:  # noqa: BLE001  # ONNX Runtime has no kernel for it
            continue
        output = tmp_path / "out.onnx"
        for axis, count in itertools.product(range(np.ndim(wanted[0])), (2, 3)):
            if cut(case.model, axis, count, named, output):
                done[case.model.graph.node[0].op_type] += 1
                (found,) = run(str(output), inputs)
                assert_same(found, whole, f"{case.name}, axis {axis} in {count}")
    assert done["Conv"] > 5
    assert done["Pad"] > 5
    assert not done["Trilu"]
    assert done.total() > amount(30, 2000)


def assert_same(found: np.ndarray, whole: np.ndarray, what: str) -> None:
    assert (found.shape, found.dtype) == (whole.shape, whole.dtype), what
    if found.dtype.kind == "f":
        np.testing.assert_allclose(found, whole, rtol=1e-4, atol=1e-5, err_msg=what)
    else:
        assert (found == whole).all(), what
