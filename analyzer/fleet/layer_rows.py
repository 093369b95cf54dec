"""What does a scan say of each layer of a model?"""

from __future__ import annotations

from collections.abc import Iterator

from cnnscope.analyzer.fleet.columns import SCHEMA_VERSION
from cnnscope.analyzer.fleet.field_columns import field_axes
from cnnscope.analyzer.fleet.row_values import plain_integer, plain_lengths, plain_text
from cnnscope.analyzer.report.examination import Analysis
from cnnscope.analyzer.report.layer import Layer
from cnnscope.analyzer.report.receptive_field import plain_number
from cnnscope.analyzer.report.report import Report


def layer_rows(report: Report, path: str, graph_digest: str) -> Iterator[dict[str, object]]:
    """A row a layer of the main graph, in running order, each made when it is asked for.

    Args:
        report: of the model.
        path: the model's place, without credentials.
        graph_digest: the model's.
    """
    analysis = report._analysis
    assert isinstance(analysis, Analysis)
    axes = field_axes(analysis)
    for layer in report.layers:
        row: dict[str, object] = {"path": path, "graph_digest": graph_digest}
        row |= _facts(layer)
        fields = {(x.input, x.axis): x for x in layer.receptive_field}
        named = {letter: fields.get(axis) for axis, letter in axes.items()}
        for what in ("size", "local_size"):
            for letter in "dhwl":
                found = named.get(letter)
                size = None if found is None else getattr(found, what)
                row[f"{'rf' if what == 'size' else 'local'}_{letter}"] = plain_integer(size)
        row["rf_global"] = any(x.global_ for x in fields.values())
        row["schema_version"] = SCHEMA_VERSION
        yield row


def _facts(layer: Layer) -> dict[str, object]:
    return {
        "index": layer.index,
        "name": plain_text(str(layer.name)),
        "module": plain_text(layer.path),
        "op": plain_text(layer.op),
        "kind": layer.kind.label,
        "dtype": layer.outputs[0].dtype if layer.outputs else None,
        "shape": plain_lengths(layer.output_shape),
        "params": plain_integer(layer.params),
        "buffers": plain_integer(layer.buffers),
        "weight_bytes": plain_integer(layer.weight_bytes),
        "macs": plain_integer(layer.macs),
        "flops": plain_integer(layer.flops),
        "bytes_read": plain_integer(plain_number(layer.bytes_read)),
        "bytes_written": plain_integer(plain_number(layer.bytes_written)),
        "intensity": layer.intensity,
    }
