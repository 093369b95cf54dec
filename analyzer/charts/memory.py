"""How many bytes of activations are alive while each layer runs, and which tensors make the peak?"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from cnnscope.analyzer.charts.chart import Chart, Row, model_name, modules_of
from cnnscope.analyzer.values.plain_class import dataclass

if TYPE_CHECKING:
    from cnnscope.analyzer.report.activations import Activation, Activations
    from cnnscope.analyzer.report.report import Report

#: tensors of the peak that are told apart
_APART: Final = 4
#: what the others are called together
OTHER: Final = "other tensors"


@dataclass(frozen=True, eq=False, repr=False)
class MemoryChart(Chart):
    """Rows: ``index``, ``layer``, ``module``, ``part`` (one of the largest tensors at the peak, or the others
    together), ``nbytes`` of it that are alive, ``alive_bytes`` of all parts.

    Args:
        parts: from the largest on, the others last.
        peak: the layer with the most bytes alive, of those known.
    """

    parts: tuple[str, ...]
    peak: int


def chart(report: Report) -> MemoryChart:
    """The activations that are alive.

    Raises:
        ValueError: no layer's are known.

    >>> import cnnscope
    >>> found = chart(cnnscope.analyze("sample_models/lenet5.onnx"))
    >>> found.peak, found.parts
    (1, ('conv1', 'tanh1', 'other tensors'))
    """
    found = report.activations()
    alive = found.alive_bytes()
    known = [(n, -i) for i, n in enumerate(alive) if n is not None]
    if not known:
        raise ValueError("of no layer the bytes alive are known; give free lengths one (--dim)")
    peak = -max(known)[1]
    apart = sorted(found.alive(peak), key=lambda x: -(x.nbytes or 0))[:_APART]
    rows = tuple(_rows(report, found, apart))
    return MemoryChart(
        f"Activations alive while layers run: {model_name(report)}", rows,
        (*(x.tensor for x in apart), OTHER), peak,
    )  # fmt: skip


def _rows(report: Report, found: Activations, apart: list[Activation]) -> list[Row]:
    alive = found.alive_bytes()
    rows: list[Row] = []
    for index, (layer, module) in enumerate(zip(report.layers, modules_of(report), strict=True)):
        whole = alive[index]
        parts: dict[str, int | None] = {
            x.tensor: (x.nbytes or 0) if x.first <= index <= x.last else 0 for x in apart
        }
        told = sum(n or 0 for n in parts.values())
        parts[OTHER] = None if whole is None else whole - told
        rows += [
            {
                "index": index, "layer": layer.path, "module": module, "part": part,
                "nbytes": nbytes, "alive_bytes": whole,
            }
            for part, nbytes in parts.items()
        ]  # fmt: skip
    return rows
