"""What do rules of many operators say alike: shapes that are the same, what they ask of their inputs?"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from cnnscope.analyzer.operators.work import Work
from cnnscope.analyzer.values.conditions import agree, fits_onto
from cnnscope.analyzer.values.diagnostics import LimitError
from cnnscope.analyzer.values.dimension import Dim
from cnnscope.analyzer.values.tensor import Tensor

Rule = Callable[..., object]
#: what `work` and `reads` are given first
Outputs = tuple[Tensor, ...]
#: an attribute with a number per axis
Ints = Sequence[int] | None


def demand(x: Tensor | None, what: str, *wanted: Dim | None) -> None:
    """Raise ValueError where an operand surely isn't of the shape it has to be.

    Args:
        x: the operand; None: it is omitted, or what is wanted of it holds of nothing.
        what: its name.
        wanted: a length per axis; None: any.

    >>> demand(Tensor("float32", (4, 3)), "bias", 4)
    Traceback (most recent call last):
    ValueError: bias is 4x3, 4 is wanted
    """
    if x is None or x.shape is None:
        return
    fits = len(x.shape) == len(wanted) and not any(
        want is not None and not agree(has, want) for has, want in zip(x.shape, wanted, strict=True)
    )
    if not fits:
        has = "x".join(map(str, x.shape)) or "scalar"
        want = "x".join("?" if n is None else str(n) for n in wanted) or "a scalar"
        raise ValueError(f"{what} is {has}, {want} is wanted")


def demand_onto(x: Tensor | None, what: str, onto: Sequence[Dim]) -> None:
    """Raise ValueError where an operand surely can't be broadcast onto a shape.

    >>> demand_onto(Tensor("float32", (3,)), "scale", (2, 4))
    Traceback (most recent call last):
    ValueError: scale is 3, which can't be broadcast onto 2x4
    """
    if x is None or x.shape is None:
        return
    last = onto[len(onto) - len(x.shape) :]
    if len(x.shape) > len(onto) or any(
        not fits_onto(has, want) for has, want in zip(x.shape, last, strict=True)
    ):
        has = "x".join(map(str, x.shape))
        want = "x".join(map(str, onto)) or "a scalar"
        raise ValueError(f"{what} is {has}, which can't be broadcast onto {want}")


def demand_rank(x: Tensor | None, what: str, *ranks: int) -> None:
    """Raise ValueError where an operand surely has another number of axes.

    >>> demand_rank(Tensor("int64", (1, 4)), "shape", 1)
    Traceback (most recent call last):
    ValueError: shape has 2 axes, 1 is wanted
    """
    if x is None or x.shape is None or len(x.shape) in ranks:
        return
    wanted = " or ".join(map(str, ranks))
    raise ValueError(
        f"{what} has {len(x.shape)} axes, {wanted} {'is' if wanted == '1' else 'are'} wanted"
    )


def demand_least_rank(x: Tensor | None, what: str, least: int) -> None:
    """Raise ValueError where an operand surely has too few axes.

    >>> demand_least_rank(Tensor("float32", (4,)), "input", 2)
    Traceback (most recent call last):
    ValueError: input has 1 axes, at least 2 are wanted
    """
    if x is not None and x.shape is not None and len(x.shape) < least:
        raise ValueError(f"{what} has {len(x.shape)} axes, at least {least} are wanted")


def demand_single(x: Tensor | None, what: str) -> None:
    """Raise ValueError where an operand surely isn't one number: a scalar, or a list of one.

    >>> demand_single(Tensor("float32", (4,)), "x_scale")
    Traceback (most recent call last):
    ValueError: x_scale is 4, one number is wanted
    """
    demand_each(x, what, 1)


def demand_each(x: Tensor | None, what: str, count: Dim | None) -> None:
    """Raise ValueError where an operand is surely neither one number nor a list of so many.

    >>> demand_each(Tensor("float32", (4,)), "w_scale", 8)
    Traceback (most recent call last):
    ValueError: w_scale is 4, one number or 8 are wanted
    """
    if x is None or x.shape is None or x.shape in ((), (1,)):
        return
    if len(x.shape) != 1 or (count is not None and not agree(x.shape[0], count)):
        has = "x".join(map(str, x.shape))
        more = "" if count == 1 else f" or {'a list' if count is None else count}"
        raise ValueError(f"{what} is {has}, one number{more} {'are' if more else 'is'} wanted")


def one_of(value: str, what: str, *known: str) -> str:
    """A text in an attribute that names one of a few; raises ValueError for any other.

    >>> one_of("nonsense", "mode", "linear", "nearest")
    Traceback (most recent call last):
    ValueError: mode is 'nonsense', one of linear, nearest is wanted
    """
    if value not in known:
        shown = value if len(value) <= 40 else f"{value[:37]}..."
        raise ValueError(f"{what} is {shown!r}, one of {', '.join(known)} is wanted")
    return value


def flag(value: int, what: str) -> int:
    """An attribute that is 0 or 1; raises ValueError for any other number.

    >>> flag(2, "reverse")
    Traceback (most recent call last):
    ValueError: reverse is 2, 0 or 1 is wanted
    """
    if value not in (0, 1):
        raise ValueError(f"{what} is {value}, 0 or 1 is wanted")
    return value


def in_range(axis: int, rank: int) -> int:
    """An axis counted from the front; raises ValueError where there is no such axis.

    >>> in_range(-1, 4)
    3
    """
    if not -rank <= axis < rank:
        raise ValueError(f"axis {axis} of a tensor with {rank} axes")
    return axis % rank


#: the most that a number in an attribute may count: inputs, parts, lengths of n-grams
COUNT_LIMIT = 1 << 16


def counted(count: int, what: str) -> int:
    """A number in an attribute that counts something; raises LimitError where it can't be.

    >>> counted(-1, "num_scan_inputs")
    Traceback (most recent call last):
    cnnscope.analyzer.values.diagnostics.LimitError: num_scan_inputs is -1, 0 to 65536 is wanted
    """
    if not 0 <= count <= COUNT_LIMIT:
        raise LimitError(f"{what} is {count}, 0 to {COUNT_LIMIT} is wanted")
    return count


def each_axis(values: Sequence[int] | None, count: int, default: int, what: str) -> list[int]:
    """An attribute with one number per spatial axis, or per end of one.

    Raises ValueError for another count, and for numbers below the default: that is also the least
    that makes sense, 1 for kernels, strides and dilations and 0 for padding.

    >>> each_axis((2, 0), 2, 1, "strides")
    Traceback (most recent call last):
    ValueError: strides holds 0, at least 1 is wanted
    """
    if not values:
        return [default] * count
    if len(values) != count:
        raise ValueError(f"{what} has {len(values)} numbers, {count} are wanted")
    if min(values) < default:
        raise ValueError(f"{what} holds {min(values)}, at least {default} is wanted")
    return list(values)


def same(x: Tensor, *rest: Tensor | None, **attributes: object) -> Tensor:
    """The output has the first input's shape and dtype."""
    return x.of(x.shape)


def each(**per_element: int) -> Rule:
    """Work of so many primitive operations per output element: ``each(mul=1, add=1)``."""

    def work(outputs: tuple[Tensor, ...], *inputs: Tensor | None, **attributes: object) -> Work:
        size = outputs[0].size
        return Work(**{kind: count * size for kind, count in per_element.items()})

    return work


def broadcast_shapes(*shapes: tuple[Dim, ...]) -> tuple[Dim, ...]:
    """Numpy's broadcasting, over dimensions that may be free.

    A free dimension against a known one other than 1 must equal it; two different free ones can't
    be decided and the first is taken.

    >>> broadcast_shapes((8, 1, 3), (4, 1))
    (8, 4, 3)
    """
    if shapes and shapes.count(shapes[0]) == len(shapes):
        return shapes[0]
    rank = max(map(len, shapes), default=0)
    result: list[Dim] = []
    for axis in range(-rank, 0):
        dims = [shape[axis] for shape in shapes if len(shape) >= -axis]
        known = {dim for dim in dims if isinstance(dim, int) and dim != 1}
        if len(known) > 1:
            raise ValueError(f"shapes {', '.join(map(_show, shapes))} don't broadcast")
        free = [dim for dim in dims if not isinstance(dim, int)]
        length = known.pop() if known else free[0] if free else 1
        for dim in free:
            fits_onto(dim, length)
        result.append(length)
    return tuple(result)


def _show(shape: tuple[Dim, ...]) -> str:
    return "x".join(map(str, shape)) or "scalar"
