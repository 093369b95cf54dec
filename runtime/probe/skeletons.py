"""By what are quantised and fused operators replaced, so that a NaN shows what they hang on?

By their float skeletons: the float operator on the same operands. Scales and zero points are left
out where they are constants, and part of the sum where they are computed from the input.
"""

from __future__ import annotations

import math

from cnnscope.runtime.probe.construction import CannotProbe
from cnnscope.runtime.probe.products import CONV, convolution, is_constant, matrix
from cnnscope.runtime.probe.rule import (
    MICROSOFT,
    TRUE,
    Filling,
    ProbeRule,
    blend,
    declare,
    factor,
    keep,
    kernel,
    passes,
    refuse,
)
from cnnscope.runtime.probe.site import Site

declare(keep(1.0, 1.0, 1.0, 0.0, 0.0), "SkipLayerNormalization", domain=MICROSOFT)
declare(keep(1.0, 1.0, 1.0, 0.0), "SkipSimplifiedLayerNormalization", domain=MICROSOFT)
declare(passes, "Gelu", "QuickGelu", domain=MICROSOFT)
declare(blend(), "BiasGelu", "FastGelu", domain=MICROSOFT)


def quantised(rule: ProbeRule) -> ProbeRule:
    """A rule for the numbers themselves; scales and zero points take part where they are computed."""

    def whole(site: Site) -> None:
        rule(site)
        computed = [i for i in site.left if math.prod(site.shape(i)) == 1]
        if computed:
            scalars = [site.scalar(i) for i in computed]
            for k, name in enumerate(site.node.outputs):
                if name:
                    whole = site.copy.whole(site.scope.names[name])
                    site.give(k, site.copy.together([whole, *scalars]))

    return whole


declare(quantised(passes), "QLinearSigmoid", "QLinearLeakyRelu", domain=MICROSOFT)
declare(quantised(blend(0, 3)), "QLinearAdd", "QLinearMul", domain=MICROSOFT)
declare(quantised(blend(0, 1, 4)), "QLinearWhere", domain=MICROSOFT)


def scales_too(*which: int) -> ProbeRule:
    """Element by element, and by scales and zero points where they are computed."""

    def rule(site: Site) -> None:
        computed = [i for i in which if site.hangs(i)]
        if not computed:
            passes(site)
        elif site.hangs(0) and all(math.prod(site.shape(i)) == 1 for i in computed):
            names = [site.data(0), *(site.scalar(i) for i in computed)]
            site.give(0, site.copy.together(names))
        else:
            raise CannotProbe("its scales are computed from the input's values")

    return rule


declare(scales_too(1, 2), "QuantizeLinear", "DequantizeLinear")
declare(scales_too(1, 2), "QuantizeLinear", "DequantizeLinear", domain=MICROSOFT)


# -- quantised and fused operators, as their float skeletons -------------------------------------


def skeleton(
    op: str, *places: int, fillings: tuple[Filling, ...], attributes: tuple[str, ...] = (),
    computed: tuple[int, ...] = (),
) -> ProbeRule:  # fmt: skip
    """A float operator on some of the operands; scalars among the others take part if computed."""

    def rule(site: Site) -> None:
        names = [_constant(site) or _whole(site)]
        for i in computed:
            if site.hangs(i):
                if math.prod(site.shape(i)) != 1:
                    raise CannotProbe("its zero points are computed from the input's values")
                names.append(site.scalar(i))
        if len(names) > 1:
            names[0] = site.copy.whole(names[0])
        site.give(0, site.copy.together(names))

    def _constant(site: Site) -> str | None:
        """With constant weights, what is the same once."""
        x, w, *bias = places
        if op == "Conv" and is_constant(site, x, w, *bias):
            return convolution(site, x, w)
        return matrix(site, x, w) if op == "MatMul" else None

    def _whole(site: Site) -> str:
        inputs = []
        for place, filling in zip(places, fillings, strict=True):
            if site.given(place):
                value = filling(site, place) if callable(filling) else filling or 0.0
                inputs.append(site.floats(place, value))
        return site.copy.add(op, inputs, **{name: site.attribute(name) for name in attributes})

    return rule


declare(
    skeleton("Conv", 0, 3, 8, fillings=(1.0, kernel, 0.0), attributes=CONV,
             computed=(1, 2, 4, 5, 6, 7)),
    "QLinearConv",
)  # fmt: skip
declare(
    skeleton("Conv", 0, 1, fillings=(1.0, kernel), attributes=CONV, computed=(2, 3)), "ConvInteger"
)


declare(
    skeleton("MatMul", 0, 3, fillings=(factor, factor), computed=(1, 2, 4, 5, 6, 7)),
    "QLinearMatMul",
)
declare(skeleton("MatMul", 0, 1, fillings=(factor, factor), computed=(2, 3)), "MatMulInteger")
declare(
    skeleton("MatMul", 0, 1, fillings=(factor, factor), computed=(2, 3, 4, 5)),
    "MatMulIntegerToFloat", domain=MICROSOFT,
)  # fmt: skip
declare(
    skeleton("Gemm", 0, 3, 6, fillings=(factor, factor, 0.0),
             attributes=("alpha", "transA", "transB"), computed=(1, 2, 4, 5, 7, 8)),
    "QGemm", domain=MICROSOFT,
)  # fmt: skip
declare(
    skeleton("Gemm", 0, 1, 2, fillings=(factor, factor, 0.0),
             attributes=("alpha", "beta", "transA", "transB")),
    "FusedGemm", domain=MICROSOFT,
)  # fmt: skip
declare(keep(factor, factor), "FusedMatMul", domain=MICROSOFT)


def packed_product(site: Site) -> None:
    """A matrix product whose constant operand is stored packed: K by N, whatever its layout."""
    deep, wide = site.number("K", 0), site.number("N", 0)
    weights = site.copy.fill((deep, wide), 1 / max(deep, 1))
    site.give(0, site.copy.add("MatMul", [site.data(0), weights]))


declare(packed_product, "MatMulNBits", "MatMulBnb4", domain=MICROSOFT)


def channels_first(site: Site, op: str, **attributes: object) -> None:
    """A pool of a quantised tensor, whose channels may be its last axis."""
    x, rank = site.data(0), len(site.shape(0))
    if not site.number("channels_last", 0):
        site.give(0, site.copy.add(op, [x], **attributes))
        return
    x = site.copy.add("Transpose", [x], perm=[0, rank - 1, *range(1, rank - 1)])
    x = site.copy.add(op, [x], **attributes)
    site.give(0, site.copy.add("Transpose", [x], perm=[0, *range(2, rank), 1]))


def quantised_pool(site: Site) -> None:
    names = ("auto_pad", "ceil_mode", "count_include_pad", "kernel_shape", "pads", "strides")
    channels_first(site, "AveragePool", **{name: site.attribute(name) for name in names})


def quantised_global_pool(site: Site) -> None:
    channels_first(site, "GlobalAveragePool")


def quantised_concat(site: Site) -> None:
    parts = [site.floats(i) for i in range(2, len(site.node.inputs), 3)]
    site.give(0, site.copy.add("Concat", parts, axis=site.attribute("axis")))


def quantised_softmax(site: Site) -> None:
    axis = site.number("axis", -1)
    if site.number("opset", 13) < 13:
        raise CannotProbe("it flattens its axes as an older Softmax does")
    site.give(0, site.copy.add("Softmax", [site.data(0)], axis=axis))


def quantised_mean(site: Site) -> None:
    axes = site.numbers("axes") or tuple(range(len(site.shape(0))))
    keepdims = site.number("keepdims", 1)
    site.give(0, site.copy.over("ReduceMean", site.data(0), axes, keepdims=keepdims))


def by_its_range(site: Site) -> None:
    """DynamicQuantizeLinear: the scale hangs on the range of all elements, and each element on it."""
    axes = range(len(site.shape(0)))
    x = site.data(0)
    span = site.copy.over("ReduceMean", x, axes, keepdims=0) if axes else x
    site.give(0, site.copy.together([x, span]))
    site.give(1, span)
    site.give(2, span)


declare(quantised(quantised_pool), "QLinearAveragePool", domain=MICROSOFT)
declare(quantised(quantised_global_pool), "QLinearGlobalAveragePool", domain=MICROSOFT)
declare(quantised(quantised_concat), "QLinearConcat", domain=MICROSOFT)
declare(quantised(quantised_softmax), "QLinearSoftmax", domain=MICROSOFT)
declare(quantised(quantised_mean), "QLinearReduceMean", domain=MICROSOFT)
declare(by_its_range, "DynamicQuantizeLinear")


# -- attention -----------------------------------------------------------------------------------


def attention(*fillings: Filling) -> ProbeRule:
    """The operator itself where nothing is masked.

    A mask multiplies by zero, and a NaN survives that: what is hidden would seem to be seen.
    """
    rule = keep(*fillings)

    def checked(site: Site) -> None:
        hides = site.number("is_causal", 0) or site.number("unidirectional", 0)
        if hides or any(site.given(i) for i in range(len(fillings), len(site.node.inputs))):
            raise CannotProbe("it masks some of what it attends to, or has a state")
        rule(site)

    return checked


declare(attention(1.0, 1.0, 1.0), "Attention")
declare(attention(1.0, 1.0, 1.0, 0.0), "MultiHeadAttention", domain=MICROSOFT)
declare(attention(1.0, factor, 0.0), "Attention", domain=MICROSOFT)
declare(keep(1.0, 1.0, 1.0, TRUE), "RotaryEmbedding")
declare(keep(1.0, TRUE, 1.0, 1.0), "RotaryEmbedding", domain=MICROSOFT)
refuse("where it reads hangs on values", "GridSample", "CropAndResize", domain=MICROSOFT)
