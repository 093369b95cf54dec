"""`verify` blames nobody who is right: small models that it was once wrong about."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from cnnscope.analyzer.verification import Verification
from cnnscope.runtime.verifying import verify

#: case to how many tensors' fields are compared at least
AGREEING = {
    "fusedconv": 3, "bn_train_4d": 5, "dft20": 2, "if_squeeze": 2, "if_two_shapes": 2,
    "roialign_inputs": 3, "splittoseq_list": 1,
}  # fmt: skip


def verified(found: Any) -> Verification:
    return verify(found, provider="cpu", probes=3)


@pytest.mark.parametrize("name", AGREEING)
def test_a_case_agrees(cases: Path, name: str) -> None:
    found = verified(cases / f"{name}.onnx")
    assert found.ok, str(found)
    assert found.shapes.compared
    assert found.fields.agreeing == found.fields.compared == AGREEING[name]
