"""What is a process of its own asked to do with a model, and what of it can be sent there?"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from cnnscope.analyzer.values.arguments import (
    checked_arrays,
    checked_count,
    checked_dims,
    checked_shapes,
    checked_text,
    checked_values,
)
from cnnscope.analyzer.values.diagnostics import RunError
from cnnscope.analyzer.values.plain_class import dataclass

if TYPE_CHECKING:
    from typing import IO

    import numpy as np
    import onnx

    from cnnscope.analyzer.report.examination import Analysis
    from cnnscope.analyzer.report.report import Report

    Model = str | os.PathLike[str] | bytes | onnx.ModelProto | IO[bytes] | Report


@dataclass(frozen=True, slots=True)
class ModelJob:
    """What to verify and how; plain data, so that a child process can be sent it.

    Args:
        model: as `verify` takes it.
        shapes: by input name; None stands for the only input.
        dims: lengths of free dimensions.
        provider: ``"auto"``, ``"cpu"``, ``"cuda"``, ...
        inputs: an array, or the path of a ``.npy`` file, by input name.
        seed: of random inputs, weights and probes.
        probes: points of each input to probe; 0 leaves receptive fields out.
        verbose: let ONNX Runtime's own log be seen.
        values: of inputs that sizes hang on, by name, as `analyze` takes them; they are run with, too.
    """

    model: object
    shapes: Mapping[str | None, Sequence[int | None]]
    dims: Mapping[str, int]
    provider: str = "auto"
    inputs: Mapping[str, object] | None = None
    seed: int = 0
    probes: int = 4
    verbose: bool = False
    values: Mapping[str, object] | None = None


def checked_job(
    model: object,
    *,
    shapes: object = None,
    dims: object = None,
    values: object = None,
    provider: object = "auto",
    inputs: object = None,
    seed: object = 0,
    probes: object = 4,
    verbose: bool = False,
) -> ModelJob:
    """The job that a program's arguments ask for.

    Args:
        model, shapes, dims, values, provider, inputs, seed, probes, verbose: as `verify` takes them.

    Raises:
        ArgumentError, BindingError: one isn't what it has to be.
    """
    named: dict[str | None, Sequence[int | None]] = {}
    named.update(checked_shapes(shapes))
    return ModelJob(
        model, named, checked_dims(dims), checked_text(provider, "provider"),
        checked_arrays(inputs), checked_count(seed, "seed"), checked_count(probes, "probes"), verbose,
        checked_values(values),
    )  # fmt: skip


def sendable(request: ModelJob) -> ModelJob:
    """The request with everything in it that a process can be sent."""
    model = request.model
    if isinstance(model, (str, bytes)):
        return request
    if isinstance(model, os.PathLike):
        return replace(request, model=os.fspath(model))
    from cnnscope.analyzer.report.examination import Analysis
    from cnnscope.analyzer.report.report import Report

    if isinstance(model, Report):
        shapes: dict[str | None, Sequence[int | None]] = {
            x.name: checked_lengths(x.shape) for x in model.inputs if x.shape is not None
        }
        shapes.update(request.shapes)
        kept = model._analysis
        path = (
            kept.file.remote or kept.file.path if isinstance(kept, Analysis) else model.model.path
        )
        if path is None:
            raise RunError(
                "a model in memory is verified in a child from the model, not its report"
            )
        return replace(request, model=path, shapes=shapes)
    if hasattr(model, "SerializeToString"):
        return replace(request, model=model.SerializeToString())
    if hasattr(model, "read"):
        return replace(request, model=model.read())
    return request


def checked_lengths(shape: Sequence[object]) -> list[int | None]:
    return [d if isinstance(d, int) else None for d in shape]


def say_nothing(said: str) -> None:
    """Progress that nobody wants to hear of."""


def runtime_version() -> str:
    """ONNX Runtime's."""
    import onnxruntime

    return str(onnxruntime.__version__)


def analysed(request: ModelJob, arrays: Mapping[str, np.ndarray]) -> Analysis:
    """The analysis of what a request is about, inputs bound as the arrays given for them are.

    Raises:
        ModelFileError, GraphError, BindingError: as `analyze`.
        RunError: a report without its model.
    """
    from cnnscope.analyzer.model.binding import named_shapes
    from cnnscope.analyzer.model.file import ModelFile
    from cnnscope.analyzer.report.examination import Analysis, examine
    from cnnscope.analyzer.report.report import Report

    model = request.model
    if isinstance(model, Report):
        if not isinstance(model._analysis, Analysis):
            raise RunError("the report has lost its model: verify the model itself")
        if not (request.shapes or request.dims or request.values or arrays):
            return model._analysis
        file = model._analysis.file
        model = file.remote or (file.model if file.path is None else file.path)
    named = model.model if isinstance(model, ModelFile) else model
    shapes = named_shapes(named, request.shapes, "--shape")  # type: ignore[arg-type]
    for name, array in arrays.items():
        shapes.setdefault(name, array.shape)
    told = checked_values(request.values)
    return examine(model, shapes=shapes, dims=request.dims, values=told)  # type: ignore[arg-type]
