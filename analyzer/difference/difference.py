"""How do two models differ? Layer by layer, in groups, in their totals, in what is stored.

Plain data with the questions that people ask of it. ``to_dict()`` is the JSON form
(``schema_version`` 1). Nothing here matches or compares, and nothing formats.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Literal

from cnnscope.analyzer.difference.entries import (
    STATUSES,
    DifferenceGroup,
    EndDifference,
    LayerDifference,
    LayerStatus,
    TotalDifference,
    WeightsDifference,
)
from cnnscope.analyzer.report.report import Report
from cnnscope.analyzer.values.notation import many, name
from cnnscope.analyzer.values.plain_class import dataclass
from cnnscope.analyzer.values.shown import Answer
from cnnscope.analyzer.values.tensor import plain_shape

SCHEMA_VERSION = 1
#: what a difference can be asked to be free of
CONDITIONS = (
    "any", "added", "removed", "changed", "moved", "renamed", "folded", "shape", "dtype", "params",
    "macs", "memory", "field", "weights", "kind", "opset",
)  # fmt: skip


@dataclass(frozen=True, eq=False, repr=False)
class Difference(Answer):
    """What differs between two models.

    Args:
        before, after: the models' reports.
        layers: every layer of either model, once.
        ends: the networks' inputs and outputs.
        totals: the figures.
        groups: what differs several times over, once; and all that was added, removed or folded.
        weights: what is stored.
        opsets: domains whose versions differ, and both versions; None: not imported.
        dims: free dimensions that are called otherwise throughout: before, after.

    >>> import cnnscope
    >>> found = cnnscope.diff("old.onnx", "new.onnx")  # doctest: +SKIP
    >>> found.counts["added"], found["macs"].share  # doctest: +SKIP
    (170, 0.9)
    """

    before: Report
    after: Report
    layers: tuple[LayerDifference, ...]
    ends: tuple[EndDifference, ...]
    totals: tuple[TotalDifference, ...]
    groups: tuple[DifferenceGroup, ...]
    weights: WeightsDifference
    opsets: tuple[tuple[str, int | None, int | None], ...] = ()
    dims: tuple[tuple[str, str], ...] = ()

    @property
    def counts(self) -> Mapping[LayerStatus, int]:
        """How many layers there are of each status."""
        found = Counter(layer.status for layer in self.layers)
        return {status: found[status] for status in STATUSES}

    @property
    def same(self) -> bool:
        """Nothing that is known differs, not even a name."""
        return not self.failing(["any"])

    def __getitem__(self, key: str) -> TotalDifference:
        """One of the totals; raises KeyError where there is no such figure."""
        known = {total.key: total for total in self.totals}
        if key not in known:
            raise KeyError(f"no figure {key!r}; there are: {', '.join(known)}")
        return known[key]

    def failing(self, conditions: Iterable[str]) -> dict[str, str]:
        """Those of the conditions that the difference isn't free of, and why.

        Args:
            conditions: of ``CONDITIONS``: a status of layers (or of inputs and outputs); an aspect
                that changed in a layer, an input, an output or a total; ``"any"``: any of these.
                ``"weights"`` also fails where it can't be told whether weights changed.

        Raises:
            ValueError: there is no such condition.
        """
        return {name: why for name in conditions for why in [self._failing(name)] if why}

    def _failing(self, condition: str) -> str | None:
        if condition not in CONDITIONS:
            raise ValueError(f"no condition {condition!r}; there are: {', '.join(CONDITIONS)}")
        if condition == "any":
            differing = [x for x in self.layers if x.status != "same"]
            ends = [x for x in self.ends if x.status != "same"]
            if differing or ends:
                return _said(len(differing), "differ", len(ends))
            return _said_dims(self.dims)
        if condition == "opset":
            return f"{opset_text(self.opsets)}" if self.opsets else None
        if condition == "weights" and self.weights.unknown and not self.weights.changed:
            return f"the weights of {many(self.weights.unknown, 'layer')} can't be compared"
        if condition in STATUSES:
            wanted = {condition, "unfolded" if condition == "folded" else condition}
            found = [
                x for x in self.layers
                if x.status in wanted or (condition in ("renamed", "moved") and getattr(x, condition))
            ]  # fmt: skip
            ends = [x for x in self.ends if x.status == condition]
            word = f"{'are' if condition != 'changed' else 'have'} {condition}"
            if found or ends:
                return _said(len(found), word, len(ends))
            return _said_dims(self.dims) if condition == "renamed" else None
        aspects = {"window", "op", "kind"} if condition == "kind" else {condition}
        changed = sum(1 for x in self.layers if aspects & x.aspects)
        ends = [x for x in self.ends if any(c.aspect in aspects for c in x.changes)]
        if changed or ends:
            return _said(changed, f"differ in {_WORDS.get(condition, condition)}", len(ends))
        total = next(
            (x for x in self.totals if x.key in _TOTALS.get(condition, ()) and x.changed), None
        )
        return None if total is None else f"the total {_WORDS.get(condition, condition)} differs"

    @property
    def also(self) -> Mapping[Literal["renamed", "moved"], int]:
        """Of layers of another status, how many have another name, or another place, as well."""
        return {
            "renamed": sum(1 for x in self.layers if x.renamed and x.status != "renamed"),
            "moved": sum(1 for x in self.layers if x.moved and x.status != "moved"),
        }

    def to_dict(self) -> dict[str, object]:
        """As JSON-ready data, ``schema_version`` 1."""
        return {
            "schema_version": SCHEMA_VERSION,
            "before": self.before.model.to_dict(),
            "after": self.after.model.to_dict(),
            "same": self.same,
            "counts": dict(self.counts),
            "also": dict(self.also),
            "opsets": {
                domain or "ai.onnx": {"before": one, "after": other}
                for domain, one, other in self.opsets
            },
            "dims": dict(self.dims),
            "totals": {total.key: total.to_dict() for total in self.totals},
            "ends": [end.to_dict() for end in self.ends],
            "groups": [group.to_dict() for group in self.groups],
            "weights": self.weights.to_dict(),
            "layers": [layer.to_dict() for layer in self.layers],
        }

    def records(self) -> list[dict[str, object]]:
        """One row per layer of either model."""
        return [
            {
                "status": x.status,
                "path": "/".join(x.path),
                "before": None if x.before is None else x.before.name,
                "after": None if x.after is None else x.after.name,
                "op_before": None if x.before is None else x.before.op,
                "op_after": None if x.after is None else x.after.op,
                "own": x.own,
                "aspects": sorted(x.aspects),
                "output_before": None if x.before is None else plain_shape(x.before.output_shape),
                "output_after": None if x.after is None else plain_shape(x.after.output_shape),
                "params_delta": x.delta("params"),
                "macs_delta": x.delta("macs"),
                "memory_delta": x.delta("memory"),
                "into": x.into,
            }
            for x in self.layers
        ]

    def summary(self) -> str:
        counts = ", ".join(f"{count} {status}" for status, count in self.counts.items() if count)
        names = [
            name(side.model.path or "a model in memory", 120) for side in (self.before, self.after)
        ]
        return f"of {names[0]} and {names[1]}: {counts or 'no layers'}"


_WORDS = {"params": "parameters", "macs": "MACs", "field": "receptive field"}
#: the totals that belong to a condition
_TOTALS = {
    "params": ("params",), "macs": ("macs",), "field": ("receptive_field",),
    "memory": ("weight_bytes", "peak_activation_bytes", "traffic_bytes"),
}  # fmt: skip


def opset_text(opsets: Sequence[tuple[str, int | None, int | None]]) -> str:
    """Versions that differ, in words.

    >>> opset_text([("", 17, 21), ("com.microsoft", None, 1)])
    'opset 17 -> 21, com.microsoft none -> 1'
    """
    return "opset " + ", ".join(
        f"{domain} {one or 'none'} -> {other or 'none'}".strip() for domain, one, other in opsets
    )


def _said_dims(dims: Sequence[tuple[str, str]]) -> str | None:
    if not dims:
        return None
    verb = "has another name" if len(dims) == 1 else "have other names"
    return f"{many(len(dims), 'free dimension')} {verb}"


def _said(layers: int, what: str, ends: int) -> str:
    parts = [many(layers, "layer")] if layers or not ends else []
    parts += [many(ends, "input or output", "inputs or outputs")] if ends else []
    return f"{' and '.join(parts)} {what}"


def grouped_changes(layers: Sequence[LayerDifference]) -> dict[object, list[LayerDifference]]:
    """Layers whose own changes are the same, and which have the same operator, together."""
    found: dict[object, list[LayerDifference]] = {}
    for x in layers:
        assert x.before is not None
        assert x.after is not None
        key = (x.before.op, x.after.op, repr([c for c in x.changes if c.own and c.aspect != "weights"
                                              and c.aspect != "inputs"]), x.aspects & {"inputs"})  # fmt: skip
        found.setdefault(key, []).append(x)
    return found
