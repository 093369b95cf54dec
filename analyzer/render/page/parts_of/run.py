"""What did running the model show? Whether it is as said, how long it took, and what a device waited for."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from cnnscope.analyzer.render.page.blocks import Json, blocks
from cnnscope.analyzer.render.page.contents import Contents
from cnnscope.analyzer.render.subjects import profile as of_profile
from cnnscope.analyzer.render.subjects import verification as of_verification
from cnnscope.analyzer.report.latency import Latency
from cnnscope.analyzer.report.measurement import Profile
from cnnscope.analyzer.report.verification import Verification
from cnnscope.analyzer.values.notation import duration, many, percent

#: launches and gaps of one run that are written into a page
MOST: Final = 5000
_DEVICE: Final = ("active", "launch_gaps", "turnaround", "head", "tail", "wall", "busy", "seconds")


def part(contents: Contents) -> object:
    """``verdict`` and ``lines`` are as `verify` and `profile` say it; figures as their JSON has them."""
    profile, verification = contents.profile, contents.verification
    if profile is None and verification is None:
        return None
    return {
        "verification": None if verification is None else _verified(verification),
        "profile": None if profile is None else _timed(contents, profile),
    }


def _verified(found: Verification) -> Json:
    head, *said = blocks(of_verification.document(found))
    verdict = str(head["text"]).rpartition(": ")[2]
    return {"ok": found.ok, "verdict": verdict, "blocks": said}


def _timed(contents: Contents, found: Profile) -> Json:
    places = {layer.name: i for i, layer in enumerate(contents.report.layers)}
    kernels: list[list[object]] = [
        [
            next((places[x] for x in row.layers if x in places), None),
            row.name,
            row.seconds,
            None if row.device is None else row.device.gap,
        ]
        for row in found.rows[:MOST]
    ]
    said = [x for x in blocks(of_profile.document(found)) if x["is"] == "pairs"]
    return {
        "latencies": [x.to_dict() for x in found.latencies],
        "host_bound": found.host_bound,
        "device": None if found.device is None else {n: getattr(found.device, n) for n in _DEVICE},
        # layer, name, seconds, how long the device had waited for its launch
        "kernels": kernels,
        # kernel, begin, seconds
        "timeline": [[x.row, x.start, x.seconds] for x in found.timeline[:MOST]],
        "lines": said,
    }  # fmt: skip


def tiles(contents: Contents) -> Iterator[Json]:
    """Large figures for the first screen."""
    if contents.verification is not None:
        yield _verdict(contents.verification)
    if contents.profile is not None:
        yield _latency(contents.profile, contents.profile.latency)


def _verdict(found: Verification) -> Json:
    tensors = f"{found.shapes.agreeing} of {many(found.shapes.compared, 'shape')} agree"
    fields = f"{found.fields.agreeing} of {many(found.fields.compared, 'field')}"
    if found.fields.reason is not None:
        fields = "fields not checked"
    return {
        "id": "verification", "label": "run and held against this", "unit": "",
        "figure": "agrees" if found.ok else "disagrees", "said": f"{tensors}, {fields}",
        "tone": "good" if found.ok else "bad",
    }  # fmt: skip


def _latency(found: Profile, latency: Latency) -> Json:
    figure, _, unit = duration(latency.p50).rpartition(" ")
    parts = [
        f"p{n} {duration(x)}"
        for n, x in (("90", latency.p90), ("99", latency.p99))
        if x is not None
    ]
    if found.host_bound:
        parts.append(f"{percent(found.host_bound)} of it the device waits for the host")
    batch = "" if latency.batch is None else f" of {latency.batch}"
    return {
        "id": "latency", "label": f"a run{batch} on {found.provider}", "figure": figure, "unit": unit,
        "said": ", ".join(parts), "tone": "" if latency.noise is None else "open",
    }  # fmt: skip
