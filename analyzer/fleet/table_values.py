"""Is what stands in a table's cell of its column's kind?"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final

from cnnscope.analyzer.fleet.columns import Column, Kind


class DamagedError(Exception):
    """A table isn't what a scan writes; the fact, without the file."""


def _is_integer(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and -(2**63) <= value < 2**63


def _is_number(value: object) -> bool:
    return isinstance(value, float) or _is_integer(value)


def _is_text(value: object) -> bool:
    return isinstance(value, str)


def _is_flag(value: object) -> bool:
    return isinstance(value, bool)


def _each(test: Callable[[object], bool]) -> Callable[[object], bool]:
    return lambda value: isinstance(value, list) and all(map(test, value))


def _or_none(test: Callable[[object], bool]) -> Callable[[object], bool]:
    return lambda value: value is None or test(value)


def _entries(**tests: Callable[[object], bool]) -> Callable[[object], bool]:
    def is_of(value: object) -> bool:
        return (
            isinstance(value, dict)
            and value.keys() == tests.keys()
            and all(test(value[key]) for key, test in tests.items())
        )

    return is_of


_SHAPE: Final = _each(_or_none(_is_integer))
_TESTS: Final[Mapping[Kind, Callable[[object], bool]]] = {
    "text": _is_text,
    "int": _is_integer,
    "float": _is_number,
    "flag": _is_flag,
    "texts": _each(_is_text),
    "shape": _SHAPE,
    "tensors": _each(_entries(name=_is_text, dtype=_or_none(_is_text), shape=_or_none(_SHAPE))),
    "counts": _each(_entries(name=_is_text, count=_or_none(_is_integer))),
}


def check_value(column: Column, value: object) -> None:
    """Raise `DamagedError` for a value that a column doesn't hold; None is one that isn't known."""
    if value is not None and not _TESTS[column.kind](value):
        raise DamagedError(f"{column.name} is {str(value)[:40]!r}, which is no {column.kind}")
