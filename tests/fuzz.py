"""The long run of the fuzz test, by hand: ``python tests/fuzz.py SEED SECONDS MODELS...``

Each mutation has a number; `SEED` and it give the same mutation again. Every distinct finding (its
error's type and the place it came from) is printed once with the file that reproduces it, which is
written to the folder in CNNSCOPE_FUZZ, by default ``fuzz-findings``. Ends with the counts.
"""

from __future__ import annotations

import faulthandler
import os
import random
import resource
import sys
import traceback
from collections import Counter
from pathlib import Path

from mutations import RuleFailed, Slow, examine, mutated, now, peak_bytes, time_limit

LIMIT_SECONDS = 10.0
LIMIT_BYTES = 4 << 30
"""Address space: whatever asks for more is a finding, not the machine's end."""
LARGEST_FILE = 800_000


def say(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


def place(error: BaseException) -> str:
    """The last frame of cnnscope that the error went through."""
    frames = traceback.extract_tb(error.__traceback__)
    mine = [f for f in frames if "/analyzer/" in f.filename] or list(frames)
    return f"{Path(mine[-1].filename).name}:{mine[-1].lineno} {mine[-1].name}"


def main() -> None:
    seed, seconds, *models = sys.argv[1:]
    folder = Path(os.environ.get("CNNSCOPE_FUZZ", "fuzz-findings"))
    folder.mkdir(parents=True, exist_ok=True)
    resource.setrlimit(resource.RLIMIT_AS, (LIMIT_BYTES, LIMIT_BYTES))
    faulthandler.enable()
    contents = {
        name: Path(name).read_bytes() for name in models if Path(name).stat().st_size < LARGEST_FILE
    }
    names = sorted(contents)
    outcomes: Counter[str] = Counter()
    findings: Counter[str] = Counter()
    began, number = now(), 0
    slowest = 0.0
    while now() - began < float(seconds):
        dice = random.Random(f"{seed}/{number}")
        name = dice.choice(names)
        change = mutated(contents[name], dice)
        memory, start = peak_bytes(), now()
        try:
            with time_limit(LIMIT_SECONDS):
                outcomes[examine(change.model, dice)] += 1
            found = None
        except (Exception, Slow) as error:  # noqa: BLE001  # whatever it is, it is a finding
            where = str(error).split("(")[0] if isinstance(error, RuleFailed) else place(error)
            found = f"{type(error).__name__} at {where}"
            said = " ".join(str(error).split())[:200]
            outcomes["finding"] += 1
        grown = peak_bytes() - memory
        if found is None and grown > 300 << 20:
            found, said = "memory", f"{grown >> 20} MiB more"
        slowest = max(slowest, now() - start)
        if found is not None:
            findings[found] += 1
            if findings[found] == 1:
                data = change.model if isinstance(change.model, bytes) else None
                file = folder / f"{seed}-{number}.onnx"
                file.write_bytes(data if data is not None else change.model.SerializeToString())
                say(f"{found}: {said}\n    {file} from {Path(name).name}: {', '.join(change.done)}")
        number += 1
    say(
        f"{number} mutations of {len(names)} models in {now() - began:.0f} s; slowest {slowest:.1f} s"
    )
    say(", ".join(f"{count} {what}" for what, count in outcomes.most_common()))
    for found, count in findings.most_common():
        say(f"{count:6} {found}")


if __name__ == "__main__":
    main()
