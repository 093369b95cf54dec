"""What do convolutions of integers put out, what work are they, and what do they read?

They are the float operators' rules, with scales and zero points between the operands: a zero point is
one subtraction per element of its operand, none for constant weights (done once); back to 8 bits: a
multiplication, rounding, two comparisons that saturate, the zero point's addition.
"""

from __future__ import annotations

import functools
from collections.abc import Mapping

from cnnscope.analyzer.operators.definition import MICROSOFT, constants, define
from cnnscope.analyzer.operators.families.conv import conv_output, conv_reads, conv_work
from cnnscope.analyzer.operators.families.conv_transpose import (
    transpose_output,
    transpose_reads,
    transpose_work,
)
from cnnscope.analyzer.operators.families.requantizing import REQUANTIZE
from cnnscope.analyzer.operators.filter_banks import kernel_filters
from cnnscope.analyzer.operators.reading import Along, InputRead, OutputReads, everything
from cnnscope.analyzer.operators.rules import Rule, demand_each, demand_single
from cnnscope.analyzer.operators.work import Work
from cnnscope.analyzer.values.dimension import Dim
from cnnscope.analyzer.values.tensor import Shape, Tensor


def zero_points(x: Tensor, of_x: Tensor | None, w: Tensor, of_w: Tensor | None) -> Work:
    """The subtractions of the zero points."""
    known = of_w is None or (w.constant and of_w.constant)
    return Work(add=(0 if of_x is None else x.size) + (0 if known else w.size))


def integer_output(rule: Rule) -> Rule:
    """ConvInteger's output from the float operator's: 32 bits."""

    @functools.wraps(rule)
    def output(x: Tensor, w: Tensor, *rest: Tensor | None, **attributes: object) -> Tensor:
        found = rule(x, w, **attributes)
        assert isinstance(found, Tensor)
        return found.of(found.shape, "int32")

    return output


def integer_work(
    outputs: tuple[Tensor, ...], x: Tensor, w: Tensor,
    x_zero: Tensor | None = None, w_zero: Tensor | None = None,
) -> Work:  # fmt: skip
    return conv_work(outputs, x, w) + zero_points(x, x_zero, w, w_zero)


def integer_reads(rule: Rule) -> Rule:
    """ConvInteger's reads: the zero points serve every output, a list of them one channel each."""

    @functools.wraps(rule)
    def reads(
        outputs: tuple[Tensor, ...], x: Tensor, w: Tensor,
        x_zero: Tensor | None = None, w_zero: Tensor | None = None, **attributes: object,
    ) -> OutputReads:  # fmt: skip
        found = rule(outputs, x, w, **attributes)
        assert isinstance(found, tuple)
        return (*found[:2], *(parameter(t, 1) for t in (x_zero, w_zero)))

    return reads


def parameter(tensor: Tensor | None, channel: int) -> InputRead:
    """A scale or zero point: one for all, or one per output channel."""
    if tensor is None or tensor.rank == 0:
        return ()
    return everything(tensor) if tensor.dims[0] == 1 else (Along(channel),)


def output_channels(shape: Shape, attributes: Mapping[str, object]) -> Dim:
    return shape[-1 if attributes.get("channels_last") else 1]


def quantized_output(rule: Rule) -> Rule:
    """A quantised operator's output from the float one's; the zero point has its dtype."""

    @functools.wraps(rule)
    def output(
        x: Tensor, x_scale: Tensor, x_zero: Tensor, w: Tensor, w_scale: Tensor, w_zero: Tensor,
        y_scale: Tensor, y_zero: Tensor | None = None, b: Tensor | None = None,
        **attributes: object,
    ) -> Tensor:  # fmt: skip
        singles = {
            "x_scale": x_scale, "x_zero_point": x_zero, "y_scale": y_scale, "y_zero_point": y_zero
        }  # fmt: skip
        for name, given in singles.items():
            demand_single(given, name)
        found = rule(x, w, b, **attributes)
        assert isinstance(found, Tensor)
        channels = None if found.shape is None else output_channels(found.shape, attributes)
        demand_each(w_scale, "w_scale", channels)
        demand_each(w_zero, "w_zero_point", channels)
        return found.of(found.shape, None if y_zero is None else y_zero.dtype)

    return output


def quantized_work(rule: Rule) -> Rule:
    @functools.wraps(rule)
    def work(
        outputs: tuple[Tensor, ...], x: Tensor, x_scale: Tensor, x_zero: Tensor | None, w: Tensor,
        w_scale: Tensor, w_zero: Tensor | None, *rest: Tensor | None, **attributes: object,
    ) -> Work:  # fmt: skip
        found = rule(outputs, x, w, rest[2] if len(rest) > 2 else None, **attributes)
        assert isinstance(found, Work)
        return found + zero_points(x, x_zero, w, w_zero) + REQUANTIZE * outputs[0].size

    return work


def quantized_reads(rule: Rule) -> Rule:
    @functools.wraps(rule)
    def reads(
        outputs: tuple[Tensor, ...], x: Tensor, x_scale: Tensor, x_zero: Tensor | None, w: Tensor,
        w_scale: Tensor, w_zero: Tensor | None, *rest: Tensor | None, **attributes: object,
    ) -> OutputReads:  # fmt: skip
        found = rule(outputs, x, w, **attributes)
        assert isinstance(found, tuple)
        channel = found[2][0].axis
        one, two, three, four = (parameter(t, channel) for t in (x_scale, x_zero, w_scale, w_zero))
        ends = (parameter(t, channel) for t in rest[:2])
        return found[0], one, two, found[1], three, four, *ends, found[2]

    return reads


define(
    "ConvInteger", scheme="qoperator", kind="convolution",
    infer=integer_output(conv_output), work=integer_work, reads=integer_reads(conv_reads),
    roles=constants(2, 3), filters=kernel_filters(1, zero=3), pads_from=2,
)  # fmt: skip
for _domain in ("", MICROSOFT):
    define(
        "QLinearConv",
        scheme="qoperator",
        kind="convolution",
        infer=quantized_output(conv_output),
        work=quantized_work(conv_work),
        reads=quantized_reads(conv_reads),
        roles={8: "parameter", **constants(1, 2, 4, 5, 6, 7)},
        domain=_domain,
        filters=kernel_filters(3, 4, 5),
        pads_from=2,
    )
define(
    "QLinearConvTranspose",
    scheme="qoperator",
    kind="transposed convolution",
    infer=quantized_output(transpose_output),
    work=quantized_work(transpose_work),
    reads=quantized_reads(transpose_reads),
    roles={8: "parameter", **constants(1, 2, 4, 5, 6, 7)},
    domain=MICROSOFT,
    filters=kernel_filters(3, 4, 5, transposed=True),
)
