"""What does a recording say of a model's layers, where there is no GPU?

The same as where it was made, by the same functions: ONNX Runtime's events become rows (`kernel_events`,
`kernels`, `rows`), which the device's records time (`device_rows`). Only what has to be measured is taken
from the file: the latency, and the ceilings where they were written down.

The graph that ran, which lies beside the recording, says with which shapes and dtypes; the model's file
may fix others. Then a copy with those is analysed (`reopening`, `retyping`), and where that can't be
had, the layers are known, but not what they had to do.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Final

import onnx
from google.protobuf.message import DecodeError

from cnnscope.analyzer.model.file import open_model
from cnnscope.analyzer.report.examination import Analysis, examine
from cnnscope.analyzer.report.latency import Latency
from cnnscope.analyzer.report.machine import Ceilings, Residue
from cnnscope.analyzer.report.measurement import Profile
from cnnscope.analyzer.values.diagnostics import RunError
from cnnscope.analyzer.values.notation import name as shown_name
from cnnscope.analyzer.values.tensor import DTYPES
from cnnscope.runtime.device.recording import Recording
from cnnscope.runtime.device.recording_file import graph_path, read_recording
from cnnscope.runtime.engine.flat import flat_model
from cnnscope.runtime.engine.job import say_nothing
from cnnscope.runtime.engine.providers import CPU, CUDA, Provider
from cnnscope.runtime.engine.reopening import reopened
from cnnscope.runtime.engine.retyping import CODES, retyped
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
    from cnnscope.runtime.engine.flat import FlatModel

#: how the rows were timed
METHOD: Final = "device records"


def profile_of_recording(
    model: object, path: Path, progress: Callable[[str], None] = say_nothing
) -> Profile:
    """The profile of a model from what was recorded of it.

    Args:
        model: as `profile` takes it.
        path: of the recording, the graph that ran beside it.
        progress: told what is being done.

    Raises:
        ModelFileError, GraphError, BindingError: as `analyze`.
        RunError: no recording, or not one of this model.
    """
    progress("reading the recording")
    recording = read_recording(path)
    graph = _graph(graph_path(path))
    progress("analysing")
    analysis, shown, work = _as_it_ran(model, graph)
    found = profile_from(analysis, flat_model(analysis), recording, graph, work=work)
    return replace(found, model=shown, recording=str(path))


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
        device=timed.device,
    )


def _check_same(assignment: Assignment, source: onnx.GraphProto, graph: onnx.GraphProto) -> None:
    """Did this model run, and not another?

    Raises:
        RunError: hardly a node that computed something has a layer in it, or a weight has another size.
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
    for tensor in graph.initializer:
        if sizes.get(tensor.name, size := math.prod(tensor.dims)) != size:
            raise RunError(
                f"the recording is of another model: {shown_name(tensor.name)} has another size there"
            )


def _graph(path: Path) -> onnx.GraphProto:
    shown = shown_name(str(path), 200)
    if not path.is_file():
        raise RunError(
            f"{shown}: the graph that ran isn't beside the recording; keep both together"
        )
    try:
        graph = onnx.load(str(path), load_external_data=False).graph
    except (OSError, ValueError, DecodeError) as error:
        said = getattr(error, "strerror", None) or "it is no ONNX model"
        raise RunError(f"{shown}, the graph that ran, can't be read: {said}") from None
    if not graph.node:
        raise RunError(f"{shown}, the graph that ran, has no nodes")
    return graph


def _as_it_ran(model: object, graph: onnx.GraphProto) -> tuple[Analysis, str | None, str]:
    """The analysis with the shapes and dtypes that the graph ran with, and the model's path.

    Or an analysis as the file has it, and why what ran isn't known.
    """
    from cnnscope.analyzer.report.report import Report

    if isinstance(model, Report):
        kept = model._analysis
        model = model.model.path or (kept.file.model if isinstance(kept, Analysis) else model)
    file = open_model(model)  # type: ignore[arg-type]  # said there, if it is none
    ran = {value.name: value.type.tensor_type for value in graph.input}
    declared = {
        value.name: value.type.tensor_type
        for value in file.model.graph.input
        if value.name in ran or value.name not in {t.name for t in file.model.graph.initializer}
    }
    for name, value in declared.items():
        dims = value.shape.dim
        if name not in ran or (value.HasField("shape") and len(ran[name].shape.dim) != len(dims)):
            raise RunError(f"the recording is of another model: it has no such input as {name!r}")
    shapes = {
        name: [dim.dim_value if dim.HasField("dim_value") else None for dim in ran[name].shape.dim]
        for name, value in declared.items()
        if ran[name].HasField("shape")
    }
    other = {
        name: axes
        for name, value in declared.items()
        if (axes := _other_lengths(value, shapes.get(name, [])))
    }
    dtypes = {DTYPES.get(ran[name].elem_type) for name, value in declared.items()
              if ran[name].elem_type != value.elem_type}  # fmt: skip
    if not other and not dtypes:
        return examine(model, shapes=shapes), file.path, ""  # type: ignore[arg-type]
    proto = reopened(file.model, other) if other else file.model
    for dtype in sorted(CODES.keys() & dtypes):
        proto = retyped(proto, dtype)
    found = examine(proto, shapes=shapes)
    wrong = next((d for d in found.shapes.diagnostics if d.severity == "error"), None)
    if wrong is None and dtypes <= CODES.keys():
        return found, file.path, ""
    where = (
        f"{wrong.layer}: {wrong.message}" if wrong is not None else "a dtype that isn't converted"
    )
    why = (
        "it ran with other sizes or another dtype than the file fixes, so what its layers had to "
        f"compute and move isn't known ({where})"
    )
    return examine(model), file.path, why  # type: ignore[arg-type]


def _other_lengths(value: onnx.TypeProto.Tensor, shape: list[int | None]) -> dict[int, int | str]:
    """The axes that the file fixes to another length than ran."""
    return {
        axis: length
        for axis, (dim, length) in enumerate(zip(value.shape.dim, shape, strict=False))
        if length is not None and dim.HasField("dim_value") and dim.dim_value != length
    }


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
    rates = found.get("flop_rate")
    return Ceilings(
        {k: float(v) for k, v in rates.items() if _is_rate(v)} if isinstance(rates, dict) else {},
        found["byte_rate"] if _is_rate(found.get("byte_rate")) else None,
        found["overhead"] if _is_rate(found.get("overhead")) else None,
    )


def _is_rate(value: object) -> bool:
    return isinstance(value, (int, float)) and 0 < value < float("inf")
