"""Which columns do a scan's tables have, of which type, and what does each mean?

The one place that says so: rows are made, written, read back and documented by it. A column that isn't known
of a model is null there (None), never 0. Nothing hangs on the order in which models were read or on the
machine, so that two scans of the same models have equal rows.
"""

from __future__ import annotations

from typing import Final, Literal

from cnnscope.analyzer.values.plain_class import dataclass

#: of both tables; it grows when a column goes, changes its type or its meaning, not when one is added
SCHEMA_VERSION: Final = 1

#: int: 64 bits signed; shape: a list of lengths, null where one is free; counts: a list of {name, count}
Kind = Literal["text", "int", "float", "flag", "texts", "shape", "tensors", "counts"]


@dataclass(frozen=True, slots=True)
class Column:
    """A column of a table.

    Args:
        name: in the table, in the field's words.
        kind: its type; ``tensors`` is a list of {name, dtype, shape}.
        meaning: one line, with the unit.
    """

    name: str
    kind: Kind
    meaning: str


def _metric(name: str, meaning: str) -> tuple[Column, Column]:
    """A total, and how far it is known: what is missing makes it null, never too small."""
    return (
        Column(name, "int", meaning),
        Column(f"{name}_status", "text", f"whether {name} is complete, partial or unavailable"),
    )


# a row a column
# fmt: off
MODEL_COLUMNS: Final[tuple[Column, ...]] = (
    Column("path", "text", "the model's place, without credentials"),
    Column(
        "status",
        "text",
        "ok; partial: some total isn't known, or the model contradicts itself; error: there is no report",
    ),
    Column(
        "error", "text", "one line: why there is no report, or where the model contradicts itself"
    ),
    Column(
        "error_kind",
        "text",
        "unreadable, invalid, limit, timeout, memory, crash or internal; contradiction: there is a report",
    ),
    Column("file_bytes", "int", "bytes of the model's own file"),
    Column(
        "weights",
        "text",
        "where weights lie: inline, external, mixed, missing, unknown or none",
    ),
    Column(
        "graph_digest",
        "text",
        "SHA-256 of the graph: the same with other weights, wherever they lie",
    ),
    Column(
        "from_graph",
        "flag",
        "whether the row follows from that graph; else from numbers of its weights, too",
    ),
    Column("producer", "text", "which exporter wrote it, with its version"),
    Column("ir_version", "int", "version of ONNX's file format"),
    Column("opset", "int", "version of ONNX's own operators"),
    Column("domains", "counts", "other domains' versions, by domain"),
    Column("nodes", "int", "nodes of the main graph"),
    Column("layers", "int", "those that compute something that isn't constant"),
    Column("operators", "counts", "how many layers each operator has"),
    Column("body_operators", "counts", "likewise of layers in subgraphs, such as a loop's body"),
    Column("inputs", "tensors", "the network's inputs, as analysed"),
    Column("outputs", "tensors", "the network's outputs, as analysed"),
    Column(
        "free_dims", "texts", "dimensions that have no length, so that figures may hang on them"
    ),
    Column("batch", "int", "the length that a free batch was taken for; null: none is free"),
    Column(
        "batch_proven",
        "flag",
        "whether what was taken for the batch was shown to be it; null: none was",
    ),
    *_metric("params", "learned numbers"),
    *_metric("buffers", "stored statistics that aren't learned, such as running means"),
    *_metric("constants", "stored shapes, axes, scales and zero points"),
    *_metric("macs", "multiply-accumulates of matrix products"),
    *_metric("float_macs", "of these, on floating-point numbers"),
    *_metric("int_macs", "of these, on integers"),
    *_metric("flops", "all arithmetic; a multiply-accumulate is two"),
    *_metric("weight_bytes", "bytes of what is stored and used"),
    *_metric("peak_activation_bytes", "bytes of tensors alive at the worst moment"),
    *_metric("traffic_bytes", "bytes that layers read and write, each on its own"),
    Column("peak_layer", "text", "the layer at which activations peak"),
    Column(
        "uncounted", "counts", "what is missing in the totals: how many layers of which operator"
    ),
    Column("rf_d", "int", "receptive field along depth of volumes, as rf_h"),
    Column(
        "rf_h",
        "int",
        "receptive field along height: the largest of any layer, along paths that collapse no axis; "
        "null: unknown, or none has such a path",
    ),
    Column("rf_w", "int", "along width"),
    Column("rf_l", "int", "along a sequence"),
    Column("rf_layer", "text", "the last layer of which that is the field along all axes"),
    Column(
        "rf_covers_input", "flag", "whether that field is as large as the input along each axis"
    ),
    Column("rf_global", "flag", "whether some layer sees everything along an axis"),
    Column("quantised", "text", "none, weights, qdq, qoperator or dynamic"),
    Column("weight_dtypes", "counts", "bytes of weights, by dtype"),
    Column("lint_errors", "int", "findings of lint's rules; null: they weren't asked"),
    Column("lint_warnings", "int", "likewise"),
    Column("lint_infos", "int", "likewise"),
    Column("lint_codes", "texts", "which rules found something"),
    Column("diagnostics", "texts", "codes of what was noticed while it was analysed"),
    Column(
        "within_limits",
        "flag",
        "whether all limits are kept; null: none were given, or that can't be said",
    ),
    Column("exceeded", "texts", "the limits that aren't kept, in words"),
    Column("unknown_limits", "texts", "the limits of which that can't be said, in words"),
    Column("request", "text", "digest of what was asked: limits, sizes, rules; null: of no scan"),
    Column("cnnscope_version", "text", "by which version this row was made"),
    Column("schema_version", "int", "of these columns"),
)
# fmt: on
"""One row a model."""

# fmt: off
LAYER_COLUMNS: Final[tuple[Column, ...]] = (
    Column("path", "text", "the model's place, as in the table of models"),
    Column("graph_digest", "text", "the model's, as in the table of models"),
    Column("index", "int", "the layer's position in running order, from 0"),
    Column("name", "text", "its name"),
    Column("module", "text", "the path that people know it by: its module's, where the name is a machine's"),
    Column("op", "text", "its operator; of other domains than ONNX's own with the domain"),
    Column("kind", "text", "what it is, in the field's words"),
    Column("dtype", "text", "of its first output"),
    Column("shape", "shape", "of its first output; null where not even the rank is known"),
    Column("params", "int", "learned numbers that it uses; those of several layers are each layer's"),
    Column("buffers", "int", "stored statistics that it uses"),
    Column("weight_bytes", "int", "bytes of what is stored for it"),
    Column("macs", "int", "multiply-accumulates of matrix products"),
    Column("flops", "int", "all arithmetic; a multiply-accumulate is two"),
    Column("bytes_read", "int", "bytes that it reads, weights too"),
    Column("bytes_written", "int", "bytes that it writes"),
    Column("intensity", "float", "FLOPs for each byte that it reads or writes"),
    Column("rf_d", "int", "receptive field along depth of volumes, as rf_h"),
    Column("rf_h", "int", "receptive field along height, in input elements: all paths"),
    Column("rf_w", "int", "along width"),
    Column("rf_l", "int", "along a sequence"),
    Column("local_d", "int", "the same along depth, as local_h"),
    Column("local_h", "int", "receptive field along height, along paths that collapse no axis"),
    Column("local_w", "int", "along width"),
    Column("local_l", "int", "along a sequence"),
    Column("rf_global", "flag", "whether it sees everything along an axis"),
    Column("schema_version", "int", "of these columns"),
)
# fmt: on
