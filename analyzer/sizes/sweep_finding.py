"""How is it found what a model costs at each of many sizes? By formulas; where they don't tell, by asking."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Final

import numpy as np

from cnnscope.analyzer.report.layer import Layer
from cnnscope.analyzer.report.receptive_field import plain_number
from cnnscope.analyzer.report.report import Report
from cnnscope.analyzer.sizes.open_costs import (
    OpenCosts,
    formulas,
    many_lengths,
    many_totals,
    missing,
)
from cnnscope.analyzer.sizes.sweep import Numbered, Sweep, SweptTotal, shown_length
from cnnscope.analyzer.values.dimension import Dim
from cnnscope.analyzer.values.many_lengths import Numbers
from cnnscope.analyzer.values.notation import many, named_size

if TYPE_CHECKING:
    from cnnscope.analyzer.report.choosing import Choice

#: sizes that are analysed one by one, where formulas don't tell
_ASKED: Final = 64
#: rows of layers
_MOST_ROWS: Final = 1 << 21


def find_sweep(costs: OpenCosts, lengths: Mapping[str, Numbers]) -> Sweep:
    """The costs at each of many sizes.

    Args:
        costs: the model.
        lengths: for each name a length per size.
    """
    return _Sweeping(costs, lengths).found()


class _Sweeping:
    """A sweep while it is made."""

    def __init__(self, costs: OpenCosts, lengths: Mapping[str, Numbers]) -> None:
        self.costs, self.lengths = costs, lengths
        self.count = len(next(iter(lengths.values())))
        self.valid, self.sure = costs.standing(lengths)
        self.metrics = costs.report.totals.metrics()
        #: the analyses of single sizes; None: not accepted
        self.fresh: dict[int, Report | None] = {}
        self.why = {name: missing(metric) for name, metric in self.metrics.items()}

    def size(self, i: int) -> dict[str, int]:
        return {name: int(array[i]) for name, array in self.lengths.items()}

    def found(self) -> Sweep:
        self.hold_ends()
        values = {name: self.of(many_totals(m, self.lengths)) for name, m in self.metrics.items()}
        for name, why in self.why.items():
            if why:
                values[name] = [None] * self.count
        unsure = np.flatnonzero(~self.sure).tolist()
        for i in unsure:
            self.ask(i, values)
        left = len(unsure) - len(self.fresh)
        notes = [f"not followed: {doubt}" for doubt in self.costs.doubts]
        if left > 0:
            notes.append(
                f"{many(left, 'size')} at which formulas don't tell: more than {_ASKED} aren't analysed"
                " one by one"
            )
        for label, proven in self.costs.report.batch.items():
            shown = "" if proven else ", though it couldn't be shown that examples don't mix"
            notes.append(f"the batch dimension {label} is free: 1 is used{shown}")
        names = tuple(self.lengths)
        rows = zip(*(self.lengths[name].tolist() for name in names), strict=True)
        totals = {
            name: SweptTotal(
                name, tuple(values[name]),
                () if self.why[name] else formulas(m), self.why[name],
            )
            for name, m in self.metrics.items()
        }  # fmt: skip
        return Sweep(
            self.costs.file.path, names, {**self.costs.bound, **self.costs.batch}, tuple(rows),
            tuple(self.verdict(i) for i in range(self.count)), totals, self.outputs(),
            len(self.fresh), tuple(notes), self.layers,
        )  # fmt: skip

    def verdict(self, i: int) -> bool | None:
        if self.sure[i]:
            return bool(self.valid[i])
        return self.fresh[i] is not None if i in self.fresh else None

    def of(self, array: Numbers | None) -> list[int | None]:
        """Numbers where they are sure and the size is valid."""
        if array is None:
            return [None] * self.count
        known = self.sure & self.valid
        return [n if k else None for n, k in zip(array.tolist(), known.tolist(), strict=True)]

    def hold_ends(self) -> None:
        """The analyses of the first and the last valid size must say what the formulas do."""
        known = np.flatnonzero(self.sure & self.valid)
        for i in dict.fromkeys(known[[0, -1]].tolist() if len(known) else ()):
            report = self.costs.at(self.size(i))
            if report is None:
                self.sure[:] = False  # something was asked for that isn't known
                return
            one = {name: array[i : i + 1] for name, array in self.lengths.items()}
            for name, metric in self.metrics.items():
                said = many_totals(metric, one)
                told = getattr(report.totals, name).value
                if not self.why[name] and (said is None or int(said[0]) != told):
                    self.why[name] = (
                        f"the analysis of {named_size(self.size(i))} says otherwise than the formula"
                    )

    def ask(self, i: int, values: Mapping[str, list[int | None]]) -> None:
        """The analysis of one size, as long as there aren't too many."""
        if len(self.fresh) >= _ASKED:
            return
        report = self.fresh[i] = self.costs.at(self.size(i))
        for name in self.metrics if report is not None else ():
            if not self.why[name]:
                values[name][i] = getattr(report.totals, name).value  # type: ignore[union-attr]  # as asked

    def outputs(self) -> dict[str, tuple[Numbered | None, ...]]:
        found: dict[str, tuple[Numbered | None, ...]] = {}
        for k, output in enumerate(self.costs.report.outputs):
            columns = self.shape_columns(output.shape)
            found[output.name] = tuple(
                self.shape_at(i, columns, lambda report, k=k: report.outputs[k].shape)  # type: ignore[misc]
                for i in range(self.count)
            )
        return found

    def shape_columns(self, shape: Sequence[Dim] | None) -> list[list[int] | None] | None:
        if shape is None:
            return None
        columns = [many_lengths(length, self.lengths) for length in shape]
        return [None if array is None else array.tolist() for array in columns]

    def shape_at(
        self, i: int, columns: list[list[int] | None] | None,
        ask: Callable[[Report], Sequence[Dim] | None],
    ) -> Numbered | None:  # fmt: skip
        """A shape at one size."""
        if self.sure[i]:
            if not self.valid[i] or columns is None:
                return None
            return tuple(None if column is None else column[i] for column in columns)
        report = self.fresh.get(i)
        shape = None if report is None else ask(report)
        return None if shape is None else tuple(n if isinstance(n, int) else None for n in shape)

    def layers(self, choice: Choice | None) -> Iterator[dict[str, object]]:
        """A row for each valid size and layer."""
        names = tuple(self.lengths)
        chosen = _chosen(self.costs.report, choice)
        if len(chosen) * self.count > _MOST_ROWS:
            raise ValueError(
                f"{many(len(chosen), 'layer')} at {many(self.count, 'size')} are more than {_MOST_ROWS} rows:"
                " choose layers, or fewer sizes"
            )
        columns = [self.layer_columns(layer) for layer in chosen]
        shapes = [self.shape_columns(layer.output_shape) for layer in chosen]
        for i in range(self.count):
            size = {name: int(self.lengths[name][i]) for name in names}
            if not self.sure[i]:
                report = self.fresh.get(i)
                for layer in () if report is None else _chosen(report, choice):
                    yield {**size, **_layer_row(layer)}
            elif self.valid[i]:
                for layer, column, shape in zip(chosen, columns, shapes, strict=True):
                    dims = self.shape_at(i, shape, lambda _: None)
                    yield {
                        **size, "layer": layer.path, "op": layer.op, "output": _text(dims),
                        "params": layer.params, "weight_bytes": layer.weight_bytes,
                        **{key: None if x is None else x[i] for key, x in column.items()},
                    }  # fmt: skip

    def layer_columns(self, layer: Layer) -> dict[str, list[int] | None]:
        work = None if layer.uncounted else layer.work
        figures: dict[str, Dim | None] = {
            "macs": None if work is None else work.macs,
            "flops": None if work is None else work.flops,
            "bytes_read": layer.bytes_read,
            "bytes_written": layer.bytes_written,
        }
        found = {key: many_lengths(x, self.lengths) for key, x in figures.items()}
        return {key: None if x is None else x.tolist() for key, x in found.items()}


def _chosen(report: Report, choice: Choice | None) -> Sequence[Layer]:
    return report.layers if choice is None else choice.of_layers(report.layers).layers


def _layer_row(layer: Layer) -> dict[str, object]:
    shape = layer.output_shape
    dims = None if shape is None else tuple(n if isinstance(n, int) else None for n in shape)
    return {
        "layer": layer.path, "op": layer.op, "output": _text(dims), "params": layer.params,
        "weight_bytes": layer.weight_bytes, "macs": layer.macs, "flops": layer.flops,
        "bytes_read": plain_number(layer.bytes_read), "bytes_written": plain_number(layer.bytes_written),
    }  # fmt: skip


def _text(dims: Numbered | None) -> str | None:
    return None if dims is None else "x".join(map(shown_length, dims)) or "scalar"
