"""How does a gradient go back through sums, products and selections, element by element or along axes?"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from functools import partial

from cnnscope.runtime.gradients.rule import GradientRule, GradientSite, NoGradient, declare
from cnnscope.runtime.gradients.values import Value

#: the factor of one of a node's inputs
Factor = Callable[[GradientSite, int], Value]


def broadcast(
    factor: Factor | None = None, selecting: Sequence[int] = (), only: Sequence[int] | None = None
) -> GradientRule:
    """Element by element with numpy's broadcasting.

    Args:
        factor: of each input; None: 1.
        selecting: inputs that choose among others: their own derivative is 0 wherever they have one.
        only: inputs that may hang on the network's; None: all.
    """

    def rule(site: GradientSite) -> None:
        shape = site.output_shape()
        for i in site.present:
            if not site.hangs(i) or (only is not None and i not in only):
                continue
            if i in selecting and not site.all_taps:
                site.given_on.setdefault(i, [])
                continue
            found = site.only
            if factor is not None:
                found = site.times(found, lambda i=i: factor(site, i))  # type: ignore[misc]
            site.give(i, site.writer.folded(found, shape, site.shape(i)))

    return rule


def _divided(site: GradientSite, i: int) -> Value:
    return 1 / site.x(1) if i == 0 else -(site.y() / site.x(1))


def _power(site: GradientSite, i: int) -> Value:
    base, exponent = site.x(0), site.writer.as_number(site.x(1))
    return exponent * base ** (exponent - 1) if i == 0 else site.y() * base.by("Log")


def _extreme(sign: int, site: GradientSite, i: int) -> Value:
    """To all that are the greatest (the least, with a sign of -1), in equal parts."""
    y = site.y() * sign
    held = [(site.x(k) * sign).at_least(y) for k in site.present]
    total = held[0]
    for other in held[1:]:
        total = total + other
    return held[site.present.index(i)] / total


def _where(site: GradientSite, i: int) -> Value:
    chosen = site.writer.as_number(site.x(0))
    return chosen if i == 1 else 1 - chosen


def _rectified(site: GradientSite, i: int) -> Value:
    above = site.x().above(0)
    return above + (1 - above) * site.x(1)


declare(broadcast(), "Add", "Sum")
declare(broadcast(lambda site, i: site.writer.ones() * (-1 if i else 1)), "Sub")
declare(broadcast(lambda site, i: site.x(1 - i)), "Mul")
declare(broadcast(_divided), "Div")
declare(broadcast(_power), "Pow")
declare(broadcast(partial(_extreme, 1)), "Max")
declare(broadcast(partial(_extreme, -1)), "Min")
declare(broadcast(_where, selecting=[0]), "Where")
declare(broadcast(_rectified, only=[0]), "PRelu")
declare(broadcast(lambda site, i: site.writer.ones() / len(site.present)), "Mean")


# -- along axes ------------------------------------------------------------------------------------


def reduced(factor: Callable[[GradientSite, Value, list[int]], Value] | None) -> GradientRule:
    """What becomes one number along some axes.

    Args:
        factor: of each element, given the result with its axes of length 1; None: 1.
    """

    def rule(site: GradientSite) -> None:
        shape = site.shape(0)
        axes = _axes(site, len(shape))
        kept = [1 if axis in axes else n for axis, n in enumerate(shape)]
        g = site.only.reshape(kept)
        if factor is None or site.all_taps:
            site.give(0, g.expand(shape))
        else:
            site.give(0, (g * factor(site, site.y().reshape(kept), axes)).expand(shape))

    return rule


def _axes(site: GradientSite, rank: int) -> list[int]:
    axes = site.listed("axes", 1)
    if axes is None and site.given(1):
        raise NoGradient("its axes aren't known beforehand")
    if not axes:
        return [] if site.number("noop_with_empty_axes", 0) else list(range(rank))
    return sorted({axis % rank for axis in axes})


def _mean(site: GradientSite, y: Value, axes: list[int]) -> Value:
    count = math.prod(site.shape(0)[axis] for axis in axes)
    return site.writer.ones() / count


def _most(sign: int, site: GradientSite, y: Value, axes: list[int]) -> Value:
    held = (site.x() * sign).at_least(y * sign)
    return held / held.sum(axes)


declare(reduced(None), "ReduceSum")
declare(reduced(_mean), "ReduceMean")
declare(reduced(partial(_most, 1)), "ReduceMax")
declare(reduced(partial(_most, -1)), "ReduceMin")
declare(reduced(lambda site, y, axes: site.x().by("Sign")), "ReduceL1")
declare(reduced(lambda site, y, axes: site.x() / y), "ReduceL2")
declare(reduced(lambda site, y, axes: site.x() * 2), "ReduceSumSquare")
declare(reduced(lambda site, y, axes: 1 / y.by("Exp")), "ReduceLogSum")
declare(reduced(lambda site, y, axes: (site.x() - y).by("Exp")), "ReduceLogSumExp")
declare(reduced(lambda site, y, axes: y / site.x()), "ReduceProd")
