"""By what is replaced what moves elements about? By itself, what is the same being moved once.

An axis that is held short (`alike`) stays so where the operator leaves it alone, and is made whole
where it doesn't.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final

import numpy as np

from cnnscope.runtime.probe.alike import Runs, held, moved, of_axis, reshaped
from cnnscope.runtime.probe.construction import CannotProbe
from cnnscope.runtime.probe.interpolation import neighbours
from cnnscope.runtime.probe.rule import TRUE, declare, keep
from cnnscope.runtime.probe.site import Site

_plain: Final = keep(1.0, rest=TRUE)


def same_elements(site: Site) -> None:
    """Reshape and its like: the same elements in the same order."""
    runs = site.runs(0)
    if not runs or site.copy.opset < 5:
        _plain(site)
        return
    for i in site.present[1:]:
        site.true(i)  # none of them may hang on the network's input
    old, new = site.shape(0), site.output_shape()
    if np.prod(old) != np.prod(new):  # said wrongly: what the operator makes of it will show
        _plain(site)
        return
    whole, out = reshaped(old, new, runs)
    lengths = site.copy.store(np.array(held(new, out), np.int64))
    found = site.copy.add("Reshape", [site.short(0, whole), lengths])
    site.give(0, site.copy.short(found, out))


def transpose(site: Site) -> None:
    runs = site.runs(0)
    if not runs:
        _plain(site)
        return
    order = site.numbers("perm") or tuple(reversed(range(len(site.shape(0)))))
    site.same([site.short(0)], runs=moved(runs, {old: new for new, old in enumerate(order)}))


def concat(site: Site) -> None:
    """Parts that are held alike along the other axes, one behind the other."""
    axis = site.number("axis", 1)
    shapes = [site.shape(i) for i in site.present]
    axis += len(shapes[0]) if axis < 0 else 0
    runs = [site.runs(i) for i in site.present]
    short = {a for own in runs for a in own} - {axis}
    told = [i for i in site.present if site.hangs(i)]
    common = {a: site.runs(told[0]).get(a) for a in short}
    kept = {
        a: counts for a, counts in common.items()
        if counts is not None and all(site.runs(i).get(a) == counts for i in told)
    }  # fmt: skip
    inputs, out = [], []
    for i, shape, own in zip(site.present, shapes, runs, strict=True):
        lengths = list(held(shape, kept))
        if site.hangs(i):
            inputs.append(site.short(i, short - kept.keys()))
            out.append(of_axis(own, axis, shape[axis]))
        else:  # a constant, all of it the same
            lengths[axis] = min(shape[axis], 1)
            inputs.append(site.copy.fill(lengths, 1.0))
            out.append((shape[axis],) * lengths[axis])
    site.same(inputs, runs={**kept, axis: sum(out, ())})


def _left_alone(site: Site, touched: Iterable[int] | None, rest: Sequence[str]) -> None:
    """The operator itself, with what is held short along the axes that it doesn't touch."""
    runs = site.runs(0)
    changed = set(runs) if touched is None else {a % len(site.shape(0)) for a in touched}
    out = {axis: counts for axis, counts in runs.items() if axis not in changed}
    site.same([site.short(0, changed), *rest], runs=out)


def _constants(site: Site) -> list[str]:
    return [site.true(i) for i in range(1, len(site.node.inputs))]


def cut(site: Site) -> None:
    """Slice."""
    axes = site.listed("axes", 3)
    if axes is None and not site.given(3):
        starts = site.listed("starts", 1)
        axes = None if starts is None else list(range(len(starts)))
    _left_alone(site, axes, _constants(site))


def split(site: Site) -> None:
    """Split: along an axis of which all slices are the same, the same once more."""
    axis = site.number("axis", 0)
    axis += len(site.shape(0)) if axis < 0 else 0
    runs = site.runs(0)
    if len(runs.get(axis, (0, 0))) > 1:
        _left_alone(site, [axis], _constants(site))
        return
    _constants(site)
    for k, name in enumerate(site.node.outputs):
        if name:
            length = site.output_shape(k)[axis]
            part = site.copy.add("Identity", [site.short(0)])
            if length < 1:
                raise CannotProbe("a part of it is empty")
            site.give(k, site.copy.short(part, {**runs, axis: (length,)}))


def pad(site: Site) -> None:
    pads = site.listed("pads", 1)
    axes: list[int] | None = None
    if pads is not None:
        some = site.listed("axes", 3)
        if some is None and site.given(3):
            pads = None
        else:
            named = some if some is not None else list(range(len(pads) // 2))
            axes = [a for k, a in enumerate(named) if pads[k] or pads[k + len(named)]]
    _left_alone(site, axes if pads is not None else None, _constants(site))


# -- resizing ------------------------------------------------------------------------------------


def resize(site: Site) -> None:
    """Nearest neighbours as they are; interpolation by what has a weight, axis by axis."""
    mode = site.attribute("mode", "nearest")
    if mode == "nearest":
        rest = _constants(site)
        by_scale = site.value(1 if len(site.node.inputs) == 2 else 2)
        rank = len(site.shape(0))
        if by_scale is None or len(by_scale) != rank or site.given(3):
            site.same([site.data(0), *rest])
        else:
            _left_alone(site, [a for a in range(rank) if by_scale[a] != 1], rest)
        return
    _constants(site)
    values = [site.value(i) for i in range(len(site.node.inputs))]
    found = neighbours(site.node, site.copy.opset, site.shape(0), values)
    x = site.short(0, found)
    runs: Runs = site.copy.runs(x)
    for axis, taps in found.items():
        if not all(taps):
            raise CannotProbe("some of what it interpolates lies outside of its input")
        count = max(map(len, taps))
        picked = []
        for k in range(count):
            rows = np.array([row[min(k, len(row) - 1)] for row in taps], np.int64)
            picked.append(site.copy.add("Gather", [x, site.copy.store(rows)], axis=axis))
        x = site.copy.together(picked)
    site.give(0, site.copy.short(x, runs))


declare(same_elements, "Reshape", "Flatten", "Squeeze", "Unsqueeze")
declare(transpose, "Transpose")
declare(concat, "Concat")
declare(cut, "Slice")
declare(split, "Split")
declare(pad, "Pad")
declare(resize, "Resize", "Upsample")
