"""What do all passes together find in a model? The analysis before anything is said of it."""

from __future__ import annotations

import os
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from typing import IO, TYPE_CHECKING

import onnx

from cnnscope.analyzer.fields.batch import Batch, find_batch
from cnnscope.analyzer.fields.fields import Fields
from cnnscope.analyzer.fields.following import find_fields
from cnnscope.analyzer.model.binding import batch_candidates, bind_inputs, show
from cnnscope.analyzer.model.file import ModelFile, open_model
from cnnscope.analyzer.model.given_values import fitted_values
from cnnscope.analyzer.model.graph import Graph
from cnnscope.analyzer.model.graph_reading import read_graph
from cnnscope.analyzer.model.opening import opened, opening_for, read_opening
from cnnscope.analyzer.model.remote import Remote
from cnnscope.analyzer.model.tensors import VALUE_LIMIT
from cnnscope.analyzer.operators.guests import guest_notes
from cnnscope.analyzer.passes.costs import Costs, count_costs
from cnnscope.analyzer.passes.facts import Shapes
from cnnscope.analyzer.passes.memory import Liveness, find_liveness
from cnnscope.analyzer.passes.shapes import infer_shapes
from cnnscope.analyzer.passes.weights import Weights, find_weights
from cnnscope.analyzer.values.collector import collector_resting
from cnnscope.analyzer.values.diagnostics import Diagnostic, GraphError
from cnnscope.analyzer.values.notation import many
from cnnscope.analyzer.values.plain_class import dataclass
from cnnscope.analyzer.values.tensor import Tensor, lengths_to_be_given

if TYPE_CHECKING:
    import numpy as np


Source = str | os.PathLike[str] | bytes | onnx.ModelProto | IO[bytes] | Remote


@dataclass(frozen=True, eq=False)
class Analysis:
    """The results of every pass, for what needs more than a `Report` says (running the model)."""

    file: ModelFile
    graph: Graph
    shapes: Shapes
    costs: Costs
    weights: Weights
    liveness: Liveness
    fields: Fields
    notes: Sequence[Diagnostic]
    batch: Mapping[str, Batch]


@contextmanager
def examining() -> Iterator[None]:
    """Around all that goes through a model: garbage waits meanwhile, and what is too deep is refused.

    Raises:
        GraphError: the model is nested too deeply.
    """
    with collector_resting():
        try:
            yield
        except RecursionError:
            raise GraphError("the model is nested too deeply to be analysed; flatten it") from None


def examine(
    model: Source | ModelFile,
    *,
    shapes: Mapping[str, Sequence[int | None]] | None = None,
    dims: Mapping[str, int] | None = None,
    values: Mapping[str, np.ndarray] | None = None,
    free: Sequence[str] = (),
    keep_fixed: bool = False,
    to_be_given: Collection[str] = (),
) -> Analysis:
    """Every pass over a model, its arguments and errors those of `analyze`; an opened file stays so.

    Args:
        to_be_given: free dimensions that get lengths later, none of which is taken for the batch: what
            is made of them alone is constant, as it is once they have one.
    """
    file = model if isinstance(model, ModelFile) else open_model(model)
    graph = read_graph(file.model)
    shapes, dims = shapes or {}, dims or {}
    told = fitted_values(graph.inputs, values, shapes, VALUE_LIMIT) if values else {}
    if told:
        shapes = {**{name: array.shape for name, array in told.items()}, **shapes}
    taken_otherwise: list[Diagnostic] = []
    if free or (shapes and not keep_fixed):
        graph, taken_otherwise = _opened(graph, free, shapes)

    def bound(taken: Mapping[str, bool]) -> tuple[dict[str, Tensor], list[Diagnostic]]:
        found, notes = bind_inputs(graph.inputs, shapes, dims, taken)
        for name, array in told.items():
            found[name] = replace(
                found[name], shape=array.shape, dtype=found[name].dtype or str(array.dtype)
            ).with_value(array)
        return found, [*taken_otherwise, *notes, *_assumed(told)]

    inputs, notes = bound({})
    guests: list[Diagnostic] = []
    token = guest_notes.set(guests)
    given = lengths_to_be_given.set(False)
    try:
        looks = batch_candidates(graph.inputs, shapes, dims)
        looks = {label: first for label, first in looks.items() if label not in to_be_given}
        batch = find_batch(graph, inputs, looks)
        taken = {label: x.state == "proven" for label, x in batch.items() if x.state != "refuted"}
        if taken:
            inputs, notes = bound(taken)
        lengths_to_be_given.set(bool(to_be_given))
        found = infer_shapes(graph, inputs)
        found.origin.read = file.read
        return Analysis(
            file, graph, found, count_costs(graph, found), find_weights(graph, found),
            find_liveness(graph, found), find_fields(graph, found), (*notes, *guests), batch,
        )  # fmt: skip
    finally:
        lengths_to_be_given.reset(given)
        guest_notes.reset(token)


def _opened(
    graph: Graph, free: Sequence[str], shapes: Mapping[str, Sequence[int | None]]
) -> tuple[Graph, list[Diagnostic]]:
    """The graph with lengths free that its file fixes, where they are asked for or given otherwise."""
    opening = opening_of(graph, free)
    for name, axes in opening_for(graph.inputs, shapes).items():
        for axis, label in axes.items():
            opening.setdefault(name, {}).setdefault(axis, label)
    found = opened(graph, opening)
    return found.graph, [
        Diagnostic("opened-size", "info", None,
                   f"input {name} is {show(graph.inputs[name].shape)} in the file:"
                   f" {many(len(axes), 'axis', 'axes')} opened")
        for name, axes in opening.items()
    ]  # fmt: skip


def opening_of(graph: Graph, free: Sequence[str]) -> dict[str, dict[int, str]]:
    """What texts such as ``HxW`` open of a graph's inputs.

    Raises:
        BindingError: they say nothing of them.
    """
    # An axis in the form input:2 needs no looking for.
    spatial = _spatial_axes(graph) if any(":" not in text for text in free) else {}
    return read_opening(free, graph.inputs, spatial)


def _spatial_axes(graph: Graph) -> dict[str, list[int]]:
    """Of each input the axes that some node looks along."""
    inputs, _ = bind_inputs(graph.inputs, {}, {}, {})
    found: dict[str, list[int]] = {}
    for name, axis in sorted(find_fields(graph, infer_shapes(graph, inputs)).spatial):
        found.setdefault(name, []).append(axis)
    return found


def _assumed(values: Mapping[str, np.ndarray]) -> list[Diagnostic]:
    """Which values were given: everything that hangs on them holds for those only."""
    return [
        Diagnostic("given-value", "info", None,
                   f"input {name} is taken to be {shown_value(array)}: what hangs on it holds for that only")
        for name, array in values.items()
    ]  # fmt: skip


def shown_value(array: np.ndarray) -> str:
    items = [str(item) for item in array.ravel().tolist()[:8]]
    text = ", ".join(items) + (", ..." if array.size > len(items) else "")
    return text if array.size == 1 else f"[{text}]"
