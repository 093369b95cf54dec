"""Is what a rule gave an answer at all?

cnnscope's own rules are held to their types by mypy. Rules from outside are held to them here: each
function takes what a rule gave and the tensors that it was asked about, and returns the answer with
its numbers as plain ints, or raises `RuleFailed` with a phrase that ends "its reads rule gave ...".
"""

from __future__ import annotations

import operator
from dataclasses import fields, replace
from fractions import Fraction

from cnnscope.analyzer.operators.reading import (
    Along,
    Flat,
    Listed,
    Nothing,
    Only,
    Reads,
    Through,
    Upto,
    Whole,
)
from cnnscope.analyzer.operators.work import Work
from cnnscope.analyzer.values.dimension import Dim, FreeDim, Undetermined
from cnnscope.analyzer.values.tensor import BITS, Tensor
from cnnscope.analyzer.values.window import Window


class RuleFailed(Exception):
    """A rule from outside broke, or gave what no rule may give."""


def checked_outputs(given: object, positional: tuple[object, ...]) -> tuple[Tensor, ...]:
    """What an `infer` rule gave, as a tuple of tensors.

    Raises:
        RuleFailed: it isn't that.
        ValueError: a length below 0, which is the model's fault.
    """
    found = given if isinstance(given, tuple) else (given,)
    outputs = []
    for k, x in enumerate(found):
        if not isinstance(x, Tensor):
            raise RuleFailed(f"{_named(x)}, where a Tensor or a tuple of them is wanted")
        if x.dtype is not None and x.dtype not in BITS and x.dtype != "string":
            raise RuleFailed(
                f"output {k} the dtype {x.dtype!r}, where a name such as 'float32' is wanted"
            )
        if x.shape is None:
            outputs.append(x)
            continue
        if not isinstance(x.shape, tuple | list):
            raise RuleFailed(f"output {k} the shape {_named(x.shape)}, where a tuple is wanted")
        shape = tuple(_whole(d, f"axis {i} of output {k}") for i, d in enumerate(x.shape))
        for i, d in enumerate(shape):
            if isinstance(d, int) and d < 0:
                raise ValueError(f"axis {i} of output {k} would have length {d}")
        outputs.append(replace(x, shape=shape))
    return tuple(outputs)


def checked_work(given: object, positional: tuple[object, ...]) -> Work:
    """What a `work` rule gave, its counts whole numbers; raises RuleFailed where it isn't that."""
    if not isinstance(given, Work):
        raise RuleFailed(f"{_named(given)}, where Work is wanted")
    counts = {f.name: _whole(getattr(given, f.name), f.name) for f in fields(Work)}
    for name, count in counts.items():
        if isinstance(count, int) and count < 0:
            raise RuleFailed(f"{name}={count}, where a count is wanted")
    return Work(**counts)


def checked_reads(given: object, positional: tuple[object, ...]) -> Reads:
    """What a `reads` rule gave; raises RuleFailed where no pass could follow it."""
    outputs, *inputs = positional
    assert isinstance(outputs, tuple)
    if isinstance(given, dict):
        for k, row in given.items():
            if not isinstance(k, int) or not 0 <= k < len(outputs):
                raise RuleFailed(f"reads for output {k!r} of {len(outputs)}")
            _check_row(row, outputs[k], inputs)
        return given
    if not isinstance(given, tuple):
        raise RuleFailed(f"{_named(given)}, where a tuple with one answer per input is wanted")
    if given and isinstance(given[0], Through):
        return given
    for output in outputs:
        _check_row(given, output, inputs)
    return given


def _check_row(row: object, output: Tensor, inputs: list[object]) -> None:
    """One output's reads: an answer per input; those left out at the end are read elementwise."""
    if not isinstance(row, tuple):
        raise RuleFailed(f"{_named(row)}, where a tuple with one answer per input is wanted")
    if len(row) > len(inputs):
        raise RuleFailed(f"reads for {len(row)} inputs, where the node has {len(inputs)}")
    for k, x in enumerate(inputs):
        if not isinstance(x, Tensor) or x.shape is None or output.shape is None:
            continue
        read = row[k] if k < len(row) else None
        if read is None:
            _check_elementwise(x, output, k)
        elif isinstance(read, Flat):
            if isinstance(x.size, int) and isinstance(output.size, int) and x.size != output.size:
                raise RuleFailed(
                    f"FLAT for input {k}, whose elements aren't as many as the output's"
                )
        elif not isinstance(read, Nothing):
            _check_axes(read, x, output, k)


def _check_elementwise(x: Tensor, output: Tensor, k: int) -> None:
    """What nothing is said of is read elementwise: that has to be possible."""
    if x.constant:
        return  # nobody asks what is seen of a weight
    shift = output.rank - x.rank
    if shift < 0 or any(
        isinstance(mine, int) and isinstance(theirs, int) and mine not in (1, theirs)
        for mine, theirs in zip(x.dims, output.dims[max(shift, 0) :], strict=False)
    ):
        raise RuleFailed(
            f"nothing for input {k}, {_sizes(x)}, which doesn't broadcast to the output, "
            f"{_sizes(output)}"
        )


def _check_axes(read: object, x: Tensor, output: Tensor, k: int) -> None:
    if not isinstance(read, tuple):
        raise RuleFailed(
            f"{_named(read)} for input {k}, where a tuple with one read per axis is wanted"
        )
    if len(read) != x.rank:
        raise RuleFailed(f"{len(read)} reads for input {k}, which has {x.rank} axes")
    taken: set[int] = set()
    for i, way in enumerate(read):
        where = f"axis {i} of input {k}"
        if isinstance(way, Along | Listed | Upto):
            if type(way.axis) is not int or not 0 <= way.axis < output.rank:
                raise RuleFailed(
                    f"{where} the output's axis {way.axis!r}, where 0 to {output.rank - 1} is wanted"
                )
            if way.axis in taken:
                raise RuleFailed(
                    f"{where} the output's axis {way.axis}, which another axis has already"
                )
            taken.add(way.axis)
        if isinstance(way, Along):
            _check_window(way.window, where)
        elif isinstance(way, Listed):
            length = output.dims[way.axis]
            if isinstance(length, int) and len(way.rows) != length:
                raise RuleFailed(f"{where} {len(way.rows)} rows for {length} outputs")
        elif isinstance(way, Only):
            _whole(way.lo, where)
            _whole(way.hi, where)
        elif not isinstance(way, Whole | Upto):
            raise RuleFailed(
                f"{where} {_named(way)}, where Along, Whole, Only, Listed or Upto is wanted"
            )


def _check_window(window: object, where: str) -> None:
    if not isinstance(window, Window):
        raise RuleFailed(f"{where} {_named(window)}, where a Window is wanted")
    parts: tuple[object, ...] = (window.size, window.stride, window.dilation, window.before)
    for part in parts:
        if isinstance(part, FreeDim):
            raise Undetermined("a window", part.names, part.data)
    if type(window.size) is not int or window.size < 1:
        raise RuleFailed(f"{where} a window of size {window.size!r}, where 1 or more is wanted")
    if not all(isinstance(part, int | Fraction) for part in parts):
        raise RuleFailed(f"{where} {window!r}, where ints or Fractions are wanted")
    if window.stride == 0:
        raise RuleFailed(
            f"{where} a window of stride 0: Only says that every output reads the same"
        )


def _whole(value: object, what: str) -> Dim:
    """A whole number as a plain int, numpy's and free dimensions included."""
    if isinstance(value, FreeDim):
        return value
    try:
        if not isinstance(value, bool):
            return operator.index(value)  # type: ignore[arg-type]  # that is what is found out
    except TypeError:
        pass
    raise RuleFailed(f"{what} = {value!r}, where a whole number is wanted")


def _named(value: object) -> str:
    """What a thing is, in few words."""
    if value is None:
        return "None"
    if isinstance(value, type):
        return f"the class {value.__name__}"
    article = "an" if type(value).__name__[:1].lower() in "aeiou" else "a"
    return f"{article} {type(value).__name__}"


def _sizes(x: Tensor) -> str:
    return "x".join(map(str, x.dims)) or "scalar"
