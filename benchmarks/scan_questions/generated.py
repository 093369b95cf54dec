"""How long does a scan of generated models take that lie on this disk, and is every row right?"""

from __future__ import annotations

import os
import shutil
from collections.abc import Mapping
from typing import Any

from tables import Target, table
from watching import Watched
from zoo.models import written

from scan_questions.asking import Asked, account, said

MOST = 10_000  # models that are written: 2 GB
SECONDS = 180.0  # for 10,000


def measured(asked: Asked) -> dict[str, Any]:
    models = min(asked.models, MOST)
    folder, output = asked.work / "generated", asked.work / "generated.parquet"
    said(f"writing {models:,} models")
    written(folder, asked.seed, models)
    said("scanning them")
    try:
        done = asked.scan([folder], output)
        return {"models": models, **figures(done, models), **checked(output, asked.seed)}
    finally:
        shutil.rmtree(folder)


def figures(done: Watched, models: int) -> dict[str, Any]:
    """What a watched scan comes to."""
    cores = len(os.sched_getaffinity(0))
    step = max(1, len(done.resident) // 60)
    return {
        "seconds": done.seconds, "cpu": done.cpu, "code": done.code, "cores": cores,
        "rate": models / done.seconds, "rate_a_core": models / done.seconds / cores,
        "peak": done.peak, "growth": done.growth, "resident": done.resident[::step],
        "said": done.said[-300:] if done.code not in (0, 1) else "",
    }  # fmt: skip


def checked(output: Any, seed: int) -> dict[str, Any]:
    return {"account": account(output, seed)} if output.is_file() else {}


def cells(found: Mapping[str, Any]) -> list[str]:
    """A scan in a row of a table."""
    if "account" not in found:
        return [
            f"{found['models']:,}",
            f"ended with {found['code']}: {found['said'][-80:]}",
            *[""] * 8,
        ]
    told = found["account"]
    status = told["status"]
    growth = found["growth"]
    return [
        f"{found['models']:,}", f"{found['seconds']:.0f}", f"{found['rate']:.0f}",
        f"{found['rate_a_core']:.0f}", f"{found['cpu'] / found['models'] * 1e3:.1f}",
        f"{found['peak'] / 1e6:.0f}", "" if growth is None else f"{growth:.2f}",
        ", ".join(f"{status.get(name, 0):,} {name}" for name in ("ok", "partial", "error")),
        f"{told['graphs']:,}", f"{told['wrong']} of {told['figures_known']:,}",
    ]  # fmt: skip


COLUMNS = [
    "models", "s", "a second", "a second and core", "CPU ms a model", "coordinator's peak, MB",
    "its growth", "rows", "graphs", "figures that are wrong",
]  # fmt: skip


def text(found: Mapping[str, Any]) -> str:
    return table(["files here", *COLUMNS], [["", *cells(found)]])


def targets(found: Mapping[str, Any]) -> list[Target]:
    told = found.get("account", {})
    return [
        Target(
            "10,000 small models, here", found["seconds"] * 1e4 / found["models"], SECONDS, " s"
        ),
        Target("rows that are missing or twice", abs(told.get("rows", 0) - found["models"]), 0),
        Target("figures that are wrong", told.get("wrong"), 0),
    ]  # fmt: skip
