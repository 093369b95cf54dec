"""What does a scan say of one model? Its row, from one analysis, or one that says why there is none.

A row is plain data, a value for each of `MODEL_COLUMNS`: None for what isn't known. It doesn't hang on the
machine, nor on when and in which order models are read.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Final, NamedTuple

from cnnscope.analyzer.fleet.columns import MODEL_COLUMNS, SCHEMA_VERSION
from cnnscope.analyzer.fleet.field_columns import field_columns
from cnnscope.analyzer.fleet.graph_digest import Identity, follows_from_graph, graph_identity
from cnnscope.analyzer.fleet.layer_rows import layer_rows
from cnnscope.analyzer.fleet.quantised_columns import quantised_columns
from cnnscope.analyzer.fleet.row_request import RowRequest
from cnnscope.analyzer.fleet.row_values import TEXT_LIMIT, plain_text
from cnnscope.analyzer.fleet.total_columns import origin_columns, total_columns
from cnnscope.analyzer.fleet.verdict_columns import limit_columns, lint_columns
from cnnscope.analyzer.model.binding import free_labels
from cnnscope.analyzer.model.file import ModelFile, asked_numbers
from cnnscope.analyzer.model.remote_names import shown_place, without_secrets
from cnnscope.analyzer.model.tensors import declared_tensor
from cnnscope.analyzer.report.examination import Analysis, examine, examining
from cnnscope.analyzer.report.gathering import report_of
from cnnscope.analyzer.report.report import Report
from cnnscope.analyzer.values.diagnostics import one_line
from cnnscope.analyzer.values.package_version import installed_version

#: what is said of the file around a graph, not of the graph
_OF_THE_FILE: Final = frozenset({"weights-missing", "read-whole"})


def model_row(file: ModelFile, path: str, request: RowRequest) -> dict[str, object]:
    """A model's row; arguments and errors as for `scanned_model`."""
    return scanned_model(file, path, replace(request, layers=False))[0]


def scanned_model(
    file: ModelFile, path: str, request: RowRequest
) -> tuple[dict[str, object], Iterable[dict[str, object]]]:
    """A model's row and, where they are asked for, its layers'.

    Args:
        file: the model.
        path: its place.
        request: what is asked of it.

    Raises:
        CnnscopeError: it can't be analysed.
    """
    identity = graph_identity(file)
    asked: set[str] = set()
    token = asked_numbers.set(asked)
    try:
        with examining():
            analysis, batch = _bound(file, request)
            report = report_of(analysis)
            row = _row(report, batch, identity, request)
            # Made at once: what a layer is may hang on numbers, too.
            layers = list(layer_rows(report, "", identity.digest)) if request.layers else []
    finally:
        asked_numbers.reset(token)
    row["from_graph"] = follows_from_graph(analysis, identity, asked)
    row = row_for(row, file, path)
    return row, [{**layer, "path": row["path"]} for layer in layers]


def failed_row(path: str, kind: str, said: str) -> dict[str, object]:
    """The row of a model of which there is no report.

    Args:
        path: its place.
        kind: a word of the column ``error_kind``.
        said: why.
    """
    row = _empty()
    row["path"] = plain_text(shown_place(path), None)
    row["status"], row["error_kind"] = "error", kind
    row["error"] = one_line(without_secrets(said, path), TEXT_LIMIT)
    return row


def row_for(row: Mapping[str, object], file: ModelFile, path: str) -> dict[str, object]:
    """A row as that of another file with the same graph.

    Args:
        row: of a model for which `shareable` holds.
        file: the other model.
        path: its place.
    """
    noted = {x for x in _texts(row["diagnostics"]) if x not in _OF_THE_FILE}
    if file.missing:
        noted.add("weights-missing")
    if file.notes:
        noted.add("read-whole")
    return {
        **row,
        "path": plain_text(shown_place(path), None),
        "file_bytes": file.file_bytes,
        "weights": file.weights,
        "diagnostics": sorted(noted),
    }


def shareable(row: Mapping[str, object]) -> bool:
    """Does a row hold for every file with its graph? `row_for` makes it that file's.

    Not where the analysis read numbers of stored tensors, such as the places that a table of indices names.
    """
    return row["status"] != "error" and row["from_graph"] is True


def _texts(value: object) -> list[str]:
    return [str(x) for x in value] if isinstance(value, (list, tuple)) else []


def _empty() -> dict[str, object]:
    row: dict[str, object] = {column.name: None for column in MODEL_COLUMNS}
    row["cnnscope_version"], row["schema_version"] = installed_version(), SCHEMA_VERSION
    return row


class _Bound(NamedTuple):
    """An analysis at the sizes that are asked for.

    Args:
        analysis: the model's.
        batch: of the free dimensions that were taken for the batch, whether each was shown to be it.
    """

    analysis: Analysis
    batch: Mapping[str, bool]


def _bound(file: ModelFile, request: RowRequest) -> _Bound:
    dims = dict(request.dims)
    if dims:
        graph = file.model.graph
        stored = {x.name for x in graph.initializer}
        inputs = {x.name: declared_tensor(x.type) for x in graph.input if x.name not in stored}
        own = {*free_labels(inputs)}
        dims = {name: length for name, length in dims.items() if name in own}
    found = examine(file, dims=dims)
    batch = {label: x.state == "proven" for label, x in found.batch.items() if x.state != "refuted"}
    if batch and request.batch not in (None, 1):
        found = examine(file, dims={**dims, **dict.fromkeys(batch, request.batch)})
    return _Bound(found, batch)


def _row(
    report: Report, batch: Mapping[str, bool], identity: Identity, request: RowRequest
) -> dict[str, object]:
    analysis = report._analysis
    assert isinstance(analysis, Analysis)
    row = _empty() | {"graph_digest": identity.digest}
    row |= origin_columns(report) | total_columns(report) | field_columns(analysis)
    row |= quantised_columns(analysis)
    if batch:
        row["batch"] = 1 if request.batch is None else request.batch
        row["batch_proven"] = all(batch.values())
    if request.limits:
        row |= limit_columns(report, request.limits)
    if request.lint:
        row |= lint_columns(report)
    row["status"] = "ok" if report.complete else "partial"
    if report.errors:
        first = report.errors[0]
        said = first.message if first.layer is None else f"{first.layer}: {first.message}"
        row["error"], row["error_kind"] = one_line(said, TEXT_LIMIT), "contradiction"
    return row
