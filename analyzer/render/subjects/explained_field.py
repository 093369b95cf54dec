"""What is said of how a layer's receptive field comes about: step by step, and along which paths?"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from cnnscope.analyzer.explanation.explanation import Explanation
from cnnscope.analyzer.fields.extreme_paths import PathStep
from cnnscope.analyzer.fields.seen import Seen
from cnnscope.analyzer.fields.steps import FieldStep
from cnnscope.analyzer.render.document import Block, Derivation
from cnnscope.analyzer.render.subjects.formulas import derived, exact, said
from cnnscope.analyzer.values.notation import escape, name
from cnnscope.analyzer.values.phases import Phases

#: changes of size on a path that are shown at either end
_ENDS = 7


_READS = {
    "whole": "every unit sees the whole axis",
    "listed": "each unit reads its own list of positions",
    "scan": "each unit reads everything up to its own position",
    "fixed": "every unit sees the same of it",
    "reshape": "elements keep their row-major order",
    "subgraph": "read inside a subgraph, whose own layers say how",
    "unknown": "how it is read isn't known: all of it is taken to be seen",
    "window": "read through a window",
}


def field_blocks(e: Explanation) -> Iterator[Block]:
    for note in e.notes:
        yield said("note", escape(note))
    for head, steps in _by_figures(e.steps):
        yield from _step(head, steps[0])
    if len({step.tensor for step in e.steps}) > 1:
        for (network_input, axis), seen in e.field.items():
            yield said(f"together, {name(network_input, 30)} axis {axis}", _figures(seen))
    for where, seen in _by_places(e):
        yield said(f"unit by unit, {where}", _places(seen))
    groups: dict[tuple[str, tuple[PathStep, ...]], dict[str, list[int]]] = {}
    for path in e.paths:
        groups.setdefault((path.input, path.steps), {}).setdefault(path.which, []).append(path.axis)
    for (network_input, walked), which in groups.items():
        kinds = " and ".join(which)
        axes = sorted({axis for found in which.values() for axis in found})
        plural = "es" if len(axes) > 1 else "is"
        told = f"{name(network_input, 30)} ax{plural} {', '.join(map(str, axes))}"
        size = exact(walked[-1].size)
        head = f"{kinds} path"
        text = f"{size}: {_path(walked)}" if len(walked) > 1 else size
        whole = e.field[network_input, axes[0]].size
        if "largest" in which and whole != walked[-1].size:
            text += f"; all paths together see {exact(whole)}"
        yield said(f"{head}, {told}", text)


def _figures(seen: Seen) -> str:
    start = "" if seen.start is None else f", start {seen.start}"
    return f"size {exact(seen.size)}, step {_step_of(seen)}{start}"


def _step_of(seen: Seen) -> str:
    """The step; an average is marked as one."""
    if seen.step is not None:
        return str(seen.step)
    return "-" if seen.mean_step is None else f"{seen.mean_step} on average"


def _by_places(e: Explanation) -> Iterator[tuple[str, Seen]]:
    """The axes along which units don't move on by one step, those alike together."""
    groups: dict[tuple[str, Phases], list[int]] = {}
    for (network_input, axis), seen in e.field.items():
        if seen.phases is not None and seen.phases.period != 1:
            groups.setdefault((network_input, seen.phases), []).append(axis)
    for (network_input, _), axes in groups.items():
        plural = "es" if len(axes) > 1 else "is"
        told = f"{name(network_input, 30)} ax{plural} {', '.join(map(str, axes))}"
        yield told, e.field[network_input, axes[0]]


def _places(seen: Seen) -> str:
    """Where the units of a period look, or all of them; the first and the last of many."""
    assert seen.phases is not None
    period, advance = seen.phases.period, seen.phases.advance or 0
    shown = []
    for r, span in enumerate(seen.phases.spans):
        unit = str(r) if period is None else f"{period}q" if r == 0 else f"{period}q+{r}"
        if span is None:
            shown.append(f"{unit}: nothing")
            continue
        moved = "" if not advance else f" + {advance}q" if advance > 0 else f" - {-advance}q"
        shown.append(f"{unit}: {span[0]}..{span[1]}{moved}")
    if len(shown) > _ENDS + 2:
        shown = [*shown[:_ENDS], f"... {len(shown) - _ENDS - 1} more ...", shown[-1]]
    return ", ".join(shown)


def _by_figures(steps: Sequence[FieldStep]) -> Iterator[tuple[str, list[FieldStep]]]:
    """Steps with the same figures (the axes of a square input) told once."""
    groups: dict[tuple[object, ...], list[FieldStep]] = {}
    for step in steps:
        before, after = step.before, step.after
        key = (
            step.tensor, step.input, step.read, step.window, before.size, before.phases,
            after and (after.size, after.phases),
        )  # fmt: skip
        groups.setdefault(key, []).append(step)
    for group in groups.values():
        axes = ", ".join(str(step.axis) for step in group)
        plural = "axes" if len(group) > 1 else "axis"
        yield (
            f"{name(group[0].input, 30)} {plural} {axes}, through {name(group[0].tensor, 40)}",
            group,
        )


def _step(head: str, step: FieldStep) -> Iterator[Block]:
    before, after = step.before, step.after
    window = step.window
    if (
        window is not None
        and window.is_identity
        and after is not None
        and after.size == before.size
    ):
        yield said(head, f"element by element: the field stays {exact(before.size)}"
                         f" ({_figures(before).partition(', ')[2]})")  # fmt: skip
        return
    if window is not None:
        told = f"window of {window.size}, stride {window.stride}"
        if window.dilation != 1 and window.size > 1:
            told += f", dilation {window.dilation}"
        told += f", padding {window.before} before"
        if window.outside != "nothing":
            told += f" ({window.outside})"
    else:
        told = _READS[step.read]
    if not step.equations:
        sizes = "" if after is None else f": size {exact(before.size)} → {exact(after.size)}"
        if after is not None and _step_of(after) not in ("-", _step_of(before)):
            sizes += f", step {_step_of(before)} → {_step_of(after)}"
        yield said(head, told + sizes)
        return
    yield said(head, told)
    labels = {"extent": "e", "size": "r'", "step": "S'", "start": "t'"}
    meanings = {"extent": "extent", "size": "size", "step": "step", "start": "start"}
    yield Derivation(
        tuple(
            derived(f"{meanings[key]} {labels[key]}", formula)
            for key, formula in step.equations.items()
        )
    )


def _path(steps: Sequence[PathStep]) -> str:
    """The layers where the size changes, with how many lie between them."""
    told: list[str] = []
    idle = 0
    size: int | None = -1
    for position, step in enumerate(steps):
        if step.size == size and position < len(steps) - 1:
            idle += 1
            continue
        if idle:
            told.append(f"({idle})")
        idle, size = 0, step.size
        told.append(f"{name(step.layer, 40)} {exact(step.size)}")
    if len(told) > 2 * _ENDS + 1:
        told = [*told[:_ENDS], f"... {len(told) - 2 * _ENDS} more ...", *told[-_ENDS:]]
    return " → ".join(told)
