"""`verify` blames nobody who is right: small models that it was once wrong about, and every operator.

The nodes are those that other test files hold against ONNX Runtime: here the whole of `verify` runs on
each, as it is and with all operands but the first stored, which is another way through the probe's copy.
What the analysis says is right there, so that nothing may be blamed, and nothing may crash.
"""

from __future__ import annotations

import dataclasses
import importlib
import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from amounts import amount
from single_node import Case, model

from cnnscope.analyzer.report.verification import Verification
from cnnscope.analyzer.values.diagnostics import CnnscopeError, RunError
from cnnscope.runtime.verify.verifying import verify

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


FILES = ("activation", "attention", "conv", "elementwise", "indexing", "matmul", "movement",
         "normalization", "pool", "quantization", "recurrent", "reduce", "resize", "sequence", "signal",
         "space")  # fmt: skip


def held_in(found: object, deep: int = 0) -> Iterator[Case]:
    """The cases in lists, tables and marks."""
    if isinstance(found, Case):
        yield found
    elif isinstance(found, (list, tuple)) and deep < 5:
        for part in found:
            yield from held_in(part, deep + 1)
    elif isinstance(found, dict) and deep < 5:
        yield from held_in(list(found.values()), deep + 1)
    elif hasattr(found, "pytestmark"):
        for mark in found.pytestmark:
            yield from held_in(list(mark.args), deep + 1)


def vocabulary() -> list[Case]:
    """Every node of the operator tests, and each with its other operands stored."""
    found: dict[int, Case] = {}
    for name in (*(f"test_operators_{file}" for file in FILES), "test_probe"):
        try:
            file = importlib.import_module(name)
        except ModuleNotFoundError:
            continue
        found.update((id(c), c) for value in vars(file).values() for c in held_in(value))
    stored = [
        dataclasses.replace(
            c, constants=frozenset(i for i, x in enumerate(c.inputs) if i and x is not None)
        )
        for c in found.values()
        if len(c.inputs) > 1 and c.inputs[0] is not None and 0 not in c.constants
    ]
    return [*found.values(), *stored]


def test_every_operator_is_held_to_what_is_true() -> None:
    every = vocabulary()
    chosen = random.Random(5).sample(every, amount(30, len(every)))
    counts: dict[str, int] = {}
    wrong = []
    for c in chosen:
        try:
            found = verified(model(c).SerializeToString())
        except RunError:
            counts["not run"] = counts.get("not run", 0) + 1  # no kernel, or no valid graph
            continue
        except CnnscopeError:
            counts["refused"] = counts.get("refused", 0) + 1
            continue
        outcome = "agrees" if found.ok else "differs"
        counts[outcome] = counts.get(outcome, 0) + 1
        if not found.ok:
            wrong.append(f"{c.op} {c.attributes}\n{found}")
    assert not wrong, "\n".join(wrong)
    assert counts["agrees"] > 0.9 * len(chosen), counts
