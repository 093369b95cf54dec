"""What do the stored filters of all of a model's layers look like, one layer after another?"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import ClassVar, overload

from cnnscope.analyzer.filters.layer_filters import LayerFilters
from cnnscope.analyzer.values.notation import many, name
from cnnscope.analyzer.values.shown import Listing


class Filters(Listing[LayerFilters]):
    """The filters of every layer that multiplies stored weights: what ``report.filters()`` gives.

    A layer's weights are read when it is first asked for, and let go of again; what was found of them stays.

    Args:
        model: its path; None for one in memory.
        layers: what finds each.
    """

    COLUMNS: ClassVar[tuple[str, ...]] = (
        "index", "layer", "op", "kind", "filters", "channels", "kernel", "groups", "dtype", "weights", "macs",
        "min", "max", "std", "norm", "sparsity", "unusable", "dead", "nearly_dead", "spare", "nearly_spare",
        "separable", "separability", "rank_90", "rank_95", "rank_99", "rank_full", "bulk", "form_95",
        "weights_95", "macs_95",
    )  # fmt: skip

    __slots__ = ("_find", "_found", "model")

    def __init__(self, model: str | None, layers: Sequence[Callable[[], LayerFilters]]) -> None:
        self.model = model
        self._find = tuple(layers)
        self._found: dict[int, LayerFilters] = {}

    @property
    def items(self) -> tuple[LayerFilters, ...]:
        return tuple(self)

    @overload
    def __getitem__(self, key: int) -> LayerFilters: ...
    @overload
    def __getitem__(self, key: slice) -> tuple[LayerFilters, ...]: ...
    def __getitem__(self, key: int | slice) -> LayerFilters | tuple[LayerFilters, ...]:
        if isinstance(key, slice):
            return tuple(self[i] for i in range(*key.indices(len(self))))
        at = range(len(self._find))[key]
        if at not in self._found:
            self._found[at] = self._find[at]()
        return self._found[at]

    def __len__(self) -> int:
        return len(self._find)

    def __iter__(self) -> Iterator[LayerFilters]:
        return (self[i] for i in range(len(self)))

    def to_dict(self) -> dict[str, object]:
        """The JSON of ``cnnscope filters MODEL``."""
        return {
            "schema_version": 1,
            "model": self.model,
            "layers": [layer_record(layer) for layer in self],
        }

    def records(self) -> Iterator[dict[str, object]]:
        """One for each layer, as it is asked for."""
        return map(layer_record, self)

    def summary(self) -> str:
        of = name(self.model or "a model in memory", 120)
        return f"of {of}: {many(len(self), 'layer')} with stored weights"


def layer_record(x: LayerFilters) -> dict[str, object]:
    """A layer as one flat row."""
    ranks: dict[str, object] = dict.fromkeys(("rank_90", "rank_95", "rank_99", "rank_full"))
    for way in x.low_rank:
        if way.form == "channel":
            ranks = {f"rank_{round(100 * cut.energy)}": cut.ranks[0] for cut in way.cuts}
            ranks["rank_full"] = way.full[0]
    best, slices = x.smallest(), x.separability
    return {
        "index": x.index,
        "layer": x.layer,
        "op": x.op,
        "kind": x.kind.label,
        "filters": x.filters,
        "channels": x.channels,
        "kernel": list(x.kernel),
        "groups": x.groups,
        "dtype": x.dtype,
        "weights": x.weights,
        "macs": x.macs,
        "min": x.figures.least,
        "max": x.figures.most,
        "std": x.figures.std,
        "norm": x.figures.norm,
        "sparsity": x.sparsity,
        "unusable": x.figures.unusable,
        "dead": len(x.repeats.dead),
        "nearly_dead": len(x.repeats.nearly_dead),
        "spare": x.repeats.spare,
        "nearly_spare": x.repeats.nearly_spare,
        "separable": None if slices is None else slices.separable,
        "separability": None if slices is None else slices.energy,
        **ranks,
        "bulk": None if x.bulk is None else x.bulk.share,
        "form_95": None if best is None else best[0].form,
        "weights_95": None if best is None else best[1].weights,
        "macs_95": None if best is None else best[1].macs,
    }
