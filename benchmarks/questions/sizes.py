"""How long does it take to say which sizes a model accepts, how it is cut and how its maps move?"""

from __future__ import annotations

import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import measure
from setting import Settings, processes
from tables import Target, median, process_cells, table

#: that a model can't be cut, or has no two spatial axes, is an answer
TOLD = "import sys; from cnnscope.cli import main\ntry: main()\nexcept SystemExit as e: sys.exit(e.code == 3)"
COMMANDS = {
    "sizes": ("sizes", "--free", "HxW"), "tile": ("tile", "--tile", "256"), "shift": ("shift",),
}  # fmt: skip
#: seconds of processor time of the whole command, from the shell to the table
MOST = 2.0


def measured(settings: Settings) -> dict[str, Any]:
    sources = sorted(settings.corpus.rglob("*.onnx"))
    if settings.quick:
        sources = sources[:: -(-len(sources) // 4)]
    found: dict[str, Any] = {}
    for path in sources:
        commands = {
            what: [sys.executable, "-c", TOLD, *words, str(path)]
            for what, words in COMMANDS.items()
        }
        found[path.stem] = processes(measure.interleaved(commands, 1, settings.run))
    return found


def _dearest(found: Mapping[str, Any], what: str) -> tuple[str, float | None]:
    """The model that takes longest, and how long; None where one failed."""
    taken = {name: median(row[what], "cpu") for name, row in found.items()}
    failed = [name for name, seconds in taken.items() if seconds is None]
    if failed:
        return failed[0], None
    name = max(taken, key=lambda x: taken[x] or 0.0)
    return name, taken[name]


def text(found: Mapping[str, Any]) -> str:
    rows = []
    for what in COMMANDS:
        name, _ = _dearest(found, what)
        rows.append([what, Path(name).name, *process_cells(found[name][what])])
    return table(["", "the dearest model", "CPU, s", "by the clock, s", "peak MB"], rows)


def targets(found: Mapping[str, Any]) -> list[Target]:
    return [
        Target(f"`{what}` of the dearest model: processor time", _dearest(found, what)[1], MOST, " s")
        for what in COMMANDS
    ]  # fmt: skip
