"""How is what was measured written down: tables, and each target beside its figure? Markdown."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

Results = Mapping[str, Any]


@dataclass(frozen=True)
class Target:
    """What a figure may be at most.

    Args:
        what: the figure, in words.
        figure: as measured; None where it couldn't be.
        most: what it may be.
        unit: of both.
    """

    what: str
    figure: float | None
    most: float
    unit: str = ""

    @property
    def verdict(self) -> str:
        """
        >>> Target("time", 0.1, 1 / 8).verdict, Target("time", None, 1.0).verdict
        ('met', 'not measured')
        """
        if self.figure is None:
            return "not measured"
        return "met" if self.figure <= self.most else "**not met**"

    @property
    def cells(self) -> list[str]:
        shown = "" if self.figure is None else f"{_short(self.figure)}{self.unit}"
        return [self.what, shown, f"{_short(self.most)}{self.unit}", self.verdict]


def _short(value: float) -> str:
    return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.3g}"


def median(found: Mapping[str, Any] | None, what: str = "seconds") -> float | None:
    """A tool's median; None where it failed."""
    if not found or "error" in found:
        return None
    value = found[what]["median"] if what in found else found["median"]
    return float(value)


def quotient(ours: float | None, theirs: float | None) -> float | None:
    return None if ours is None or not theirs else ours / theirs


def geometric_mean(values: Iterable[float]) -> float | None:
    """
    >>> geometric_mean([1.0, 4.0])
    2.0
    """
    known = [math.log(value) for value in values]
    return math.exp(sum(known) / len(known)) if known else None


def flatness(per_node: Mapping[int, float | None]) -> float | None:
    """How many times the first size's cost per node the dearest one's is; None if one is missing.

    >>> flatness({1000: 2.0, 10000: 2.5}), flatness({1000: 2.0, 10000: 1.0})
    (1.25, 1.0)
    """
    known = [value for value in per_node.values() if value is not None]
    if len(known) < max(2, len(per_node)):
        return None
    return max(known) / known[0]


# -- the whole page ---------------------------------------------------------------------------------


def page(results: Results, parts: Sequence[tuple[str, str, Sequence[Target]]]) -> str:
    """All questions that were asked: first the targets, then each one's table.

    Args:
        results: the machine, and whether it was a quick run.
        parts: of each question its sentence, its table and its targets.
    """
    targets = [target for _, _, each in parts for target in each]
    return "\n\n".join([
        _machine(results["machine"], results["quick"]),
        table(["target", "figure", "at most", ""], [target.cells for target in targets]),
        *(f"### {sentence}\n\n{text}" for sentence, text, _ in parts),
    ]) + "\n"  # fmt: skip


def _machine(machine: Results, quick: bool) -> str:
    versions = ", ".join(f"{name} {version}" for name, version in machine["versions"].items())
    return (
        f"{machine['processor']}, {machine['cores']} cores, "
        f"{machine['memory_bytes'] / 2**30:.0f} GiB; {machine['system']}; "
        f"Python {machine['python']}; {versions}. Load before: {machine['load_before']}."
        + (" A quick run." if quick else "")
    )


def table(columns: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [_row(columns), _row(["---"] * len(columns)), *(_row(row) for row in rows)]
    return "\n".join(lines)


def _row(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cell.replace('|', '/') for cell in cells)} |"


# -- cells --------------------------------------------------------------------------------------------


def process_cells(found: Results) -> list[str]:
    """A process: seconds of processor time, by the clock, and megabytes."""
    if "error" in found:
        return [f"failed: {found['error']}", "", ""]
    return [*(spread(found[what]) for what in ("cpu", "seconds")),
            f"{found['peak']['median'] / 1e6:.0f}"]  # fmt: skip


def spread(found: Results, unit: float = 1.0) -> str:
    """The middle and the ends, or why there are none."""
    if "error" in found:
        return f"failed: {found['error'][:60]}"
    middle, low, high = (found[key] * unit for key in ("median", "low", "high"))
    return f"{middle:.3g} ({low:.3g} to {high:.3g})"


def times(value: float | None) -> str:
    return "" if value is None else f"{value:.2f}"
