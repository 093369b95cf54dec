"""How does a bill of materials name the model? As a CycloneDX 1.6 component (ECMA-424, *ML-BOM*).

The component is the bill's subject; its figures are properties whose names begin with ``cnnscope:``. There is
no time and no serial number in it, so that the same model gives the same bill.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from typing import Final

from cnnscope.analyzer.model.file import ModelFile
from cnnscope.analyzer.render.forms.json import dumped
from cnnscope.analyzer.render.viewers.exported import Exported, Wish, model_name
from cnnscope.analyzer.report.examination import Analysis
from cnnscope.analyzer.report.layer_records import shape_text
from cnnscope.analyzer.report.network_input import Input
from cnnscope.analyzer.report.report import Report
from cnnscope.analyzer.report.total_facts import total_facts

_STRETCH: Final = 1 << 22
"""Bytes of the file that are hashed at once."""


def bill(report: Report, wish: Wish) -> Exported:
    """The report's model as the component of a bill of materials."""
    component: dict[str, object] = {
        "type": "machine-learning-model",
        "bom-ref": "model",
        "name": model_name(report),
        **_hashes(report),
        "modelCard": {
            "modelParameters": {"inputs": _ends(report.inputs), "outputs": _ends(report.outputs)}
        },
        "properties": [
            {"name": f"cnnscope:{key}", "value": str(value)}
            for key, value in {**_file_facts(report), **total_facts(report)}.items()
        ],
    }
    return Exported(dumped({
        "$schema": "http://cyclonedx.org/schema/bom-1.6.schema.json",
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "version": 1,
        "metadata": {
            "tools": {"components": [{"type": "application", "name": "cnnscope"}]},
            "component": component,
        },
    }))  # fmt: skip


def _ends(ends: Iterable[Input]) -> list[dict[str, str]]:
    return [{"format": f"{x.name}: {x.dtype or '?'}[{shape_text(x.shape) or '?'}]"} for x in ends]


def _file_facts(report: Report) -> dict[str, object]:
    found = {
        "producer": report.model.producer, "ir_version": report.model.ir_version,
        "weights": report.model.weights,
        **{f"opset:{domain or 'ai.onnx'}": version for domain, version in report.model.opsets.items()},
    }  # fmt: skip
    return {key: value for key, value in found.items() if value != ""}


def _hashes(report: Report) -> dict[str, object]:
    """The file's own hash, where its bytes are at hand; data beside it isn't in it."""
    known = report._analysis
    found = _sha256(known.file) if isinstance(known, Analysis) else None
    return {} if found is None else {"hashes": [{"alg": "SHA-256", "content": found}]}


def _sha256(file: ModelFile) -> str | None:
    data = file.whole
    if data is None:
        return None
    found = hashlib.sha256()
    for start in range(0, len(data), _STRETCH):
        found.update(data[start : start + _STRETCH])
    return found.hexdigest()
