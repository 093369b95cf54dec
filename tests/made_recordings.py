"""Recordings: where those of a real GPU are, and some whose truth is known, because they were made up."""

from __future__ import annotations

import json
import os
import random
from dataclasses import dataclass, field
from pathlib import Path

CALLS = {"16": "cudaSetDevice_v3020", "211": "cudaLaunchKernel_v7000", "311": "cudaGraphLaunch_v10000",
         "41": "cudaMemcpyAsync_v3020"}  # fmt: skip
LAUNCH, GRAPH_LAUNCH, COPY = 211, 311, 41
ORIGIN = 1_795_836_900_000_000_000

HERE = Path(__file__).parent / "data" / "recordings"


def recordings() -> list[Path]:
    """Those of the tree, or all of the folder that CNNSCOPE_RECORDINGS names."""
    folder = os.environ.get("CNNSCOPE_RECORDINGS")
    return sorted((Path(folder) if folder else HERE).glob("*.json.gz"))


def recording_named(name: str) -> Path:
    """One of the tree."""
    return HERE / f"{name}.json.gz"


@dataclass
class Made:
    """A recording while it is written; `truth` says the node of each kernel, None where it has none."""

    found: dict[str, object] = field(default_factory=dict)
    truth: list[str | None] = field(default_factory=list)
    clock: int = ORIGIN
    number: int = 100
    ort: int = 5_000_000  # nanoseconds of ONNX Runtime's clock

    def __post_init__(self) -> None:
        self.found = {
            "model": "made.onnx", "batch": 0, "latency_us": 100.0, "latency_profiled_us": 150.0,
            "marks_ns": [], "names": {}, "kernels": [], "copies": [], "sets": [], "runtime": [],
            "driver": [], "ort_profile": [], "kernel_names": ["k0", "k1", "k2"],
            "callback_names": {"runtime": CALLS, "driver": {"307": "cuLaunchKernel"}},
        }  # fmt: skip

    def rows(self, key: str) -> list[list[int]]:
        rows = self.found[key]
        assert isinstance(rows, list)
        return rows

    def pass_time(self, nanoseconds: int) -> None:
        self.clock += nanoseconds
        self.ort += nanoseconds

    def call(self, callback: int = LAUNCH, took: int = 3000, api: str = "runtime") -> int:
        """A call now; its correlation."""
        self.number += 1
        self.rows(api).append([self.clock, self.clock + took, self.number, callback, 7])
        return self.number

    def kernel(
        self, node: str | None, correlation: int, start: int, took: int, stream: int = 1, name: int = 0
    ) -> None:  # fmt: skip
        self.rows("kernels").append([start, start + took, correlation, name, stream])
        self.truth.append(node)

    def event(self, name: str, began: int, provider: str = "CUDA", op: str = "Relu") -> None:
        """A node's event from `began` (ONNX Runtime's clock) to now, in whole microseconds."""
        args = {
            "op_name": op, "provider": f"{provider}ExecutionProvider",
            "input_type_shape": [{"float": [1]}], "output_type_shape": [{"float": [1]}],
        }  # fmt: skip
        self.entry("Node", f"{name}_kernel_time", began, args)

    def entry(self, cat: str, name: str, began: int, args: dict[str, object]) -> None:
        listed = self.found["ort_profile"]
        assert isinstance(listed, list)
        listed.append({
            "cat": cat, "name": name, "ts": began // 1000, "dur": (self.ort - began) // 1000,
            "ph": "X", "pid": 1, "tid": 1, "args": args,
        })  # fmt: skip

    def write(self, path: Path) -> Path:
        path.write_text(json.dumps(self.found))
        return path


def drawn(seed: int, nodes: int = 12, runs: int = 3) -> Made:
    """Runs of nodes with none to four kernels on up to three streams, loops and nodes on the CPU.

    Between runs ONNX Runtime's clock drifts by up to 30 us, and all durations are drawn.
    """
    rng = random.Random(seed)
    made = Made()
    loops = [rng.random() < 0.2 for _ in range(nodes)]
    hosts = [rng.random() < 0.15 for _ in range(nodes)]
    for _ in range(runs):
        made.pass_time(rng.randint(1_000, 50_000))
        made.ort += rng.randint(0, 30_000)
        mark = made.clock
        made.pass_time(rng.randint(1_000, 20_000))
        whole, device = made.ort, [made.clock] * 3
        for i in range(nodes):
            made.pass_time(rng.randint(2_000, 9_000))  # between nodes
            began = made.ort
            made.pass_time(rng.randint(1_000, 4_000))
            inside = rng.randint(1, 3) if loops[i] else 0  # a loop's body
            for j in range(inside):
                made.pass_time(4_000)
                inner = made.ort
                made.pass_time(rng.randint(1_000, 3_000))
                _launch(made, rng, f"inner{i}", device)
                made.event(f"inner{i}", inner, op="Add")
                made.pass_time(rng.randint(5_000, 6_000))
                if not j:
                    _launch(made, rng, f"n{i}", device)  # the loop itself, between its bodies
                    made.pass_time(rng.randint(2_000, 3_000))
            for _ in range(0 if hosts[i] else rng.randint(0, 4)):
                _launch(made, rng, f"n{i}", device)
            made.pass_time(rng.randint(1_000, 4_000))
            made.event(
                f"n{i}", began, "CPU" if hosts[i] else "CUDA", "Loop" if loops[i] else "Relu"
            )
        made.pass_time(rng.randint(1_000, 9_000))
        made.entry("Session", "model_run", whole, {})
        made.pass_time(rng.randint(1_000, 20_000) + max(0, max(device) - made.clock))
        made.rows("marks_ns").append([mark, mark, made.clock, made.clock])
    return made


def _launch(made: Made, rng: random.Random, node: str, device: list[int]) -> None:
    took = rng.randint(1_000, 9_000)
    correlation = made.call(took=took, api=rng.choice(["runtime", "driver"]))
    stream = rng.randrange(3)
    start = max(device[stream], made.clock + rng.randint(800, took + 2_000))
    lasted = rng.randint(500, 40_000)
    made.kernel(node, correlation, start, lasted, stream, rng.randrange(3))
    device[stream] = start + lasted
    made.pass_time(took)
    if rng.random() < 0.3:  # a call that launches nothing
        made.call(16, 200)
        made.pass_time(300)
