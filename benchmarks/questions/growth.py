"""What does a node cost as graphs grow: to analyse it, and whatever is asked afterwards?"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from setting import ANALYZE, Settings, figures, made, one_task, processes
from tables import Target, flatness, median, quotient, table

SIZES = (1_000, 10_000, 100_000)
#: the task of each question; the first one's time is in none of the others'
ASKED = ("cnnscope", "JSON", "CSV", "lint", "diff", "check", "explain one layer")
KINDS = ("chain", "modules", "ladder")
#: of this size the chain alone is asked all of it, the others are analysed: minutes otherwise
_LARGE = 100_000
DENSE, FREE = (100, 300, 1_000), (125, 250, 500, 1_000)


def measured(settings: Settings) -> dict[str, Any]:
    sizes = SIZES[:2] if settings.quick else SIZES
    found: dict[str, Any] = {}
    for kind in KINDS:
        found[kind] = {}
        paths = {size: _path(settings, kind, size) for size in sizes}
        for task in ASKED:
            asked = {s: p for s, p in paths.items()
                     if s < _LARGE or kind == KINDS[0] or task == ASKED[0]}  # fmt: skip
            found[kind][task] = _times(settings, task, asked)
    found["dense"] = _times(settings, "cnnscope", {n: _path(settings, "dense", n) for n in DENSE})
    found["free"] = _times(settings, "cnnscope", {n: _path(settings, "free", n) for n in FREE})
    largest = _path(settings, KINDS[0], sizes[-1])
    empty = _path(settings, KINDS[0], 10)
    written = str(settings.work / "written.json")
    commands = {
        "nothing": [*ANALYZE, empty, "-o", written],
        "analysis": [*ANALYZE, largest, "--top", "1", "-o", written],
        "JSON": [*ANALYZE, largest, "--format", "json", "-o", written],
    }
    # Once each: a peak hangs on no cache.
    found["memory"] = processes({name: [settings.run(x)] for name, x in commands.items()})
    return found


def _path(settings: Settings, kind: str, size: int) -> str:
    path = settings.work / f"{kind}{size}.onnx"
    if not path.is_file():
        made(settings, kind, size, path)
    return str(path)


def _times(settings: Settings, task: str, paths: Mapping[int, str]) -> dict[str, Any]:
    """By size; all of them in one process, the smallest first, which warms it up."""
    kept: dict[str, list[float] | str] = {}
    one_task(settings, task, dict.fromkeys(paths.values()), kept, min(2, settings.repeats))
    return {str(size): figures(kept[path]) for size, path in paths.items()}


def _each(found: Mapping[str, Any]) -> dict[int, float | None]:
    """Microseconds a node."""
    return {int(n): quotient(median(row), int(n) / 1e6) for n, row in found.items()}


def _edges(layers: int) -> float:
    return layers * (layers + 1) / 2


def text(found: Mapping[str, Any]) -> str:
    rows = []
    for kind in KINDS:
        for task, sizes in found[kind].items():
            each = _each(sizes)
            cells = ["" if each.get(n) is None else f"{each[n]:.1f}" for n in SIZES]
            failed = next((row["error"] for row in sizes.values() if "error" in row), "")
            rows.append([kind, task if task != ASKED[0] else "analyze", *cells, failed])
    first = table(["us a node", "", *(f"{n:,}" for n in SIZES), ""], rows)
    more = [["dense block, an edge", n, _shown(quotient(median(x), _edges(int(n)) / 1e6))]
            for n, x in found["dense"].items()]  # fmt: skip
    more += [["free lengths, a layer", n, _shown(quotient(median(x), int(n) / 1e6))]
             for n, x in found["free"].items()]  # fmt: skip
    second = table(["us", "layers", ""], more)
    peaks = [[n, _shown(quotient(median(x, "peak"), 1e6))] for n, x in found["memory"].items()]
    return f"{first}\n\n{second}\n\n{table(['command on the largest chain', 'peak MB'], peaks)}"


def _shown(value: float | None) -> str:
    return "failed" if value is None else f"{value:.1f}"


def targets(found: Mapping[str, Any]) -> list[Target]:
    result = []
    for task in ASKED:
        grown = [flatness(_each(found[kind][task])) for kind in KINDS]
        known = [x for x in grown if x is not None]
        worst = max(known) if len(known) == len(KINDS) else None
        name = "analyze" if task == ASKED[0] else task
        result.append(Target(f"growth of {name}, per node: dearest size to 1,000", worst, 1.3))
    largest = max(found["dense"], key=int)
    each = quotient(median(found["dense"][largest]), _edges(int(largest)) / 1e6)
    result.append(Target(f"dense block of {largest} layers: an edge", each, 10, " us"))
    result.append(Target("free lengths, per layer: dearest size to the first",
                         flatness(_each(found["free"])), 1.3))  # fmt: skip
    peaks = {name: median(x, "peak") for name, x in found["memory"].items()}
    result.append(Target("largest chain: memory of the command",
                         quotient(peaks["analysis"], 1e6), 400, " MB"))  # fmt: skip
    result.append(Target("largest chain: memory with JSON to that without",
                         quotient(peaks["JSON"], peaks["analysis"]), 1.2))  # fmt: skip
    return result
