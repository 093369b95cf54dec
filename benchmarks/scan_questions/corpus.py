"""How many real models does a warm worker read a second, and how many would onnx's own inference?"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tables import Target, geometric_mean, table

from scan_questions.asking import Asked, read

TOOLS = ("cnnscope", "onnx")
REPEATS = 3
MOST_MS = 20.0  # a model: 50 a second and core


def measured(asked: Asked) -> dict[str, Any]:
    paths = sorted(asked.corpus.rglob("*.onnx"))
    if not paths:
        raise SystemExit(f"there is no model below {asked.corpus}")
    seconds = {tool: read(asked, tool, paths, REPEATS) for tool in TOOLS}
    return {
        "tools": list(TOOLS),
        "models": {path.stem: {tool: seconds[tool].get(str(path)) for tool in TOOLS} for path in paths},
    }  # fmt: skip


def mean(found: Mapping[str, Any], tool: str) -> float | None:
    """Seconds a model, over those that the tool reads."""
    known = [row[tool] for row in found["models"].values() if isinstance(row[tool], float)]
    return sum(known) / len(known) if known else None


def ratio(found: Mapping[str, Any], tool: str, peer: str) -> float | None:
    """Of the time a model to a peer's, the geometric mean over those that both read."""
    pairs = [
        row[tool] / row[peer]
        for row in found["models"].values()
        if isinstance(row[tool], float) and isinstance(row[peer], float)
    ]
    return geometric_mean(pairs)


def text(found: Mapping[str, Any]) -> str:
    lines = []
    for tool in found["tools"]:
        each = [row[tool] for row in found["models"].values()]
        known = sorted(value for value in each if isinstance(value, float))
        failed = sum(not isinstance(value, float) for value in each)
        if not known:
            lines.append([tool, f"failed: {each[0]}", "", "", "", ""])
            continue
        average, to = sum(known) / len(known), ratio(found, tool, found["tools"][0])
        lines.append([
            tool, str(len(known)), str(failed), f"{average * 1e3:.2f}",
            f"{known[len(known) // 2] * 1e3:.2f}", f"{1 / average:.0f}",
            "" if to is None else f"{to:.3g}",
        ])  # fmt: skip
    columns = [
        "one core, warm",
        "models",
        "not read",
        "mean ms",
        "median ms",
        "a second",
        "time to cnnscope's",
    ]
    return table(columns, lines)


def targets(found: Mapping[str, Any]) -> list[Target]:
    own = mean(found, "cnnscope")
    return [
        Target(
            "real models, warm: a model and core (50 a second)", own and own * 1e3, MOST_MS, " ms"
        )
    ]
