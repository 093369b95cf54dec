"""What are a model's figures? Each is worked out when somebody asks for it, and once.

One that can't be worked out is unknown, with the reason, and alone: the others are what they are.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from cnnscope.analyzer.budgets.figure import Figure
from cnnscope.analyzer.budgets.limit import WHOLE, Limit, Scope
from cnnscope.analyzer.budgets.quantities import QUANTITIES
from cnnscope.analyzer.budgets.quantity import PARTIAL, Quantity
from cnnscope.analyzer.budgets.scopes import scoped_layers
from cnnscope.analyzer.budgets.totals import figure_over, missing_terms
from cnnscope.analyzer.report.layer import Layer
from cnnscope.analyzer.report.metric import Metric
from cnnscope.analyzer.report.module_paths import module_paths
from cnnscope.analyzer.report.report import Report
from cnnscope.analyzer.values.diagnostics import CnnscopeError, one_line
from cnnscope.analyzer.values.notation import many

if TYPE_CHECKING:
    from cnnscope.analyzer.sizes.costs_over import CostsOver


class ModelFigures(Mapping[tuple[Scope, str], Sequence[Figure]]):
    """Every figure of the whole model, and those of the parts that limits are on.

    Args:
        report: the model's.
        limits: its budget.
        measured: figures that had to be measured, by quantity.
        over: the model over a range of sizes, of which `report` has the formulas; None: it has one size.
    """

    def __init__(
        self, report: Report, limits: Sequence[Limit], measured: Mapping[str, Figure],
        over: CostsOver | None = None,
    ) -> None:  # fmt: skip
        self._report, self._measured, self.over = report, measured, over
        self._layers: dict[tuple[Scope, str], Sequence[Layer]] = {}
        self._known: dict[tuple[Scope, str], Sequence[Figure]] = {}
        self._keys = {
            (WHOLE, key): None
            for key, quantity in QUANTITIES.items()
            if quantity.figures is not None or key in measured
        }
        paths = module_paths(report.layers) if any(x.scope.kind == "module" for x in limits) else []
        for limit in limits:
            if limit.scope.kind in ("kind", "module") or (
                limit.scope.kind == "model" and limit.scope.among is not None
            ):
                layers = scoped_layers(report, limit.scope, paths)
                if QUANTITIES[limit.quantity].of_layers is not None and layers is not None:
                    self._layers[limit.key] = layers
                    self._keys[limit.key] = None

    def __iter__(self) -> Iterator[tuple[Scope, str]]:
        return iter(self._keys)

    def __len__(self) -> int:
        return len(self._keys)

    def __contains__(self, key: object) -> bool:
        return key in self._keys  # without working it out

    def __getitem__(self, key: tuple[Scope, str]) -> Sequence[Figure]:
        if key not in self._keys:
            raise KeyError(key)
        if key not in self._known:
            self._known[key] = self._found(key)
        return self._known[key]

    def _found(self, key: tuple[Scope, str]) -> Sequence[Figure]:
        quantity = QUANTITIES[key[1]]
        if key in self._layers:
            found = self.of_layers(quantity, self._layers[key])
            return [_of_those_known(x, key[0], self._report) for x in found]
        whole = quantity.figures
        if whole is None:
            return (self._measured[key[1]],)
        if self.over is not None and quantity.key == PARTIAL:
            return (Figure.exactly(self.missing_terms()),)
        return self._sized(quantity, None, lambda: whole(self._report))

    def of_layers(self, quantity: Quantity, layers: Sequence[Layer]) -> Sequence[Figure]:
        """What some of the model's layers come to, of a quantity that layers have."""
        ask = quantity.of_layers
        assert ask is not None
        return self._sized(quantity, layers, lambda: ask(self._report, layers))

    def missing_terms(self) -> int:
        """How many terms the total that lacks most of them lacks."""
        return missing_terms(self._report, () if self.over is None else self.over.ranges)

    def _sized(
        self, quantity: Quantity, layers: Sequence[Layer] | None,
        ask: Callable[[], Sequence[Figure]],
    ) -> Sequence[Figure]:  # fmt: skip
        """The figures, over all sizes where there is a range of them, and the quantity hangs on these."""
        over, metric = self.over, quantity.metric
        if over is None or not quantity.sized:
            return _unless_open(self._report, quantity, ask)
        if metric is None:
            return (Figure.unknown("it has no formula: give one size, not a range"),)
        names = None if layers is None else {layer.name for layer in layers}

        def of(report: Report) -> Metric:
            kept = None if names is None else [x for x in report.layers if x.name in names]
            return metric(report, kept)

        def found() -> Sequence[Figure]:
            return (figure_over(over.of(quantity.key, of), of(self._report)),)

        return _unless_open(self._report, quantity, found)


def _of_those_known(figure: Figure, scope: Scope, report: Report) -> Figure:
    """The figure of chosen layers; a lower bound where of some it isn't known whether they are meant."""
    unknown = {} if scope.among is None else scope.among.of_layers(report.layers).unknown
    if not unknown:
        return figure
    left = ", ".join(f"{many(n, 'layer')} ({text})" for text, n in unknown.items())
    why = f"whether they are meant isn't known of {left}"
    return replace(figure, high=None, reason=why, value=None, most_at=None)


def _unless_open(
    report: Report, quantity: Quantity, ask: Callable[[], Sequence[Figure]]
) -> Sequence[Figure]:
    """The figures; unknown where they hang on a length that nobody gave and that may be no batch."""
    figures = _unless_raised(ask)
    invented = [label for label, proven in report.batch.items() if not proven]
    if not invented or not quantity.sized:
        return figures
    why = (
        f"it hangs on {', '.join(invented)}, which is free and looks like a batch, but couldn't be "
        "shown to be one: give a length (--dim NAME=LENGTH; in Python dims)"
    )
    return [Figure(None, None, why, uncounted=figure.uncounted) for figure in figures]


def _unless_raised(ask: Callable[[], Sequence[Figure]]) -> Sequence[Figure]:
    """The figures; one that is unknown, and why, where they can't be worked out."""
    try:
        return ask()
    except MemoryError:
        raise
    except CnnscopeError as error:
        why = str(error)
    except Exception as error:  # noqa: BLE001  # one figure's fault must not hide the others
        why = f"internal error: {type(error).__name__}: {error}; please report it"
    return (Figure.unknown(one_line(why, 300)),)
