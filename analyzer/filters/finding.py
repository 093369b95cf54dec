"""What do the filters of one node look like? Read, looked at, let go of."""

from __future__ import annotations

import math

import numpy as np

from cnnscope.analyzer.filters.bank import Bank, bank_of, read_bank
from cnnscope.analyzer.filters.figures import find_period, find_repeats, weight_figures
from cnnscope.analyzer.filters.layer_filters import LayerFilters
from cnnscope.analyzer.filters.low_rank import Positions, low_ranks
from cnnscope.analyzer.filters.separability import find_separability
from cnnscope.analyzer.filters.spectra import (
    MOST_SIDE,
    find_bulk,
    gram_of,
    group_spectra,
    singular_values,
)
from cnnscope.analyzer.layers.kinds import Kind
from cnnscope.analyzer.layers.placing import find_placing
from cnnscope.analyzer.model.graph import Node
from cnnscope.analyzer.operators.filter_banks import FilterBank
from cnnscope.analyzer.passes.facts import Shapes
from cnnscope.analyzer.passes.reads import NodeReads
from cnnscope.analyzer.values.diagnostics import ModelFileError
from cnnscope.analyzer.values.notation import many
from cnnscope.analyzer.values.plain_class import dataclass

#: the most filters of a layer that are looked at
MOST_FILTERS = 1 << 20


@dataclass(frozen=True, eq=False)
class FilteringNode:
    """A layer that multiplies stored weights, and what the passes say of it.

    Args:
        index: among the model's layers; None inside a subgraph.
        node, shapes, reads, kind: its own.
        macs: its work; None: not known.
    """

    index: int | None
    node: Node
    shapes: Shapes
    reads: NodeReads
    kind: Kind
    macs: int | None

    def find(self) -> LayerFilters:
        """What its filters look like.

        Raises:
            ModelFileError: its weights can't be read.
        """
        place = bank_of(self.node, self.shapes)
        assert place is not None, "only layers with filters are asked"
        return _look(self, place, self._read(place))

    def numbers(self) -> np.ndarray:
        """Its filters, read anew."""
        place = bank_of(self.node, self.shapes)
        assert place is not None, "only layers with filters are asked"
        return self._read(place).numbers

    def _read(self, place: FilterBank) -> Bank:
        at = self.node.path
        try:
            found = read_bank(self.node, self.shapes, place)
        except ModelFileError as error:
            raise ModelFileError(f"the weights of layer {at!r} can't be read: {error}") from error
        except MemoryError:
            raise ModelFileError(f"the weights of layer {at!r} don't fit into memory") from None
        if len(found.numbers) > MOST_FILTERS:
            raise ModelFileError(
                f"layer {at!r} has {len(found.numbers):,} filters; {MOST_FILTERS:,} are the most"
            )
        return found


def _look(asked: FilteringNode, place: FilterBank, bank: Bank) -> LayerFilters:
    numbers, groups = bank.numbers, bank.groups
    rows = numbers.reshape(len(numbers), math.prod(numbers.shape[1:]))
    figures = weight_figures(rows)
    spectral, notes = bool(numbers.size) and not figures.unusable, list[str]()
    values, products = _spectrum(rows, groups) if spectral else (None, None)
    repeats = find_repeats(rows, groups, figures, products)
    if figures.unusable:
        bad = many(figures.unusable, "weight is", "weights are")
        notes.append(f"{bad} NaN, infinite or beyond 1e150: left out, and there are no spectra")
    elif spectral and values is None:
        notes.append(f"no spectra: both sides of its matrix are longer than {MOST_SIDE}")
    if repeats.nearly is None:
        notes.append("filters that are nearly equal aren't looked for: there are too many")
    return LayerFilters(
        index=asked.index,
        layer=asked.node.name,
        op=asked.node.title,
        kind=asked.kind,
        tensor=asked.node.inputs[place.operand],
        filters=len(rows),
        channels=int(numbers.shape[1]),
        kernel=bank.kernel,
        groups=groups,
        period=None if bank.kernel else find_period(numbers.reshape(groups, rows.size // groups)),
        dtype=bank.dtype,
        macs=asked.macs,
        figures=figures,
        repeats=repeats,
        separability=find_separability(numbers, bank.rounding) if spectral else None,
        singular_values=None if values is None else np.sort(values, axis=None)[::-1],
        bulk=None if values is None else find_bulk(values, len(rows) // groups, rows.shape[1]),
        low_rank=tuple(low_ranks(bank, values, _positions(asked, bank))) if spectral else (),
        notes=tuple(notes),
        _read=asked.numbers,
    )  # fmt: skip


def _spectrum(rows: np.ndarray, groups: int) -> tuple[np.ndarray | None, np.ndarray | None]:
    """Singular values by group, and the products of all pairs of filters where these come out on the way."""
    if groups > 1:
        return group_spectra(rows.reshape(groups, len(rows) // groups, -1)), None
    gram = gram_of(rows)
    if gram is None:
        return None, None
    return singular_values(gram)[None], gram if len(rows) <= rows.shape[1] else None


def _positions(asked: FilteringNode, bank: Bank) -> Positions | None:
    """Where its filters stand; None for other operators, and on free sizes."""
    count = bank.numbers.size
    if asked.macs is None or not count:
        return None
    if not bank.kernel:
        return Positions((), (), asked.macs // count)
    placing = find_placing(asked.node, asked.shapes, asked.reads)
    known = asked.kind.family == "convolution" and placing is not None and placing.positions
    if placing is None or not known or len(placing.windows) != len(bank.kernel):
        return None
    return Positions(placing.outputs, placing.inputs, asked.macs // (count * placing.positions))
