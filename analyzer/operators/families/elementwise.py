"""Operators that work element by element: what shape do they give, and how many operations is that?

Output shapes follow numpy's broadcasting; before opset 7 a binary operator broadcast its second
operand only, and only where told to, its axes laid against the first's from ``axis`` on::

    A (2, 3, 4, 5), B (3, 4), axis=1      ->  B as (1, 3, 4, 1)

Work per output element, from each operator's formula in the ONNX specification. One function value
(exp, log, tanh, a sine, a power) is one ``exp``; comparing, choosing the larger, sign, absolute
value, rounding and every logic or bit operation is one ``compare``; a remainder is one ``div``.
Casting, selecting (Where), Identity and Dropout at inference move data: 0. An operator of k
operands is k - 1 operations.
"""

from __future__ import annotations

from functools import partial

from cnnscope.analyzer.operators.definition import Family, constants, define
from cnnscope.analyzer.operators.reading import NOTHING, Along, InputRead, OutputReads, elementwise
from cnnscope.analyzer.operators.rules import (
    Rule,
    broadcast_shapes,
    demand,
    demand_single,
    each,
    one_of,
    same,
)
from cnnscope.analyzer.operators.tapping import factor_taps
from cnnscope.analyzer.operators.work import NO_WORK, Work
from cnnscope.analyzer.values.conditions import agree, fits_onto
from cnnscope.analyzer.values.dimension import Undetermined
from cnnscope.analyzer.values.tensor import BITS, DTYPES, Shape, Tensor, dtype_of


def broadcast_shape(*inputs: Tensor | None) -> Shape | None:
    """The broadcast shape, or None where an input's rank isn't known."""
    shapes = [x.shape for x in inputs if x is not None]
    known = [shape for shape in shapes if shape is not None]
    return broadcast_shapes(*known) if len(known) == len(shapes) else None


def broadcast(*inputs: Tensor | None) -> Tensor:
    """Numpy's broadcasting of all inputs, in the first one's dtype."""
    dtype = next((x.dtype for x in inputs if x is not None and x.dtype is not None), None)
    return Tensor(dtype, broadcast_shape(*inputs))


def shift_output(x: Tensor, by: Tensor, *, direction: str) -> Tensor:
    one_of(direction, "direction", "LEFT", "RIGHT")
    return broadcast(x, by)


def as_type(infer: Rule, dtype: str) -> Rule:
    """The same shape in another dtype."""

    def typed(*inputs: Tensor | None) -> Tensor:
        result = infer(*inputs)
        assert isinstance(result, Tensor)
        return result.of(result.shape, dtype)

    return typed


# -- before opset 7: the second operand is laid against the first ----------------------------


def aligned(a: Tensor, b: Tensor, broadcast: int, axis: int | None) -> int:
    """The axis of `a` that the first axis of `b` lies against."""
    if not broadcast:
        if a.rank != b.rank or not all(map(agree, a.dims, b.dims)):
            raise ValueError(f"shapes {a.dims} and {b.dims} differ and broadcast is 0")
        return 0
    # A one-element operand of any rank not above the first's is a scalar.
    scalar = all(dim == 1 for dim in b.dims)
    first = a.rank - b.rank if axis is None or scalar else axis + (a.rank if axis < 0 else 0)
    if not 0 <= first <= a.rank - b.rank:
        raise ValueError(f"the second operand's {b.rank} axes don't fit the first's at axis {axis}")
    for m, n in zip(a.dims[first:], b.dims, strict=False):
        if not fits_onto(n, m):
            raise ValueError(f"shapes {a.dims} and {b.dims} don't match from axis {first} on")
    return first


def one_way(a: Tensor, b: Tensor, *, broadcast: int = 0, axis: int | None = None) -> Tensor:
    if a.shape is not None and b.shape is not None:
        aligned(a, b, broadcast, axis)
    return a.of(a.shape)


def one_way_reads(
    outputs: tuple[Tensor, ...],
    a: Tensor,
    b: Tensor,
    *,
    broadcast: int = 0,
    axis: int | None = None,
) -> OutputReads:
    first = aligned(a, b, broadcast, axis)
    # Written out to the right with ones, numpy's rule says the rest.
    wide = b.of((*b.dims, *(1 for _ in range(a.rank - b.rank - first))))
    return elementwise(outputs[0], a), elementwise(outputs[0], wide)[: b.rank]


def define_binary(
    *names: str,
    work: Rule,
    result: str | None = None,
    kind: Family = "elementwise arithmetic",
    taps: Rule | None = None,
) -> None:
    """A binary operator with both its meanings of broadcasting."""
    for since, infer, reads in ((1, one_way, one_way_reads), (7, broadcast, None)):
        rule: Rule = infer
        if result and infer is one_way:
            rule = compare_one_way
        elif result:
            rule = as_type(broadcast, result)
        define(*names, kind=kind, infer=rule, work=work, reads=reads, since=since, taps=taps)


def compare_one_way(a: Tensor, b: Tensor, *, broadcast: int = 0, axis: int | None = None) -> Tensor:
    result = one_way(a, b, broadcast=broadcast, axis=axis)
    return result.of(result.shape, "bool")


# -- the irregular ones ------------------------------------------------------------------------


def folded(kind: str, finish: str = "") -> Rule:
    """Work of an operator over k operands: k - 1 operations per element, and one to finish."""

    def work(outputs: tuple[Tensor, ...], *inputs: Tensor) -> Work:
        size = outputs[0].size
        return Work(**{kind: (len(inputs) - 1) * size}) + Work(**{finish: size} if finish else {})

    return work


def where_output(condition: Tensor, x: Tensor, y: Tensor) -> Tensor:
    return broadcast(x, y).of(broadcast_shape(condition, x, y))


def clip_output(x: Tensor, low: Tensor | None = None, high: Tensor | None = None) -> Tensor:
    demand_single(low, "min")
    demand_single(high, "max")
    return x.of(x.shape)


def clip_work(
    outputs: tuple[Tensor, ...],
    x: Tensor,
    low: Tensor | None = None,
    high: Tensor | None = None,
    *,
    min: float | None = None,  # noqa: A002  # ONNX's attribute names
    max: float | None = None,  # noqa: A002
) -> Work:
    """One comparison per bound that is given, as an attribute (before 11) or as an input."""
    return Work(compare=outputs[0].size * sum(v is not None for v in (low, high, min, max)))


def scalar_reads(outputs: tuple[Tensor, ...], x: Tensor, *scalars: Tensor | None) -> OutputReads:
    rest: list[InputRead] = [None if s is None else elementwise(outputs[0], s) for s in scalars]
    return (None, *rest)


def cast_output(x: Tensor, *, to: int | str) -> Tensor:
    """`to` was a name ("FLOAT") before opset 6."""
    if isinstance(to, str):
        spoken = {"float": "float32", "double": "float64"}
        dtype = spoken.get(to.lower(), to.lower())
    elif to in DTYPES:
        dtype = dtype_of(to)
    else:
        raise ValueError(f"{to} is no ONNX data type")
    return x.of(x.shape, dtype)


def bit_cast_output(x: Tensor, *, to: int) -> Tensor:
    """The same bits, as numbers of another dtype of that width."""
    y = cast_output(x, to=to)
    has, wants = BITS.get(x.dtype or ""), BITS.get(y.dtype or "")
    if has is not None and wants is not None and has != wants:
        raise ValueError(f"{x.dtype} has {has} bits, {y.dtype} has {wants}")
    return y


def cast_like_output(x: Tensor, target: Tensor) -> Tensor:
    return Tensor(target.dtype, x.shape)


def cast_like_reads(outputs: tuple[Tensor, ...], x: Tensor, target: Tensor) -> OutputReads:
    return None, NOTHING


def identity_output(x: Tensor) -> Tensor:
    """Whatever it is, a container included, with its value."""
    return x


def dropout_output(
    x: Tensor, ratio: Tensor | None = None, training_mode: Tensor | None = None, *, opset: int
) -> tuple[Tensor, Tensor]:
    """At inference the input and a mask of ones, which is boolean from opset 10 on."""
    demand(ratio, "ratio")
    demand(training_mode, "training_mode")
    return x.of(x.shape), x.of(x.shape, "bool" if opset >= 10 else None)


def dropout_work(
    outputs: tuple[Tensor, ...],
    x: Tensor,
    ratio: Tensor | None = None,
    training_mode: Tensor | None = None,
    *,
    is_test: int = 0,
    output_count: int,
    opset: int,
) -> Work:
    """In training mode each element is drawn for (a comparison) and scaled; else it is copied.

    Before opset 7 an attribute says which it is, and a mask that somebody wants says so, as for
    batch normalisation; opsets 7 to 11 know inference alone.
    """
    if opset < 7:
        training = output_count > 1 and not is_test
    elif training_mode is None:
        training = False
    elif training_mode.value is None:
        raise Undetermined("whether it drops anything, which hangs on its input training_mode")
    else:
        training = bool(training_mode.only_number)
    return Work(compare=outputs[0].size, mul=outputs[0].size) if training else NO_WORK


def prelu_output(x: Tensor, slope: Tensor) -> Tensor:
    """Broadcast one onto the other, as it is executed; ONNX has only the slope broadcast."""
    return x.of(broadcast_shape(x, slope))


def prelu_channel_reads(outputs: tuple[Tensor, ...], x: Tensor, slope: Tensor) -> OutputReads:
    """Before opset 7 a slope per channel, whose axis is 1 however many follow; or one for all."""
    if slope.rank == 1 and slope.dims[0] != 1 and x.rank > 1:
        return None, (Along(1),)
    return None, None


arithmetic = partial(define, kind="elementwise arithmetic")
logic = partial(define, kind="logic")

define_binary("Add", "Sub", work=each(add=1))
define_binary("Mul", work=each(mul=1), taps=factor_taps)
define_binary("Div", work=each(div=1), taps=factor_taps)
define_binary("Pow", work=each(exp=1))
define_binary("And", "Or", "Xor", work=each(compare=1), result="bool", kind="logic")
define_binary("Equal", "Greater", "Less", work=each(compare=1), result="bool", kind="logic")
logic("GreaterOrEqual", "LessOrEqual", infer=as_type(broadcast, "bool"), work=each(compare=1))
arithmetic("Mod", infer=broadcast, work=each(div=1))
logic("BitShift", infer=shift_output, work=each(compare=1))
logic("BitwiseAnd", "BitwiseOr", "BitwiseXor", infer=broadcast, work=each(compare=1))
logic("BitwiseNot", "Not", infer=same, work=each(compare=1))

arithmetic("Max", "Min", infer=broadcast, work=folded("compare"))
arithmetic("Sum", infer=broadcast, work=folded("add"))
arithmetic("Mean", infer=broadcast, work=folded("add", "div"))

arithmetic("Abs", "Neg", "Sign", "Ceil", "Floor", "Round", infer=same, work=each(compare=1))
logic("IsNaN", "IsInf", infer=as_type(same, "bool"), work=each(compare=1))
arithmetic("Reciprocal", infer=same, work=each(div=1))
arithmetic("Sqrt", infer=same, work=each(sqrt=1))
arithmetic("Exp", "Log", "Erf", infer=same, work=each(exp=1))
arithmetic("Sin", "Cos", "Tan", "Asin", "Acos", "Atan", infer=same, work=each(exp=1))
arithmetic("Sinh", "Cosh", "Asinh", "Acosh", "Atanh", infer=same, work=each(exp=1))

activation = partial(define, kind="activation")
activation("Clip", infer=clip_output, work=clip_work, reads=scalar_reads, roles=constants(1, 2))
activation("PRelu", infer=same, work=each(compare=1, mul=1), reads=prelu_channel_reads)
activation("PRelu", infer=prelu_output, work=each(compare=1, mul=1), since=7)

logic("Where", infer=where_output)
define("Cast", kind="conversion", infer=cast_output)
define("BitCast", kind="conversion", infer=bit_cast_output)
define("CastLike", kind="conversion", infer=cast_like_output, reads=cast_like_reads)
define("Identity", kind="identity", infer=identity_output)
define(
    "Dropout", kind="dropout", infer=dropout_output, work=dropout_work, reads=scalar_reads,
    roles=constants(1, 2),
)  # fmt: skip
