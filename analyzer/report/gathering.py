"""How does an analysis become a report: layers, totals, notes?"""

from __future__ import annotations

from dataclasses import replace

import onnx

from cnnscope.analyzer.model.file import ModelFile
from cnnscope.analyzer.model.graph import Graph
from cnnscope.analyzer.passes.costs import count_folded
from cnnscope.analyzer.passes.facts import Shapes
from cnnscope.analyzer.passes.weights import Weights
from cnnscope.analyzer.report.examination import Analysis
from cnnscope.analyzer.report.layer_facts import layers_on_demand
from cnnscope.analyzer.report.layers import Layers, LayersOnDemand
from cnnscope.analyzer.report.metric import FREE, Metric, Totals
from cnnscope.analyzer.report.model_info import ModelInfo
from cnnscope.analyzer.report.network import whole_network
from cnnscope.analyzer.report.network_input import Input
from cnnscope.analyzer.report.report import Report
from cnnscope.analyzer.report.shared_facts import SharedFacts
from cnnscope.analyzer.report.sums import alike, sum_alike_traffic, sum_alike_work, sum_work
from cnnscope.analyzer.values.diagnostics import Diagnostic
from cnnscope.analyzer.values.tensor import Tensor


def report_of(analysis: Analysis) -> Report:
    file, graph, found, weights = analysis.file, analysis.graph, analysis.shapes, analysis.weights
    shared = SharedFacts(graph, found, analysis.costs, weights, analysis.fields)
    layers = layers_on_demand(shared)
    notes = [
        *analysis.notes, *_branches(layers), *found.diagnostics, *analysis.costs.diagnostics,
        *analysis.fields.diagnostics, *_notes(file, weights),
    ]  # fmt: skip
    return Report(
        model=_model_info(file, graph, found),
        inputs=tuple(Input(n, found.tensors[n], graph.inputs[n]) for n in graph.inputs),
        outputs=tuple(
            Input(n, found.tensors[n], graph.declared.get(n, Tensor())) for n in graph.outputs
        ),
        layers=Layers(layers),
        totals=_totals(analysis),
        diagnostics=tuple(dict.fromkeys(notes)),
        tensors={
            name: found.tensors[name]
            for name in (*graph.inputs, *(o for n in graph.nodes for o in n.outputs if o))
        },
        batch={
            label: x.state == "proven"
            for label, x in analysis.batch.items()
            if x.state != "refuted"
        },
        _graph=whole_network,
        _analysis=analysis,
    )


def _model_info(file: ModelFile, graph: Graph, shapes: Shapes) -> ModelInfo:
    proto = file.model
    producer = f"{proto.producer_name} {proto.producer_version}".strip()
    folded = sum(1 for node in graph.nodes if shapes.folded(node))
    return ModelInfo(
        file.name, producer, int(proto.ir_version), dict(graph.opsets), file.file_bytes,
        file.weights, len(graph.nodes), folded,
    )  # fmt: skip


def _notes(file: ModelFile, weights: Weights) -> list[Diagnostic]:
    notes = [Diagnostic("read-whole", "warning", None, said) for said in file.notes]
    known = onnx.defs.onnx_opset_version()
    versions = [
        *file.model.opset_import,
        *(v for f in file.model.functions for v in f.opset_import),
    ]
    newest = max((v.version for v in versions if v.domain in ("", "ai.onnx")), default=0)
    if newest > known:
        notes.append(
            Diagnostic("newer-opset", "warning", None,
                       f"the model is written for opset {newest}; onnx {onnx.__version__}, which is "
                       f"installed, knows {known}: operators are taken as they were then",
                       "a newer onnx may know what has changed")
        )  # fmt: skip
    if file.missing:
        shown = ", ".join(file.missing[:3]) + (", ..." if len(file.missing) > 3 else "")
        notes.append(
            Diagnostic("weights-missing", "info", None,
                       f"external data isn't there, or too short ({shown}): every figure here "
                       "is known without it")
        )  # fmt: skip
    if weights.unused:
        names = ", ".join(name for name, _ in weights.unused[:3])
        more = ", ..." if len(weights.unused) > 3 else ""
        notes.append(
            Diagnostic("unused-weights", "info", None,
                       f"{len(weights.unused)} stored tensors are read by nothing and not counted: "
                       f"{names}{more}", "removing them makes the file smaller")
        )  # fmt: skip
    return notes


def _branches(layers: LayersOnDemand) -> list[Diagnostic]:
    """Where one of several subgraphs runs: what each would cost."""
    notes = []
    for layer in [layers[i] for i, node in enumerate(layers.nodes) if len(node.bodies) > 1]:
        if len(layer.bodies) < 2:  # one of them can't run
            continue
        costs = []
        for name, body in layer.bodies.items():
            macs = sum_work(body, "macs")
            known = f"{macs.known} MACs" if macs.known is not None else "MACs not known"
            costs.append(f"{name} {'at least ' if macs.status == 'partial' else ''}{known}")
        notes.append(
            Diagnostic("branches", "info", layer.name,
                       f"{layer.op} runs one of its subgraphs: {', '.join(costs)}",
                       "the larger one is in the total")
        )  # fmt: skip
    return notes


def _totals(analysis: Analysis) -> Totals:
    graph, weights, liveness = analysis.graph, analysis.weights, analysis.liveness
    found = analysis.costs.nodes
    costs = alike((found[node.index], node.title) for node in graph.nodes if node.index in found)
    folded = count_folded(graph, analysis.shapes)
    folded_work = folded.work
    # A constant made by the graph whose size isn't known may be of any role.
    uncounted = {"constant of unknown size": len(weights.uncounted)} if weights.uncounted else {}

    def elements(role: str) -> Metric:
        return Metric.of(sum(w.elements for w in weights.used if w.role == role), uncounted)

    unsized = {"constant of unknown bytes": len(weights.unsized)} if weights.unsized else {}
    where = liveness.node
    return Totals(
        params=elements("parameter"),
        buffers=elements("buffer"),
        constants=elements("constant"),
        macs=sum_alike_work(costs, "macs"),
        float_macs=sum_alike_work(costs, "float_macs"),
        int_macs=sum_alike_work(costs, "int_macs"),
        flops=sum_alike_work(costs, "flops"),
        folded_macs=Metric.of(folded_work.macs, folded.uncounted),
        folded_flops=Metric.of(folded_work.flops, folded.uncounted),
        weight_bytes=Metric.of(sum(w.nbytes for w in weights.used), unsized),
        peak_activation_bytes=replace(
            Metric.of(
                None if liveness.free else liveness.peak,
                {f"{FREE}{name}": 1 for name in sorted(liveness.free)} | {**liveness.unsized},
            ),
            formula=liveness.formula,
            upper=liveness.upper,
            moments=liveness.largest,
        ),
        traffic_bytes=sum_alike_traffic(costs),
        peak_layer=None if where is None or liveness.free else graph.nodes[where].name,
    )
