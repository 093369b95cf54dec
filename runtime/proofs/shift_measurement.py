"""Do a network's maps move as is said when its input is shifted, and by how much do they not?

The input is a crop of a larger image; for a shift by s it is the crop that begins s positions further on,
so that what was unit u + k of a layer's map is now unit u, where the shift is k periods (`shift_comparison`).

The consistency of the classification is that of Zhang (Making Convolutional Networks Shift-Invariant Again,
ICML 2019): two random crops of an image, 224 of 256 positions along each axis, and whether both get one
class.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Final, cast

import numpy as np

from cnnscope.analyzer.model.binding import named_shapes
from cnnscope.analyzer.model.file import open_model
from cnnscope.analyzer.model.graph_reading import read_graph
from cnnscope.analyzer.model.opening import opening_for
from cnnscope.analyzer.report.examination import Analysis, examine, opening_of
from cnnscope.analyzer.sizes.shift_proof import Consistency, MeasuredShift, ShiftProof
from cnnscope.analyzer.sizes.shifts import AxisShift, Shifts, find_shifts
from cnnscope.analyzer.values.diagnostics import RunError
from cnnscope.runtime.engine.inputs import load_inputs, make_inputs
from cnnscope.runtime.engine.job import runtime_version, say_nothing
from cnnscope.runtime.engine.library import load_library
from cnnscope.runtime.engine.providers import choose_provider
from cnnscope.runtime.proofs.open_run import OpenRun, open_run
from cnnscope.runtime.proofs.shift_comparison import Compared
from cnnscope.runtime.proofs.shift_job import ShiftJob

if TYPE_CHECKING:
    from cnnscope.analyzer.report.examination import Source

#: shifts that are run along an axis, as many as come to so many multiplications
MIN_SHIFTS, MAX_SHIFTS, MACS = 6, 33, 40_000_000_000
#: bytes of maps that are kept at once
MAX_BYTES: Final = 1 << 29
#: Zhang's crops and images
CROP, IMAGE = 224, 256
Array = np.ndarray


def measure_here(request: ShiftJob, progress: Callable[[str], None] | None = None) -> ShiftProof:
    """What runs on shifted inputs show, in this process."""
    load_library()
    say = progress or say_nothing
    say("analysing")
    base = request.base
    model = cast("Source", base.model)
    shapes = named_shapes(model, base.shapes, "--shape")
    analysis = examine(
        model, shapes=shapes, dims=base.dims, values=base.values, free=request.free  # type: ignore[arg-type]  # arrays
    )  # fmt: skip
    found = find_shifts(analysis, request.layers)
    outputs = {x.name: x.outputs[0] for x in analysis.graph.nodes if x.outputs and x.outputs[0]}
    provider = choose_provider(base.provider)
    measuring = _Measuring(request, analysis, found, _images(request, analysis), outputs, say)
    say("opening it")
    declared = read_graph(open_model(model).model)  # the analysed one is opened
    opening: dict[str, dict[int, str]] = {
        name: dict(axes) for name, axes in opening_of(declared, request.free).items()
    }
    for name, axes in opening_for(declared.inputs, shapes).items():
        for axis, label in axes.items():
            opening.setdefault(name, {}).setdefault(axis, label)
    run = open_run(model, opening, provider, base.seed, measuring.fetched, base.verbose)
    layers = tuple(measuring.layers(run))
    return ShiftProof(
        layers, measuring.consistency(run), request.circular, runtime_version(), provider.name
    )


def _images(request: ShiftJob, analysis: Analysis) -> dict[str, Array]:
    given = request.base.inputs or {}
    files = {n: x for n, x in given.items() if isinstance(x, str | os.PathLike)}
    arrays: dict[str, object] = {n: x for n, x in given.items() if n not in files}
    found = {**load_inputs(files), **cast("dict[str, Array]", arrays)}
    for name, array in found.items():
        if name not in analysis.graph.inputs:
            raise RunError(f"--image: there is no input {name!r}")
        x = analysis.shapes.tensors[name]
        if array.ndim != len(x.dims):
            raise RunError(
                f"the image for {name!r} has {array.ndim} axes, the input has {len(x.dims)}"
            )
        if x.dtype is not None and x.is_float and array.dtype.kind in "fiu":
            found[name] = array.astype(x.dtype)
        elif str(array.dtype) != x.dtype:
            raise RunError(f"the image for {name!r} holds {array.dtype}, the model takes {x.dtype}")
    return found


class _Measuring:
    """What is measured of one network.

    Args:
        request, analysis: what was asked for, and the network.
        found: what is predicted.
        images: by input name, those that were given.
        outputs: by layer, the tensor that is its map.
        say: told what is being done.
    """

    def __init__(
        self, request: ShiftJob, analysis: Analysis, found: Shifts, images: Mapping[str, Array],
        outputs: Mapping[str, str], say: Callable[[str], None],
    ) -> None:  # fmt: skip
        self.request, self.analysis, self.found, self.images = request, analysis, found, images
        self.say, self.seed = say, request.base.seed
        self.rows: dict[int, list[tuple[str, str, AxisShift]]] = {}
        for layer in found:
            for one in layer.axes:
                if one.cause is None:
                    row = (layer.layer, outputs[layer.layer], one)
                    self.rows.setdefault(one.axis, []).append(row)
        self.fetched = tuple({tensor: None for rows in self.rows.values() for _, tensor, _ in rows})
        self.shapes = {
            name: tuple(int(n) for n in analysis.shapes.tensors[name].dims)
            for name in (*analysis.graph.inputs,)
            if analysis.shapes.tensors[name].kind == "tensor"
            and all(isinstance(n, int) for n in analysis.shapes.tensors[name].dims)
        }
        self.feeds = self._made(0)

    def _affordable(self) -> int:
        """How many shifts are run along an axis."""
        works = [cost.work for cost in self.analysis.costs.nodes.values()]
        macs = sum(int(x.macs) for x in works if x is not None and isinstance(x.macs, int))
        return max(MIN_SHIFTS, min(MAX_SHIFTS, MACS // max(1, macs)))

    def _made(self, more: int) -> dict[str, object]:
        """Random inputs of the network's own sizes."""
        return make_inputs(self.analysis, self.seed + more)

    # -- layer by layer ---------------------------------------------------------------------------

    def layers(self, run: OpenRun) -> Iterator[MeasuredShift]:
        """Each layer's map along each axis."""
        for axis, rows in self.rows.items():
            shifted = self.found.axes[axis].inputs
            length = next(self.shapes[name][at] for name, at in shifted.items())
            shifts = _shifts(rows, length, self._affordable())
            larger = {name: self._larger(name, {at: shifts[-1]}) for name, at in shifted.items()}
            room = [x.shape[shifted[name]] - length for name, x in larger.items()]
            if not self.request.circular:
                shifts = [s for s in shifts if s <= min(room)]
            if not shifts:
                at = next(iter(shifted.values()))
                raise RunError(
                    f"the image is as long along axis {at} as the input: give a larger one to take crops"
                    " of, or --circular"
                )
            for chunk in self._chunks(rows):
                yield from self._compared(run, axis, chunk, larger, shifts)

    def _chunks(
        self, rows: Sequence[tuple[str, str, AxisShift]]
    ) -> Iterator[list[tuple[str, str, AxisShift]]]:
        """Layers of which the maps are kept at once."""
        chunk: list[tuple[str, str, AxisShift]] = []
        size = 0
        for row in rows:
            x = self.analysis.shapes.tensors[row[1]]
            held = 4 * int(np.prod([n if isinstance(n, int) else 1 for n in x.dims], dtype=object))
            if chunk and size + held > MAX_BYTES:
                yield chunk
                chunk, size = [], 0
            chunk.append(row)
            size += held
        if chunk:
            yield chunk

    def _compared(
        self, run: OpenRun, axis: int, rows: Sequence[tuple[str, str, AxisShift]],
        larger: Mapping[str, Array], shifts: Sequence[int],
    ) -> Iterator[MeasuredShift]:  # fmt: skip
        tensors = list(dict.fromkeys(tensor for _, tensor, _ in rows))
        rest = dict(zip(tensors, run.run(self._at(larger, axis, 0), tensors), strict=True))
        kept = [Compared(name, one, np.asarray(rest[tensor])) for name, tensor, one in rows]
        for s in shifts:
            self.say(f"shifting by {s} of {shifts[-1]} along axis {axis}")
            moved = dict(zip(tensors, run.run(self._at(larger, axis, s), tensors), strict=True))
            for (_, tensor, _), one in zip(rows, kept, strict=True):
                one.hold(s, np.asarray(moved[tensor]))
        for one in kept:
            yield one.result()

    def _at(self, larger: Mapping[str, Array], axis: int, s: int) -> dict[str, object]:
        """The inputs, shifted by s positions."""
        feeds = dict(self.feeds)
        for name, at in self.found.axes[axis].inputs.items():
            feeds[name] = self._crop(larger[name], name, {at: s})
        return feeds

    def _crop(self, image: Array, name: str, offsets: Mapping[int, int]) -> Array:
        shape = self.shapes[name]
        for at, offset in offsets.items():
            if self.request.circular:
                image = np.roll(image, -offset, at)
            else:
                image = np.take(image, range(offset, offset + shape[at]), at)
        return np.ascontiguousarray(image[tuple(map(slice, shape))])

    def _larger(self, name: str, more: Mapping[int, int], number: int = 0) -> Array:
        """An image of which crops are taken: the given one, or a random one that is longer by so much."""
        given = self.images.get(name)
        shape = self.shapes[name]
        if given is not None:
            if any(has < n for has, n in zip(given.shape[1:], shape[1:], strict=True)):
                raise RunError(
                    f"the image for {name!r} is smaller than the input, which is {shape}"
                )
            at = number % max(1, given.shape[0] - shape[0] + 1)
            given = given[at : at + shape[0]]
            if given.shape[0] < shape[0]:
                given = np.concatenate([given] * shape[0])[: shape[0]]
            if self.request.circular:
                given = given[tuple(map(slice, shape))]
            return given
        image = np.asarray(self._made(number)[name])
        if self.request.circular:
            return image
        draw = np.random.default_rng((self.seed, number))
        for at, extra in more.items():
            parts = [image]
            while sum(part.shape[at] for part in parts) < shape[at] + extra:
                parts.append(draw.permuted(image))  # numbers like those, elsewhere
            image = np.take(np.concatenate(parts, at), range(shape[at] + extra), at)
        return image

    # -- the class --------------------------------------------------------------------------------

    def consistency(self, run: OpenRun) -> Consistency | None:
        """In how many pairs of random shifts the class is the same; None where there are no classes."""
        output = self._classes()
        pairs = self.request.pairs
        if output is None or not pairs or not self.found.axes:
            return None
        draw = np.random.default_rng(self.seed)
        axes = [x.inputs for x in self.found.axes]
        crop = [next(self.shapes[name][at] for name, at in own.items()) for own in axes]
        more = [max(1, round(n * (IMAGE - CROP) / CROP)) for n in crop]
        places = {name: [(i, own[name]) for i, own in enumerate(axes) if name in own]
                  for own in axes for name in own}  # fmt: skip
        equal = 0
        room = crop if self.request.circular else more
        for number in range(pairs):
            self.say(f"pair {number + 1} of {pairs}")
            larger = {
                name: self._larger(name, {at: more[i] for i, at in own}, number)
                for name, own in places.items()
            }
            if not self.request.circular:
                room = [
                    min(larger[name].shape[at] - n for name, at in own.items())
                    for own, n in zip(axes, crop, strict=True)
                ]
            classes = []
            for _ in range(2):
                most = [n if self.request.circular else n + 1 for n in room]
                offsets = [int(draw.integers(n)) for n in most]
                feeds = dict(self.feeds)
                for name, own in places.items():
                    feeds[name] = self._crop(larger[name], name, {at: offsets[i] for i, at in own})
                (scores,) = run.run(feeds, [output])
                classes.append(np.argmax(np.asarray(scores), axis=-1))
            equal += bool(np.array_equal(*classes))
        image = crop if self.request.circular else [n + m for n, m in zip(crop, room, strict=True)]
        return Consistency(output, pairs, equal, tuple(crop), tuple(image))

    def _classes(self) -> str | None:
        """The output that gives classes: of each image a row of scores."""
        for name in self.analysis.graph.outputs:
            x = self.analysis.shapes.tensors[name]
            if x.is_float and x.shape is not None and len(x.shape) == 2 and x.shape[1] != 1:
                return name
        return None


def _shifts(rows: Sequence[tuple[str, str, AxisShift]], length: int, limit: int) -> list[int]:
    """Which shifts are run: all up to the longest period, or so many that each period is among them."""
    periods = sorted(
        {abs(one.advance or 1) for _, _, one in rows if abs(one.advance or 1) < length}
    )
    most = periods[-1] if periods else 1
    if most <= limit:
        return list(range(1, most + 1))
    left = max(1, limit - len(periods))
    spread = {round(1 + k * (most - 1) / left) for k in range(left)}
    return sorted({*spread, *periods})
