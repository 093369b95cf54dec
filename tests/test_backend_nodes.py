"""ONNX's own backend node tests, as shape tests: every output's shape and dtype, or a diagnostic.

The cases and their expected outputs are made by the `onnx` package's own tools; nothing here was
computed by us. Where a size depends on data, the axes that do are free and a diagnostic says so.
"""

from __future__ import annotations

import importlib
import os
import warnings
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import onnx.backend.test.case.node as kind
import pytest
from onnx.backend.test.case import base
from onnx.reference.ops import op_pool_common

import cnnscope
from cnnscope.analyzer.values.tensor import DTYPES

FOLDER = Path(kind.__file__).parent
MODULES = sorted(
    ".".join((kind.__name__, *path.relative_to(FOLDER).with_suffix("").parts))
    for path in FOLDER.rglob("*.py")
    if path.stem != "__init__"
)
COMPARED: set[int] = set()
"""Places in onnx's one list of cases, which grows as the modules are imported."""


def pooled(
    padded: np.ndarray, x_shape: Sequence[int], kernel: Any, strides: Any, out_shape: Sequence[int],
    *_: Any, **__: Any,
) -> np.ndarray:  # fmt: skip
    """Instead of onnx's pooling, pixel by pixel in Python: only the shape, which it's given, counts here."""
    return np.zeros((*x_shape[:2], *out_shape), padded.dtype)


@pytest.fixture(scope="module", autouse=True)
def _values_are_not_worked_out() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        if not os.environ.get("CNNSCOPE_FULL"):
            patch.setattr(op_pool_common, "pool", pooled)
            patch.setattr(
                base, "process_snippet", lambda op, name, export: (name, "")
            )  # for a page
        yield


def cases_to_compare(module: str) -> list[Any]:
    """What this module's import makes, which takes seconds for all of them: so not while collecting.

    And what others' imports have made meanwhile: each process compares whatever it has loaded, so
    every case is compared, in any order and distribution of the tests.
    """
    with warnings.catch_warnings():  # making the cases overflows casts on purpose
        warnings.simplefilter("ignore")
        importlib.import_module(module)
    new = [i for i in range(len(kind._NodeTestCases)) if i not in COMPARED]
    COMPARED.update(new)
    return [case for case in map(kind._NodeTestCases.__getitem__, new) if case.model is not None]


@pytest.mark.parametrize("module", MODULES, ids=lambda module: module.rpartition(".")[2])
def test_shapes_of(module: str) -> None:
    wrong = []
    for case in cases_to_compare(module):
        try:
            compare(case)
        except Exception as error:  # noqa: BLE001  # the next case is compared all the same
            wrong.append(f"{case.name}: {type(error).__name__}: {error}")
    assert not wrong, "\n".join(wrong)


def test_the_modules_make_cases() -> None:
    """Else the tests above would prove nothing."""
    assert len(MODULES) > 150
    importlib.import_module(f"{kind.__name__}.conv")
    assert any(case.name == "test_basic_conv_with_padding" for case in kind._NodeTestCases)


def compare(case: Any) -> None:
    report = cnnscope.analyze(case.model)
    for declared, actual in zip(case.model.graph.output, case.data_sets[0][1], strict=False):
        if not declared.type.HasField("tensor_type") or actual is None or isinstance(actual, list):
            continue  # a sequence, an optional or a map has no shape of its own
        mine = report.tensors[declared.name]
        assert mine.shape is not None
        shape = tuple(actual.dims) if hasattr(actual, "dims") else np.shape(actual)
        assert len(mine.shape) == len(shape)
        for ours, theirs in zip(mine.shape, shape, strict=True):
            if isinstance(ours, int):
                assert ours == theirs
            else:
                assert ours.data
                assert any(d.code == "data-dependent-size" for d in report.diagnostics)
        code = declared.type.tensor_type.elem_type
        assert mine.dtype == DTYPES[code]
