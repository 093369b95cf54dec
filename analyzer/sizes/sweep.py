"""What does a model cost at each of many sizes, as a value? `sweep_finding` finds it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import field
from typing import TYPE_CHECKING

from cnnscope.analyzer.values.dimension import Dim, FreeDim
from cnnscope.analyzer.values.leading import leading
from cnnscope.analyzer.values.notation import many
from cnnscope.analyzer.values.plain_class import dataclass
from cnnscope.analyzer.values.shown import Answer

if TYPE_CHECKING:
    import pandas

    from cnnscope.analyzer.report.choosing import Choice

Numbered = tuple[int | None, ...]


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
                f"output {name}": None if dims is None else "x".join(map(shown_length, dims))
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


def shown_length(length: int | None) -> str:
    """A length in a shape, where it may not be known."""
    return "?" if length is None else str(length)
