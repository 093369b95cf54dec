"""How far does what a unit really hangs on reach: the squares that hold a share of it?"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from cnnscope.analyzer.budgets.figure import Figure
from cnnscope.analyzer.budgets.quantity import EFFECTIVE, Quantity, define
from cnnscope.analyzer.report.layer import Layer
from cnnscope.analyzer.report.report import Report


def _outputs(report: Report) -> list[Layer]:
    """The layers that give the network's outputs."""
    wanted = {output.name for output in report.outputs}
    return [x for x in report.layers if wanted & {value.name for value in x.outputs}]


def _largest(layers: Sequence[Layer], share: float) -> Sequence[Figure]:
    """The largest side among the layers' central units; a lower bound where one isn't told."""
    sides, why = [], ""
    for layer in layers:
        if layer.extents():
            try:
                sides.append(layer.effective_field().side(share))
            except ValueError as error:
                why = why or f"{layer.path}: {error}"
    if not sides:
        return (Figure.unknown(why or "no output sees an axis that layers look along"),)
    found = Figure.exactly(max(sides))
    return (Figure(found.low, None, why),) if why else (found,)


def _of_share(
    share: float,
) -> tuple[
    Callable[[Report], Sequence[Figure]], Callable[[Report, Sequence[Layer]], Sequence[Figure]]
]:
    return (
        lambda report: _largest(_outputs(report), share),
        lambda _, layers: _largest(layers, share),
    )


for _percent, _key in EFFECTIVE.items():
    _whole, _some = _of_share(_percent / 100)
    define(
        Quantity(_key, "length", f"side of the square that holds {_percent} % of what a unit hangs on",
                 _whole, _some, default=None, sized=True),
    )  # fmt: skip
