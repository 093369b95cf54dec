"""What is said of a device that kept records: how busy it was, and what it waited for?

That a device waits for launches is said as what would change it: with a larger batch a launch is for
more work, and a CUDA graph launches a whole run at once.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from cnnscope.analyzer.report.device import Device, Moves
from cnnscope.analyzer.report.kernel_row import Row
from cnnscope.analyzer.report.measurement import Profile
from cnnscope.analyzer.values.notation import count, duration, escape, nbytes, percent

#: from this share of a run on, waiting for the host is worth doing something about
_WORTH: Final = 0.1


def device_lines(found: Profile) -> list[tuple[str, str]]:
    """Lines with a head each; none where no device kept records."""
    device = found.device
    if device is None:
        return []
    lines = [
        (
            "device",
            f"{duration(device.busy)} busy of a run's {duration(found.latency.p50)}; "
            f"{duration(device.seconds)} in {_number(_kernels(found, device))} kernels on "
            f"{device.streams} {'stream' if device.streams == 1 else 'streams'}, "
            f"{_mean(device.runs)}",
        ),
        ("host-bound", _host_bound(found)),
        (
            "recorded runs",
            f"{duration(device.wall)} each, launches being slowed by the recording: "
            f"{duration(device.active)} active, {duration(device.launch_gaps)} in launch gaps, "
            f"{duration(device.turnaround)} between kernels already launched, "
            f"{duration(device.head)} before the first and {duration(device.tail)} after the last",
        ),
    ]
    moved = [
        _moved(moves, one if moves.count == 1 else what)
        for what, one, moves in (("copies", "copy", device.copies), ("sets", "set", device.sets))
        if moves.count
    ]
    if moved:
        lines.append(("moved", f"{', '.join(moved)} in a run; not in the rows' times"))
    on_tensor_cores = [row for row in found.outer if row.device and row.device.tensor_cores]
    lines.append(("tensor cores", _tensor_cores(found, on_tensor_cores)))
    for lost in device.unattributed:
        lines.append((
            "in no row",
            f"{_number(lost.count)} kernels, {duration(lost.seconds)} ({percent(lost.share)}): "
            f"{escape(lost.reason)}",
        ))  # fmt: skip
    if device.undisturbed is not None:
        lines.append((
            "undisturbed",
            f"{duration(device.undisturbed)} in kernels when ONNX Runtime's profile was off",
        ))  # fmt: skip
    return lines


def gpu_lines(found: Profile) -> list[tuple[str, str]]:
    """How the GPU was right after the timed runs, and what a run needed; none where that isn't told."""
    lines = [
        (
            "energy",
            f"{x.energy.joules:.3g} J a run{'' if x.batch is None else f' with a batch of {x.batch}'}, "
            f"+- {percent(x.energy.uncertainty)}",
        )
        for x in found.latencies
        if x.energy is not None
    ]
    gpu = found.gpu
    if gpu is None:
        return lines
    parts = [
        _of(gpu.clock, gpu.clock_most, lambda x: f"{x / 1e6:.0f} MHz"),
        None if gpu.memory_clock is None else f"memory {gpu.memory_clock / 1e6:.0f} MHz",
        _of(gpu.watts, gpu.watts_most, lambda x: f"{x:.0f} W"),
        None if gpu.celsius is None else f"{gpu.celsius:.0f} C",
        _of(gpu.memory_used, gpu.memory, lambda x: nbytes(round(x))),
        None if gpu.ecc is None else f"ECC {'on' if gpu.ecc else 'off'}",
        "divided (MIG)" if gpu.mig else None,
    ]
    said = [", ".join(part for part in parts if part is not None)]
    if gpu.slowed is not None:
        why = ", ".join(escape(reason) for reason in gpu.slowed)
        said.append(f"clock below its most: {why}" if why else "its clock wasn't held down")
    return [*lines, ("gpu", "; ".join(part for part in said if part) or "nothing is told of it")]


def _of(value: float | None, most: float | None, write: Callable[[float], str]) -> str | None:
    """A figure and the most that it may be."""
    if value is None:
        return None
    return write(value) if most is None else f"{write(value)} of {write(most)}"


def _kernels(found: Profile, device: Device) -> float:
    inside = sum(row.device.count for row in found.outer if row.device is not None)
    return inside + sum(lost.count for lost in device.unattributed)


def _moved(moves: Moves, what: str) -> str:
    size = nbytes(round(moves.bytes))
    return f"{_number(moves.count)} {what} of {size} in {duration(moves.seconds)}"


def _mean(runs: int) -> str:
    return "one recorded run" if runs == 1 else f"means of {runs} recorded runs"


def _number(value: float) -> str:
    """A number that is a mean: whole where it is one."""
    return count(int(value)) if value == int(value) else f"{value:.1f}"


def _host_bound(found: Profile) -> str:
    share = found.host_bound
    if share is None:
        return "not known: a run's own time isn't"
    text = f"{percent(share)} of the run the GPU waits for launches"
    if share >= _WORTH:
        return f"{text}: a larger batch or a CUDA graph would pay"
    return f"{text}: it is kept busy"


def _tensor_cores(found: Profile, rows: list[Row]) -> str:
    if not rows:
        return "by no kernel's name"
    spent = sum(
        kernel.seconds for row in rows if row.device for kernel in row.device.kernels
        if kernel.tensor_cores
    )  # fmt: skip
    whole = found.device.seconds if found.device is not None else 0.0
    share = f", {percent(spent / whole)} of the kernels' time" if whole else ""
    return f"by their kernels' names in {len(rows)} of {len(found.outer)} rows{share}"


def moves_text(moves: Moves) -> str:
    """A row's copies.

    >>> moves_text(Moves(2, 4096, 1e-6)), moves_text(Moves(0, 0, 0.0))
    ('2: 4.00 KiB', '-')
    """
    return f"{_number(moves.count)}: {nbytes(round(moves.bytes))}" if moves.count else "-"


def count_text(value: float) -> str:
    """How many kernels in a run.

    >>> count_text(2), count_text(2.5)
    ('2', '2.5')
    """
    return _number(value)
