"""Are a program's arguments what they have to be?

The public functions ask here first, so that what is wrong is said in one line, with what is wanted,
and as one of cnnscope's own errors, before anything is read.
"""

from __future__ import annotations

import operator
import os
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING

from cnnscope.analyzer.values.diagnostics import ArgumentError, BindingError

if TYPE_CHECKING:
    import numpy as np

Lengths = tuple[int | None, ...]


def checked_shapes(shapes: object) -> dict[str, Lengths]:
    """Input names to shapes, with plain integers.

    Raises:
        BindingError: it isn't that.

    >>> checked_shapes({"x": [1, None]})
    {'x': (1, None)}
    """
    if shapes is None:
        return {}
    if not isinstance(shapes, Mapping):
        raise BindingError(
            f"shapes is {_said(shapes)}; a dict from input names to shapes is wanted:"
            " {'input': (1, 3, 224, 224)}"
        )
    found: dict[str, Lengths] = {}
    for name, shape in shapes.items():
        if not isinstance(name, str):
            raise BindingError(f"shapes names an input {_said(name)}; a text is wanted")
        if isinstance(shape, (str, bytes, Mapping)) or not isinstance(shape, Iterable):
            raise BindingError(
                f"the shape of input {name!r} is {_said(shape)}; lengths are wanted, None for one"
                " left free: (1, 3, None, None)"
            )
        found[name] = tuple(
            None if length is None else _length(length, f"the shape of input {name!r}")
            for length in shape
        )
    return found


def checked_dims(dims: object) -> dict[str, int]:
    """Names of free dimensions to their lengths, likewise."""
    if dims is None:
        return {}
    if not isinstance(dims, Mapping):
        raise BindingError(
            f"dims is {_said(dims)}; a dict from names of dimensions to lengths is wanted:"
            " {'H': 224}"
        )
    found = {}
    for name, length in dims.items():
        if not isinstance(name, str):
            raise BindingError(f"dims names a dimension {_said(name)}; a text is wanted")
        found[name] = _length(length, f"dimension {name!r}")
    return found


def checked_ranges(dims: object) -> tuple[dict[str, int], dict[str, Sequence[int]]]:
    """Names of free dimensions to their lengths: those that have one, and those that have several.

    >>> checked_ranges({"N": 1, "H,W": range(224, 226)})
    ({'N': 1}, {'H,W': range(224, 226)})
    """
    if not isinstance(dims, Mapping):
        return checked_dims(dims), {}
    ranges: dict[str, Sequence[int]] = {}
    for name, given in dims.items():
        if isinstance(given, (range, list, tuple)):  # which lengths these are, the grid asks
            key = ",".join(map(str, name)) if isinstance(name, tuple) else name
            if not isinstance(key, str):
                raise BindingError(f"dims names a dimension {_said(name)}; a text is wanted")
            ranges[key] = given if isinstance(given, range) else tuple(given)
    return checked_dims(
        {k: x for k, x in dims.items() if not isinstance(x, (range, list, tuple))}
    ), ranges


def checked_values(values: object) -> dict[str, np.ndarray]:
    """Input names to arrays of numbers or truths, likewise.

    >>> checked_values({"k": 4})
    {'k': array(4)}
    """
    if values is None:
        return {}
    if not isinstance(values, Mapping):
        raise BindingError(
            f"values is {_said(values)}; a dict from input names to numbers is wanted: {{'k': 4}}"
        )
    import numpy as np

    found = {}
    for name, given in values.items():
        if not isinstance(name, str):
            raise BindingError(f"values names an input {_said(name)}; a text is wanted")
        try:
            array = np.asarray(given)
        except (ValueError, TypeError, OverflowError):  # lists of unequal length
            array = np.asarray(None)
        if array.dtype.kind not in "biuf":
            raise BindingError(
                f"the value of input {name!r} is {_said(given)}; numbers are wanted: 4, or"
                " [1, 3, 8] with lists equally long"
            )
        found[name] = array
    return found


def _length(given: object, what: str) -> int:
    try:
        if isinstance(given, bool):
            raise TypeError
        length = operator.index(given)  # type: ignore[arg-type]  # that is what is found out
    except TypeError:
        raise BindingError(f"{what} has {_said(given)}; a whole number is wanted") from None
    if length < 0:
        raise BindingError(f"{what} can't have the length {length}")
    if length >= 1 << 63:
        raise BindingError(f"{what} has a length of more than 64 bits")
    return length


def checked_texts(given: object, what: str) -> tuple[str, ...]:
    """Several texts, or one.

    Raises:
        ArgumentError: it isn't that.
    """
    if given is None:
        return ()
    if isinstance(given, str):
        return (given,)
    if isinstance(given, (bytes, Mapping)) or not isinstance(given, Iterable):
        raise ArgumentError(f"{what} is {_said(given)}; a list of texts is wanted")
    found = tuple(given)
    for text in found:
        if not isinstance(text, str):
            raise ArgumentError(f"{what} holds {_said(text)}; texts are wanted")
    return found


def checked_mapping(given: object, what: str, wanted: str) -> dict[str, object]:
    """Texts to something.

    Raises:
        ArgumentError: it isn't that; the message ends with what is wanted.
    """
    if not isinstance(given, Mapping):
        raise ArgumentError(f"{what} is {_said(given)}; {wanted} is wanted")
    for key in given:
        if not isinstance(key, str):
            raise ArgumentError(f"{what} has the key {_said(key)}; {wanted} is wanted")
    return dict(given)


def checked_several(given: object, what: str) -> Sequence[object]:
    """A list of models.

    Raises:
        ArgumentError: it isn't one.
    """
    if isinstance(given, (str, bytes, Mapping)) or not isinstance(given, Iterable):
        raise ArgumentError(f"{what} is {_said(given)}; a list of models or reports is wanted")
    return tuple(given)


def checked_text(given: object, what: str) -> str:
    """A text.

    Raises:
        ArgumentError: it isn't one.
    """
    if not isinstance(given, str):
        raise ArgumentError(f"{what} is {_said(given)}; a text is wanted")
    return given


def checked_amount(given: object, what: str) -> float:
    """A number above 0.

    Raises:
        ArgumentError: it isn't one.
    """
    if isinstance(given, bool) or not isinstance(given, (int, float)) or not 0 < given < 10**100:
        raise ArgumentError(f"{what} is {_said(given)}; a number above 0 is wanted")
    return float(given)


def checked_seconds(given: object, what: str) -> float | None:
    """A number of seconds above 0, or None.

    Raises:
        ArgumentError: it is neither.
    """
    return None if given is None else checked_amount(given, what)


def checked_count(given: object, what: str, least: int = 0) -> int:
    """A whole number, `least` or more, of at most 31 bits.

    Raises:
        ArgumentError: it isn't one.

    >>> checked_count(5, "batch")
    5
    """
    try:
        if isinstance(given, bool):
            raise TypeError
        count = operator.index(given)  # type: ignore[arg-type]  # that is what is found out
    except TypeError:
        raise ArgumentError(
            f"{what} is {_said(given)}; a whole number from {least} on is wanted"
        ) from None
    if not least <= count < 1 << 31:
        raise ArgumentError(f"{what} is {_said(count)}; a whole number from {least} on is wanted")
    return count


def checked_counts(given: object, what: str, least: int = 0) -> tuple[int, ...]:
    """Several of them.

    Raises:
        ArgumentError: it isn't a list, or one of them is none.
    """
    if isinstance(given, (str, bytes, Mapping)) or not isinstance(given, Iterable):
        raise ArgumentError(f"{what} is {_said(given)}; a list of whole numbers is wanted")
    return tuple(checked_count(one, f"one of {what}", least) for one in given)


def checked_arrays(given: object) -> dict[str, object]:
    """Input names to arrays or the paths of files.

    Raises:
        ArgumentError: it isn't that.
    """
    if given is None:
        return {}
    wanted = "a dict from input names to arrays or paths of .npy files"
    found = checked_mapping(given, "inputs", wanted)
    for name, array in found.items():
        if not isinstance(array, (str, os.PathLike)) and not hasattr(array, "shape"):
            raise ArgumentError(
                f"input {name!r} is {_said(array)}; an array or the path of a .npy file is wanted"
            )
    return found


def checked_progress(given: object) -> None:
    """Something to be told what is being done, or None.

    Raises:
        ArgumentError: it is neither.
    """
    if given is not None and not callable(given):
        raise ArgumentError(f"progress is {_said(given)}; a function of a text is wanted")


def wrong_model(given: object) -> ArgumentError:
    """What is said of something that is no model."""
    return ArgumentError(
        f"the model is {_said(given)}; a path, the file's bytes, an open binary file or an"
        " onnx.ModelProto is wanted"
    )


def _said(value: object) -> str:
    """A value in few words."""
    if value is None or isinstance(value, (bool, float)):
        return repr(value)
    if isinstance(value, int):
        return repr(value) if value.bit_length() < 200 else "an integer of hundreds of digits"
    if isinstance(value, str):
        return repr(value if len(value) <= 60 else value[:57] + "...")
    article = "an" if type(value).__name__[:1].lower() in "aeiou" else "a"
    return f"{article} {type(value).__name__}"
