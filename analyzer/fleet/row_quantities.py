"""Which quantities of a budget does a row of a scan have, and how much of them?"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from fnmatch import fnmatchcase
from typing import Final

from cnnscope.analyzer.budgets.figure import Figure
from cnnscope.analyzer.budgets.limit import Limit
from cnnscope.analyzer.budgets.quantities import QUANTITIES
from cnnscope.analyzer.budgets.quantity import ALLOW, FORBID, LISTS
from cnnscope.analyzer.values.notation import many

#: the column of each quantity that is one figure
_COLUMNS: Final[Mapping[str, str]] = {
    "macs": "macs", "int_macs": "int_macs", "float_macs": "float_macs", "flops": "flops",
    "params": "params", "buffers": "buffers", "weights": "weight_bytes", "file_size": "file_bytes",
    "peak_activation": "peak_activation_bytes", "traffic": "traffic_bytes", "layers": "layers",
    "opset": "opset",
}  # fmt: skip
#: of these the columns that hang on how long the inputs are
_SIZED: Final = {x for key, x in _COLUMNS.items() if QUANTITIES[key].sized}
#: the one that is a figure along each axis
_FIELD: Final = "receptive_field"
_AXES: Final = ("rf_d", "rf_h", "rf_w", "rf_l")
_KNOWN: Final = (*_COLUMNS, _FIELD, FORBID, ALLOW)
_USUAL: Final = (
    "path", "status", "error", "error_kind", "graph_digest", "uncounted", "free_dims", "batch_proven",
)  # fmt: skip


def columns_for(limits: Iterable[Limit]) -> list[str]:
    """What has to be read of a row to hold it against limits."""
    found = [*_USUAL]
    for limit in limits:
        if limit.quantity in LISTS:
            found += ["operators", "body_operators"]
        elif limit.quantity == _FIELD:
            found += ["inputs", "rf_layer", *_AXES]
        else:
            found.append(_COLUMNS[limit.quantity])
    return list(dict.fromkeys(found))


def refusal(limit: Limit) -> str | None:
    """Why a scan's rows can't be held against a limit, in words; None: they can."""
    if limit.scope.kind != "model" or limit.scope.among is not None:
        return f"a scan has no parts of models, and so no {limit.name}: check the models themselves"
    if limit.quantity in _KNOWN:
        return None
    return (
        f"a scan has no {limit.quantity}, it has {', '.join(_KNOWN)}: check the models themselves"
    )


def row_figures(row: Mapping[str, object], quantity: str) -> list[Figure]:
    """How much a row's model has of a quantity: one figure, or one for each axis of its input."""
    if quantity != _FIELD:
        return [_figure(row, _COLUMNS[quantity])]
    found = [_figure(row, axis) for axis in _AXES if row.get(axis) is not None]
    if row.get("rf_layer") is None and len(found) < _axes_there(row):
        found.append(Figure.unknown("along some axis it isn't known"))
    return found or [Figure.unknown("no layer has a receptive field along an axis")]


def plain_value(row: Mapping[str, object], quantity: str) -> int | None:
    """The one figure that a row has of a quantity; None: it isn't known, or there may be several."""
    column = _COLUMNS.get(quantity)
    if column is None or (column in _SIZED and row.get("batch_proven") in (False, 0)):
        return None
    value = row.get(column)
    return value if isinstance(value, int) else None


def _axes_there(row: Mapping[str, object]) -> int:
    """Along how many axes a field may be told: an input has a batch and channels beside them."""
    inputs = row.get("inputs")
    if isinstance(inputs, str):  # as a database keeps it
        inputs = json.loads(inputs)
    ranks = [
        len(x["shape"]) - 2
        for x in (inputs if isinstance(inputs, Sequence) else ())
        if isinstance(x, Mapping) and isinstance(x.get("shape"), Sequence)
    ]
    return max((n for n in ranks if 0 < n < 4), default=0)


def _figure(row: Mapping[str, object], column: str) -> Figure:
    value = row.get(column)
    if column in _SIZED and row.get("batch_proven") in (False, 0):
        return Figure.unknown(
            "it hangs on a free length that looks like a batch, and wasn't shown to be it"
        )
    return Figure.exactly(value) if isinstance(value, int) else Figure.unknown(_why(row))


def _why(row: Mapping[str, object]) -> str:
    missing = _counts(row.get("uncounted"))
    if missing:
        told = ", ".join(f"{op} x{n}" if n > 1 else op for op, n in missing.items())
        return f"only part of it is known; missing: {told}"
    free = row.get("free_dims")
    if isinstance(free, Sequence) and free:
        several = "s" if len(free) > 1 else ""
        return f"it depends on the free dimension{several} {', '.join(map(str, free))}"
    return "it isn't known"


def odd_operators(row: Mapping[str, object], limit: Limit) -> dict[str, int] | None:
    """How many layers have operators that a list forbids, or doesn't allow; None: that isn't known."""
    if row.get("operators") is None or row.get("body_operators") is None:
        return None
    found = Counter(_counts(row["operators"])) + Counter(_counts(row["body_operators"]))
    patterns = [p.removeprefix("ai.onnx::") for p in limit.patterns]
    return {
        op: n
        for op, n in found.items()
        if any(fnmatchcase(op, p) for p in patterns) != (limit.quantity == ALLOW)
    }


def odd_text(odd: Mapping[str, int]) -> str:
    """
    >>> odd_text({"Loop": 1, "If": 2})
    'Loop, If x2'
    """
    return ", ".join(f"{op} x{n}" if n > 1 else op for op, n in odd.items()) or many(0, "operator")


def _counts(found: object) -> dict[str, int]:
    if not isinstance(found, Sequence):
        return {}
    return {str(x["name"]): int(x["count"] or 0) for x in found if isinstance(x, Mapping)}
