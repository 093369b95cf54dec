"""Which models does a check speak of, and which of the sizes that are given are each one's own?"""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import TypeAlias

from cnnscope.analyzer.budgets.check import Problem
from cnnscope.analyzer.budgets.settings import ModelSettings
from cnnscope.analyzer.model.own_sizes import Bindable, Sizes
from cnnscope.analyzer.report.examination import Source
from cnnscope.analyzer.report.report import Report
from cnnscope.analyzer.values.plain_class import dataclass

Given: TypeAlias = Source | Report


@dataclass(frozen=True, slots=True)
class Place:
    """A model, and the configuration's entry that speaks of it; None: none does."""

    name: str
    source: Given
    entry: ModelSettings | None = None


def own_sizes(
    places: Sequence[Place], asked: Sizes, *, partly: bool
) -> tuple[list[tuple[Place, Sizes, Sizes]], list[Problem]]:
    """Each place with its entry's and its request's sizes, as far as they are of what the model has.

    A name that no model has is a problem, and what it was meant for isn't judged. Where there is one
    model, nothing is left out: its analysis says what is wrong.

    Args:
        places: the models.
        asked: the request's sizes, for all of them.
        partly: the models were named: an entry may be of more than these.
    """
    entries = [_sizes(place.entry) for place in places]
    known: dict[object, Bindable | None] = {}
    problems: list[Problem] = []

    def bindable(place: Place) -> Bindable | None:
        if isinstance(place.source, Report):
            return None
        file = place.source if isinstance(place.source, (str, os.PathLike)) else id(place.source)
        key = file, None if place.entry is None else place.entry.free
        if key not in known:
            opened = asked.free or (() if place.entry is None else place.entry.free)
            known[key] = Bindable.of(place.source, opened)
        return known[key]

    sized = [(place, own, asked) for place, own in zip(places, entries, strict=True)]
    if len({id(place.source) for place in places}) > 1 and asked.named:
        found = [bindable(place) for place in places]
        unmet = asked.unmet(found)
        problems += [Problem("the sizes given", said) for said in unmet]
        if unmet:
            return [], problems
        sized = [(p, own, asked.of(x)) for (p, own, _), x in zip(sized, found, strict=True)]
    dropped: set[int] = set()
    for entry in dict.fromkeys(id(place.entry) for place in places if place.entry is not None):
        its = [i for i, place in enumerate(places) if id(place.entry) == entry]
        sizes, settings = entries[its[0]], places[its[0]].entry
        assert settings is not None
        several = len(settings.patterns) > 1 or any(set(x) & set("*?[") for x in settings.patterns)
        if not (sizes.named and several):
            continue
        found = [bindable(places[i]) for i in its]
        unmet = [] if partly else sizes.unmet(found)
        problems += [Problem(", ".join(settings.patterns), x, settings.origin) for x in unmet]
        if unmet:
            dropped.update(its)
        for i, model in zip(its, found, strict=True):
            sized[i] = (sized[i][0], sizes.of(model), sized[i][2])
    return [x for i, x in enumerate(sized) if i not in dropped], problems


def _sizes(entry: ModelSettings | None) -> Sizes:
    if entry is None:
        return Sizes()
    return Sizes(entry.shapes, entry.dims, entry.values, entry.ranges, entry.free)
