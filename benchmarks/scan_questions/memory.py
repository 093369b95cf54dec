"""How much memory does the coordinator of a scan take at a million rows? Its workers are simulated."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from typing import Any

from setting import HERE
from tables import Target, table
from watching import watched

from scan_questions import generated
from scan_questions.asking import Asked, said
from scan_questions.over_http import MEMORY_MB

#: a tenth, all of it, ten times: so that what grows with the rows is seen
TIMES = (1, 10)


def measured(asked: Asked) -> dict[str, Any]:
    found = {}
    for times in TIMES:
        count = asked.models * times
        output = asked.work / f"simulated-{count}.parquet"
        said(f"simulating {count:,} rows")
        command = [
            sys.executable,
            str(HERE / "scan_questions" / "simulated.py"),
            str(count),
            str(output),
        ]
        done = watched(command, asked.environment, limit=asked.limit)
        found[str(count)] = {
            **generated.figures(done, count), "size": output.stat().st_size if output.is_file() else 0,
        }  # fmt: skip
        output.unlink(missing_ok=True)
    return found


def text(found: Mapping[str, Any]) -> str:
    lines = [
        [f"{int(count):,}", f"{row['seconds']:.0f}", f"{row['rate']:,.0f}", f"{row['size'] / 1e6:.0f}",
         f"{row['peak'] / 1e6:.0f}", "" if row["growth"] is None else f"{row['growth']:.2f}",
         "" if row["code"] == 0 else f"ended with {row['code']}: {row['said'][-80:]}"]
        for count, row in found.items()
    ]  # fmt: skip
    return table(
        ["rows, simulated", "s", "rows a second", "table, MB", "peak, MB", "growth", ""], lines
    )


def targets(found: Mapping[str, Any]) -> list[Target]:
    count, row = list(found.items())[-1]
    peak = row["peak"] / 1e6 if row["code"] == 0 else None
    return [Target(f"coordinator at {int(count):,} rows", peak, MEMORY_MB, " MB")]
