"""What do one layer's stored filters look like, and could they be smaller?

Plain data, which `finding` gathers. The weights aren't held: `kernels` and `images` read them again.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import field
from typing import TYPE_CHECKING, ClassVar

from cnnscope.analyzer.filters.figures import Repeats, WeightFigures
from cnnscope.analyzer.filters.images import kernel_images
from cnnscope.analyzer.filters.low_rank import Cut, LowRank
from cnnscope.analyzer.filters.separability import Separability
from cnnscope.analyzer.filters.spectra import ENERGIES, Bulk
from cnnscope.analyzer.layers.kinds import Kind
from cnnscope.analyzer.values.notation import many, name
from cnnscope.analyzer.values.plain_class import dataclass
from cnnscope.analyzer.values.shown import Answer

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


@dataclass(frozen=True, eq=False, repr=False)
class LayerFilters(Answer):
    """What one layer's filters look like; what ``report.filters("conv1")`` gives.

    A filter is all that one output channel multiplies what it reads with; their order is the channels'.

    Args:
        index, layer, op, kind: which layer; the index is that in ``report.layers``.
        tensor: its weights, as the layer reads them.
        filters, channels, kernel, groups: how many filters, of how many input channels each, of which kernel
            (empty for a matrix), in how many groups.
        period: of the matrices of a layer with one for each position, after how many they begin again; None
            where they don't.
        dtype: the stored numbers'.
        macs: of the layer; None: not known.
        figures: range, norm and zeros.
        repeats: dead filters, and those that are there twice.
        separability: of the slices; None: a kernel of one axis or none, or weights that are NaN or infinite.
        singular_values: of the filters as rows, largest first; of groups those of all; None as above, or
            where the matrix is too large.
        bulk: what is left of random initialisation; None as above, and for small matrices.
        low_rank: how the layer could be written as smaller ones.
        notes: why something isn't told.
    """

    COLUMNS: ClassVar[tuple[str, ...]] = (
        "filter", "norm", "min", "max", "zeros", "dead", "same_as", "separability", "rank",
    )  # fmt: skip

    index: int | None
    layer: str
    op: str
    kind: Kind
    tensor: str
    filters: int
    channels: int
    kernel: tuple[int, ...]
    groups: int
    period: int | None
    dtype: str
    macs: int | None
    figures: WeightFigures
    repeats: Repeats
    separability: Separability | None
    singular_values: np.ndarray | None
    bulk: Bulk | None
    low_rank: tuple[LowRank, ...]
    notes: tuple[str, ...]
    _read: Callable[[], np.ndarray] = field(repr=False, kw_only=True)

    @property
    def weights(self) -> int:
        """How many there are."""
        count = self.filters * self.channels
        for length in self.kernel:
            count *= length
        return count

    @property
    def sparsity(self) -> float:
        """The share of weights that are 0."""
        return self.figures.zeros / self.weights if self.weights else 0.0

    @property
    def kernels(self) -> np.ndarray:
        """The weights, read anew: (filters, input channels of each, *kernel), scales put in.

        Raises:
            ModelFileError: they aren't there any more.
        """
        return self._read()

    def images(self, channel: int | None = None, *, together: bool = False) -> NDArray[np.float32]:
        """The kernels as images, ready to be drawn: the grey 0.5 is a weight of 0.

        Args:
            channel: of which input channel; None: three are colours, one is grey.
            together: one scale for all filters; else each has its own.

        Returns:
            (filters, *kernel), in colour (filters, *kernel, 3), of numbers from 0 to 1.

        Raises:
            ValueError: the weights are a matrix, there is no such channel, or too many to be colours.
            ModelFileError: the weights aren't there any more.

        >>> import cnnscope
        >>> cnnscope.analyze("tests/data/edges.onnx").filters("conv1").images().shape
        (8, 5, 5, 3)
        """
        return kernel_images(self.kernels, channel, together=together)

    def smallest(self, energy: float = 0.95) -> tuple[LowRank, Cut] | None:
        """The way that takes the fewest weights at a share of energy; None where none takes fewer than now.

        Args:
            energy: 0.9, 0.95 or 0.99.

        Raises:
            ValueError: it is none of these.
        """
        if energy not in ENERGIES:
            wanted = ", ".join(map(str, ENERGIES))
            raise ValueError(f"energy is {energy!r}; told are: {wanted}")
        found = [
            (way, cut)
            for way in self.low_rank
            for cut in way.cuts
            if cut.energy == energy and cut.weights < self.weights
        ]
        return min(found, key=lambda x: x[1].weights, default=None)

    def to_dict(self) -> dict[str, object]:
        """The JSON of ``cnnscope filters MODEL LAYER``."""
        f, repeats = self.figures, self.repeats
        values = self.singular_values
        return {
            "schema_version": 1,
            "index": self.index,
            "layer": self.layer,
            "op": self.op,
            "kind": self.kind.label,
            "tensor": self.tensor,
            "filters": self.filters,
            "channels": self.channels,
            "kernel": list(self.kernel),
            "groups": self.groups,
            "period": self.period,
            "dtype": self.dtype,
            "weights": self.weights,
            "macs": self.macs,
            "min": f.least,
            "max": f.most,
            "mean": f.mean,
            "std": f.std,
            "norm": f.norm,
            "zeros": f.zeros,
            "sparsity": self.sparsity,
            "unusable": f.unusable,
            "tolerance": repeats.tolerance,
            "dead": list(repeats.dead),
            "nearly_dead": list(repeats.nearly_dead),
            "same": [list(group) for group in repeats.same],
            "nearly_same": None if repeats.nearly is None else [list(x) for x in repeats.nearly],
            "separability": None if self.separability is None else self.separability.to_dict(),
            "singular_values": None if values is None else values.tolist(),
            "bulk": None if self.bulk is None else self.bulk.to_dict(),
            "low_rank": [way.to_dict() for way in self.low_rank],
            "notes": list(self.notes),
            "per_filter": list(self.records()),
        }

    def records(self) -> Iterator[dict[str, object]]:
        """One for each filter."""
        dead, faint = frozenset(self.repeats.dead), frozenset(self.repeats.nearly_dead)
        first = {i: group[0] for group in self.repeats.same for i in group[1:]}
        f, slices = self.figures, self.separability
        for i in range(self.filters):
            yield {
                "filter": i,
                "norm": float(f.norms[i]),
                "min": _told(f.lows[i]),
                "max": _told(f.highs[i]),
                "zeros": int(f.filter_zeros[i]),
                "dead": "yes" if i in dead else "nearly" if i in faint else "no",
                "same_as": first.get(i),
                "separability": None if slices is None else _told(slices.filter_energy[i]),
                "rank": None if slices is None else int(slices.filter_ranks[i]),
            }

    def summary(self) -> str:
        spare = self.repeats.spare
        said = f", {spare} of them spare" if spare else ""
        return f"of {name(self.layer, 120)}: {many(self.filters, 'filter')}{said}"


def _told(value: float) -> float | None:
    """None of NaN, which stands for what there is no number of."""
    return None if math.isnan(value) else float(value)
