"""What are the derivatives of functions of one element?

Where a function has a kink its derivative is that of one side, 0 for rectifiers at 0.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Final

from cnnscope.runtime.gradients.rule import (
    MICROSOFT,
    GradientRule,
    GradientSite,
    NoGradient,
    declare,
    refuse,
)
from cnnscope.runtime.gradients.values import Value

Derivative = Callable[[GradientSite, Value, Value], Value]

#: ONNX's constants of Selu
_SELU_ALPHA: Final = 1.67326319217681884765625
_SELU_GAMMA: Final = 1.05070102214813232421875
#: of Gelu's approximation by a hyperbolic tangent
_CUBIC: Final = 0.044715


def pointwise(derivative: Derivative) -> GradientRule:
    """The rule of a function of one element, by its derivative at ``x``, where it is ``y``."""

    def rule(site: GradientSite) -> None:
        site.give(0, site.times(site.only, lambda: derivative(site, site.x(), site.y())))

    return rule


def _on(op: str, derivative: Derivative) -> None:
    declare(pointwise(derivative), op)


def _exponential(x: Value, alpha: float) -> Value:
    """Of what is exponential below 0 and straight above."""
    above = x.above(0)
    return above + (1 - above) * alpha * (x * (1 - above)).by("Exp")


def _hard(x: Value, alpha: float, beta: float) -> Value:
    line = x * alpha + beta
    return line.above(0) * (1 - line.at_least(1)) * alpha


def _hard_swish(x: Value) -> Value:
    line = x / 6 + 0.5
    inside = line.above(0) * (1 - line.at_least(1))
    return inside * (x / 3 + 0.5) + line.at_least(1)


def _mish(x: Value) -> Value:
    t = x.by("Softplus").by("Tanh")
    return t + x * x.by("Sigmoid") * (1 - t * t)


def _swish(alpha: float, x: Value) -> Value:
    s = (x * alpha).by("Sigmoid")
    return s + x * alpha * s * (1 - s)


def _gelu(site: GradientSite, x: Value) -> Value:
    if site.attribute("approximate", "none") == "tanh":
        root = math.sqrt(2 / math.pi)
        t = ((x + x * x * x * _CUBIC) * root).by("Tanh")
        return (1 + t) * 0.5 + x * 0.5 * (1 - t * t) * root * (1 + x * x * (3 * _CUBIC))
    below = ((x * math.sqrt(0.5)).by("Erf") + 1) * 0.5
    return below + x * (x * x * -0.5).by("Exp") / math.sqrt(2 * math.pi)


_on("Relu", lambda site, x, y: x.above(0))
_on("LeakyRelu", lambda site, x, y: (1 - x.above(0)) * site.real("alpha", 0.01) + x.above(0))
_on("ThresholdedRelu", lambda site, x, y: x.above(site.real("alpha", 1.0)))
_on("Elu", lambda site, x, y: _exponential(x, site.real("alpha", 1.0)))
_on("Selu", lambda site, x, y: (
    _exponential(x, site.real("alpha", _SELU_ALPHA)) * site.real("gamma", _SELU_GAMMA)
))  # fmt: skip
_on("Celu", lambda site, x, y: _exponential(x / site.real("alpha", 1.0), 1.0))
_on("Shrink", lambda site, x, y: x.by("Abs").above(site.real("lambd", 0.5)))
_on("Sigmoid", lambda site, x, y: y * (1 - y))
_on("Tanh", lambda site, x, y: 1 - y * y)
_on(
    "HardSigmoid",
    lambda site, x, y: _hard(x, site.real("alpha", 0.2), site.real("beta", 0.5)),
)
_on("HardSwish", lambda site, x, y: _hard_swish(x))
_on("Mish", lambda site, x, y: _mish(x))
_on("Softplus", lambda site, x, y: x.by("Sigmoid"))
_on("Softsign", lambda site, x, y: 1 / ((1 + x.by("Abs")) * (1 + x.by("Abs"))))
_on("Swish", lambda site, x, y: _swish(site.real("alpha", 1.0), x))
for domain in ("", MICROSOFT):
    declare(pointwise(lambda site, x, y: _gelu(site, x)), "Gelu", domain=domain)
declare(
    pointwise(lambda site, x, y: _swish(site.real("alpha", 1.702), x)),
    "QuickGelu",
    domain=MICROSOFT,
)
_on("Erf", lambda site, x, y: (-(x * x)).by("Exp") * (2 / math.sqrt(math.pi)))
_on("Exp", lambda site, x, y: y)
_on("Log", lambda site, x, y: 1 / x)
_on("Sqrt", lambda site, x, y: 0.5 / y)
_on("Reciprocal", lambda site, x, y: -(y * y))
_on("Neg", lambda site, x, y: -site.writer.ones())
_on("Abs", lambda site, x, y: x.by("Sign"))
_on("Sin", lambda site, x, y: x.by("Cos"))
_on("Cos", lambda site, x, y: -x.by("Sin"))
_on("Tan", lambda site, x, y: 1 + y * y)
_on("Asin", lambda site, x, y: 1 / (1 - x * x).by("Sqrt"))
_on("Acos", lambda site, x, y: -(1 / (1 - x * x).by("Sqrt")))
_on("Atan", lambda site, x, y: 1 / (1 + x * x))
_on("Sinh", lambda site, x, y: x.by("Cosh"))
_on("Cosh", lambda site, x, y: x.by("Sinh"))
_on("Asinh", lambda site, x, y: 1 / (1 + x * x).by("Sqrt"))
_on("Acosh", lambda site, x, y: 1 / (x * x - 1).by("Sqrt"))
_on("Atanh", lambda site, x, y: 1 / (1 - x * x))


def same(site: GradientSite) -> None:
    """The gradient itself."""
    site.give(0, site.only)


def dropout(site: GradientSite) -> None:
    """Dropout, which does nothing unless it trains."""
    training = site.value(2)
    if site.given(2) and (training is None or bool(training.reshape(-1)[0])):
        raise NoGradient("it may be training")
    same(site)


def cast(site: GradientSite) -> None:
    """A cast among floating-point types."""
    for name in (site.node.inputs[0], site.node.outputs[0]):
        if not site.facts.tensors[name].is_float:
            raise NoGradient("it rounds to whole numbers, of which the derivative is 0")
    same(site)


def clip(site: GradientSite) -> None:
    """1 between the bounds, which are attributes or, later, inputs."""

    def inside() -> Value:
        found = site.writer.ones()
        for i, (name, sign) in enumerate((("min", 1), ("max", -1)), 1):
            bound = site.node.attributes.get(name)
            if site.given(i):
                side = site.x() - site.x(i)
            elif isinstance(bound, int | float):
                side = site.x() - float(bound)
            else:
                continue
            found = found * (side * sign).above(0)
        return found

    site.give(0, site.times(site.only, inside))


declare(same, "Identity")
declare(dropout, "Dropout")
declare(cast, "Cast", "CastLike")
declare(clip, "Clip")
refuse("its derivative is 0 wherever it has one", "Ceil", "Floor", "Round", "Sign", "Hardmax")
refuse("it rounds, so that its derivative is 0", "QuantizeLinear", "DynamicQuantizeLinear")
