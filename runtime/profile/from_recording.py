"""What does a recording say of a model's layers, where there is no GPU?

The same as where it was made, by the same function (`recorded_profile`). The graph that ran, which lies
beside the recording, says with which shapes and dtypes; the model's file may fix others. Then a copy
with those is analysed (`reopening`, `retyping`), and where that can't be had, the layers are known, but
not what they had to do.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import onnx
from google.protobuf.message import DecodeError

from cnnscope.analyzer.model.file import open_model
from cnnscope.analyzer.report.examination import Analysis, examine
from cnnscope.analyzer.report.measurement import Profile
from cnnscope.analyzer.values.diagnostics import RunError
from cnnscope.analyzer.values.notation import name as shown_name
from cnnscope.analyzer.values.tensor import DTYPES
from cnnscope.runtime.device.recording_file import graph_path, read_recording
from cnnscope.runtime.engine.flat import flat_model
from cnnscope.runtime.engine.job import say_nothing
from cnnscope.runtime.engine.reopening import reopened
from cnnscope.runtime.engine.retyping import CODES, retyped
from cnnscope.runtime.profile.recorded_profile import profile_from


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
