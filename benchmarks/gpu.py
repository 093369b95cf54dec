"""Do a GPU's own records explain its runs, and are they the same whether or not it is watched?

    python benchmarks/gpu.py                      on a machine with a CUDA device and the extra cuda
    python benchmarks/gpu.py --recordings FOLDER  anywhere, from recordings made before

(a) Of each model, dtype and batch, a recorded run is taken apart: what the device was busy with and what
    it was idle for, head and tail included, has to be the wall time of the same run within 2 %. The
    latency without any of that, and the kernels' time without ONNX Runtime's profile, stand beside it.
(b) A convolution alone against its row in a chain of ten: within 5 %.
(c) What TF32 and float16 change: kernels on tensor cores, by their names.
(d) The ceilings, to be held against the data sheet.
(e) The whole of (a) for one model a second time: the same within the intervals.

Live, all of it stays below four minutes on one card. The table goes to ``benchmarks/results/gpu.md``, with
the hardware and versions; from recordings there are only (a) and what of (c) is in them.
"""

from __future__ import annotations

import argparse
import itertools
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import onnx

    from cnnscope import Profile

ROOT = Path(__file__).resolve().parent.parent
RESULTS = ROOT / "benchmarks" / "results" / "gpu.md"
MODELS = ("resnet50", "vgg16", "mobilenet_v2", "efficientnet_b0", "vit_b_16", "unet")
#: seconds, for all of (a)
PATIENCE = 180.0
WALL, ALONE = 0.02, 0.05  # how far (a) and (b) may be off


@dataclass(frozen=True)
class Case:
    """A model that was profiled."""

    name: str
    dtype: str
    found: Profile


def main(arguments: Sequence[str] | None = None) -> int:
    asked = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    asked.add_argument("--recordings", type=Path, help="a folder of NAME.json.gz and graphs")
    asked.add_argument("--hardware", help="of recordings that don't say it, with versions")
    asked.add_argument("--output", type=Path, default=RESULTS)
    chosen = asked.parse_args(arguments)
    cases = list(recorded(chosen.recordings) if chosen.recordings else live())
    if not cases:
        print("nothing was profiled")
        return 1
    parts = [accounts(cases)]
    if not chosen.recordings:
        parts += [alone(), switches(), ceilings(cases[0].found), again(cases[0])]
    text = "\n\n".join([hardware(cases[0].found, chosen.hardware), *parts]) + "\n"
    chosen.output.write_text(text, encoding="utf-8")
    print(text)
    return 0 if all(explained(case.found) <= WALL for case in cases) else 1


def recorded(folder: Path) -> Iterator[Case]:
    """What recordings of the sample models say."""
    import cnnscope
    from cnnscope.runtime.device.recording_file import read_recording

    for path in sorted(folder.glob("*.json.gz")):
        model = read_recording(path).model or ""
        name = model.removesuffix(".onnx").removesuffix("_fp16")
        found = cnnscope.profile(ROOT / "sample_models" / f"{name}.onnx", recording=path)
        yield Case(name, next((r.dtype for r in found.rows if r.macs and r.dtype), "?"), found)


def live() -> Iterator[Case]:
    """Each model at two batches in two dtypes, as far as the time goes; what can't be is said."""
    import cnnscope

    began = time.monotonic()
    for name, dtype, batch in itertools.product(MODELS, (None, "float16"), (1, 32)):
        if time.monotonic() - began > PATIENCE:
            print(f"{name} {dtype or 'float32'} {batch}: no time left")
            continue
        try:
            found = cnnscope.profile(
                ROOT / "sample_models" / f"{name}.onnx", provider="cuda", batches=(batch,),
                dtype=dtype, seconds=1.0, child=True, timeout=120,
            )  # fmt: skip
        except cnnscope.CnnscopeError as error:
            print(f"{name} {dtype or 'float32'} {batch}: {error}")
            continue
        if found.device is None:
            print("; ".join(found.notes))
            return
        yield Case(name, dtype or "float32", found)


def explained(found: Profile) -> float:
    """How far busy and idle together are from the wall time of the recorded runs, as a share of it."""
    device = found.device
    assert device is not None
    parts = device.active + device.launch_gaps + device.turnaround + device.head + device.tail
    return abs(parts - device.wall) / device.wall


def accounts(cases: Sequence[Case]) -> str:
    """(a), a line for each."""
    head = (
        "model", "dtype", "batch", "run", "kernels", "busy", "host-bound", "recorded run", "active",
        "launch gaps", "turnaround", "head and tail", "unexplained", "without ONNX Runtime's profile",
        "on tensor cores",
    )  # fmt: skip
    rows = []
    for case in cases:
        found, device = case.found, case.found.device
        assert device is not None
        whole = sum(k.seconds for r in found.outer if r.device for k in r.device.kernels)
        tensor = sum(
            k.seconds for r in found.outer if r.device for k in r.device.kernels if k.tensor_cores
        )
        rows.append((
            case.name, case.dtype, str(found.latency.batch), us(found.latency.p50),
            us(device.seconds), us(device.busy), share(found.host_bound), us(device.wall),
            us(device.active), us(device.launch_gaps), us(device.turnaround),
            us(device.head + device.tail), share(explained(found)), us(device.undisturbed),
            share(tensor / whole if whole else None),
        ))  # fmt: skip
    return f"### Runs taken apart (us)\n\n{table(head, rows)}"


def alone() -> str:
    """(b)."""
    import cnnscope

    one = cnnscope.profile(convolutions(1), provider="cuda", child=True).rows
    ten = cnnscope.profile(convolutions(10), provider="cuda", child=True).by_layer()
    apart, within = one[0].seconds or 0.0, ten["conv5"].seconds or 0.0
    off = abs(within - apart) / apart if apart else 1.0
    met = "met" if off <= ALONE else "not met"
    return (
        f"### A convolution alone and in a chain of ten\n\n{us(apart)} us alone, {us(within)} us as the "
        f"sixth of ten: {met} ({share(off)} of at most {share(ALONE)})."
    )


def convolutions(length: int, channels: int = 64) -> onnx.ModelProto:
    """Convolutions one after the other."""
    import numpy as np
    from onnx import TensorProto, helper, numpy_helper

    names = [f"t{i}" for i in range(length + 1)]
    weights = np.full((channels, channels, 3, 3), 1e-3, np.float32)
    nodes = [
        helper.make_node("Conv", [a, "w"], [b], name=f"conv{i}", pads=[1, 1, 1, 1])
        for i, (a, b) in enumerate(itertools.pairwise(names))
    ]
    graph = helper.make_graph(
        nodes, "g", [helper.make_tensor_value_info("t0", TensorProto.FLOAT, [8, channels, 112, 112])],
        [helper.make_tensor_value_info(names[-1], TensorProto.FLOAT, None)],
        [numpy_helper.from_array(weights, "w")],
    )  # fmt: skip
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)


def switches() -> str:
    """(c)."""
    import cnnscope

    rows = []
    for said, options in (
        ("float32", {}),
        ("TF32", {"tf32": True}),
        ("float16", {"dtype": "float16"}),
    ):
        found = cnnscope.profile(
            ROOT / "sample_models" / "resnet50.onnx", provider="cuda", child=True, seconds=1.0,
            **options,  # type: ignore[arg-type]  # each of its own type
        )  # fmt: skip
        used = sum(bool(row.device and row.device.tensor_cores) for row in found.outer)
        rows.append((said, us(found.device_seconds), f"{used} of {len(found.outer)}"))
    head = ("arithmetic", "kernels (us)", "rows on tensor cores")
    return f"### ResNet-50 by arithmetic\n\n{table(head, rows)}"


def ceilings(found: Profile) -> str:
    """(d)."""
    known = found.ceilings
    rows = [(name, f"{rate / 1e12:.1f} TFLOP/s") for name, rate in known.flop_rate.items()]
    if known.byte_rate is not None:
        rows.append(("memory", f"{known.byte_rate / 1e9:.0f} GB/s"))
    return f"### Ceilings, to be held against the data sheet\n\n{table(('what', 'measured'), rows)}"


def again(case: Case) -> str:
    """(e)."""
    import cnnscope

    second = cnnscope.profile(
        ROOT / "sample_models" / f"{case.name}.onnx", provider="cuda", child=True, seconds=1.0,
        batches=(case.found.latency.batch or 1,),
    )  # fmt: skip
    apart = overlapping = 0
    for one, other in zip(case.found.outer, second.outer, strict=True):
        if one.device and other.device and one.device.interval and other.device.interval:
            apart += 1
            (a, b), (c, d) = one.device.interval, other.device.interval
            overlapping += a <= d and c <= b
    return (
        f"### {case.name} a second time\n\n{us(case.found.device_seconds)} us and "
        f"{us(second.device_seconds)} us in kernels; of {apart} rows the 95 % intervals of "
        f"{overlapping} overlap."
    )


def hardware(found: Profile, said: str | None) -> str:
    versions = f"ONNX Runtime {found.runtime}" if found.runtime else ""
    known = "; ".join(part for part in (found.hardware, versions) if part)
    return f"{said or known or 'hardware not said'}; Python {sys.version.split()[0]}."


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def us(seconds: float | None) -> str:
    return "?" if seconds is None else f"{seconds * 1e6:,.1f}"


def share(value: float | None) -> str:
    return "?" if value is None else f"{100 * value:.1f} %"


if __name__ == "__main__":
    raise SystemExit(main())
