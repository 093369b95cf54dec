"""What is it that the times were taken on, in a line?"""

from __future__ import annotations

import os
import platform
import shutil
import subprocess
from pathlib import Path
from typing import Final

_PATIENCE: Final = 10  # seconds for a driver to say what it drives


def describe_hardware(device: str = "cpu", graphics: str | None = None) -> str:
    """The processor and how many cores may be used; the device, if it is another.

    Args:
        device: where the model ran.
        graphics: the device in words, where that is known already.

    >>> describe_hardware() != ""
    True
    """
    parts = [f"{_processor()}, {_cores()} logical cores"]
    if device == "cuda":
        parts.insert(0, graphics or _graphics() or "CUDA device")
    return "; ".join(parts)


def _processor() -> str:
    try:
        for line in Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines():
            key, _, value = line.partition(":")
            if key.strip() == "model name" and value.strip():
                return " ".join(value.split())
    except OSError:
        pass  # no Linux
    return platform.processor() or platform.machine() or "unknown processor"


def _cores() -> int:
    try:
        return len(os.sched_getaffinity(0))
    except AttributeError:  # no Linux
        return os.cpu_count() or 1


def _graphics() -> str | None:
    """The first device's name and driver, as its own tool says."""
    tool = shutil.which("nvidia-smi")
    if tool is None:
        return None
    try:
        done = subprocess.run(
            [tool, "--query-gpu=name,driver_version", "--format=csv,noheader"],
            capture_output=True, text=True, timeout=_PATIENCE, check=True,
        )  # fmt: skip
    except (OSError, subprocess.SubprocessError):
        return None
    name, _, driver = (done.stdout.splitlines() or [""])[0].partition(",")
    return f"{name.strip()} (driver {driver.strip()})" if name.strip() else None
