"""From a model to the same with its first stage run patch by patch: read, planned, looked at, written."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import onnx

from cnnscope.analyzer.model.file import open_model
from cnnscope.analyzer.model.graph import quoted
from cnnscope.analyzer.model.rewriting import check_place, with_nodes, write_with_nodes
from cnnscope.analyzer.report.examination import Analysis, Source, examine
from cnnscope.analyzer.report.gathering import report_of
from cnnscope.analyzer.report.meant_layers import meant_layers
from cnnscope.analyzer.sizes.patch_memory import Footprint, footprint_of
from cnnscope.analyzer.sizes.patch_nodes import nodes_of
from cnnscope.analyzer.sizes.patch_planning import Planner, StagePlan
from cnnscope.analyzer.sizes.patch_regions import StageObstacle
from cnnscope.analyzer.sizes.patchwise import FirstStage, Patchwise, Peak, StageLimit
from cnnscope.analyzer.sizes.sharing import CONVENTIONS, IN_PLACE
from cnnscope.analyzer.values.diagnostics import ArgumentError, BindingError, GraphError


def patchwise_of(
    model: Source, output: Path | None, until: str | None, patches: Sequence[int],
    dims: Mapping[str, int], shapes: Mapping[str, Sequence[int | None]],
) -> Patchwise:  # fmt: skip
    """A model with its first stage run patch by patch; arguments and errors as `cnnscope.patchwise`."""
    if isinstance(model, onnx.ModelProto):
        model = model.SerializeToString()
    file = open_model(model)
    if output is not None:
        check_place(file, output)
    analysis = examine(file, shapes=shapes, dims=dims)
    footprint = _known(analysis)
    planner = Planner(footprint, analysis.fields, tuple(patches))
    plan = planner.best() if until is None else _until(analysis, planner, until)
    obstacle = planner.obstacle
    limit = None if obstacle is None else StageLimit(obstacle.node.path, obstacle.why)
    inputs = {name: tuple(_numbers(analysis, name)) for name in analysis.graph.inputs}
    if plan is None:
        return Patchwise(file.path, inputs, None, limit=limit, why=_why(footprint, planner))
    new = nodes_of(analysis, plan)
    again = examine(replace(file, model=with_nodes(file.model, new)))
    _demand_same(analysis, again, plan)
    if output is not None:
        write_with_nodes(file, new, output)
    return Patchwise(
        file.path,
        inputs,
        _stage(analysis, plan),
        _peaks(footprint, planner, plan),
        _macs(analysis, again),
        limit,
        output=None if output is None else os.fspath(output),
    )


def _stage(analysis: Analysis, plan: StagePlan) -> FirstStage:
    stage = plan.stage
    return FirstStage(
        stage.nodes[-1].path,
        stage.last,
        tuple(_numbers(analysis, stage.last)),
        len(stage.nodes),
        dict(zip(stage.axes, stage.counts, strict=True)),
    )


def _peaks(footprint: Footprint, planner: Planner, plan: StagePlan) -> tuple[Peak, ...]:
    before = footprint.peaks([footprint.step(node) for node in planner.running()], {})
    after = footprint.peaks(plan.steps, plan.sizes)
    return tuple(Peak(c.name, c.said, before[c.name], after[c.name]) for c in CONVENTIONS)


def _known(analysis: Analysis) -> Footprint:
    found = footprint_of(analysis.graph, analysis.shapes, {})
    if found is None:
        free = sorted(analysis.liveness.free)
        if free:
            raise BindingError(
                f"patches are of one size: give the length of {', '.join(free)}, with --dim or --shape"
            )
        unsized = ", ".join(sorted(analysis.liveness.unsized)) or "a tensor"
        raise GraphError(f"the size of what {unsized} gives isn't known, and with it the peak")
    return found


def _numbers(analysis: Analysis, name: str) -> list[int]:
    return [n for n in analysis.shapes.tensors[name].shape or () if isinstance(n, int)]


def _until(analysis: Analysis, planner: Planner, until: str) -> StagePlan:
    """The plan of the stage that ends with a layer that was named."""
    try:
        name = meant_layers(report_of(analysis).layers, until)[-1].name
    except KeyError as error:
        raise ArgumentError(str(error.args[0])) from None
    ends = {node.name: (node, tensor) for node, tensor in planner.ends()}
    if name not in ends:
        raise ArgumentError(
            f"no stage can end with {quoted(until)}: what comes behind it reads other maps, too, or"
            " another one"
        )
    stage = planner.stage(*ends[name])
    if stage is None:
        raise ArgumentError(
            f"what {quoted(until)} gives can't be cut into {'x'.join(map(str, planner.patches))} patches"
        )
    try:
        return planner.plan(stage)
    except StageObstacle as obstacle:
        raise GraphError(
            f"no stage reaches beyond {quoted(obstacle.node.name)} ({obstacle.node.title}): it {obstacle.why}"
        ) from None


def _why(footprint: Footprint, planner: Planner) -> str:
    """Why there is no stage."""
    obstacle = planner.obstacle
    if obstacle is not None:
        title = obstacle.node.title
        return f"no stage reaches beyond {obstacle.node.path} ({title}): it {obstacle.why}"
    nodes = planner.running()
    alive = footprint.alive([footprint.step(node) for node in nodes], {}, IN_PLACE)
    if not nodes:
        return "no layer runs"
    most = nodes[alive.index(max(alive))]
    return f"no stage lowers the peak by 5 % or more: it is reached at {most.path} ({most.title})"


def _demand_same(analysis: Analysis, again: Analysis, plan: StagePlan) -> None:
    """What is written has the shapes that the model has: a layer that says its own size would show."""
    for name in (plan.stage.last, *analysis.graph.outputs):
        one, other = analysis.shapes.tensors[name], again.shapes.tensors.get(name)
        if other is None or (one.shape, one.dtype) != (other.shape, other.dtype):
            raise GraphError(
                f"tensor {quoted(name)} would have another shape patch by patch: some layer of the stage says"
                " its own size"
            )


def _macs(analysis: Analysis, again: Analysis) -> tuple[int, int] | None:
    before, after = analysis.costs.work.macs, again.costs.work.macs
    if isinstance(before, int) and isinstance(after, int):
        return before, after
    return None
