"""How does a profile look? What ran and how long it took, then a row for every kernel.

People get the kernels from the slowest on unless they ask for another order; machines get them in
running order. A kernel is named by the first layer it contains and the operators of the others; one
that ONNX Runtime inserted, by its own name in brackets.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Final

from cnnscope.analyzer.render.columns import Column
from cnnscope.analyzer.render.document import (
    PAGE,
    SCREEN,
    Document,
    Heading,
    Only,
    Pair,
    Pairs,
    Section,
)
from cnnscope.analyzer.render.subjects.answer import inputs_text, model_name
from cnnscope.analyzer.render.subjects.device_lines import device_lines, gpu_lines
from cnnscope.analyzer.render.subjects.kernel_rows import share_text
from cnnscope.analyzer.render.subjects.profile_rows import ALL_ROWS, ProfileSelection, row_blocks
from cnnscope.analyzer.render.tables import table
from cnnscope.analyzer.report.latency import Latency
from cnnscope.analyzer.report.measurement import Profile
from cnnscope.analyzer.values.notation import (
    duration,
    escape,
    many,
    name,
    percent,
    rate,
)

_SHOWN: Final = 5
_NOISE: Final = {
    "few runs": "too few runs to know the median: give more --seconds",
    "unsteady": "the median did not become steady in time: another load on the machine? "
    "Give more --seconds, or trust no difference below the interval",
    "spread": "runs differ widely though the median is steady: other work on the machine, or its "
    "clock changes",
}


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
    Column("spread", "spread", lambda x: share_text(x.spread), lambda x: x.spread, right=True,
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


def document(found: Profile, shown: ProfileSelection = ALL_ROWS) -> Document:
    """The profile as a document.

    Raises:
        ValueError: no layer fits a pattern, or a part of a total is asked for that isn't known.
    """
    (head, model), *facts = _heading(found)
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
            Section(row_blocks(found, shown)),
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
    given = inputs_text(found.latency.inputs)
    threads = "" if found.threads is None else f"; {found.threads} threads"
    seed = f"; seed {found.seed}" if found.recording is None else ""
    recorded = [("recorded", name(found.recording, 200))] if found.recording is not None else []
    return [
        ("model", model_name(found.model)),
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
    lines += [*device_lines(found), *gpu_lines(found)]
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
