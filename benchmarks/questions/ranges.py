"""How often and how much is read of a model behind an interface that hands out ranges?"""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from typing import Any

import measure
from setting import HERE, SAMPLES, Settings, made, vgg19_inline
from tables import Target, table

#: of a model with its weights in the file: requests one after another, and bytes, at most
LIMITS = {"vgg19": (6, 0.5e6), "resnet50": (12, 1e6), "densenet121": (30, 3e6)}


def measured(settings: Settings) -> dict[str, Any]:
    found = {}
    for name in LIMITS:
        if name == "vgg19":
            if settings.quick:
                continue
            path = vgg19_inline(settings)
        else:
            path = settings.work / f"{name}.inline.onnx"
            made(settings, "inline", SAMPLES / f"{name}.onnx", path)
        done = measure.run([sys.executable, str(HERE / "tasks.py"), "ranges", str(path)],
                           settings.environment, limit=settings.limit, keep_output=True)  # fmt: skip
        found[name] = {"error": done.error} if done.error else json.loads(done.output)
    return found


def text(found: Mapping[str, Any]) -> str:
    rows = [
        [name, f"failed: {row['error']}", *[""] * 3] if "error" in row
        else [name, str(row["requests"]), f"{row['bytes']:,} of {row['size']:,}",
              str(row["plain_requests"]), f"{row['plain_bytes']:,}"]
        for name, row in found.items()
    ]  # fmt: skip
    return table(["weights in the file", "`read_many`: requests one after another", "bytes",
                  "only `read`: requests", "bytes"], rows)  # fmt: skip


def targets(found: Mapping[str, Any]) -> list[Target]:
    result = []
    for name, row in found.items():
        requests, most = LIMITS[name]
        result.append(
            Target(f"{name} in ranges: requests one after another", row.get("requests"), requests)
        )
        read = row.get("bytes")
        result.append(
            Target(f"{name} in ranges: MB", None if read is None else read / 1e6, most / 1e6)
        )
    return result
