"""How does a gradient go back through what moves, picks, repeats or interpolates elements?"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from cnnscope.runtime.gradients.rule import GradientSite, NoGradient, declare
from cnnscope.runtime.gradients.values import Value
from cnnscope.runtime.probe.interpolation import ROUNDING, axis_weights


def reshaped(site: GradientSite) -> None:
    """Reshape and its like: the same elements in the same order."""
    site.give(0, site.only.reshape(site.shape(0)))


def transposed(site: GradientSite) -> None:
    rank = len(site.shape(0))
    order = site.numbers("perm") or tuple(range(rank - 1, -1, -1))
    site.give(0, site.only.transpose(np.argsort(order).tolist()))


def expanded(site: GradientSite) -> None:
    site.give(0, site.writer.folded(site.only, site.output_shape(), site.shape(0)))


def concatenated(site: GradientSite) -> None:
    axis = site.axis(0, len(site.output_shape()))
    at = 0
    for i in site.present:
        length = site.shape(i)[axis]
        if site.hangs(i) and length:
            site.give(i, site.only.rows(range(at, at + length), axis))
        elif site.hangs(i):
            site.give(i, site.writer.zeros(site.shape(i)))
        at += length


def split(site: GradientSite) -> None:
    """All parts beside each other, zeros where nothing hangs on one."""
    axis = site.axis(0, len(site.shape(0)))
    parts = []
    for k, name in enumerate(site.node.outputs):
        found = site.gradient(k)
        if found is None and name:
            found = site.writer.zeros(site.output_shape(k))
        if found is None:
            raise NoGradient("one of its parts has no name")
        parts.append(found)
    site.give(0, parts[0].beside(parts[1:], axis) if len(parts) > 1 else parts[0])


# -- slices that are picked along axes --------------------------------------------------------------


def picked(site: GradientSite, rows: Sequence[tuple[int, np.ndarray]]) -> None:
    """What is picked slice by slice along some axes, which are known beforehand.

    Args:
        rows: axes, each with the slices that are picked, -1 for one that isn't of the input.
    """
    found, shape = site.only, list(site.output_shape())
    for axis, which in rows:
        length = site.shape(0)[axis]
        found = site.writer.unread(found, shape, axis, which, length)
        shape[axis] = length
    site.give(0, found)


def cut(site: GradientSite) -> None:
    shape = site.shape(0)
    starts, ends = site.listed("starts", 1), site.listed("ends", 2)
    if starts is None or ends is None or (site.given(3) and site.listed("axes", 3) is None):
        raise NoGradient("where it cuts isn't known beforehand")
    axes = site.listed("axes", 3) or list(range(len(starts)))
    steps = site.listed("steps", 4) or [1] * len(starts)
    rows = []
    for start, end, axis, step in zip(starts, ends, axes, steps, strict=True):
        at = axis % len(shape)
        n = shape[at]
        first = start + n if start < 0 else start
        last = end + n if end < 0 else end
        if step > 0:
            indices = range(min(max(first, 0), n), min(max(last, 0), n), step)
        else:
            indices = range(min(max(first, 0), n - 1), min(max(last, -1), n - 1), step)
        rows.append((at, np.array(indices, np.int64)))
    picked(site, rows)


def padded(site: GradientSite) -> None:
    shape = site.shape(0)
    pads = site.listed("pads", 1)
    named = site.listed("axes", 3)
    if pads is None or (site.given(3) and named is None):
        raise NoGradient("by how much it pads isn't known beforehand")
    axes = [a % len(shape) for a in named] if named is not None else list(range(len(shape)))
    mode = str(site.attribute("mode", "constant"))
    rows = []
    for k, axis in enumerate(axes):
        before, after = pads[k], pads[k + len(axes)]
        own = np.arange(shape[axis])
        own = own[max(-before, 0) : len(own) - max(-after, 0)]
        more = (max(before, 0), max(after, 0))
        if mode == "constant":
            own = np.pad(own, more, constant_values=-1)
        else:
            own = np.pad(own, more, mode=mode)  # type: ignore[call-overload]  # ONNX's are numpy's
        if more != (0, 0) or len(own) != shape[axis]:
            rows.append((axis, own))
    picked(site, rows)


def repeated(site: GradientSite) -> None:
    shape, out = site.shape(0), site.output_shape()
    rows = [
        (a, np.arange(m) % n) for a, (n, m) in enumerate(zip(shape, out, strict=True)) if n != m
    ]
    picked(site, rows)


def gathered(site: GradientSite) -> None:
    """Gather with indices that are known beforehand."""
    shape = site.shape(0)
    indices = site.value(1)
    if indices is None:
        raise NoGradient("its indices aren't known beforehand")
    axis = site.axis(0, len(shape))
    length = shape[axis]
    rows = indices.reshape(-1) % length
    laid = [*shape[:axis], len(rows), *shape[axis + 1 :]]
    flat = site.only.reshape(laid)
    site.give(0, site.writer.unread(flat, laid, axis, rows.astype(np.int64), length))


def resized(site: GradientSite) -> None:
    """Every mode, by the weights that ONNX Runtime's own kernel has along each axis."""
    if site.attribute("antialias", 0):
        raise NoGradient("it smooths before it picks")
    values = [site.value(i) for i in range(len(site.node.inputs))]
    weights = axis_weights(site.node, site.opset, site.shape(0), values)
    found, shape = site.only, list(site.output_shape())
    for axis, matrix in weights.items():
        if np.abs(matrix.sum(axis=1) - 1).max(initial=0) > 100 * ROUNDING:
            raise NoGradient("some of what it interpolates lies outside of its input")
        there = np.abs(matrix) > ROUNDING
        if (there.sum(axis=1) == 1).all():
            rows = there.argmax(axis=1)
            found = site.writer.unread(found, shape, axis, rows, matrix.shape[1])
        else:
            kept = there if site.all_taps else np.where(there, matrix, 0)
            found = site.writer.weighed(found, len(shape), axis, kept.astype(np.float64))
        shape[axis] = matrix.shape[1]
    site.give(0, found)


# -- blocks of pixels ----------------------------------------------------------------------------


def depth_to_space(site: GradientSite) -> None:
    size = site.number("blocksize", 1)
    if site.attribute("mode", "DCR") == "DCR":
        site.give(0, site.only.by("SpaceToDepth", blocksize=size))
        return
    n, channels, height, width = site.output_shape()
    parts = site.only.reshape([n, channels, height // size, size, width // size, size])
    site.give(0, parts.transpose([0, 1, 3, 5, 2, 4]).reshape(site.shape(0)))


def space_to_depth(site: GradientSite) -> None:
    site.give(0, site.only.by("DepthToSpace", blocksize=site.number("blocksize", 1)))


def added_up(site: GradientSite) -> None:
    """CumSum: the same from the other end."""
    axis = site.value(1)
    if axis is None:
        raise NoGradient("its axis isn't known beforehand")
    names = [site.only.name, site.writer.store(np.array(int(axis.reshape(-1)[0]), np.int64))]
    found: Value = site.writer.value(
        site.writer.add(
            "CumSum", names, exclusive=site.number("exclusive", 0),
            reverse=1 - site.number("reverse", 0),
        )
    )  # fmt: skip
    site.give(0, found.by("Sign") if site.all_taps else found)


def turned(site: GradientSite) -> None:
    """ReverseSequence, with lengths that are known: the same once more."""
    axes = {"batch_axis": site.number("batch_axis", 1), "time_axis": site.number("time_axis", 0)}
    if site.hangs(1):
        raise NoGradient("its lengths are computed from the input")
    names = [site.only.name, site.node.inputs[1]]
    site.give(0, site.writer.value(site.writer.add("ReverseSequence", names, **axes)))


def triangle(site: GradientSite) -> None:
    """Trilu: what is kept."""
    names = [site.only.name]
    if site.given(1):
        names.append(site.node.inputs[1])
    upper = site.number("upper", 1)
    site.give(0, site.writer.value(site.writer.add("Trilu", names, upper=upper)))


declare(reshaped, "Reshape", "Flatten", "Squeeze", "Unsqueeze")
declare(transposed, "Transpose")
declare(expanded, "Expand")
declare(concatenated, "Concat")
declare(split, "Split")
declare(cut, "Slice")
declare(padded, "Pad")
declare(repeated, "Tile")
declare(gathered, "Gather")
declare(resized, "Resize", "Upsample")
declare(depth_to_space, "DepthToSpace")
declare(space_to_depth, "SpaceToDepth")
declare(added_up, "CumSum")
declare(turned, "ReverseSequence")
declare(triangle, "Trilu")
