"""By which words is a fact of a row asked for?"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final

#: other words for columns
ALIASES: Final[Mapping[str, str]] = {
    "layer": "name", "shape": "output", "rf": "rf_size", "field": "rf_size", "step": "rf_step",
    "start": "rf_start", "local": "rf_local", "read": "bytes_read", "written": "bytes_written",
    "weights": "weight_bytes", "traffic": "traffic_bytes", "type": "dtype",
    "outside": "rf_outside", "bytes": "traffic_bytes", "parts": "consists",
}  # fmt: skip


def resolved(wanted: str, known: Iterable[str], what: str = "column") -> str:
    """The name that a word stands for.

    Raises:
        ValueError: there is none; with the nearest, and those there are.

    >>> resolved("RF", ["name", "rf_size"])
    'rf_size'
    """
    known = list(known)
    key = wanted.strip().lower().replace("-", "_")
    key = key if key in known else ALIASES.get(key, key)
    if key in known:
        return key
    words = [word for word, name in ALIASES.items() if name in known]
    import difflib  # here: only a slip asks for it

    close = difflib.get_close_matches(key[:100], [*known, *words], 1)
    meant = f"did you mean {close[0]!r}? " if close else ""
    raise ValueError(f"there is no {what} {wanted!r}; {meant}there are: {', '.join(known)}")
