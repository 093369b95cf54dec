"""What became of a model's times: two profiles side by side, and what of it is more than noise?

Rows are matched by the layers in them: by name, or by what the second side calls the first one's layers.
ONNX Runtime may have fused otherwise the second time: rows that share a layer, and those that share one
with these, are one group on either side, and what is compared is the time of the group. A group's
interval is the sum of its rows' (95 %, of the median); a difference is *outside of noise* where the
intervals don't meet. Rows without one, as on the CPU, leave that open; whole runs have one everywhere.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import field

from cnnscope.analyzer.report.kernel_row import Row
from cnnscope.analyzer.report.latency import Latency
from cnnscope.analyzer.report.measurement import Profile
from cnnscope.analyzer.values.notation import duration, many
from cnnscope.analyzer.values.plain_class import dataclass
from cnnscope.analyzer.values.shown import Answer

Interval = tuple[float, float]


@dataclass(frozen=True, slots=True)
class TimeChange:
    """One time on both sides.

    Args:
        what: layers, or what else it is of.
        before, after: seconds; None where it isn't there, or not known.
        outside: the difference is outside of noise; None where that can't be told.
    """

    what: tuple[str, ...]
    before: float | None
    after: float | None
    outside: bool | None

    @property
    def change(self) -> float | None:
        """Seconds more; None where one side isn't known."""
        return None if self.before is None or self.after is None else self.after - self.before

    @property
    def ratio(self) -> float | None:
        """How many times as long; None where one side isn't known, or took no time."""
        return self.after / self.before if self.after is not None and self.before else None

    def to_dict(self) -> dict[str, object]:
        """As JSON has it."""
        return {
            "what": list(self.what), "before": self.before, "after": self.after,
            "change": self.change, "ratio": self.ratio, "outside_noise": self.outside,
        }  # fmt: skip


@dataclass(frozen=True, slots=True, repr=False)
class ProfileComparison(Answer):
    """Two profiles side by side.

    Args:
        before, after: the profiles.
        renamed: layers of the second that the first calls otherwise, each with the first's name.
    """

    before: Profile
    after: Profile
    renamed: Mapping[str, str] = field(default_factory=dict)

    @property
    def whole(self) -> TimeChange:
        """A whole run."""
        one, other = self.before.latency, self.after.latency
        return TimeChange(
            ("a whole run",), one.p50, other.p50, _outside(_of_run(one), _of_run(other))
        )

    @property
    def device(self) -> TimeChange | None:
        """All kernels of a run by the device's records; None where a side has none."""
        one, other = self.before.device, self.after.device
        if one is None or other is None:
            return None
        sides = _interval(self.before.outer), _interval(self.after.outer)
        return TimeChange(("kernels of a run",), one.seconds, other.seconds, _outside(*sides))

    @property
    def rows(self) -> tuple[TimeChange, ...]:
        """The groups of rows, in the order of the first side's; then those of the second side alone."""
        return tuple(
            TimeChange(
                layers, _seconds(old), _seconds(new), _outside(_interval(old), _interval(new))
            )
            for layers, old, new in self._groups()
        )

    @property
    def warnings(self) -> tuple[str, ...]:
        """What makes the two hard to compare."""
        one, other = self.before, self.after
        facts = {
            "hardware": (one.hardware, other.hardware),
            "provider": (one.provider, other.provider),
            "ONNX Runtime": (one.runtime, other.runtime),
            "threads": (one.threads, other.threads),
            "how rows were timed": (one.method, other.method),
            "inputs": (_inputs(one.latency), _inputs(other.latency)),
            "dtype": (one.dtype or "the file's", other.dtype or "the file's"),
        }
        return tuple(
            f"{what} differ: {_said(a)} and {_said(b)}" if what in ("threads", "inputs")
            else f"{what} differs: {_said(a)} and {_said(b)}"
            for what, (a, b) in facts.items() if a != b
        )  # fmt: skip

    def to_dict(self) -> dict[str, object]:
        """The JSON of ``cnnscope profile A B --format json``."""
        return {
            "schema_version": 1,
            "before": self.before.to_dict(),
            "after": self.after.to_dict(),
            "whole": self.whole.to_dict(),
            "device": None if self.device is None else self.device.to_dict(),
            "host_bound": [self.before.host_bound, self.after.host_bound],
            "rows": [row.to_dict() for row in self.rows],
            "warnings": list(self.warnings),
            "renamed": dict(self.renamed),
        }

    def records(self) -> Iterator[dict[str, object]]:
        """One for each group of rows."""
        for row in self.rows:
            yield {**row.to_dict(), "what": " + ".join(row.what)}

    def _groups(self) -> Iterator[tuple[tuple[str, ...], list[Row], list[Row]]]:
        """Rows of both sides that share layers, however indirectly; inserted ones go by their own name."""
        sides = (
            [(row, _keys(row, {})) for row in self.before.outer],
            [(row, _keys(row, self.renamed)) for row in self.after.outer],
        )
        leader: dict[str, str] = {}

        def find(name: str) -> str:
            while leader.setdefault(name, name) != name:
                leader[name] = leader[leader[name]]
                name = leader[name]
            return name

        for _, (first, *rest) in (*sides[0], *sides[1]):
            for other in rest:
                leader[find(other)] = find(first)
        groups: dict[str, tuple[list[Row], list[Row]]] = {}
        for side, rows in enumerate(sides):
            for row, keys in rows:
                groups.setdefault(find(keys[0]), ([], []))[side].append(row)
        for old, new in groups.values():
            layers = dict.fromkeys(
                layer for row in (old or new) for layer in row.layers or (f"[{row.name}]",)
            )
            yield tuple(layers), old, new

    def summary(self) -> str:
        whole = self.whole
        return f"{duration(whole.before)} to {duration(whole.after)} a run, {many(len(self.rows), 'row')}"


def _keys(row: Row, renamed: Mapping[str, str]) -> tuple[str, ...]:
    return tuple(renamed.get(layer, layer) for layer in row.layers) or (
        f"\0{row.name}",  # no layer is called so
    )


def _seconds(rows: Sequence[Row]) -> float | None:
    known = [row.seconds for row in rows if row.seconds is not None]
    return sum(known) if known and len(known) == len(rows) else None


def _interval(rows: Sequence[Row]) -> Interval | None:
    found = [row.device.interval if row.device is not None else None for row in rows]
    known = [interval for interval in found if interval is not None]
    if not known or len(known) < len(rows):
        return None
    return sum(low for low, _ in known), sum(high for _, high in known)


def _of_run(latency: Latency) -> Interval | None:
    if latency.uncertainty is None or latency.noise is not None:
        return None
    half = latency.p50 * latency.uncertainty / 2
    return latency.p50 - half, latency.p50 + half


def _outside(one: Interval | None, other: Interval | None) -> bool | None:
    if one is None or other is None:
        return None
    return one[1] < other[0] or other[1] < one[0]


def _inputs(latency: Latency) -> dict[str, tuple[int, ...]]:
    return dict(latency.inputs)


def _said(value: object) -> str:
    if isinstance(value, dict):
        return (
            ", ".join("x".join(map(str, shape)) or "scalar" for shape in value.values()) or "none"
        )
    return "not known" if value is None else str(value)
