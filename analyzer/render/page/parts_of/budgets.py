"""Which limits does the model keep, by how much, and what of them can't be told?"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from cnnscope.analyzer.budgets.verdicts import Verdict
from cnnscope.analyzer.render.page.blocks import Json
from cnnscope.analyzer.render.page.contents import Contents
from cnnscope.analyzer.render.subjects.check import COLUMNS, remarks
from cnnscope.analyzer.render.subjects.verdicts import limit_name

_TOLD: Final = {"exceeds": "over"}


def part(contents: Contents) -> object:
    """A row for each limit, in words; ``share``: the figure as a share of an upper bound."""
    found = contents.budgets
    if found is None:
        return None
    places = {layer.name: i for i, layer in enumerate(contents.report.layers)}
    return {
        "ok": found.ok,
        "titles": [column.title for column in COLUMNS],
        "rows": [
            {
                "cells": [column.text(verdict) for column in COLUMNS],
                "state": "allowed" if verdict.tolerated and verdict.ok else verdict.state,
                "share": _share(verdict),
                "layers": [places[x.layer] for x in verdict.parts[:3] if x.layer in places],
            }
            for verdict in found.verdicts
        ],
        "remarks": [list(x) for x in remarks(found)],
    }


def tiles(contents: Contents) -> Iterator[Json]:
    """A large figure for the first screen."""
    found = contents.budgets
    if found is None:
        return
    broken = [x for x in found.verdicts if not x.ok]
    kept = len(found.verdicts) - len(broken)
    yield {
        "id": "budgets", "label": "limits kept", "unit": "",
        "figure": f"{kept} of {len(found.verdicts)}",
        "said": ", ".join(f"{limit_name(x)}: {_TOLD.get(x.state, x.state)}" for x in broken[:3]),
        "tone": "good" if found.ok else "bad",
    }  # fmt: skip


def _share(verdict: Verdict) -> float | None:
    """Only where the figure is known: a part of a total says nothing of what is left."""
    value, amount = verdict.figure.exact, verdict.amount
    if verdict.bound is None or not verdict.bound.upper or value is None or not amount:
        return None
    return float(value / amount)
