"""What do all questions of scans need: how many models, for how long, and what a scan's table says?"""

from __future__ import annotations

import hashlib
import json
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from setting import CNNSCOPE, HERE
from watching import Watched, watched
from zoo.models import made, number

READING = HERE / "scan_questions" / "reading.py"


@dataclass(frozen=True)
class Asked:
    """What to measure.

    Args:
        models: how many of the generated fleet.
        seed: of that fleet.
        corpus: a folder of real models.
        work: a folder for what is made.
        environment: of the processes that are measured.
        workers: how many models are read at the same time; None: as the command has it.
        limit: seconds that one process may take.
    """

    models: int
    seed: int
    corpus: Path
    work: Path
    environment: Mapping[str, str]
    workers: int | None
    limit: float

    def scan(self, where: Sequence[object], output: Path, *more: str, **watching: Any) -> Watched:
        """The command `cnnscope scan`, watched."""
        few = [] if self.workers is None else ["--workers", str(self.workers)]
        command = [*CNNSCOPE, "scan", *map(str, where), "-o", str(output), *few, *more]
        return watched(command, self.environment, limit=self.limit, **watching)


def said(what: str) -> None:
    """Progress, for whoever waits."""
    print(f"[{time.strftime('%H:%M:%S')}] {what}", file=sys.stderr, flush=True)


def read(asked: Asked, tool: str, paths: Iterable[Path], repeats: int) -> dict[str, float | str]:
    """Seconds of processor time that a tool takes for each model, or why it took none."""
    command = [sys.executable, str(READING), tool, str(repeats)]
    done = subprocess.run(
        command, env=dict(asked.environment), input="".join(f"{path}\n" for path in paths),
        capture_output=True, text=True, timeout=asked.limit, check=False,
    )  # fmt: skip
    if done.returncode:
        last = done.stderr.strip().splitlines() or [f"exit code {done.returncode}"]
        return {str(path): last[-1][:120] for path in paths}
    rows = map(json.loads, done.stdout.splitlines())
    return {row["model"]: row.get("seconds", row.get("error")) for row in rows}


# -- what a table says -------------------------------------------------------------------------------


def rows(path: Path) -> Iterator[dict[str, Any]]:
    """A table's rows, a batch in memory at a time."""
    if path.suffix == ".parquet":
        import pyarrow.parquet

        with pyarrow.parquet.ParquetFile(path) as file:
            for batch in file.iter_batches(2000):
                yield from batch.to_pylist()
    else:
        with path.open(encoding="utf-8") as lines:
            yield from map(json.loads, lines)


def content(path: Path) -> str:
    """One number for all rows, whatever their order."""
    total = 0
    for row in rows(path):
        text = json.dumps(row, sort_keys=True).encode()
        total += int.from_bytes(hashlib.sha256(text).digest()[:16], "big")
    return f"{total % (1 << 128):032x}"


def account(path: Path, seed: int) -> dict[str, Any]:
    """What a table says of the generated fleet, held against what its maker knows of it."""
    status: Counter[str] = Counter()
    wrong: list[str] = []
    seen: set[int] = set()
    known = texts = 0
    digests = set()
    for row in rows(path):
        status[row["status"]] += 1
        texts += len(json.dumps(row, separators=(",", ":"))) + 1
        if row["graph_digest"]:
            digests.add(row["graph_digest"][:16])
        i = number(row["path"])
        if i is None:
            continue
        seen.add(i)
        model = made(seed, i)
        if model.broken:
            continue
        for name, value in (("params", model.params), ("macs", model.macs)):
            if value is not None:
                known += 1
                if row[name] != value:
                    wrong.append(f"{row['path']}: {name} {row[name]}, not {value}")
        if row["status"] == "error":
            wrong.append(f"{row['path']}: {row['error']}")
    return {
        "rows": sum(status.values()), "models": len(seen), "status": dict(status), "graphs": len(digests),
        "figures_known": known, "wrong": len(wrong), "first_wrong": wrong[:5],
        "table_bytes": path.stat().st_size, "json_bytes": texts,
    }  # fmt: skip
