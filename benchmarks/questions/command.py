"""What does the whole command cost, from the shell to the printed table, beside what others take?"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import measure
from setting import ANALYZE, BARE, ONNX_TOOL, SAMPLES, TIGRIS, Settings, processes, with_weights
from tables import Target, median, process_cells, quotient, table

#: of processor time: what of which model beside whom may be how much at most
LIMITS = (
    ("resnet50, graph alone", "imports", 0.8),
    ("lenet5", "onnx-tool", 1.0),
    ("lenet5", "TiGrIS", 1.0),
    ("densenet121", "onnx-tool", 0.5),
)


def measured(settings: Settings) -> dict[str, Any]:
    names = ("lenet5", "densenet121", "resnet50")
    paths = with_weights(settings, *(SAMPLES / f"{name}.onnx" for name in names))
    repeats = max(5, 3 * settings.repeats)
    graph = str(SAMPLES / "resnet50.onnx")
    commands = {"cnnscope": [*ANALYZE, graph], "imports": BARE}
    runs = measure.interleaved(commands, repeats, settings.run)
    found = {"resnet50, graph alone": processes(runs)}
    for name, path in zip(names, map(str, paths), strict=True):
        commands = {
            "cnnscope": [*ANALYZE, path], "onnx-tool": [*ONNX_TOOL, path],
            "TiGrIS": [*TIGRIS, path],
        }  # fmt: skip
        runs = measure.interleaved(commands, repeats, settings.run)
        found[name] = processes(runs)
    return found


def text(found: Mapping[str, Any]) -> str:
    rows = [
        [model, tool, *process_cells(taken)]
        for model, tools in found.items()
        for tool, taken in tools.items()
    ]
    return table(["model", "", "CPU, s", "by the clock, s", "peak MB"], rows)


def targets(found: Mapping[str, Any]) -> list[Target]:
    return [
        Target(
            f"{model}: processor time of the command to that of {peer}",
            quotient(median(found[model]["cnnscope"], "cpu"), median(found[model][peer], "cpu")),
            most,
        )
        for model, peer, most in LIMITS
    ]
