"""How long does it take from a path to the figures in a process that has everything loaded?"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from setting import Settings, figures, one_task, shapes_of, with_weights
from tables import Target, geometric_mean, median, quotient, spread, table, times

OURS, TOOL, FLOOR = "cnnscope", "onnx-tool", "onnx's C++ inference"
VIT, RETINANET = "vit_b_16", "retinanet_body"


def measured(settings: Settings) -> dict[str, Any]:
    index = shapes_of(settings.corpus)
    sources = sorted(settings.corpus.rglob("*.onnx"))
    if not sources:
        raise SystemExit(f"there is no model below {settings.corpus}")
    if settings.quick:  # every so many, so that all sorts are among them
        sources = sources[:: -(-len(sources) // 15)]
    copies = with_weights(settings, *sources)
    shapes = {
        str(path): index.get(source.name) for source, path in zip(sources, copies, strict=True)
    }
    tasks = [OURS, TOOL, FLOOR, f"{OURS}, printed"]
    seconds: dict[str, dict[str, list[float] | str]] = {task: {} for task in tasks}
    for _ in range(2):  # in turn
        for task in tasks:
            one_task(settings, task, shapes, seconds[task], max(1, settings.repeats // 2))
    rows = {
        source.stem: {task: figures(seconds[task][str(path)]) for task in tasks}
        for source, path in zip(sources, copies, strict=True)
    }
    return {"tasks": tasks, "models": rows}


def text(found: Mapping[str, Any]) -> str:
    rows = []
    for name, row in found["models"].items():
        ours = median(row[OURS])
        rows.append([
            name, *(spread(row[task], 1e3) for task in found["tasks"]),
            times(quotient(ours, median(row[TOOL]))), times(quotient(ours, median(row[FLOOR]))),
        ])  # fmt: skip
    columns = ["ms", *found["tasks"], "to onnx-tool", "to C++"]
    return table(columns, rows)


def targets(found: Mapping[str, Any]) -> list[Target]:
    models = found["models"]

    def to(peer: str) -> dict[str, float]:
        ratios = {n: quotient(median(r[OURS]), median(r[peer])) for n, r in models.items()}
        return {name: value for name, value in ratios.items() if value is not None}

    floor = to(FLOOR)
    made = [
        Target("in process: to onnx's C++ inference, geometric mean", geometric_mean(floor.values()), 6),
        Target("in process: to onnx-tool, geometric mean", geometric_mean(to(TOOL).values()), 0.5),
    ]  # fmt: skip
    for name in floor:
        if RETINANET in name:
            made.append(Target(f"in process: {name} to onnx's C++ inference", floor[name], 15))
        elif VIT in name:
            printed = median(models[name][f"{OURS}, printed"])
            ours = median(models[name][OURS])
            # the analysis, and beside it no more than as much again
            made.append(
                Target(f"{name}: analysis and table to the analysis", quotient(printed, ours), 2)
            )
    return made
