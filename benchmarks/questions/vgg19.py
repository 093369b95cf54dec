"""What does the command cost on VGG-19 with its weights in the file, 575 MB, beside what others take?"""

from __future__ import annotations

import sys
from collections.abc import Mapping
from typing import Any

import measure
from setting import ANALYZE, ONNX_TOOL, Settings, processes, vgg19_inline
from tables import Target, median, process_cells, quotient, table, times


def measured(settings: Settings) -> dict[str, Any]:
    path = str(vgg19_inline(settings))
    commands = {
        "cnnscope": [*ANALYZE, path],
        "onnx-tool": [*ONNX_TOOL, path],
        "onnx.load": [sys.executable, "-c", "import onnx, sys; onnx.load(sys.argv[1])", path],
    }
    found = processes(measure.interleaved(commands, settings.repeats, settings.run))
    # Most of a minute: once, and beside nothing.
    slow = settings.run([sys.executable, "-m", "onnxsim.shape_cost", path])
    return found | processes({"onnxsim.shape_cost": [slow]})


def text(found: Mapping[str, Any]) -> str:
    ours = found["cnnscope"]
    rows = [
        [
            name, *process_cells(tool),
            times(quotient(median(ours, "cpu"), median(tool, "cpu"))),
            times(quotient(median(ours, "peak"), median(tool, "peak"))),
        ]
        for name, tool in found.items()
    ]  # fmt: skip
    columns = ["", "CPU, s", "by the clock, s", "peak MB", "our CPU to it", "our memory"]
    return table(columns, rows)


def targets(found: Mapping[str, Any]) -> list[Target]:
    ours, peer = found["cnnscope"], found["onnx-tool"]
    return [
        Target(f"VGG-19 inline: {what} of the command to onnx-tool's",
               quotient(median(ours, key), median(peer, key)), most)
        for what, key, most in (("time", "cpu", 1 / 8), ("memory", "peak", 1 / 14))
    ]  # fmt: skip
