"""What do `verify` and `profile` cost beside running the model?"""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from typing import Any

import measure
from setting import CNNSCOPE, HERE, SAMPLES, Settings
from tables import Target, quotient, table

#: seconds that `profile` is told to take
SECONDS = 1
QUICK = ("lenet5", "mobilenet_v2", "unet")


def measured(settings: Settings) -> dict[str, Any]:
    found = {}
    for path in sorted(SAMPLES.glob("*.onnx")):
        if settings.quick and path.stem not in QUICK:
            continue
        model = str(path)
        plain = measure.run([sys.executable, str(HERE / "tasks.py"), "run", model],
                            settings.environment, limit=settings.limit, keep_output=True)  # fmt: skip
        verify = settings.run([*CNNSCOPE, "verify", model, "--provider", "cpu"])
        profile = settings.run(
            [*CNNSCOPE, "profile", model, "--provider", "cpu", "--seconds", str(SECONDS)]
        )
        error = plain.error or verify.error or profile.error
        found[path.stem] = {"error": error} if error is not None else {
            **json.loads(plain.output), "peak": plain.peak, "verify": verify.seconds,
            "verify_peak": verify.peak, "profile": profile.seconds,
        }  # fmt: skip
    return found


def _budgets(row: Mapping[str, float]) -> tuple[float, float, float]:
    """What `verify` may take in seconds and bytes, and `profile` in seconds."""
    return (
        3 * row["run"] + 2, 1.5 * row["peak"], 2 * SECONDS + row["session"] + 5 * row["run"],
    )  # fmt: skip


def text(found: Mapping[str, Any]) -> str:
    rows = []
    for name, row in found.items():
        if "error" in row:
            rows.append([name, f"failed: {row['error']}"])
            continue
        most = _budgets(row)
        rows.append([
            name, f"{row['run']:.2f}", f"{row['peak'] / 1e6:.0f}",
            f"{row['verify']:.2f} of {most[0]:.2f}",
            f"{row['verify_peak'] / 1e6:.0f} of {most[1] / 1e6:.0f}",
            f"{row['profile']:.2f} of {most[2]:.2f}",
        ])  # fmt: skip
    columns = ["", "one unoptimised run, s", "peak MB", "verify, s", "peak MB", "profile, s"]
    return table(columns, rows)


def targets(found: Mapping[str, Any]) -> list[Target]:
    worst: list[float | None] = []
    for place, key in enumerate(("verify", "verify_peak", "profile")):
        shares = [None if "error" in row else quotient(row[key], _budgets(row)[place])
                  for row in found.values()]  # fmt: skip
        known = [x for x in shares if x is not None]
        worst.append(max(known) if len(known) == len(shares) else None)
    return [
        Target("verify, to three unoptimised runs and 2 s: the worst sample", worst[0], 1.0),
        Target("verify's memory, to 1.5 times a run's: the worst sample", worst[1], 1.0),
        Target(f"profile --seconds {SECONDS}, to {2 * SECONDS} s, session and five runs: the worst",
               worst[2], 1.0),
    ]  # fmt: skip
