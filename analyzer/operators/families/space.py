"""What do operators that move data between channels and space put out, and from where?

Space to depth and back, along one spatial axis with blocks of ``b`` and with ``B = b**axes``::

    (1)   depth to space: output o reads input floor(o / b); channel c reads, over its block's
          places, the channels c*B + k (CRD) or c + k*C/B (DCR), 0 <= k < B
    (2)   space to depth: output o reads inputs o*b + j, 0 <= j < b; channel c reads floor(c/B)
          (CRD) or c mod C (DCR)

Col2Im adds up the columns that overlap: one addition per element of the columns. Its columns are
blocks in row-major order; with one spatial axis block l lies at ``l*stride - before + j*dilation``,
a transposed convolution's window; with more, blocks are numbered in row-major order, each axis as
one. A block's place and number hang together: every place is a read of its own.

CenterCropPad shifts by half the difference of the lengths, rounded down. All but Col2Im's additions
is data movement: no work.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from fractions import Fraction

from cnnscope.analyzer.operators.definition import define
from cnnscope.analyzer.operators.reading import (
    FLAT,
    MAX_LISTED,
    NOTHING,
    Along,
    AxisRead,
    Coupled,
    Flat,
    Listed,
    Only,
    OutputReads,
    Part,
    Whole,
    repeated,
)
from cnnscope.analyzer.operators.rules import Ints, demand, demand_rank, in_range, one_of
from cnnscope.analyzer.operators.work import Work
from cnnscope.analyzer.values.conditions import divides, reaches
from cnnscope.analyzer.values.dimension import Dim, FreeDim, product
from cnnscope.analyzer.values.tensor import Shape, Tensor, axes_of
from cnnscope.analyzer.values.window import Window


def shuffled(
    split: Sequence[Dim], order: Sequence[int], after: Shape
) -> tuple[tuple[tuple[AxisRead, ...] | Flat, Shape], ...]:
    """A Reshape, a Transpose and another Reshape, as steps."""
    turned = tuple(Along(order.index(axis)) for axis in range(len(split)))
    return (FLAT, tuple(split)), (turned, tuple(split[axis] for axis in order)), (FLAT, after)


def exact(top: Dim, bottom: int, what: str) -> Dim:
    if not divides(bottom, top):
        raise ValueError(f"{what} {top} isn't a multiple of {bottom}")
    return top // bottom


def to_space_output(x: Tensor, *, blocksize: int = 0, mode: str = "DCR") -> Tensor:
    one_of(mode, "mode", "DCR", "CRD")
    demand_rank(x, "input", 4)
    channels = exact(x.dims[1], blocksize ** (x.rank - 2), "the number of channels")
    return x.of((x.dims[0], channels, *(n * blocksize for n in x.dims[2:])))


def to_space_reads(
    outputs: tuple[Tensor, ...], x: Tensor, *, blocksize: int = 0, mode: str = "DCR"
) -> OutputReads:
    axes = x.rank - 2
    block = blocksize**axes
    samples, spacing = outputs[0].dims[:2]
    channel: AxisRead = Whole()
    if mode == "CRD":
        channel = Along(1, Window(block, stride=block), partly=True)
    elif isinstance(spacing, int):
        channel = Along(1, Window(block, dilation=spacing), partly=True)
    space = (Along(axis, repeated(blocksize)) for axis in range(2, x.rank))
    places, lengths = (blocksize,) * axes, x.dims[2:]
    split = (samples, spacing, *places, *lengths)
    if mode != "CRD":
        split = (samples, *places, spacing, *lengths)
    first = 2 if mode == "CRD" else 1  # of the places
    order = [0, 1 if mode == "CRD" else 1 + axes]  # and the channel
    for axis in range(axes):  # a length, and the place in it
        order += [2 + axes + axis, first + axis]
    return (Coupled((Along(0), channel, *space), steps=shuffled(split, order, outputs[0].dims)),)


def to_depth_output(x: Tensor, *, blocksize: int = 0) -> Tensor:
    demand_rank(x, "input", 4)
    space = (exact(n, blocksize, "the length") for n in x.dims[2:])
    return x.of((x.dims[0], x.dims[1] * blocksize ** (x.rank - 2), *space))


def to_depth_reads(
    outputs: tuple[Tensor, ...], x: Tensor, *, blocksize: int = 0, mode: str = "DCR"
) -> OutputReads:
    block = blocksize ** (x.rank - 2)
    channels = x.dims[1]
    channel: AxisRead = Whole()
    if mode == "CRD":
        channel = Along(1, repeated(block))
    elif isinstance(channels, int) and channels * block <= MAX_LISTED:
        channel = Listed(1, tuple((c, c) for _ in range(block) for c in range(channels)))
    window = Window(blocksize, stride=blocksize)
    space = (Along(axis, window, partly=True) for axis in range(2, x.rank))
    axes = x.rank - 2
    split: list[Dim] = [x.dims[0], channels]
    for length in outputs[0].dims[2:]:
        split += [length, blocksize]
    places = [3 + 2 * axis for axis in range(axes)]
    lengths = [2 + 2 * axis for axis in range(axes)]
    order = [0, 1, *places, *lengths] if mode == "CRD" else [0, *places, 1, *lengths]
    return (Coupled((Along(0), channel, *space), steps=shuffled(split, order, outputs[0].dims)),)


# -- columns to an image ----------------------------------------------------------------------


def blocks_along(
    image: Sequence[Dim], block: Sequence[Dim], strides: Ints, pads: Ints, dilations: Ints
) -> list[Dim]:
    """How many blocks there are along each axis of the image.

    Raises:
        ValueError: the attributes aren't of as many axes, or no block fits in.
    """
    axes = len(block)
    strides, dilations = strides or (1,) * axes, dilations or (1,) * axes
    pads = pads or (0,) * (2 * axes)
    for numbers, what, count in (
        (strides, "strides", axes), (dilations, "dilations", axes), (pads, "pads", 2 * axes),
    ):  # fmt: skip
        if len(numbers) != count:
            raise ValueError(
                f"{what} has {len(numbers)} numbers, for {axes} axes {count} are wanted"
            )
        least = 0 if what == "pads" else 1
        if min(numbers, default=least) < least:
            raise ValueError(f"{what} holds {min(numbers)}, at least {least} is wanted")
    counts: list[Dim] = []
    for i, length in enumerate(image):
        room = length + pads[i] + pads[i + axes] - dilations[i] * (block[i] - 1) - 1
        if not reaches(room, 0):
            raise ValueError(
                f"no block of {block[i]} fits into axis {i} of the image, which is {length} long"
            )
        counts.append(room // strides[i] + 1)
    return counts


def col2im_output(
    x: Tensor, image_shape: Tensor, block_shape: Tensor, *,
    strides: Ints = None, pads: Ints = None, dilations: Ints = None, node_name: str = "",
) -> Tensor:  # fmt: skip
    demand_rank(x, "input", 3)
    demand_rank(image_shape, "image_shape", 1)
    demand(block_shape, "block_shape", *(image_shape.shape or (None,)))
    axes = next((int(t.dims[0]) for t in (image_shape, block_shape) if t.shape), None)
    if axes is None:
        return Tensor(x.dtype, None)
    image: list[Dim] = [FreeDim.from_data(f"{node_name} length {i}") for i in axes_of(axes)]
    block: list[Dim] = [FreeDim.from_data(f"{node_name} block {i}") for i in axes_of(axes)]
    if image_shape.value is not None:
        image = image_shape.lengths
    channels: Dim = FreeDim.from_data(f"{node_name} channels")
    if block_shape.value is not None:
        block = list(block_shape.numbers)
        channels = exact(x.dims[1], int(product(block)), "the number of rows")
    wanted = product(blocks_along(image, block, strides, pads, dilations))
    demand(x, "input", None, None, wanted)
    return x.of((x.dims[0], channels, *image))


def col2im_work(
    outputs: tuple[Tensor, ...], x: Tensor, image_shape: Tensor, block_shape: Tensor
) -> Work:
    return Work(add=x.size)


def col2im_reads(
    outputs: tuple[Tensor, ...], x: Tensor, image_shape: Tensor, block_shape: Tensor, *,
    strides: Ints = None, pads: Ints = None, dilations: Ints = None,
) -> OutputReads:  # fmt: skip
    blocks, axes = block_shape.numbers, range(len(block_shape.numbers))
    size = math.prod(blocks)
    strides, dilations = strides or (1,) * len(blocks), dilations or (1,) * len(blocks)
    pads = pads or (0,) * (2 * len(blocks))
    counts = blocks_along(outputs[0].dims[2:], blocks, strides, pads, dilations)

    def along(i: int, taps: int, behind: int) -> Along:
        """How blocks along an axis are read, so many taps from one on, the last of `behind`."""
        s = strides[i]
        return Along(2 + i, Window(
            taps, Fraction(1, s), Fraction(dilations[i], s), Fraction(behind * dilations[i] - pads[i], s)
        ))  # fmt: skip

    rows = Along(1, Window(size, stride=size))
    windows = [along(i, blocks[i], blocks[i] - 1) for i in axes]
    columns = windows[0] if len(blocks) == 1 else Whole(spatial=True)
    hull: tuple[AxisRead, ...] = (Along(0), Along(1), *(Whole() for _ in axes), *windows)
    inner = hull
    if size <= MAX_LISTED:
        inner = Coupled(hull, [
            Part((
                Along(0), Along(1), *(Only(k, k) for k in place),
                *(along(i, 1, k) for i, k in enumerate(place)),
            ))
            for place in itertools.product(*map(range, blocks))
        ])  # fmt: skip
    split = (*outputs[0].dims[:2], *blocks, *counts)
    steps = (FLAT, split), (inner, outputs[0].dims)
    return Coupled((Along(0), rows, columns), steps=steps), NOTHING, NOTHING


# -- cropping and padding about the centre ------------------------------------------------------


def center_output(x: Tensor, shape: Tensor, *, axes: Ints = None, node_name: str = "") -> Tensor:
    chosen = [in_range(axis, x.rank) for axis in (range(x.rank) if axes is None else axes)]
    if len(set(chosen)) < len(chosen):
        raise ValueError(f"axes {chosen} name one axis twice")
    demand(shape, "shape", len(chosen))
    result = [*x.dims]
    if shape.value is None:
        wanted: list[Dim] = [FreeDim.from_data(f"{node_name} length {axis}") for axis in chosen]
    else:
        wanted = shape.lengths
    for axis, length in zip(chosen, wanted, strict=True):
        result[axis] = length
    return x.of(tuple(result))


def center_reads(outputs: tuple[Tensor, ...], x: Tensor, shape: Tensor) -> OutputReads:
    reads = []
    for axis, (n, m) in enumerate(zip(x.dims, outputs[0].dims, strict=True)):
        before = 0 if n == m else (m - n) // 2 if m > n else -((n - m) // 2)
        reads.append(Along(axis, Window(before=int(before))))
    return tuple(reads), NOTHING


define("DepthToSpace", kind="data movement", infer=to_space_output, reads=to_space_reads)
define("SpaceToDepth", kind="data movement", infer=to_depth_output, reads=to_depth_reads)
define("Col2Im", kind="data movement", infer=col2im_output, work=col2im_work, reads=col2im_reads)
define("CenterCropPad", kind="cropping", infer=center_output, reads=center_reads)
