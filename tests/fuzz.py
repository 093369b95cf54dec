"""The long run of the fuzz test, by hand: ``python tests/fuzz.py SEED COUNT MODELS...``

Each mutation has a number; `SEED` and it give the same mutation again. A child process examines one
after the other, and everything that a model can be asked for is asked; a child that dies, computes
for more than `LIMIT_SECONDS` or takes more than `LIMIT_BYTES` resident is a finding like any error
that is none of cnnscope's. Every distinct finding (its error's type and the place it came from) is
printed once with the file that reproduces it, which is written to the folder in CNNSCOPE_FUZZ, by
default ``fuzz-findings``. Ends with the counts.
"""

from __future__ import annotations

import contextlib
import faulthandler
import json
import os
import random
import resource
import select
import subprocess
import sys
import time
import traceback
from collections import Counter
from pathlib import Path

from mutations import Mutated, RuleFailed, Slow, examine, mutated, now, time_limit

LIMIT_SECONDS = 10.0
LIMIT_BYTES = 1 << 30
"""Resident, of the whole child."""
ADDRESS_SPACE = 6 << 30
"""Whatever asks for more is a finding, not the machine's end."""
LARGEST_FILE = 800_000
AS_BYTES = 0.1
"""How many have their bytes damaged: the others are valid protobuf."""


def say(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


def place(error: BaseException) -> str:
    """The last frame of cnnscope that the error went through."""
    frames = traceback.extract_tb(error.__traceback__)
    mine = [f for f in frames if "/analyzer/" in f.filename] or list(frames)
    return f"{Path(mine[-1].filename).name}:{mine[-1].lineno} {mine[-1].name}"


def change(
    seed: str, number: int, contents: dict[str, bytes]
) -> tuple[str, Mutated, random.Random]:
    """The mutation with a number, and what it is of."""
    dice = random.Random(f"{seed}/{number}")
    name = dice.choice(sorted(contents))
    return name, mutated(contents[name], dice, as_bytes=AS_BYTES), dice


def read(models: list[str]) -> dict[str, bytes]:
    return {n: Path(n).read_bytes() for n in models if Path(n).stat().st_size < LARGEST_FILE}


# -- the child -------------------------------------------------------------------------------------


def peak() -> int:
    """The most memory since it was asked for last, in bytes."""
    status = Path("/proc/self/status").read_text()
    found = int(status.partition("VmHWM:")[2].split()[0]) << 10
    with contextlib.suppress(OSError):
        Path("/proc/self/clear_refs").write_text("5")
    return found


def child(seed: str, models: list[str]) -> None:
    """Examine the mutations whose numbers come in, a line of JSON for each."""
    resource.setrlimit(resource.RLIMIT_AS, (ADDRESS_SPACE, ADDRESS_SPACE))
    faulthandler.enable()
    contents = read(models)
    for line in sys.stdin:
        name, damaged, dice = change(seed, int(line), contents)
        peak()
        begun, found, what = now(), "", ""
        try:
            with time_limit(LIMIT_SECONDS):
                outcome = examine(damaged.model, dice, whole=contents[name])
        except (Exception, Slow) as error:  # noqa: BLE001  # whatever it is, it is a finding
            outcome = "finding"
            where = (
                str(error).split("(inputs")[0] if isinstance(error, RuleFailed) else place(error)
            )
            found = f"{type(error).__name__} at {where}"
            what = " ".join(str(error).split())[:300]
        memory = peak()
        if not found and memory > LIMIT_BYTES:
            outcome, found, what = "finding", "memory", f"{memory >> 20} MiB"
        say(json.dumps([outcome, found, what, now() - begun, memory]))


# -- the parent ------------------------------------------------------------------------------------


class Child:
    """A process that examines mutations, and is started again where it died."""

    def __init__(self, seed: str, models: list[str]) -> None:
        self.words = [sys.executable, __file__, "--child", seed, *models]
        self.process: subprocess.Popen[str] | None = None

    def ask(self, number: int) -> list[object]:
        if self.process is None:
            self.process = subprocess.Popen(
                self.words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                text=True,
            )  # fmt: skip
        process = self.process
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.write(f"{number}\n")
        process.stdin.flush()
        ready, _, _ = select.select([process.stdout], [], [], 6 * LIMIT_SECONDS)
        line = process.stdout.readline() if ready else ""
        if line:
            answer: list[object] = json.loads(line)
            return answer
        process.kill()
        _, said = process.communicate()
        self.process = None
        how = "it hangs" if not ready else f"it died with {process.returncode}"
        return ["finding", how, " ".join(said.split())[-500:], 0.0, 0]


def main() -> None:
    if sys.argv[1] == "--child":
        child(sys.argv[2], sys.argv[3:])
        return
    seed, count, *models = sys.argv[1:]
    folder = Path(os.environ.get("CNNSCOPE_FUZZ", "fuzz-findings"))
    folder.mkdir(parents=True, exist_ok=True)
    contents = read(models)
    worker = Child(seed, models)
    outcomes: Counter[str] = Counter()
    findings: Counter[str] = Counter()
    began, slowest, largest = time.monotonic(), 0.0, 0
    for number in range(int(count)):
        outcome, found, what, seconds, memory = worker.ask(number)
        outcomes[str(outcome)] += 1
        slowest, largest = max(slowest, float(str(seconds))), max(largest, int(str(memory)))
        if found:
            findings[str(found)] += 1
            if findings[str(found)] == 1:
                name, damaged, _ = change(seed, number, contents)
                model = damaged.model
                file = folder / f"{seed}-{number}.onnx"
                file.write_bytes(model if isinstance(model, bytes) else model.SerializeToString())
                say(
                    f"{found}: {what}\n    {file} from {Path(name).name}: {', '.join(damaged.done)}"
                )
    say(
        f"{count} mutations of {len(contents)} models in {time.monotonic() - began:.0f} s;"
        f" slowest {slowest:.1f} s; largest {largest >> 20} MiB"
    )
    say(", ".join(f"{n} {outcome}" for outcome, n in outcomes.most_common()))
    for found, n in findings.most_common():
        say(f"{n:6} {found}")


if __name__ == "__main__":
    main()
