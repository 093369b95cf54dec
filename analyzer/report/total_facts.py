"""What is a model's every figure, for what shows names with values: exact, or as a formula?"""

from __future__ import annotations

from cnnscope.analyzer.report.layer_records import shape_text
from cnnscope.analyzer.report.report import Report


def total_facts(report: Report) -> dict[str, int | float | str]:
    """The totals by name, and the sizes of the inputs that they hold for; what isn't known isn't there.

    >>> import cnnscope
    >>> facts = total_facts(cnnscope.analyze("sample_models/lenet5.onnx"))
    >>> facts["params"], facts["input:input"]
    (61706, '1x1x32x32')
    """
    found: dict[str, int | float | str | None] = {}
    for key, total in report.totals.metrics().items():
        found[key] = total.formula if total.whole else total.value
        if total.status == "partial" and not total.whole:
            found[f"{key}_at_least"] = total.known
    found["peak_layer"] = (
        None if report.totals.peak_layer is None else str(report.totals.peak_layer)
    )
    for kind, ends in (("input", report.inputs), ("output", report.outputs)):
        found.update((f"{kind}:{x.name}", shape_text(x.shape)) for x in ends)
    return {key: x for key, x in found.items() if x is not None}
