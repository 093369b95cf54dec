"""How long does it take to say what many units see, and how each layer's numbers come about?"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from setting import SAMPLES, Settings, figures, made, one_task
from tables import Target, median, quotient, spread, table

#: what is asked of which sample, and how many seconds it may take
ASKED = (
    ("units of resnet50's layer3.5", "resnet50", 0.3),
    ("units of densenet121's block 4", "densenet121", 1.0),
)
DENSE, UNITS = 333, 100
#: in one pass: nearly all of it is the first one's, which finds what all units see
BLOCK = f"{UNITS} units of a dense block of {DENSE} layers"


def measured(settings: Settings) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for task, model, _ in ASKED:
        kept: dict[str, list[float] | str] = {}
        path = str(SAMPLES / f"{model}.onnx")
        one_task(settings, task, {path: None}, kept)
        found[task] = figures(kept[path])
    block = str(settings.work / "dense.onnx")
    made(settings, "dense", DENSE, block)
    kept = {}
    one_task(settings, "units of the last layer", {block: None}, kept, 3)
    found[BLOCK] = figures(kept[block])
    sources = sorted(settings.corpus.rglob("*.onnx"))
    if settings.quick:
        sources = sources[:: -(-len(sources) // 8)]
    kept = {}
    # Per layer, as the task gives it: models have other numbers of layers.
    one_task(settings, "explain all layers", dict.fromkeys(map(str, sources)), kept, 1)
    found["explained"] = {Path(path).stem: figures(seconds) for path, seconds in kept.items()}
    return found


def text(found: Mapping[str, Any]) -> str:
    rows = [[what, spread(found[what], 1e3)] for what in found if what != "explained"]
    known = {n: median(x) or 0.0 for n, x in found["explained"].items() if "error" not in x}
    dearest = sorted(known, key=lambda name: -known[name])[:5]
    rows += [[f"explain all layers of {n}, a layer", f"{known[n] * 1e3:.3g}"] for n in dearest]
    failed = [n for n, x in found["explained"].items() if "error" in x]
    rows += [[f"explain all layers of {n}", found["explained"][n]["error"]] for n in failed]
    return table(["", "ms"], rows)


def targets(found: Mapping[str, Any]) -> list[Target]:
    explained = [median(x) for x in found["explained"].values()]
    known = [x for x in explained if x is not None]
    worst = max(known) if len(known) == len(explained) and known else None
    return [
        *(Target(f"1,000 {task}", median(found[task]), most, " s") for task, _, most in ASKED),
        Target(f"{BLOCK}: a unit", quotient(median(found[BLOCK]), UNITS * 1e-3), 20, " ms"),
        Target("explaining all layers: the dearest model, a layer", quotient(worst, 1e-3), 5, " ms"),
    ]  # fmt: skip
