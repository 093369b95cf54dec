"""How are a model's facts written as values of a table: texts that any file holds, integers of 64 bits, lists
that end?"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final

from cnnscope.analyzer.report.metric import Metric
from cnnscope.analyzer.values.dimension import Dim

#: the most characters of a text: names come from models, and may have a million; paths are kept whole
TEXT_LIMIT: Final = 500
#: the most items of a list
LIST_LIMIT: Final = 1000
_LARGEST: Final = (1 << 63) - 1


def plain_text(text: str, longest: int | None = TEXT_LIMIT) -> str:
    """A text as UTF-8 can have it, the middle of a long one left out.

    >>> plain_text("caf\\udce9"), plain_text("abcdefgh", 6)
    ('caf\\\\udce9', 'a...gh')
    """
    if longest is not None and len(text) > longest:
        tail = longest // 3
        text = f"{text[: longest - 3 - tail]}...{text[-tail:]}"
    return text.encode("utf-8", "backslashreplace").decode("utf-8")


def plain_integer(value: int | None) -> int | None:
    """An integer that 64 bits hold; None for a larger one, too."""
    return value if value is not None and -_LARGEST <= value <= _LARGEST else None


def plain_lengths(shape: Iterable[Dim] | None) -> list[int | None] | None:
    """A shape as lengths, None for those that are free."""
    if shape is None:
        return None
    return [plain_integer(x) if isinstance(x, int) else None for x in shape]


def metric_columns(name: str, metric: Metric) -> dict[str, object]:
    """A total and its status; one that 64 bits don't hold is unavailable."""
    value = plain_integer(metric.value)
    status = "unavailable" if value is None and metric.value is not None else metric.status
    return {name: value, f"{name}_status": status}


def counts(found: Mapping[str, int]) -> list[dict[str, object]]:
    """Names with how many of each there are, the most frequent first.

    >>> counts({"Add": 2, "Conv": 3})
    [{'name': 'Conv', 'count': 3}, {'name': 'Add', 'count': 2}]
    """
    ordered = sorted(found.items(), key=lambda x: (-x[1], x[0]))[:LIST_LIMIT]
    return [{"name": plain_text(name), "count": plain_integer(count)} for name, count in ordered]


def texts(found: Iterable[str]) -> list[str]:
    """Texts, in the order in which they are given."""
    return [plain_text(x) for x in list(found)[:LIST_LIMIT]]
