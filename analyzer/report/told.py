"""How is a mismatch told? What was predicted and what is, each in a few words."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from cnnscope.analyzer.values.notation import escape, name, shape

_RANGES = 8
_SENTENCE = 200


def told(what: str, predicted: object, actual: object) -> tuple[str, str]:
    """What was predicted and what is, in words; of fields, which units hang on the point.

    >>> where = {"probe": {"input": "x", "axes": [2], "index": [5]}, "units": 6}
    >>> told("field", {**where, "axis 2": [[3, 5]]}, {"units": 0})
    ('3..5 along axis 2', 'none')
    """
    return _value(what, predicted), _value(what, actual)


def as_list(value: object) -> Sequence[object]:
    """A list as one; anything else as an empty one."""
    return value if isinstance(value, Sequence) and not isinstance(value, str) else ()


def _value(what: str, value: object) -> str:
    if isinstance(value, Mapping):
        return _units(value)
    if what in ("shape", "length") and as_list(value):
        return shape([d if isinstance(d, int) else str(d) for d in as_list(value)])
    if isinstance(value, Sequence) and not isinstance(value, str):
        return "scalar" if what == "shape" else ", ".join(name(str(v)) for v in value)
    return name(str(value), _SENTENCE)


def _units(found: Mapping[str, object]) -> str:
    """The units that a point reaches, along each axis that moves with the input's."""
    if not found.get("units"):
        return "none"
    along = [
        f"{_ranges(where)} along {escape(axis)}"
        for axis, where in found.items()
        if axis.startswith("axis ")
    ]
    return ", ".join(along) or "all"


def _ranges(found: object) -> str:
    parts = []
    for ends in as_list(found):
        lo, hi = (*as_list(ends), None, None)[:2]
        parts.append(str(lo) if lo == hi else f"{lo}..{hi}")
    shown = ", ".join(parts[:_RANGES])
    return f"{shown}, ... ({len(parts)} ranges)" if len(parts) > _RANGES else shown
