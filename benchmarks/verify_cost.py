"""What does `cnnscope verify` cost, next to running the model?

The budget: on ResNet-50, on the CPU, no more than three unoptimised runs and two seconds, all
included (interpreter, imports, analysis, sessions, receptive fields). Run from the checkout with
the package installed: ``python benchmarks/verify_cost.py [MODEL]``.
"""

from __future__ import annotations

import statistics
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
RUNS = 5


def unoptimised_run(model: str) -> float:
    """Seconds of one run with optimisations off, median after a warm-up."""
    from cnnscope.analyzer.report.examination import examine
    from cnnscope.runtime.engine.flat import flat_model
    from cnnscope.runtime.engine.inputs import make_inputs
    from cnnscope.runtime.engine.providers import CPU_PROVIDER
    from cnnscope.runtime.engine.sessions import open_session
    from cnnscope.runtime.engine.weights import find_values

    analysis = examine(model)
    flat = flat_model(analysis)
    feeds = make_inputs(analysis)
    session = open_session(
        flat.proto, CPU_PROVIDER, weights=find_values(analysis.file, flat).arrays
    )
    session.run(None, feeds)
    return statistics.median(timed(lambda: session.run(None, feeds)) for _ in range(RUNS))


def timed(work: object) -> float:
    assert callable(work)
    begun = time.perf_counter()
    work()
    return time.perf_counter() - begun


def main() -> None:
    model = sys.argv[1] if len(sys.argv) > 1 else str(ROOT / "sample_models" / "resnet50.onnx")
    command = [sys.executable, "-m", "cnnscope.cli", "verify", model, "--provider", "cpu"]
    run = unoptimised_run(model)
    whole = [
        timed(lambda: subprocess.run(command, check=True, stdout=subprocess.DEVNULL))
        for _ in range(RUNS)
    ]
    budget = 3 * run + 2
    print(f"one unoptimised run  {run:.3f} s")
    print(f"verify, median       {statistics.median(whole):.3f} s (least {min(whole):.3f} s)")
    print(f"budget: 3 runs + 2 s {budget:.3f} s")


if __name__ == "__main__":
    main()
