"""How much memory does a process have over time, itself alone? By the kernel, looked at time and again.

The standard library only; Linux.
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path


@dataclass
class Watched:
    """A process that has ended.

    Args:
        seconds: by the clock.
        cpu: seconds of processor time, its children's included.
        code: its exit code; negative: the signal that ended it.
        resident: pairs of seconds since the start and bytes of memory resident, of the process alone.
        peak: the most bytes of memory resident at once, of the process alone.
        said: what it wrote to standard error.
    """

    seconds: float
    cpu: float
    code: int
    resident: list[tuple[float, int]] = field(default_factory=list)
    peak: int = 0
    said: str = ""

    @property
    def growth(self) -> float | None:
        """How many times what it had after a quarter of the time the last quarter's most is; None: too short.

        >>> Watched(8, 0, 0, [(0, 10), (1, 50), (3, 100), (5, 101), (7, 104)]).growth
        1.04
        """
        later = [size for at, size in self.resident if at >= 0.25 * self.seconds]
        last = [size for at, size in self.resident if at >= 0.75 * self.seconds]
        return max(last) / later[0] if later and last else None


def watched(
    command: Sequence[str],
    environment: Mapping[str, str],
    *,
    every: float = 0.25,
    limit: float = 3600.0,
    until: Callable[[float], bool] = lambda seconds: False,
) -> Watched:
    """Run a command to its end, or kill it, with nothing said before, once `until` is true.

    Args:
        command, environment: what is run.
        every: seconds between two looks.
        limit: seconds after which it is killed.
        until: asked at each look, with the seconds since the start.
    """
    with tempfile.TemporaryFile() as err:
        start = time.perf_counter()
        before = os.times()
        process = subprocess.Popen(
            command, env=dict(environment), stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=err
        )  # fmt: skip
        resident: list[tuple[float, int]] = []
        peak = 0
        while process.poll() is None:
            now = time.perf_counter() - start
            sizes = memory(process.pid)
            if sizes:
                resident.append((round(now, 2), sizes["VmRSS"]))
                peak = max(peak, sizes["VmHWM"])
            if now > limit or until(now):
                process.send_signal(signal.SIGKILL)
                break
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(every)
        code = process.wait()
        seconds = time.perf_counter() - start
        after = os.times()
        cpu = (
            after.children_user
            + after.children_system
            - before.children_user
            - before.children_system
        )
        err.seek(0)
        said = err.read().decode("utf-8", "replace").strip()
    return Watched(seconds, cpu, code, resident, peak, said)


def memory(pid: int) -> dict[str, int]:
    """Bytes resident now, and the most so far; nothing where the process is gone."""
    try:
        lines = Path(f"/proc/{pid}/status").read_text(encoding="utf-8").splitlines()
    except OSError:
        return {}
    pairs = (line.split() for line in lines if line.startswith(("VmRSS:", "VmHWM:")))
    found = {name.rstrip(":"): int(count) * 1024 for name, count, _ in pairs}
    return found if len(found) == 2 else {}


if __name__ == "__main__":
    done = watched(sys.argv[1:], os.environ)
    print(
        json.dumps({"seconds": done.seconds, "cpu": done.cpu, "peak": done.peak, "code": done.code})
    )
