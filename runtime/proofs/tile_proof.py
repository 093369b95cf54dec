"""Is a model run tile by tile the same as the whole, and is all of the halo needed?

The model is opened once with its lengths free and run on the whole and on each part that is cut out; of
what a part gives, the tile's own units are kept. Both are sums of the same numbers, in whatever order the
kernels for a size add them: so they are equal to rounding, and what isn't is off by more.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Final, cast

import numpy as np

from cnnscope.analyzer.sizes.cutting import TileAxis
from cnnscope.analyzer.sizes.proof import RingTrial, TiledRun, TileProof
from cnnscope.analyzer.sizes.tile_asking import Tileable, tileable
from cnnscope.analyzer.sizes.tile_cuts import Cut, NoCuts
from cnnscope.analyzer.sizes.tile_planning import Planner
from cnnscope.analyzer.values.diagnostics import RunError
from cnnscope.runtime.engine.job import runtime_version, say_nothing
from cnnscope.runtime.engine.library import load_library
from cnnscope.runtime.engine.providers import choose_provider
from cnnscope.runtime.proofs.open_run import OpenRun, open_run
from cnnscope.runtime.proofs.tile_job import TileJob

if TYPE_CHECKING:
    import numpy.typing as npt

    from cnnscope.analyzer.report.examination import Source

    Array = npt.NDArray[np.generic]

#: a difference beyond this share of an output's largest value isn't rounding
TOLERANCE: Final = 1e-4

Tile = tuple[Cut, ...]


def prove_tiles(
    found: Tileable,
    run: OpenRun,
    tile: int,
    say: Callable[[str], None] = say_nothing,
    less: Mapping[tuple[str, int], tuple[int, int]] | None = None,
) -> tuple[dict[str, tuple[int, ...]], int, tuple[TiledRun, ...]]:
    """Run a model tile by tile, and hold that against the whole.

    Args:
        found: the model, and how it can be cut.
        run: the model, opened.
        tile: the tiles' size.
        say: told of each tile.
        less: halos, where they aren't those that are needed.

    Returns:
        The whole's shapes, how many tiles there were, what came of each output.

    Raises:
        RunError: ONNX Runtime refuses some part, or none can be cut out.
    """
    planner, shapes = found.planner, whole_shapes(found)
    groups = _groups(planner, tile, less)
    feeds = run.feeds(shapes)
    whole = _outputs(found, run, feeds)
    built = {name: np.full_like(array, _blank(array)) for name, array in whole.items()}
    tiles = list(itertools.product(*groups))
    for at, one in enumerate(tiles):
        say(f"running tile {at + 1} of {len(tiles)}")
        for name, array in _outputs(found, run, cut_out(planner, feeds, one)).items():
            places = _own(planner, name, one, built[name].shape)
            if places is not None:
                there, here = places
                built[name][there] = array[here]
    return (
        shapes,
        len(tiles),
        tuple(held(name, whole[name], array) for name, array in built.items()),
    )


def _blank(array: Array) -> object:
    return np.nan if array.dtype.kind == "f" else 0


def held(name: str, whole: Array, built: Array) -> TiledRun:
    """An output that was made another way against the whole's."""
    if whole.dtype.kind not in "fiub":
        wrong = int((whole != built).sum())
        return TiledRun(name, float(wrong > 0), 1.0, wrong)
    one, other = whole.astype(np.float64), built.astype(np.float64)
    scale = float(np.abs(one).max(initial=0, where=np.isfinite(one)))
    apart = np.where(np.isnan(one) & np.isnan(other), 0, np.abs(one - other))
    apart = np.where(np.isnan(apart), np.inf, apart)
    wrong = int((apart > TOLERANCE * scale).sum())
    return TiledRun(name, float(apart.max(initial=0)), scale, wrong)


def whole_shapes(found: Tileable) -> dict[str, tuple[int, ...]]:
    """The shapes of the whole.

    Raises:
        RunError: a length isn't known.
    """
    shapes = {}
    for name, shape in found.inputs.items():
        if None in shape:
            raise RunError(
                f"input {name} has no known size: give one to be run, with --shape or --dim"
            )
        shapes[name] = cast("tuple[int, ...]", shape)
    return shapes


def _groups(
    planner: Planner, tile: int, less: Mapping[tuple[str, int], tuple[int, int]] | None = None
) -> tuple[tuple[Cut, ...], ...]:
    try:
        return planner.plan(tile, less).groups
    except NoCuts:
        raise RunError(f"no part is accepted that a tile of {tile} could have") from None


def _outputs(found: Tileable, run: OpenRun, feeds: Mapping[str, object]) -> dict[str, Array]:
    """What the model gives, of the outputs that are put together."""
    names = list(dict.fromkeys(x.output for x in found.planner.cutting.outputs))
    return dict(zip(names, cast("list[Array]", run.run(feeds, names)), strict=True))


def _axes(planner: Planner, tile: Tile) -> Iterator[tuple[TileAxis, int, int]]:
    """Every axis that is cut, and from where to where."""
    for group, cut in zip(planner.groups, tile, strict=True):
        for axis, (start, stop) in zip(group, cut.parts, strict=True):
            yield axis, start, stop


def cut_out(planner: Planner, feeds: Mapping[str, object], tile: Tile) -> dict[str, object]:
    """The inputs' parts for a tile."""
    found = dict(feeds)
    for axis, start, stop in _axes(planner, tile):
        whole = cast("Array", found[axis.input])
        found[axis.input] = whole[(slice(None),) * axis.axis + (slice(start, stop),)]
    return {
        name: np.ascontiguousarray(x) if isinstance(x, np.ndarray) and x.ndim else x
        for name, x in found.items()
    }


Places = tuple[slice, ...]


def _own(
    planner: Planner, output: str, tile: Tile, shape: Sequence[int]
) -> tuple[Places, Places] | None:
    """A tile's own units of an output: in the whole, and in what its part gives; None: it has none."""
    there = [slice(0, n) for n in shape]
    here = [slice(0, n) for n in shape]
    for x in planner.cutting.outputs:
        if x.output != output:
            continue
        cut = tile[x.group]
        first = cut.own[0] * x.units
        last = shape[x.axis] if cut.last else min(cut.own[1] * x.units, shape[x.axis])
        if last <= first:
            return None
        offset = cut.start * x.units
        there[x.axis], here[x.axis] = slice(first, last), slice(first - offset, last - offset)
    return tuple(there), tuple(here)


def prove_rings(
    found: Tileable, run: OpenRun, tile: int, say: Callable[[str], None] = say_nothing
) -> tuple[RingTrial, ...]:
    """Change the outermost pixels of each halo alone, and see whether the tile's own units change."""
    planner, shapes = found.planner, whole_shapes(found)
    groups = _groups(planner, tile)
    feeds = run.feeds(shapes)
    whole = _outputs(found, run, feeds)
    trials = []
    for at, group in enumerate(planner.groups):
        for axis in group:
            for side, halo in zip(("before", "after"), axis.halo, strict=True):
                length = shapes[axis.input][axis.axis]
                chosen = _with_ring(groups[at], axis, side, halo, length)
                if not halo or chosen is None:
                    continue
                say(f"changing the ring {side} of {axis.input} axis {axis.axis}")
                cut, pixel = chosen
                touched = dict(feeds)
                touched[axis.input] = _rung(cast("Array", feeds[axis.input]), axis.axis, pixel)
                changed = _outputs(found, run, touched)
                one = tuple(cut if k == at else _all(part) for k, part in enumerate(groups))
                shown = False
                for name, array in whole.items():
                    places = _own(planner, name, one, array.shape)
                    if places is not None:
                        shown = shown or not np.array_equal(
                            array[places[0]],
                            changed[name][places[0]],
                            equal_nan=array.dtype.kind == "f",
                        )
                trials.append(RingTrial(axis.input, axis.axis, side, halo, shown))
    return tuple(trials)


def _all(part: Sequence[Cut]) -> Cut:
    """One tile with all that the tiles of a group have."""
    return Cut((0, part[-1].own[1]), 0, part[-1].parts, True)


def _with_ring(
    part: Sequence[Cut], axis: TileAxis, side: str, halo: int, length: int
) -> tuple[Cut, int] | None:
    """A tile whose halo has its outermost pixel inside of the input, and where that is."""
    for cut in part:
        pixel = (
            cut.own[0] * axis.step - halo if side == "before" else cut.own[1] * axis.step + halo - 1
        )
        if 0 <= pixel < length and (side == "before" or not cut.last):
            return cut, pixel
    return None


def _rung(whole: Array, axis: int, pixel: int) -> Array:
    found = whole.copy()
    place = (slice(None),) * axis + (pixel,)
    if found.dtype.kind == "f":
        found[place] = found[place] * np.array(1000, found.dtype) + np.array(1000, found.dtype)
    else:
        found[place] = np.where(found[place] == 0, 1, 0)
    return found


def prove_tiles_here(request: TileJob, progress: Callable[[str], None] | None = None) -> TileProof:
    """A model's tiles held against the whole, in this process."""
    load_library()
    say = progress or say_nothing
    say("analysing")
    base = request.base
    model = cast("Source", base.model)
    found = tileable(model, request.free, request.dims, request.shapes)
    provider = choose_provider(base.provider)
    say("opening it")
    run = open_run(model, found.opening, provider, base.seed, verbose=base.verbose)
    shapes, tiles, runs = prove_tiles(found, run, request.tile, say)
    rings = prove_rings(found, run, request.tile, say)
    return TileProof(request.tile, tiles, shapes, runs, rings, runtime_version(), provider.name)
