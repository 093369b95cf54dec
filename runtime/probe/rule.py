"""What is a replacement of the probe, and of which pieces are most of them made?

A rule puts something into the copy for each output of its node, through the `Site` it is given. The
table itself is declared in `products`, `averages`, `rearranging`, `rules` and `skeletons`.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Final

import numpy as np

from cnnscope.runtime.probe.alike import broadcast
from cnnscope.runtime.probe.construction import CannotProbe
from cnnscope.runtime.probe.site import Site

ProbeRule = Callable[[Site], None]
#: what an input that doesn't hang on the data becomes: a number everywhere, or its true values
Filling = float | Callable[[Site, int], float] | None
TRUE: Final[Filling] = None

MICROSOFT: Final = "com.microsoft"
RULES: Final[dict[tuple[str, str], ProbeRule]] = {}
#: operators that no NaN can show the dependencies of, with the reason
REASONS: Final[dict[tuple[str, str], str]] = {}


def declare(rule: ProbeRule, *names: str, domain: str = "") -> None:
    """What some operators are replaced by."""
    for name in names:
        RULES[domain, name] = rule


def refuse(reason: str, *names: str, domain: str = "") -> None:
    """Why some operators can't be probed."""
    for name in names:
        REASONS[domain, name] = reason


# -- operators that stay -----------------------------------------------------------------------


def keep(*fillings: Filling, rest: Filling = 1.0, op: str | None = None) -> ProbeRule:
    """The operator itself; what each of its inputs is filled with where it isn't data."""

    def rule(site: Site) -> None:
        inputs = []
        for i in range(len(site.node.inputs)):
            filling = fillings[i] if i < len(fillings) else rest
            if filling is None or not (i == 0 or site.takes_floats(i)):
                inputs.append(site.true(i))
            else:
                value = filling(site, i) if callable(filling) and site.given(i) else filling
                inputs.append(site.floats(i, 1.0 if callable(value) else value))
        site.same(inputs, op)

    return rule


def kernel(site: Site, i: int) -> float:
    """A convolution's weights: one over how many products each output adds up."""
    return 1 / max(math.prod(site.shape(i)[1:]), 1)


def transposed_kernel(site: Site, i: int) -> float:
    """A transposed convolution's, at most so many products."""
    shape = site.shape(i)
    group = site.number("group", 1)
    return 1 / max(shape[0] // group * math.prod(shape[2:]), 1)


def factor(site: Site, i: int) -> float:
    """A matrix product's constant operand: one over the length that is summed over."""
    shape = site.shape(i)
    if not shape:
        return 1.0
    if len(shape) == 1:
        return 1 / max(shape[0], 1)
    swapped = site.number("transA" if i == 0 else "transB", 0)
    return 1 / max(shape[-2 if (i == 1) != bool(swapped) else -1], 1)


def last(site: Site, i: int) -> float:
    """Recurrent weights: one over the number of features."""
    return 1 / max(site.shape(i)[-1], 1)


def widest(site: Site, i: int) -> float:
    return 1 / max((*site.shape(i), 1))


# -- element by element ----------------------------------------------------------------------------


def passes(site: Site) -> None:
    """The operand itself, for every output."""
    for k in range(len(site.node.outputs)):
        site.give(k, site.short(0) if site.hangs(0) else site.floats(0))


def blend(*which: int) -> ProbeRule:
    """The sum of operands (all, if not said which) with numpy's broadcasting."""

    def rule(site: Site) -> None:
        operands = [i for i in (which or range(len(site.node.inputs))) if site.given(i)]
        hanging = [i for i in operands if site.hangs(i)]
        if not hanging:
            raise CannotProbe("none of its operands hangs on the input")
        if site.copy.opset < 7:  # the older, one-sided broadcasting: the first operand's shape
            if len(hanging) > 1:
                site.same([site.floats(i) for i in operands], "Add")
                return
            site.give(0, site.data(hanging[0]))
            return
        shapes = [site.shape(i) for i in hanging]
        shape = np.broadcast_shapes(*shapes, *(site.shape(i) for i in operands))
        whole, runs = broadcast(
            [(s, site.runs(i)) for s, i in zip(shapes, hanging, strict=True)], shape
        )
        names = [site.short(i, axes) for i, axes in zip(hanging, whole, strict=True)]
        if np.broadcast_shapes(*shapes) != shape:  # constants of more elements: the same, repeated
            names.append(site.copy.fill((1,) * len(shape), 1.0))
        if len(names) == 1:
            site.give(0, names[0])
        else:
            site.give(0, site.copy.short(site.copy.together(names), runs))

    return rule
