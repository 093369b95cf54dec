"""How long does a process take, and how much memory? The standard library only.

A child's peak is what the kernel counted (`wait4`). On Linux that starts from the size its parent
had when it was started, so this module, and whoever imports it, must stay small: no numpy, no onnx.
"""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field

#: `ru_maxrss` is in kilobytes, on macOS in bytes
_UNIT = 1 if sys.platform == "darwin" else 1024

Command = Sequence[str]


@dataclass(frozen=True)
class Run:
    """One process, from its start to its end.

    Args:
        seconds: by the clock on the wall.
        cpu: seconds of processor time, the system's included.
        peak: the most bytes of memory resident at once.
        error: why it counts for nothing; None where it ended well.
        output: what it wrote to standard output.
    """

    seconds: float
    cpu: float
    peak: int
    error: str | None = None
    output: str = field(default="", compare=False, repr=False)


def run(
    command: Command,
    environment: Mapping[str, str],
    *,
    limit: float = 600.0,
    keep_output: bool = False,
    clock: Callable[[], float] = time.perf_counter,
) -> Run:
    """Run a command to its end, or until it has taken `limit` seconds."""
    with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
        late = threading.Event()
        start = clock()
        process = subprocess.Popen(
            command,
            env=dict(environment),
            stdin=subprocess.DEVNULL,
            stdout=out if keep_output else subprocess.DEVNULL,
            stderr=err,
        )

        def stop() -> None:
            late.set()
            process.kill()

        timer = threading.Timer(limit, stop)
        timer.start()
        try:
            _, status, usage = os.wait4(process.pid, 0)
        finally:
            timer.cancel()
        seconds = clock() - start
        process.returncode = os.waitstatus_to_exitcode(status)
        out.seek(0)
        err.seek(0)
        output = out.read().decode("utf-8", "replace") if keep_output else ""
        said = err.read().decode("utf-8", "replace").strip().splitlines()
    error = None
    if late.is_set():
        error = f"took more than {limit:g} s"
    elif process.returncode:
        error = (said[-1] if said else f"exit code {process.returncode}")[:200]
    return Run(seconds, usage.ru_utime + usage.ru_stime, usage.ru_maxrss * _UNIT, error, output)


def interleaved(
    commands: Mapping[str, Command], repeats: int, runner: Callable[[Command], Run]
) -> dict[str, list[Run]]:
    """Every command once, in turn, `repeats` times over: what slows the machine slows them alike.

    One round before, of which nothing is kept, fills the caches (bytecode, the files' pages). A
    command that fails isn't run again; its failure is what is kept.
    """
    kept: dict[str, list[Run]] = {name: [] for name in commands}
    failed: set[str] = set()
    for turn in range(repeats + 1):
        for name, command in commands.items():
            if name in failed:
                continue
            done = runner(command)
            if done.error is not None:
                failed.add(name)
                kept[name] = [done]
            elif turn:
                kept[name].append(done)
    return kept


@dataclass(frozen=True)
class Summary:
    """Several values of one thing: the middle one, the ends, and how many there were."""

    median: float
    low: float
    high: float
    count: int

    def to_dict(self) -> dict[str, float]:
        return asdict(self)


def summary(values: Sequence[float]) -> Summary:
    """
    >>> summary([3.0, 1.0, 2.0])
    Summary(median=2.0, low=1.0, high=3.0, count=3)
    """
    return Summary(statistics.median(values), min(values), max(values), len(values))
