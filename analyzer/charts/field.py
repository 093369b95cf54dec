"""How far does each layer see, against depth?"""

from __future__ import annotations

from typing import TYPE_CHECKING

from cnnscope.analyzer.charts.chart import Chart, Row, model_name, modules_of
from cnnscope.analyzer.report.layer_records import axis_names
from cnnscope.analyzer.values.plain_class import dataclass

if TYPE_CHECKING:
    from cnnscope.analyzer.report.report import Report


@dataclass(frozen=True, eq=False, repr=False)
class FieldChart(Chart):
    """Rows: ``index``, ``layer``, ``module``, ``axis``, ``size`` (along all paths), ``local`` (along those
    that don't collapse the axis), ``smallest`` (over single paths), ``at_least`` (where the size isn't
    known); axes of which all that is the same have one row, ``h, w``.

    Args:
        lengths: by axis, the input's; None: free.
    """

    lengths: dict[str, int | None]


def chart(report: Report) -> FieldChart:
    """The receptive fields of a model's layers.

    Raises:
        ValueError: no layer looks along an axis of an input.

    >>> import cnnscope
    >>> found = chart(cnnscope.analyze("sample_models/lenet5.onnx"))
    >>> found.lengths, [row["size"] for row in found.rows][:4]
    ({'h, w': 32}, [5, 5, 6, 14])
    """
    names = axis_names(report.layers)
    if not names:
        raise ValueError("no layer looks along an axis of an input: there are no fields to draw")
    modules = modules_of(report)
    sizes = {(x.name, i): n for x in report.inputs for i, n in enumerate(x.shape or ())}
    lengths: dict[str, int | None] = {}
    for key, letter in names.items():
        length = sizes.get(key)
        lengths[letter] = length if isinstance(length, int) else None
    found: dict[str, list[Row]] = {letter: [] for letter in names.values()}
    for index, layer in enumerate(report.layers):
        for x in layer.receptive_field:
            found[names[x.input, x.axis]].append(
                {
                    "index": index, "layer": layer.path, "module": modules[index],
                    "size": x.size, "local": x.local_size, "smallest": x.smallest_size,
                    "at_least": x.at_least,
                }
            )  # fmt: skip
    together: list[list[str]] = []
    for axis, rows in found.items():
        same = next(
            (g for g in together if found[g[0]] == rows and lengths[g[0]] == lengths[axis]), None
        )
        if same is None:
            together.append([axis])
        else:
            same.append(axis)
    rows_of = tuple({"axis": ", ".join(g), **row} for g in together for row in found[g[0]])
    return FieldChart(
        f"Receptive field by layer: {model_name(report)}", rows_of,
        {", ".join(g): lengths[g[0]] for g in together},
    )  # fmt: skip
