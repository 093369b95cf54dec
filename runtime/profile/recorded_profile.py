"""What profile does a recording give of an analysed model, wherever the recording is from?

ONNX Runtime's events become rows (`kernel_events`, `kernels`, `rows`), which the device's records time
(`device_rows`). What was measured beside, such as the ceilings, stands in the recording's facts.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Final

import onnx

from cnnscope.analyzer.report.gpu import Gpu
from cnnscope.analyzer.report.latency import Latency
from cnnscope.analyzer.report.machine import Ceilings, Residue
from cnnscope.analyzer.report.measurement import Profile
from cnnscope.analyzer.values.diagnostics import RunError
from cnnscope.analyzer.values.notation import name as shown_name
from cnnscope.runtime.device.recording import Recording
from cnnscope.runtime.engine.providers import CPU, CUDA, Provider
from cnnscope.runtime.profile.device_rows import runs_of, with_device
from cnnscope.runtime.profile.kernel_events import summed
from cnnscope.runtime.profile.kernels import CARRIERS, Assignment, assign_layers
from cnnscope.runtime.profile.placement import find_placement
from cnnscope.runtime.profile.rows import (
    find_unrun,
    make_rows,
    total,
    with_bounds,
    without_work,
)

if TYPE_CHECKING:
    from cnnscope.analyzer.report.examination import Analysis
    from cnnscope.runtime.engine.flat import FlatModel

#: how the rows were timed
METHOD: Final = "device records"


def profile_from(
    analysis: Analysis, flat: FlatModel, recording: Recording, graph: onnx.GraphProto, *, work: str = ""
) -> Profile:  # fmt: skip
    """The profile that a recording gives of an analysed model.

    Args:
        analysis: of the model, with the shapes that it ran with.
        flat: the same as a model.
        recording: what the device did.
        graph: what ONNX Runtime made of the model.
        work: why it isn't known what rows had to do; ``""`` where it is.
    """
    if recording.latency is None:
        raise RunError("the recording doesn't say how long an unprofiled run takes (latency_us)")
    times = summed(graph, runs_of(recording), {})
    assignment = assign_layers(flat.proto.graph, graph)
    _check_same(assignment, flat.proto.graph, graph)
    rows = make_rows(analysis, assignment, times.kernels, times.inside)
    if work:
        rows = without_work(rows)
    timed = with_device(rows, recording, times, recording.latency)
    ceilings = _ceilings(recording.facts)
    rows = with_bounds(timed.rows, ceilings)
    outer = [row for row in rows if row.within is None]
    provider = Provider("cuda", (CUDA, CPU))
    spent = total(rows)
    facts = recording.facts
    return Profile(
        model=analysis.file.path,
        provider=provider.name,
        fallback_reason=None,
        runtime=_said(facts, "onnxruntime"),
        hardware=_said(facts, "hardware"),
        threads=None,
        weights=_said(facts, "weights") or "as recorded",
        seed=0,
        latencies=(_latency(recording, graph),),
        rows=rows,
        unrun=find_unrun(analysis, flat, rows),
        residue=Residue(recording.latency, timed.device.wall, spent, spent, recording.runs),
        ceilings=ceilings,
        placement=find_placement(provider, outer, graph, {}),
        timeline=timed.timeline,
        method=METHOD,
        notes=(work,) if work else (),
        gpu=_gpu(facts.get("gpu")),
        device=replace(timed.device, undisturbed=_amount(facts.get("undisturbed"))),
    )


def _check_same(assignment: Assignment, source: onnx.GraphProto, graph: onnx.GraphProto) -> None:
    """Did this model run, and not another?

    Raises:
        RunError: hardly a node that computed something has a layer in it, or weights have other sizes.
    """
    computing = [kernel for kernel in assignment.kernels if kernel.op not in CARRIERS]
    strange = sum(kernel.inserted for kernel in computing)
    with_layers = len(computing) - strange
    # Of a function, only the last of its kernels has its layer: a few without are nothing strange.
    if 10 * with_layers < len(computing) or not any(k.layers for k in assignment.kernels):
        raise RunError(
            f"the recording is of another model: {strange} of the {len(computing)} nodes that ran "
            "have no layer of this one"
        )
    sizes = {tensor.name: math.prod(tensor.dims) for tensor in source.initializer}
    shared = [tensor for tensor in graph.initializer if tensor.name in sizes]
    other = [tensor.name for tensor in shared if sizes[tensor.name] != math.prod(tensor.dims)]
    if 2 * len(other) > len(shared):  # a few may hold the batch, which is another
        raise RunError(
            f"the recording is of another model: {len(other)} of its {len(shared)} weights have "
            f"another size there, such as {shown_name(other[0])}"
        )


def _latency(recording: Recording, graph: onnx.GraphProto) -> Latency:
    """The median that the recording has; the rest of the distribution isn't in it."""
    assert recording.latency is not None
    weights = {tensor.name for tensor in graph.initializer}
    inputs = {
        value.name: tuple(dim.dim_value for dim in value.type.tensor_type.shape.dim)
        for value in graph.input if value.name not in weights
    }  # fmt: skip
    batch = recording.batch
    if batch is None:
        firsts = {shape[0] for shape in inputs.values() if shape}
        batch = firsts.pop() if len(firsts) == 1 else None
    return Latency(
        batch=batch, inputs=inputs, p50=recording.latency, p90=None, p99=None, least=None,
        most=None, spread=None, uncertainty=None, runs=None, warmup=0, first_run=None, creation=None,
    )  # fmt: skip


def _said(facts: Mapping[str, object], key: str) -> str | None:
    value = facts.get(key)
    return value if isinstance(value, str) and value else None


def _ceilings(facts: Mapping[str, object]) -> Ceilings:
    """Those that were measured where the recording was made."""
    found = facts.get("ceilings")
    if not isinstance(found, dict):
        return Ceilings(missing={"ceilings": "the recording has none of where it was made"})
    rates, missing = found.get("flop_rate"), found.get("missing")
    by_dtype = rates.items() if isinstance(rates, dict) else ()
    reasons = missing.items() if isinstance(missing, dict) else ()
    return Ceilings(
        {key: rate for key, value in by_dtype if (rate := _amount(value)) is not None},
        _amount(found.get("byte_rate")),
        _amount(found.get("overhead")),
        missing={key: why for key, why in reasons if isinstance(why, str)},
    )


def _gpu(found: object) -> Gpu | None:
    """How the GPU was, as a recording has it: what isn't of its kind isn't known."""
    if not isinstance(found, dict) or not isinstance(found.get("name"), str):
        return None
    reasons = found.get("slowed")
    listed = isinstance(reasons, list) and all(isinstance(x, str) for x in reasons)
    numbers = ("clock", "clock_most", "memory_clock", "watts", "watts_most", "celsius")
    sizes = ("memory", "memory_used")
    amounts = {key: _amount(found.get(key)) for key in numbers}
    whole = {key: x if type(x := found.get(key)) is int and x >= 0 else None for key in sizes}
    switches = {key: x if isinstance(x := found.get(key), bool) else None for key in ("ecc", "mig")}
    return Gpu(
        found["name"], _said(found, "driver"), slowed=tuple(reasons) if listed else None,  # type: ignore[arg-type]
        **amounts, **whole, **switches,  # type: ignore[arg-type]
    )  # fmt: skip


def _amount(value: object) -> float | None:
    """A rate or a time; None for anything else."""
    known = isinstance(value, (int, float)) and not isinstance(value, bool)
    return float(value) if known and 0 < value < 1e300 else None  # type: ignore[arg-type,operator]
