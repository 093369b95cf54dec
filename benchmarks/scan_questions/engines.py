"""Do all engines give the same rows?"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tables import Target, table
from zoo.server import served

from scan_questions.asking import Asked, content, said
from scan_questions.over_http import addresses

ENGINES = ("local", "dask", "ray")
MOST = 500  # models


def measured(asked: Asked) -> dict[str, Any]:
    models = min(asked.models, MOST)
    found: dict[str, Any] = {"models": models}
    with served(asked.seed, models) as address:
        listed = addresses(asked.work / "list.txt", address, models)
        for engine in ENGINES:
            said(f"scanning {models:,} models with {engine}")
            output = asked.work / f"{engine}.parquet"
            done = asked.scan(["--from", listed], output, "--engine", engine)
            found[engine] = {
                "seconds": done.seconds, "code": done.code,
                "rows": content(output) if output.is_file() else None, "said": done.said[-200:],
            }  # fmt: skip
    return found


def text(found: Mapping[str, Any]) -> str:
    return table(
        ["engine", "models", "s, its start and end included", "rows' digest"],
        [[engine, f"{found['models']:,}", f"{row['seconds']:.1f}",
          row["rows"] or f"ended with {row['code']}: {row['said'][-100:]}"]
         for engine, row in found.items() if engine != "models"],
    )  # fmt: skip


def targets(found: Mapping[str, Any]) -> list[Target]:
    different = {row["rows"] for engine, row in found.items() if engine != "models"}
    figure = None if None in different else float(len(different) - 1)
    return [Target("engines whose rows differ", figure, 0)]
