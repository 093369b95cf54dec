"""What does a kill -9 in the middle of a scan cost, once it is resumed?"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tables import Target, table
from zoo.server import counts, served

from scan_questions.asking import Asked, content, rows, said
from scan_questions.over_http import addresses

MOST = 2000  # models: enough for a kill in the middle
KILLED_AT = (0.2, 0.5, 0.8)
WORKERS = 4


def measured(asked: Asked) -> dict[str, Any]:
    models = min(asked.models, MOST)
    with served(asked.seed, models) as address:
        listed = addresses(asked.work / "list.txt", address, models)
        said(f"scanning {models:,} models undisturbed")
        whole = asked.work / "undisturbed.parquet"
        asked.scan(["--from", listed], whole)
        wished = content(whole)
        read = counts(address).opened
        output = asked.work / "killed.parquet"
        work = output.with_name(output.name + ".scan")
        left, kills = [], []
        for share in KILLED_AT:
            said(f"killing it at {share:.0%}")
            more = ["--workers", str(WORKERS), *(["--resume"] if kills else [])]
            done = asked.scan(
                ["--from", listed], output, *more,
                until=lambda _, share=share: kept(work) >= share * models,
            )  # fmt: skip
            kills.append(done.code)
            left.append(kept(work))
        said("resuming it to the end")
        done = asked.scan(["--from", listed], output, "--workers", str(WORKERS), "--resume")
        twice = counts(address).opened - 2 * read
    return {
        "models": models, "codes": [*kills, done.code], "kept": left, "read_once": read, "read_again": twice,
        "rows": sum(1 for _ in rows(output)), "equal": content(output) == wished,
        "left": work.exists(),
    }  # fmt: skip


def kept(work: Path) -> int:
    """Rows that a scan has kept so far, by its journals."""
    found = 0
    for path in work.glob("[0-9]*.jsonl*"):
        try:
            found += path.read_bytes().count(b"\n")
        except OSError:  # it has its other name by now
            continue
    return found


def text(found: Mapping[str, Any]) -> str:
    return table(
        ["models", "kept at each kill", "exit codes", "rows", "as undisturbed", "read again"],
        [[f"{found['models']:,}", ", ".join(map(str, found["kept"])), ", ".join(map(str, found["codes"])),
          f"{found['rows']:,}", "yes" if found["equal"] else "**no**", str(found["read_again"])]],
    )  # fmt: skip


def targets(found: Mapping[str, Any]) -> list[Target]:
    # A model for each worker at each of the kills; and some are opened twice undisturbed, too, as their
    # graph was just being analysed by another worker: which ones hangs on the moment.
    in_flight = len(KILLED_AT) * WORKERS + found["models"] // 100
    return [
        Target("killed and resumed: rows that differ", 0 if found["equal"] else 1, 0),
        Target("killed and resumed: models read again", found["read_again"], in_flight),
    ]  # fmt: skip
