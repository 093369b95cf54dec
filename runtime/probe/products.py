"""By what are products with weights replaced? By themselves, with one of all filters that are alike.

All weights are one number, so every filter of a group gives the same: one stays, and stands for all
(`alike`). Of input channels that are the same one stays, too, with the filter's slice for it. What
is left is the operator itself with its own windows, run on fewer channels. Where the weights are
computed from the network's input, or a bias is, nothing is left out.
"""

from __future__ import annotations

import math

import numpy as np

from cnnscope.runtime.probe.alike import Counts, Runs, broadcast, of_axis
from cnnscope.runtime.probe.rule import (
    MICROSOFT,
    declare,
    factor,
    keep,
    kernel,
    transposed_kernel,
)
from cnnscope.runtime.probe.site import Site

CONV = ("auto_pad", "dilations", "group", "kernel_shape", "pads", "strides")
TRANSPOSED = (*CONV, "output_padding", "output_shape")


def is_constant(site: Site, x: int, w: int, bias: int | None = None) -> bool:
    """Do the weights, of which there are some, not hang on the network's input, and `x` does?"""
    if bias is not None and site.hangs(bias):
        return False
    return site.hangs(x) and not site.hangs(w) and 0 not in site.shape(w)


def convolution(site: Site, x: int, w: int) -> str:
    """A convolution of input `x` with constant weights `w`: one filter of each group."""
    filters, deep, *lengths = site.shape(w)
    group = site.number("group", 1)
    each = filters // group
    name, own, count = _channels(site, x, deep * group, group)
    if count == group > 1:
        out: Counts = (each,) * group
    else:
        out = tuple(c * each for c in own) if count > 1 else (filters,)
    depth = len(own) // count
    weights = site.copy.fill((count, depth, *lengths), 1 / (depth * math.prod(lengths)))
    kept = {key: site.attribute(key) for key in CONV} | {"group": count}
    found = site.copy.add("Conv", [name, weights], **kept)
    return site.copy.short(found, _with(site.copy.runs(name), 1, out))


def transposed(site: Site) -> None:
    """A transposed convolution with constant weights, which has each group's filters last."""
    if not is_constant(site, 0, 1, 2):
        keep(1.0, transposed_kernel, 0.0)(site)
        return
    channels, each, *lengths = site.shape(1)
    group = site.number("group", 1)
    name, own, count = _channels(site, 0, channels, group)
    if count == group > 1:
        out: Counts = (each,) * group
    else:
        out = tuple(c * each for c in own) if count > 1 else (each * group,)
    depth = len(own) // count
    weights = site.copy.fill((len(own), 1, *lengths), 1 / (depth * math.prod(lengths)))
    kept = {key: site.attribute(key) for key in TRANSPOSED} | {"group": count}
    found = site.copy.add("ConvTranspose", [name, weights], **kept)
    site.give(0, site.copy.short(found, _with(site.copy.runs(name), 1, out)))


def _channels(site: Site, x: int, channels: int, group: int) -> tuple[str, Counts, int]:
    """The input, what its channels stand for, and how many groups there are of those held."""
    space = [axis for axis in site.runs(x) if axis > 1]
    own = of_axis(site.runs(x), 1, channels)
    if group == 1 or len(own) == 1:
        return site.short(x, space), own, 1
    if group == channels:
        return site.short(x, space), own, len(own)
    return site.short(x, [1, *space]), (1,) * channels, group


def _with(runs: Runs, axis: int, counts: Counts) -> Runs:
    return {**runs, axis: counts}


def conv(site: Site) -> None:
    """Conv, its weights constant or not."""
    if is_constant(site, 0, 1, 2):
        site.give(0, convolution(site, 0, 1))
    else:
        keep(1.0, kernel, 0.0)(site)


def fused_conv(site: Site) -> None:
    """A convolution and its residual input Z, of the output's shape, which is added to it."""
    if is_constant(site, 0, 1, 2):
        sums = (
            [site.copy.whole(convolution(site, 0, 1))]
            if site.hangs(3)
            else [convolution(site, 0, 1)]
        )
    else:
        bias = [site.floats(2, 0.0)] if site.given(2) else []
        kept = {name: site.attribute(name) for name in CONV}
        whole = [site.floats(0), site.floats(1, kernel(site, 1)), *bias]
        sums = [site.copy.add("Conv", whole, **kept)]
    if site.hangs(3):
        sums.append(site.data(3))
    site.give(0, site.copy.together(sums))


# -- matrices --------------------------------------------------------------------------------------


def matrix(site: Site, x: int, w: int) -> str | None:
    """A product of input `x` with a constant matrix `w` behind it: one column.

    Returns:
        None where it isn't that.
    """
    if not is_constant(site, x, w) or len(site.shape(w)) != 2 or not site.shape(x):
        return None
    deep, wide = site.shape(w)
    name = site.short(x)
    last = len(site.shape(x)) - 1
    depth = len(of_axis(site.runs(x), last, deep))
    found = site.copy.add("MatMul", [name, site.copy.fill((depth, 1), 1 / depth)])
    return site.copy.short(found, _with(site.copy.runs(name), last, (wide,)))


def product(site: Site) -> None:
    """MatMul: of a tensor and a constant matrix, or of two tensors."""
    found = matrix(site, 0, 1)
    if found is not None:
        site.give(0, found)
    elif site.hangs(0) and site.hangs(1) and min(len(site.shape(0)), len(site.shape(1))) > 1:
        _of_two(site)
    else:
        keep(factor, factor)(site)


def _of_two(site: Site) -> None:
    """Rows and columns that are the same once; what is summed over as both have it."""
    a, b = site.shape(0), site.shape(1)
    runs = site.runs(0), site.runs(1)
    sizes = a[:-2], b[:-2]
    lead = [{k: c for k, c in r.items() if k < len(s)} for r, s in zip(runs, sizes, strict=True)]
    whole, out = broadcast([(sizes[0], lead[0]), (sizes[1], lead[1])], np.broadcast_shapes(*sizes))
    inner = len(a) - 1, len(b) - 2
    if runs[0].get(inner[0]) != runs[1].get(inner[1]):
        for k in range(2):
            whole[k].add(inner[k])
    rank = max(len(a), len(b))
    rows, columns = runs[0].get(len(a) - 2), runs[1].get(len(b) - 1)
    out = {**out, **({rank - 2: rows} if rows else {}), **({rank - 1: columns} if columns else {})}
    found = site.copy.add("MatMul", [site.short(0, whole[0]), site.short(1, whole[1])])
    site.give(0, site.copy.short(found, out))


def gemm(site: Site) -> None:
    """Gemm with a constant matrix: one column; its constant addend left out."""
    if not is_constant(site, 0, 1, 2) or site.copy.opset < 7:
        keep(factor, factor, 0.0)(site)
        return
    flipped, turned = site.number("transA", 0), site.number("transB", 0)
    deep, wide = site.shape(1)[::-1] if turned else site.shape(1)
    name = site.short(0)
    runs = site.copy.runs(name)
    depth = len(of_axis(runs, 0 if flipped else 1, deep))
    weights = site.copy.fill((1, depth) if turned else (depth, 1), 1 / depth)
    zero = [site.copy.fill((1,), 0.0)] if site.given(2) else []
    found = site.copy.add(
        "Gemm", [name, weights, *zero],
        **{key: site.attribute(key) for key in ("alpha", "beta", "transA", "transB")},
    )  # fmt: skip
    rows = runs.get(1 if flipped else 0)
    site.give(0, site.copy.short(found, {1: (wide,), **({0: rows} if rows else {})}))


declare(conv, "Conv")
declare(transposed, "ConvTranspose")
declare(gemm, "Gemm")
declare(product, "MatMul")
declare(fused_conv, "FusedConv", "NhwcFusedConv", domain=MICROSOFT)
