"""How does a profile look? What ran and how long it took, then a row for every kernel.

People get the kernels from the slowest on unless they ask for another order; machines get them in
running order. A kernel is named by the first layer it contains and the operators of the others; one
that ONNX Runtime inserted, by its own name in brackets.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from typing import Final

from cnnscope.analyzer.render.columns import Column, sorted_rows
from cnnscope.analyzer.render.document import (
    PAGE,
    SCREEN,
    Block,
    Document,
    Flow,
    Heading,
    Note,
    Notes,
    Only,
    Pair,
    Pairs,
    Section,
)
from cnnscope.analyzer.render.subjects.device_lines import count_text, device_lines, moves_text
from cnnscope.analyzer.render.tables import table
from cnnscope.analyzer.report.kernel_row import Row
from cnnscope.analyzer.report.latency import Latency
from cnnscope.analyzer.report.measurement import Profile
from cnnscope.analyzer.values.notation import (
    count,
    duration,
    escape,
    many,
    name,
    nbytes,
    percent,
    rate,
    ratio,
    shape,
)

_SHOWN: Final = 5
_SLOWEST: Final = "time"
_NOISE: Final = {
    "few runs": "too few runs to know the median: give more --seconds",
    "unsteady": "the median did not become steady in time: another load on the machine? "
    "Give more --seconds, or trust no difference below the interval",
    "spread": "runs differ widely though the median is steady: other work on the machine, or its "
    "clock changes",
}


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


def _share(value: float | None) -> str:
    return "?" if value is None else percent(value)


def _times(value: float | None) -> str:
    return "-" if value is None else f"{value:.2f}x"


#: of a kernel; `name` and `seconds` are what machines call what people see as layers and time
ROW_COLUMNS: tuple[Column[Row], ...] = (
    Column("index", "#", lambda x: str(x.index), lambda x: x.index, right=True),
    Column("layers", "layers", kernel_name, lambda x: list(x.layers), importance=100, least=36, names=True,
           order=lambda x: x.layers[0] if x.layers else x.name),
    Column("kernel", "kernel", lambda x: name(x.name), lambda x: x.name, least=16, names=True),
    Column("op", "ran as", lambda x: name(x.op, 60), lambda x: x.op, importance=50, least=24),
    Column("provider", "on", lambda x: name(x.provider, 40), lambda x: x.provider),
    Column("inserted", "inserted", lambda x: "yes" if x.inserted else "no", lambda x: x.inserted),
    Column("time", "time", lambda x: duration(x.seconds), lambda x: x.seconds, right=True,
           importance=95),
    Column("median", "median", lambda x: duration(x.median), lambda x: x.median, right=True),
    Column("share", "share", lambda x: _share(x.share), lambda x: x.share, right=True,
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
    Column("roofline_share", "of roof", lambda x: _share(x.roofline_share),
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


LATENCY_COLUMNS: tuple[Column[Latency], ...] = (
    Column("batch", "batch", lambda x: "-" if x.batch is None else str(x.batch), lambda x: x.batch,
           right=True, importance=100),
    Column("p50", "p50", lambda x: duration(x.p50), lambda x: x.p50, right=True, importance=99),
    Column("uncertainty", "+-", lambda x: _half(x.uncertainty), lambda x: x.uncertainty,
           right=True, importance=80),
    Column("p90", "p90", lambda x: duration(x.p90), lambda x: x.p90, right=True, importance=70),
    Column("p99", "p99", lambda x: duration(x.p99), lambda x: x.p99, right=True, importance=60),
    Column("least", "min", lambda x: duration(x.least), lambda x: x.least, right=True,
           importance=75),
    Column("spread", "spread", lambda x: _share(x.spread), lambda x: x.spread, right=True,
           importance=40),
    Column("throughput", "per second", lambda x: rate(x.throughput, "").strip(),
           lambda x: x.throughput, right=True, importance=90),
    Column("runs", "runs", lambda x: _runs(x), lambda x: x.runs,
           right=True, importance=30),
    Column("first_run", "first", lambda x: duration(x.first_run), lambda x: x.first_run,
           right=True, importance=35),
    Column("creation", "session", lambda x: duration(x.creation), lambda x: x.creation,
           right=True, importance=34),
)  # fmt: skip


def _runs(latency: Latency) -> str:
    if latency.runs is None:
        return "?"
    return f"{latency.runs - latency.warmup} + {latency.warmup}"


def _half(share: float | None) -> str:
    return "?" if share is None else percent(share / 2)


def check_sort(key: str | None) -> None:
    """Is there such a column to sort by?

    Raises:
        ValueError: there is not.
    """
    sorted_rows((), ROW_COLUMNS, key, None)


def document(found: Profile, sort: str | None = None, top: int | None = None) -> Document:
    """The profile as a document."""
    (head, model), *facts = _heading(found)
    rows = sorted_rows(found.rows, ROW_COLUMNS, sort or _SLOWEST, top)
    left = len(found.rows) - len(rows)
    more = f"{many(left, 'more kernel')} not shown"
    kernels: list[Block] = [
        table(ROW_COLUMNS, rows, recorded=sorted_rows(found.rows, ROW_COLUMNS, sort, top))
    ]
    if left:
        kernels.append(Only(SCREEN, (Notes((Note(f"... {more}", flow=Flow("  ", "  ")),)),)))
        kernels.append(Only(PAGE, (Notes((Note(more),), listed=False),)))
    people = (*PAGE, *SCREEN)
    return Document(
        model,
        (
            Section((
                Only(PAGE, (Heading(model),)),
                Only(SCREEN, (_pairs([(head, model)]),)),
                Only(people, (_pairs(facts),)),
            )),
            Section((Only(people, (table(LATENCY_COLUMNS, found.latencies),)),)),
            Section(tuple(kernels)),
            Section((Only(people, (_pairs(_summary(found)),)),)),
        ),
    )  # fmt: skip


def _pairs(lines: Sequence[tuple[str, str]]) -> Pairs:
    return Pairs(tuple(Pair(head, text) for head, text in lines), aside=14)


def _heading(found: Profile) -> list[tuple[str, str]]:
    version = "of an unknown version" if found.runtime is None else escape(found.runtime)
    ran = f"{name(found.provider)}, ONNX Runtime {version}"
    if found.fallback_reason:
        ran += f" ({escape(found.fallback_reason)})"
    given = ", ".join(f"{name(n)} {shape(list(s))}" for n, s in found.latency.inputs.items())
    threads = "" if found.threads is None else f"; {found.threads} threads"
    seed = f"; seed {found.seed}" if found.recording is None else ""
    recorded = [("recorded", name(found.recording, 200))] if found.recording is not None else []
    return [
        ("model", name(found.model or "the model in memory")),
        *recorded,
        ("ran on", ran),
        ("hardware", f"{escape(found.hardware or 'not said in the recording')}{threads}"),
        ("inputs", f"{given or 'none'}{seed}"),
        ("weights", escape(found.weights)),
    ]


def _summary(found: Profile) -> list[tuple[str, str]]:
    lines = [("overall", _overall(found)), ("ceilings", _ceilings(found))]
    whole = found.residue.rows
    by_bound = sorted(found.time_by_bound().items(), key=lambda item: -item[1])
    if whole and any(key != "unknown" for key, _ in by_bound):
        parts = [f"{percent(seconds / whole)} {key}" for key, seconds in by_bound]
        lines.append(("bound by", f"{', '.join(parts)} (share of the kernels' time)"))
    if found.device is None:
        lines.append(("residue", _residue(found)))
    lines += device_lines(found)
    lines.append(("placement", _placement(found)))
    for latency in found.latencies:
        if latency.transfers is not None:
            moved = latency.transfers
            lines.append((
                "transfers",
                f"{duration(moved.to_device)} to the device, {duration(moved.from_device)} back; "
                "not in the times above",
            ))  # fmt: skip
    inserted = [row for row in found.outer if row.inserted]
    if inserted:
        spent = sum(row.seconds or 0.0 for row in inserted)
        ops = Counter(row.op for row in inserted).most_common(4)
        listed_ops = ", ".join(f"{times} x {name(op, 40)}" for op, times in ops)
        lines.append(
            ("inserted", f"{many(len(inserted), 'kernel')}, {duration(spent)}: {listed_ops}")
        )
    for reason, nodes in _by_reason(found).items():
        names = ", ".join(name(n, 60) for n in nodes[:3])
        more = f", ... ({len(nodes)})" if len(nodes) > 3 else ""
        lines.append(("not run", f"{names}{more}: {escape(reason)}"))
    for noise in dict.fromkeys(x.noise for x in found.latencies if x.noise is not None):
        lines.append(("noise", _NOISE[noise]))
    lines += [("note", escape(note)) for note in found.notes]
    return lines


def _overall(found: Profile) -> str:
    share = found.roofline_share
    of_roof = "" if share is None else f"; {percent(share)} of the roofline"
    open_ = found.uncounted
    rates = [
        ("at least " if missing and value is not None else "") + rate(value, unit)
        for value, unit, missing in (
            (found.flop_rate, "FLOP/s", open_["flops"]), (found.byte_rate, "B/s", open_["bytes"])
        )
    ]  # fmt: skip
    return f"{', '.join(rates)} over a whole run{of_roof}"


def _ceilings(found: Profile) -> str:
    known = found.ceilings
    if not known.flop_rate and known.byte_rate is None and known.overhead is None and known.missing:
        return "; ".join(f"not measured: {name(why)}" for why in known.missing.values())
    parts = [f"{name(dtype)} {rate(value, 'FLOP/s')}" for dtype, value in known.flop_rate.items()]
    parts.append(f"memory {rate(known.byte_rate, 'B/s')}")
    parts.append(f"a kernel takes at least {duration(known.overhead)}")
    parts += [f"{name(what)} not measured: {name(why)}" for what, why in known.missing.items()]
    return "; ".join(parts)


def _residue(found: Profile) -> str:
    rest = found.residue
    share = "" if rest.share is None else f" ({percent(rest.share)})"
    added = found.ceilings.profiler
    return (
        f"{duration(rest.seconds)}{share}: {duration(rest.end_to_end)} end to end less "
        f"{duration(rest.rows)} in kernels; those are means of {rest.runs} profiled runs of "
        f"{duration(rest.profiled)}, of which {duration(rest.between)} passed between kernels"
        + (
            ""
            if added is None
            else f", less {duration(added)} a kernel that the profiler takes itself"
        )
    )


def _placement(found: Profile) -> str:
    placed = found.placement
    text = ", ".join(
        f"{many(count, 'kernel')} on {name(who)}" for who, count in placed.kernels.items()
    )
    if placed.copies:
        names = ", ".join(name(c.tensor, 60) for c in placed.copies[:_SHOWN])
        more = ", ..." if len(placed.copies) > _SHOWN else ""
        text += (
            f"; {many(len(placed.copies), 'copy', 'copies')} between host and device: {names}{more}"
        )
    if placed.on_host:
        names = ", ".join(name(layer, 60) for layer in placed.on_host[:_SHOWN])
        more = ", ..." if len(placed.on_host) > _SHOWN else ""
        text += f"; fell to the CPU: {names}{more} ({len(placed.on_host)})"
    if found.method != "profile":
        text += f"; kernels timed by {escape(found.method)}"
    return text


def _by_reason(found: Profile) -> dict[str, list[str]]:
    groups: dict[str, list[str]] = {}
    for node in found.unrun:
        groups.setdefault(node.reason, []).append(node.layer)
    return groups
