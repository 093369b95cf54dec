"""ONNX's own backend node tests, as shape tests: every output's shape and dtype, or a diagnostic.

The cases and their expected outputs are made by the `onnx` package's own tools; nothing here was
computed by us. Where a size depends on data, the axes that do are free and a diagnostic says so.
"""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
import pytest

import cnnscope

with warnings.catch_warnings():  # making the cases overflows casts on purpose
    warnings.simplefilter("ignore")
    from onnx.backend.test.loader import load_model_tests

    CASES = [case for case in load_model_tests(kind="node") if case.model is not None]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_shapes_of(case: Any) -> None:
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
        from cnnscope.analyzer.tensor import DTYPES

        assert mine.dtype == DTYPES[code]
