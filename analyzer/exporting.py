"""How do a model's figures get to where people already look? ``export()`` and ``annotate()``.

``export`` gives the text of a file for another program; ``annotate`` copies the model with its figures noted
in it, where every viewer of ONNX shows them.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

from cnnscope.analyzer.analysis import analyze
from cnnscope.analyzer.model.annotating import annotated
from cnnscope.analyzer.model.rewriting import check_place
from cnnscope.analyzer.model.whole_file import written_whole
from cnnscope.analyzer.render.viewers.exported import Wish
from cnnscope.analyzer.render.viewing import view
from cnnscope.analyzer.report.examination import Source
from cnnscope.analyzer.report.file_nodes import analysis_of, file_nodes
from cnnscope.analyzer.report.report import Report
from cnnscope.analyzer.report.total_facts import total_facts
from cnnscope.analyzer.values.arguments import checked_count, checked_text

_PREFIX: Final = "cnnscope."
"""What the names of our notes in a model begin with."""


def export(
    model: Source | Report,
    form: str,
    *,
    color: str | None = None,
    depth: int | None = None,
    shapes: Mapping[str, Sequence[int | None]] | None = None,
    dims: Mapping[str, int] | None = None,
    values: Mapping[str, object] | None = None,
) -> str:
    """What cnnscope knows of a model, as the text of a file for another program.

    Args:
        model: what `analyze` takes, or a report that it gave.
        form: ``"netron"`` (its attachment), ``"model-explorer"`` (its node data), ``"dot"``, ``"graphml"``,
            ``"mermaid"``, ``"model-card"`` (Hugging Face's), or ``"cyclonedx"`` (a bill of materials).
        color: of drawings and node data, the metric that nodes are coloured by: ``"macs"``, ``"flops"``,
            ``"params"``, ``"weight_bytes"``, ``"bytes_read"``, ``"bytes_written"``, ``"traffic_bytes"`` or
            ``"rf"``.
        depth: of drawings, so many steps below the path that all layers share, a module is one node.
        shapes, dims, values: for a model, as `analyze` takes them.

    Raises:
        ValueError: there is no such form or metric, or it takes no such wish; or the form asks for the
            model's file and the report was read back from data.
        ModelFileError, GraphError, BindingError: as `analyze`.

    >>> import cnnscope
    >>> print(cnnscope.export("sample_models/lenet5.onnx", "mermaid", depth=1)[:41])
    flowchart TD
      n0(["input<br>1x1x32x32"])
    """
    form = checked_text(form, "form")
    wish = Wish(
        None if color is None else checked_text(color, "color"),
        None if depth is None else checked_count(depth, "depth", 1),
    )
    return view(_reported(model, shapes, dims, values), form, wish).text


def annotate(
    model: Source | Report,
    output: str | os.PathLike[str],
    *,
    shapes: Mapping[str, Sequence[int | None]] | None = None,
    dims: Mapping[str, int] | None = None,
    values: Mapping[str, object] | None = None,
) -> None:
    """Copy a model with its figures noted in it, as ``metadata_props`` of the model and of its nodes.

    Every other byte is as it was. The weights are copied, never loaded; data beside the file stays where it
    is, so that the copy has to lie there, too. Notes of an earlier time are replaced.

    Args:
        model: a path or a model's bytes, or a report of one.
        output: the file to write, wholly or not at all.
        shapes, dims, values: for a model, as `analyze` takes them.

    Raises:
        ValueError: the report was read back from data, and knows no file.
        ModelFileError: the model isn't in ONNX's binary form; the output is the model itself, or lies where
            its weights aren't found; or with its notes it would exceed protobuf's 2 GB.
        OSError: the output can't be written.
        GraphError, BindingError: as `analyze`.

    >>> import tempfile, onnx, cnnscope
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     cnnscope.annotate("sample_models/lenet5.onnx", f"{folder}/noted.onnx")
    ...     noted = onnx.load(f"{folder}/noted.onnx", load_external_data=False)
    >>> {x.key: x.value for x in noted.graph.node[0].metadata_props}["cnnscope.macs"]
    '117600'
    """
    report, place = _reported(model, shapes, dims, values), Path(output)
    file = analysis_of(report).file
    check_place(file, place)
    notes = {
        (x.written.place.within, x.written.place.at): _named(x.facts) for x in file_nodes(report)
    }
    with written_whole(place) as copy:
        copy.writelines(annotated(file, _named(total_facts(report)), notes, _PREFIX))


def _reported(
    model: Source | Report,
    shapes: Mapping[str, Sequence[int | None]] | None,
    dims: Mapping[str, int] | None,
    values: Mapping[str, object] | None,
) -> Report:
    if isinstance(model, Report):
        return model
    return analyze(model, shapes=shapes, dims=dims, values=values)


def _named(facts: Mapping[str, int | float | str]) -> dict[str, str]:
    return {f"{_PREFIX}{key}": str(value) for key, value in facts.items()}
