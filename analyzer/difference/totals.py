"""How do the totals, and what is stored, differ?"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence

from cnnscope.analyzer.difference.entries import (
    TotalDifference,
    WeightsDifference,
    total_difference,
)
from cnnscope.analyzer.difference.graphs import Found
from cnnscope.analyzer.report.comparison import FIELD, LAYERS, TOTALS, largest_field
from cnnscope.analyzer.report.metric import Metric
from cnnscope.analyzer.report.report import Report


def total_differences(
    before: Report, after: Report, dims: Mapping[str, str]
) -> list[TotalDifference]:
    found = []
    for key in TOTALS:
        figure: Metric = getattr(before.totals, key)
        found.append(
            total_difference(key, figure, _called(figure, getattr(after.totals, key), dims))
        )
    found.append(total_difference(FIELD, largest_field(before), largest_field(after)))
    for key, one, other in (
        (LAYERS, len(before.layers), len(after.layers)),
        ("file_bytes", before.model.file_bytes, after.model.file_bytes),
    ):
        found.append(total_difference(key, Metric.of(one), Metric.of(other)))
    return found


def _called(before: Metric, after: Metric, dims: Mapping[str, str]) -> Metric:
    """The second figure, or the first where only free dimensions have other names in it."""
    if not dims or (before.value, before.known, before.status) != (
        after.value, after.known, after.status,
    ):  # fmt: skip
        return after

    def words(text: str | None, known: Mapping[str, str]) -> list[str]:
        # Of a formula in other names, the terms may have another order.
        return sorted(known.get(word, word) for word in re.findall(r"\w+|[^\w\s]", text or ""))

    same = words(before.formula, dims) == words(after.formula, {}) and sorted(
        (words(what, dims), count) for what, count in before.uncounted.items()
    ) == sorted((words(what, {}), count) for what, count in after.uncounted.items())
    return before if same else after


def weights_difference(found: Sequence[Found], read: bool) -> WeightsDifference:
    told: Counter[bool | None] = Counter()
    reasons: Counter[str] = Counter()
    gone: dict[str, tuple[str, str, str]] = {}
    come: dict[str, tuple[str, str]] = {}
    repeated: set[str] = set()
    folded = _folded_digests(found)
    for compared in found:
        x, pair, (one, other) = compared.difference, compared.pair, compared.prints
        if pair is not None and (one or other):
            changed = pair.weights
            taken = folded.get(x.layer.name, set())
            if any(held.digest.text not in taken for held in (*pair.gained, *pair.lost)):
                changed = True if changed is not None or not read else changed
            told[changed] += 1
            if changed is None:
                reasons.update(p.reason for p in (*one, *other) if p.reason is not None)
        digests = {p.digest for p in one}, {p.digest for p in other}
        for p in one:
            if p.digest is not None and p.elements > 1 and p.digest not in digests[1]:
                repeated |= {p.digest} & gone.keys()
                gone[p.digest] = (p.name, x.before.name if x.before else "", p.digest)
        for p in other:
            if p.digest is not None and p.elements > 1 and p.digest not in digests[0]:
                repeated |= {p.digest} & come.keys()
                come[p.digest] = (p.name, x.after.name if x.after else "")
    moved = [
        (gone[digest][0], gone[digest][1], come[digest][1])
        for digest in gone
        if digest in come and digest not in repeated
    ]
    reason = min(reasons.items(), key=lambda item: (-item[1], item[0]))[0] if reasons else None
    return WeightsDifference(told[False], told[True], told[None], tuple(moved), reason, read)


def _folded_digests(found: Sequence[Found]) -> dict[str, set[str | None]]:
    """By layer, what is stored for those that went into it, or came out of it."""
    taken: dict[str, set[str | None]] = {}
    names = {x.difference.layer.name: x.difference.layer.name for x in found}
    names |= {
        x.difference.before.name: x.difference.layer.name for x in found if x.difference.before
    }
    for x in found:
        if x.difference.into is not None:
            name = names.get(x.difference.into, x.difference.into)
            taken.setdefault(name, set()).update(p.digest for p in (*x.prints[0], *x.prints[1]))
    return taken
