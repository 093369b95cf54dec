"""What is a quantity that can be limited, and which are there?

A quantity is declared by `define`, in a file of `quantities`: what it is called in budgets, what it is
measured in, and where in a `Report` it is found, for the whole model and for some of its layers.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Final

from cnnscope.analyzer.budgets.bounds import Sign
from cnnscope.analyzer.budgets.figure import Figure
from cnnscope.analyzer.budgets.verdicts import Contribution
from cnnscope.analyzer.report.layer import Layer
from cnnscope.analyzer.report.metric import Metric
from cnnscope.analyzer.report.report import Report
from cnnscope.analyzer.values.amounts import Measure
from cnnscope.analyzer.values.plain_class import dataclass

#: those that are measured by running the model
MEASURED: Final = ("latency_p50", "latency_p99", "device_time", "host_bound")
#: of these, what only a GPU's own records say
RECORDED: Final = ("device_time", "host_bound")
FORBID, ALLOW, PARTIAL = "operators.forbid", "operators.allow", "max_partial"
#: holds of every model, unless a limit of its own says otherwise
ERRORS: Final = "errors"
#: by share in per cent, how far what a unit hangs on reaches
EFFECTIVE: Final = {95: "effective_field", 80: "effective_field_80", 50: "effective_field_50"}
LISTS: Final = {
    FORBID: "operators that the model may not have",
    ALLOW: "operators that the model may have, and no others",
}


@dataclass(frozen=True, slots=True)
class Quantity:
    """Something that can be limited.

    Args:
        key: its name in budgets.
        measure: what it is measured in.
        meaning: what it is, in a few words.
        figures: the model's; one, or one per axis of an input, each of which has to keep a limit.
        of_layers: what some of a report's layers come to; None: it is the whole model's only.
        of_layer: one layer's part, for saying which contribute most.
        default: the comparison of a limit that has none; None: it needs one.
        words: names that may follow a count: ``GMACs``.
        sized: it hangs on how long the inputs are.
        metric: the total that the figure is, a formula where lengths are free: of some layers, or (None) of
            the whole report. Without one nothing is known of it over a range of sizes, if it is `sized`.
        parts: what to name where a limit is crossed: layers with their parts; None: the layers that
            contribute most, by `of_layer`.
    """

    key: str
    measure: Measure
    meaning: str
    figures: Callable[[Report], Sequence[Figure]] | None
    of_layers: Callable[[Report, Sequence[Layer]], Sequence[Figure]] | None = None
    of_layer: Callable[[Layer], int | None] | None = None
    default: Sign | None = "<="
    words: tuple[str, ...] = ()
    sized: bool = False
    parts: Callable[[Report], Sequence[Contribution]] | None = None
    metric: Callable[[Report, Sequence[Layer] | None], Metric] | None = None


_DEFINED: dict[str, Quantity] = {}


def define(*quantities: Quantity) -> None:
    """Declare quantities.

    Raises:
        ValueError: one of that name is there.
    """
    for quantity in quantities:
        if quantity.key in _DEFINED or quantity.key in LISTS:
            raise ValueError(f"the quantity {quantity.key} is defined twice")
        _DEFINED[quantity.key] = quantity


def defined_quantities() -> Mapping[str, Quantity]:
    """Those that were declared, by name."""
    return _DEFINED
