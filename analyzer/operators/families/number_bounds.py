"""What do the numbers lie between that operators make of lengths: position ids, offsets, masks?

A model that looks up a table by position makes the positions by `Range`, or cuts them off a stored row, and
moves, shifts and clips them before they reach a Gather. Positions that rise evenly stay known one by one.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import reduce

from cnnscope.analyzer.operators.bounding import Asked, bounds, bounds_of
from cnnscope.analyzer.operators.families.slicing import cuts
from cnnscope.analyzer.operators.rules import in_range
from cnnscope.analyzer.values.bounds import (
    Bounds,
    absolute,
    evenly,
    is_least,
    larger,
    negative,
    only,
    plus,
    quotient,
    remainder,
    smaller,
    times,
    united,
)
from cnnscope.analyzer.values.dimension import Dim, Undetermined
from cnnscope.analyzer.values.tensor import Tensor


def ranged(asked: Asked) -> Bounds:
    first, step = asked.bounds(0).only, asked.bounds(2).only
    if first is None or step is None:
        raise Undetermined("where a range begins")
    return evenly(first, (step,), asked.output.dims)


def filled(asked: Asked) -> Bounds:
    held = asked.attributes.get("value")
    found = bounds_of(held) if isinstance(held, Tensor) else only(0)
    if found is None or found.only is None:
        raise Undetermined("what a tensor is filled with")
    return only(found.only, asked.output.rank)


# -- arithmetic ------------------------------------------------------------------------------------


def added(asked: Asked) -> Bounds:
    return plus(
        asked.bounds(0), asked.bounds(1), (asked.shape(0), asked.shape(1)), asked.output.dims
    )


def taken_away(asked: Asked) -> Bounds:
    return plus(
        asked.bounds(0), negative(asked.bounds(1)), (asked.shape(0), asked.shape(1)),
        asked.output.dims,
    )  # fmt: skip


def multiplied(asked: Asked) -> Bounds:
    return times(asked.bounds(0), asked.bounds(1), asked.output.dims)


def _divisor(asked: Asked) -> int:
    by = asked.bounds(1).only
    if not isinstance(by, int) or by < 1 or asked.output.is_float:
        raise Undetermined("a quotient")
    return by


def divided(asked: Asked) -> Bounds:
    return quotient(asked.bounds(0), _divisor(asked))


def left_over(asked: Asked) -> Bounds:
    if asked.number("fmod", 0):
        raise Undetermined("a remainder with the sign of what is divided")
    return remainder(bounds_of(x) if (x := asked.inputs[0]) else None, _divisor(asked))


def folded(rule: Callable[[Bounds, Bounds], Bounds]) -> Callable[[Asked], Bounds]:
    """Of the numbers of several tensors."""
    return lambda asked: reduce(rule, [asked.bounds(i) for i in range(len(asked.inputs))]).uneven()


def clipped(asked: Asked) -> Bounds:
    found = asked.bounds(0)
    for place, name, rule in ((1, "min", larger), (2, "max", smaller)):
        if len(asked.inputs) > place and asked.inputs[place] is not None:
            found = rule(found, asked.bounds(place))
        elif name in asked.attributes:
            raise Undetermined("what is clipped by a real number")
    return found.uneven()


def converted(asked: Asked) -> Bounds:
    return asked.bounds(0)


def summed_up(asked: Asked) -> Bounds:
    """Running sums of what is 0 or more; of ones, they are 1, 2, 3, ..."""
    found, axis = asked.bounds(0), asked.bounds(1).only
    if not isinstance(axis, int) or not is_least(found.low, 0):
        raise Undetermined("a running sum")
    along = in_range(axis, asked.output.rank)
    n = asked.output.dims[along]
    without = asked.number("exclusive", 0)
    if found.only is not None:
        back = asked.number("reverse", 0)
        step = -found.only if back else found.only
        first = found.only * (n if back else 1) - found.only * without
        steps = [step if i == along else 0 for i in range(asked.output.rank)]
        return evenly(first, steps, asked.output.dims)
    low: Dim = found.low if found.low is not None and not without else 0
    high = None if found.high is None else found.high * (n - without)
    return Bounds(low, high, of_data=found.of_data)


# -- what moves numbers about ----------------------------------------------------------------------


def kept(asked: Asked) -> Bounds:
    """The same numbers in another shape: steps stay along the axes that aren't of length 1."""
    found = asked.bounds(0)
    before, after = asked.shape(0), asked.output.dims
    if found.steps is None:
        return found
    told = [(n, step) for n, step in zip(before, found.steps, strict=True) if n != 1]
    if [n for n, _ in told] != [n for n in after if n != 1]:
        return found.uneven()
    steps = iter([step for _, step in told])
    return evenly(found.first, [0 if n == 1 else next(steps) for n in after], after)


def turned(asked: Asked) -> Bounds:
    found = asked.bounds(0)
    order = asked.attributes.get("perm")
    if found.steps is None:
        return found
    axes = order if isinstance(order, Sequence) else range(len(found.steps))[::-1]
    return evenly(found.first, [found.steps[axis] for axis in axes], asked.output.dims)


def stretched(asked: Asked) -> Bounds:
    """Repeated along axes: as a broadcast where they are of length 1, else one copy behind the other."""
    found = asked.bounds(0)
    before, after = asked.shape(0), asked.output.dims
    if found.steps is None:
        return found
    more = len(after) - len(before)
    for n, step, length in zip(before, found.steps, after[more:], strict=True):
        if step != 0 and n != length:
            return found.uneven()
    return evenly(found.first, [0] * more + list(found.steps), after)


def cut(asked: Asked) -> Bounds:
    found = asked.bounds(0)
    x = asked.inputs[0]
    if found.steps is None or x is None:
        return found.loosened()
    first, last, along, by = [*asked.inputs[1:], *[None] * 4][:4]
    given = [asked.attributes.get(name) for name in ("starts", "ends", "axes")]
    listed = [tuple(n) if isinstance(n, Sequence) else None for n in given]
    start, steps = found.first, list(found.steps)
    for axis, way in cuts(x, first, last, along, by, (listed[0], listed[1], listed[2])).items():
        if way is None:
            return found.loosened()
        start = start + steps[axis] * way[0]
        steps[axis] = steps[axis] * way[2]
    return evenly(start, steps, asked.output.dims)


def picked(asked: Asked) -> Bounds:
    return asked.bounds(0).loosened()


def joined(asked: Asked) -> Bounds:
    parts = range(len(asked.inputs))
    sizes = [x.size for x in asked.inputs if x is not None]
    return united([asked.bounds(i) for i in parts], all_there=all(is_least(n, 1) for n in sizes))


def chosen(asked: Asked) -> Bounds:
    return united([asked.bounds(1), asked.bounds(2)])


# -- places ----------------------------------------------------------------------------------------


def place_of_extreme(asked: Asked) -> Bounds:
    n = asked.shape()[in_range(asked.number("axis", 0), len(asked.shape()))]
    return Bounds(0, n - 1, of_data=True)


def places_of_largest(asked: Asked) -> Bounds:
    if asked.place == 0:
        return asked.bounds(0).loosened()
    n = asked.shape()[in_range(asked.number("axis", -1), len(asked.shape()))]
    return Bounds(0, n - 1, of_data=True)


bounds("Range", rule=ranged)
bounds("ConstantOfShape", rule=filled)
bounds("Add", rule=added)
bounds("Sub", rule=taken_away)
bounds("Mul", rule=multiplied)
bounds("Div", rule=divided)
bounds("Mod", rule=left_over, of_any=True)
bounds("Neg", rule=lambda asked: negative(asked.bounds()))
bounds("Abs", rule=lambda asked: absolute(asked.bounds()))
bounds("Max", rule=folded(larger))
bounds("Min", rule=folded(smaller))
bounds("Clip", rule=clipped)
bounds("Cast", "CastLike", "Identity", "Floor", "Ceil", "Round", rule=converted)
bounds("CumSum", rule=summed_up)
bounds("Reshape", "Squeeze", "Unsqueeze", "Flatten", rule=kept)
bounds("Transpose", rule=turned)
bounds("Expand", "Tile", rule=stretched)
bounds("Slice", rule=cut)
bounds("Gather", "GatherElements", "GatherND", "Split", "Compress", rule=picked)
bounds("Concat", rule=joined)
bounds("Where", rule=chosen)
bounds("ArgMax", "ArgMin", rule=place_of_extreme, of_any=True)
bounds("TopK", rule=places_of_largest, of_any=True)
