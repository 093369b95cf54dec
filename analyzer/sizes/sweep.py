"""What does a model cost at each of many sizes?"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import field
from typing import TYPE_CHECKING, Final

import numpy as np

from cnnscope.analyzer.report.layer import Layer
from cnnscope.analyzer.report.report import Report
from cnnscope.analyzer.sizes.open_costs import OpenCosts, many_lengths, many_totals, missing
from cnnscope.analyzer.values.dimension import Dim, FreeDim
from cnnscope.analyzer.values.leading import leading
from cnnscope.analyzer.values.many_lengths import Numbers
from cnnscope.analyzer.values.notation import many
from cnnscope.analyzer.values.plain_class import dataclass
from cnnscope.analyzer.values.shown import Answer

if TYPE_CHECKING:
    import pandas

    from cnnscope.analyzer.report.choosing import Choice

Numbered = tuple[int | None, ...]
#: sizes that are analysed one by one, where formulas don't tell
_ASKED: Final = 64
#: rows of layers
_MOST_ROWS: Final = 1 << 21


@dataclass(frozen=True, slots=True, eq=False)
class SweptTotal:
    """A total over many sizes.

    Args:
        name: what it is called among `Totals`.
        values: at each size; None where the size isn't valid, or the figure isn't known.
        moments: the total is the largest of these formulas, or numbers; none: there is no formula.
        why: why it isn't known at all, or ``""``.
    """

    name: str
    values: Numbered
    moments: tuple[Dim, ...]
    why: str

    def to_dict(self) -> dict[str, object]:
        """Its formula as JSON has it: exact, and the leading term."""
        led = leading(*self.moments) if any(isinstance(x, FreeDim) for x in self.moments) else None
        return {
            "moments": [x if isinstance(x, int) else str(x) for x in self.moments],
            "leading": None if led is None else [
                {"factor": str(factor), "names": list(names)} for factor, names in led.terms
            ],
            "why": self.why,
        }  # fmt: skip


@dataclass(frozen=True, slots=True, repr=False, eq=False)
class Sweep(Answer):
    """What a model costs at each of many sizes; what `cnnscope.sweep` gives.

    Args:
        model: its path; None for one in memory.
        dims: names of the dimensions that get many lengths.
        bound: those that have one: given, or a batch taken for 1.
        sizes: for each size, the lengths in the order of `dims`.
        valid: for each size, whether the model accepts it; None: it isn't known.
        totals: by name.
        outputs: output name to its shape at each size; None where that isn't valid, or known.
        asked: how many sizes were analysed one by one, since formulas don't tell.
        notes: what else is to be said.
    """

    model: str | None
    dims: tuple[str, ...]
    bound: Mapping[str, int]
    sizes: tuple[tuple[int, ...], ...]
    valid: tuple[bool | None, ...]
    totals: Mapping[str, SweptTotal]
    outputs: Mapping[str, tuple[Numbered | None, ...]]
    asked: int
    notes: tuple[str, ...]
    _layers: Callable[[Choice | None], Iterator[dict[str, object]]] = field(repr=False)
    #: layers that rows are asked for
    choice: Choice | None = None

    def __len__(self) -> int:
        """How many sizes there are."""
        return len(self.sizes)

    def record(self, i: int) -> dict[str, object]:
        """Everything known of one size."""
        return {
            **dict(zip(self.dims, self.sizes[i], strict=True)),
            "valid": self.valid[i],
            **{name: total.values[i] for name, total in self.totals.items()},
            "outputs": {
                name: None if (shape := shapes[i]) is None else list(shape)
                for name, shapes in self.outputs.items()
            },
        }

    def records(self) -> Iterator[dict[str, object]]:
        """A row for each size."""
        for i in range(len(self.sizes)):
            row = self.record(i)
            outputs = row.pop("outputs")
            assert isinstance(outputs, dict)
            yield row | {
                f"output {name}": None if dims is None else "x".join(map(_shown, dims))
                for name, dims in outputs.items()
            }

    def layers(self, choice: Choice | None = None) -> Iterator[dict[str, object]]:
        """A row for each size that is valid and each layer: MACs, FLOPs, bytes and output shape.

        Args:
            choice: which layers; None: all.

        Raises:
            ValueError: no layer fits.
        """
        return self._layers(choice)

    def to_dict(self) -> dict[str, object]:
        """The JSON of ``cnnscope analyze MODEL --dim H=224,256``."""
        found: dict[str, object] = {
            "schema_version": 1,
            "model": self.model,
            "dims": list(self.dims),
            "bound": dict(self.bound),
            "formulas": {name: total.to_dict() for name, total in self.totals.items()},
            "sizes": [self.record(i) for i in range(len(self.sizes))],
            "asked": self.asked,
            "notes": list(self.notes),
        }
        if self.choice is not None:
            found["layers"] = list(self.layers(self.choice))
        return found

    def to_dataframe(self, *, layers: bool = False) -> pandas.DataFrame:
        """A row for each size; or for each valid size and each layer.

        Raises:
            ImportError: pandas isn't installed.
        """
        from cnnscope.analyzer.values.frames import data_frame

        return data_frame(self.layers() if layers else self.records(), self.dims)

    def summary(self) -> str:
        return f"of {many(len(self.sizes), 'size')} of {', '.join(self.dims)}"


def _shown(length: int | None) -> str:
    return "?" if length is None else str(length)


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
                () if self.why[name] else
                m.moments if m.value is None else (m.value,), self.why[name],
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
                        f"the analysis of {self.said(i)} says otherwise than the formula"
                    )

    def said(self, i: int) -> str:
        return ", ".join(f"{name} = {n}" for name, n in self.size(i).items())

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
        "bytes_read": _plain(layer.bytes_read), "bytes_written": _plain(layer.bytes_written),
    }  # fmt: skip


def _plain(value: Dim | None) -> int | None:
    return value if isinstance(value, int) else None


def _text(dims: Numbered | None) -> str | None:
    return None if dims is None else "x".join(map(_shown, dims)) or "scalar"
