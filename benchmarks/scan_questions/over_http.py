"""What does a scan over HTTP take: time, requests and bytes a model, with ranges and without?"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from tables import Target, table
from zoo.models import place
from zoo.server import counts, served

from scan_questions import generated
from scan_questions.asking import Asked, said

#: without ranges a tenth of the models is enough
PART = 10
MEMORY_MB = 300.0


def measured(asked: Asked) -> dict[str, Any]:
    found = {}
    for name, ranges, models in (
        ("ranges", True, asked.models), ("no ranges", False, max(1, asked.models // PART)),
    ):  # fmt: skip
        said(f"scanning {models:,} models over HTTP, {name}")
        with served(asked.seed, models, ranges) as address:
            listed = addresses(asked.work / "list.txt", address, models)
            output = asked.work / f"{name.replace(' ', '-')}.parquet"
            done = asked.scan(["--from", listed], output)
            asked_for = asdict(counts(address))
        found[name] = {
            "models": models, **generated.figures(done, models), "asked": asked_for,
            **generated.checked(output, asked.seed),
        }  # fmt: skip
    return found


def addresses(path: Path, address: str, models: int) -> Path:
    """A list of where the fleet's models lie."""
    path.write_text("".join(f"{address}/{place(i)}\n" for i in range(models)), encoding="utf-8")
    return path


def text(found: Mapping[str, Any]) -> str:
    lines = []
    for name, row in found.items():
        sums, models = row["asked"], row["models"]
        lines.append([
            name, *generated.cells(row), f"{sums['requests'] / models:.2f}",
            f"{sums['bytes'] / models:,.0f}", f"{sums['opened'] / models:.3f}",
            f"{sums['cpu'] / models * 1e3:.1f}",
        ])  # fmt: skip
    columns = [
        "server",
        *generated.COLUMNS,
        "requests a model",
        "bytes a model",
        "times read",
        "the server's CPU ms",
    ]
    return table(columns, lines)


def targets(found: Mapping[str, Any]) -> list[Target]:
    row = found["ranges"]
    told = row.get("account", {})
    return [
        Target(f"coordinator at {row['models']:,} models", row["peak"] / 1e6, MEMORY_MB, " MB"),
        Target("rows that are missing or twice, HTTP", abs(told.get("rows", 0) - row["models"]), 0),
        Target("figures that are wrong, HTTP", told.get("wrong"), 0),
    ]  # fmt: skip
