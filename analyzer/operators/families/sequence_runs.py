"""What does a sequence hold: what its elements share, and each of them, in runs of elements alike?"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from cnnscope.analyzer.values.dimension import Dim, FreeDim
from cnnscope.analyzer.values.tensor import Tensor

UNKNOWN = Tensor()


def sequence(element: Tensor, length: Dim | None) -> Tensor:
    return Tensor(element.dtype, kind="sequence", element=element, length=length)


def held(container: Tensor) -> Tensor:
    """What a sequence or optional holds; a plain tensor holds itself."""
    return container if container.kind == "tensor" else container.element or UNKNOWN


def common(a: Tensor, b: Tensor, node_name: str) -> Tensor:
    """What is true of both tensors."""
    if a.shape is None or b.shape is None or len(a.shape) != len(b.shape):
        return Tensor(a.dtype or b.dtype, None)
    return a.of(tuple(
        m if m == n else FreeDim.from_data(f"{node_name} element axis {i}")
        for i, (m, n) in enumerate(zip(a.shape, b.shape, strict=True))
    ))  # fmt: skip


Run = tuple[Tensor, int]
#: into how many runs of elements alike a sequence is taken apart at most
RUNS = 64


def listed(items: Tensor) -> list[Run] | None:
    """What a sequence holds, in order; None where that isn't known."""
    if items.runs is not None:
        return list(items.runs)
    if items.length == 0:
        return []
    element = items.element
    if not isinstance(items.length, int) or element is None or element.shape is None:
        return None
    # What stands for a length on which elements differ, is that of none.
    if any(isinstance(n, FreeDim) and n.data for n in element.shape):
        return None
    return [(element, items.length)]


def of_runs(runs: Sequence[Run], dtype: str | None, node_name: str) -> Tensor:
    """A sequence of what is listed."""
    merged: list[Run] = []
    for x, count in runs:
        if merged and x.shape is not None and merged[-1][0].shape == x.shape:
            merged[-1] = (merged[-1][0], merged[-1][1] + count)
        elif count:
            merged.append((x, count))
    length = sum(count for _, count in merged)
    if not merged:
        return sequence(Tensor(dtype, None), length)
    element = merged[0][0].of(merged[0][0].shape)
    for x, _ in merged[1:]:
        element = common(element, x, node_name)
    found = sequence(element, length)
    known = all(x.shape is not None for x, _ in merged)
    return replace(found, runs=tuple(merged)) if known and 1 < len(merged) <= RUNS else found


def place(position: Tensor | None, length: int, most: int) -> int | None:
    """A position, counted from the front; None where it isn't known.

    Raises ValueError where a sequence of this length surely has no such position.
    """
    if position is None or position.value is None:
        return None
    at = position.only_number
    if not -length <= at <= most:
        raise ValueError(f"position {at} of a sequence of {length} elements")
    return at + length if at < 0 else at


def split_at(runs: list[Run], at: int) -> tuple[list[Run], list[Run]]:
    """The runs before a position, and those from it on."""
    before: list[Run] = []
    for i, (x, count) in enumerate(runs):
        if at < count:
            rest = [(x, count - at), *runs[i + 1 :]]
            return ([*before, (x, at)] if at else before), rest
        before.append((x, count))
        at -= count
    return before, []
