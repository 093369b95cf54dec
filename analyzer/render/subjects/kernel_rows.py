"""Which facts of a kernel are columns, and how is it named?"""

from __future__ import annotations

from collections.abc import Callable

from cnnscope.analyzer.render.columns import Column
from cnnscope.analyzer.render.subjects.device_lines import count_text, moves_text
from cnnscope.analyzer.report.kernel_row import Row
from cnnscope.analyzer.values.notation import (
    count,
    duration,
    name,
    nbytes,
    percent,
    rate,
    ratio,
)


def kernel_name(row: Row) -> str:
    """A kernel by what is in it, and by what it is in."""
    if row.within is not None:
        return f"in {name(row.within)}: {name(row.layers[0] if row.layers else row.name)}"
    if not row.layers:
        return f"[{name(row.name)}]"
    rest = [name(op, 40) for op in row.ops[1:]]
    more = f" + {len(rest) - 3} more" if len(rest) > 3 else ""
    return " + ".join([name(row.layers[0]), *rest[:3]]) + more


def _optional(value: int | None, write: Callable[[int], str]) -> str:
    return "?" if value is None else write(value)


def share_text(value: float | None) -> str:
    return "?" if value is None else percent(value)


def _times(value: float | None) -> str:
    return "-" if value is None else f"{value:.2f}x"


#: of a kernel; `name` and `seconds` are what machines call what people see as layers and time
ROW_COLUMNS: tuple[Column[Row], ...] = (
    Column("index", "#", lambda x: str(x.index), lambda x: x.index, right=True),
    Column("layers", "layers", kernel_name, lambda x: list(x.layers), importance=100, least=36,
           names=kernel_name,
           order=lambda x: x.layers[0] if x.layers else x.name),
    Column("kernel", "kernel", lambda x: name(x.name), lambda x: x.name, least=16,
           names=lambda x: x.name),
    Column("op", "ran as", lambda x: name(x.op, 60), lambda x: x.op, importance=50, least=24),
    Column("provider", "on", lambda x: name(x.provider, 40), lambda x: x.provider),
    Column("inserted", "inserted", lambda x: "yes" if x.inserted else "no", lambda x: x.inserted),
    Column("time", "time", lambda x: duration(x.seconds), lambda x: x.seconds, right=True,
           importance=95),
    Column("median", "median", lambda x: duration(x.median), lambda x: x.median, right=True),
    Column("share", "share", lambda x: share_text(x.share), lambda x: x.share, right=True,
           importance=90),
    Column("dtype", "dtype", lambda x: name(x.dtype or "?", 40), lambda x: x.dtype),
    Column("macs", "MACs", lambda x: _optional(x.macs, count), lambda x: x.macs, right=True,
           importance=40),
    Column("flops", "FLOPs", lambda x: _optional(x.flops, count), lambda x: x.flops, right=True),
    Column("bytes", "bytes", lambda x: _optional(x.bytes, nbytes), lambda x: x.bytes, right=True,
           importance=30),
    Column("flop_rate", "FLOP/s", lambda x: rate(x.flop_rate, ""), lambda x: x.flop_rate,
           right=True, importance=70),
    Column("byte_rate", "B/s", lambda x: rate(x.byte_rate, ""), lambda x: x.byte_rate, right=True,
           importance=60),
    Column("intensity", "FLOP/B", lambda x: ratio(x.intensity), lambda x: x.intensity, right=True,
           importance=20),
    Column("bound", "bound by", lambda x: x.bound or "?", lambda x: x.bound, importance=80,
           optional=True),
    Column("roofline_share", "of roof", lambda x: share_text(x.roofline_share),
           lambda x: x.roofline_share, right=True, importance=75, optional=True),
    Column("roofline", "roof", lambda x: duration(x.roofline), lambda x: x.roofline, right=True),
    Column("speedup", "if free", lambda x: _times(x.speedup), lambda x: x.speedup, right=True,
           importance=55),
    Column("gap_seconds", "launch gap", lambda x: "-" if x.device is None else duration(x.device.gap),
           lambda x: None if x.device is None else x.device.gap, right=True, importance=85,
           optional=True),
    Column("kernel_count", "kernels", lambda x: "-" if x.device is None else count_text(x.device.count),
           lambda x: None if x.device is None else x.device.count, right=True, importance=72,
           optional=True),
    Column("tensor_cores", "tensor cores", lambda x: _tensor_cores(x),
           lambda x: None if x.device is None else x.device.tensor_cores, importance=65,
           optional=True),
    Column("copies", "copies", lambda x: "-" if x.device is None else moves_text(x.device.copies),
           lambda x: _copied(x), right=True, importance=25, optional=True),
    Column("kernel_names", "kernel names", lambda x: ", ".join(name(k) for k in _kernel_names(x)),
           lambda x: _kernel_names(x)),
    Column("arithmetic", "arithmetic", lambda x: name(x.arithmetic or "?", 40),
           lambda x: x.arithmetic),
    Column("host_seconds", "on the host",
           lambda x: "-" if x.device is None else duration(x.device.host),
           lambda x: None if x.device is None else x.device.host, right=True),
)  # fmt: skip


def _tensor_cores(row: Row) -> str:
    used = None if row.device is None else row.device.tensor_cores
    return "-" if used is None else "yes" if used else "no"


def _copied(row: Row) -> float | None:
    """Bytes; None where nothing was."""
    return row.device.copies.bytes if row.device is not None and row.device.copies.count else None


def _kernel_names(row: Row) -> list[str]:
    return [] if row.device is None else [kernel.name for kernel in row.device.kernels]
