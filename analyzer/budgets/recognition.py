"""Which entry of a baseline is a model's: its own, or that of a file that has gone and looks like it?"""

from __future__ import annotations

from collections.abc import Callable, Collection

from cnnscope.analyzer.budgets.baselines import Baseline
from cnnscope.analyzer.budgets.figure import Figures
from cnnscope.analyzer.budgets.limit import WHOLE
from cnnscope.analyzer.budgets.sketch import ALIKE, Sketch
from cnnscope.analyzer.budgets.standing import Standing


def standing_in(
    baseline: Baseline,
    key: str,
    variant: str,
    sketch: Sketch,
    figures: Figures,
    gone: Collection[str],
) -> Standing:
    """Where a model stands in a baseline's file.

    Args:
        baseline: what the file says.
        key: the model's path relative to the baseline's folder.
        variant: the sizes it is judged at.
        sketch, figures: the model's, by which it may be known again.
        gone: the baseline's models that are no file any more, and that no other model is.
    """
    found = baseline.figures_for(key, variant, gone)
    if found is not None:
        return Standing("known", found)
    sizes = baseline.variants(key)
    if sizes:
        said = f"the baseline {baseline.source} has it {_at(sizes[0])}, not {_at(variant)}"
        return Standing("missing", reason=said)
    none = f"the baseline {baseline.source} has no such model"
    other = most_alike(gone, lambda name: _likeness(baseline, name, variant, sketch, figures))
    if other is None:
        return Standing("new", reason=none)
    earlier = baseline.figures_for(other, variant, ())
    if earlier is None:
        said = f"{none}; it looks like {other}, which has gone, and is there at other sizes"
        return Standing("missing", None, other, said)
    return Standing("renamed", earlier, other, renamed_reason(none, other))


def renamed_reason(none: str, other: str) -> str:
    """Why a model's figures are another entry's."""
    return f"{none}; it looks like {other}, which has gone: its figures count"


def most_alike(names: Collection[str], likeness: Callable[[str], float]) -> str | None:
    """Of some names the one that a model is most like, by a measure from 0 to 1, if it is like enough."""
    found = [(likeness(name), name) for name in sorted(names)]
    best = max(found, key=lambda pair: pair[0], default=(0.0, ""))
    return best[1] if best[0] >= ALIKE else None


def _likeness(
    baseline: Baseline, name: str, variant: str, sketch: Sketch, figures: Figures
) -> float:
    known = [x for (key, _), x in baseline.sketches.items() if key == name]
    if known:
        return max(map(sketch.likeness, known))
    # An older file has no sketches: what has about as many layers and parameters is alike.
    earlier = baseline.figures_for(name, variant, ()) or {}
    shares = []
    for quantity in ("layers", "params"):
        one, other = figures.get((WHOLE, quantity)), earlier.get((WHOLE, quantity))
        pair = [None if x is None else x[0].exact for x in (one, other)]
        if pair[0] is None or pair[1] is None:
            return 0.0
        shares.append(float(min(pair) / max(pair)) if max(pair) else 1.0)  # type: ignore[type-var, operator]  # no None is left
    return min(shares)


def _at(variant: str) -> str:
    return f"at {variant}" if variant else "at the file's own sizes"
