"""What would a loop of other tools take on models like the fleet's, weights in the file?"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tables import Target
from zoo.models import made, place

from scan_questions import corpus
from scan_questions.asking import Asked, read

TOOLS = ("cnnscope", "onnx", "onnx-tool")
MODELS = 300


def measured(asked: Asked) -> dict[str, Any]:
    paths, i = [], 0
    while len(paths) < min(MODELS, asked.models):
        model = made(asked.seed, i)
        if not (model.broken or model.external) and model.graph == i:
            path = asked.work / "peers" / place(i).rpartition("/")[2]
            path.parent.mkdir(exist_ok=True)
            path.write_bytes(model.data)
            paths.append(path)
        i += 1
    seconds = {tool: read(asked, tool, paths, corpus.REPEATS) for tool in TOOLS}
    return {
        "tools": list(TOOLS),
        "models": {path.stem: {tool: seconds[tool].get(str(path)) for tool in TOOLS} for path in paths},
    }  # fmt: skip


def text(found: Mapping[str, Any]) -> str:
    return corpus.text(found)


def targets(found: Mapping[str, Any]) -> list[Target]:
    return []
