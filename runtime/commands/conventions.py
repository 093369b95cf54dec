"""The command conventions: what other counters would print."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Annotated

from cnnscope.analyzer.render.formats import Result
from cnnscope.runtime.commands.asked import (
    DimOption,
    GivenShapes,
    GivenValues,
    Output,
    ShapeOption,
    ValueOption,
    Written,
)
from cnnscope.runtime.commands.declared import argument
from cnnscope.runtime.commands.messages import BAD, FINE, Misuse, complain_of_errors, progress
from cnnscope.runtime.commands.output import emit
from cnnscope.runtime.commands.reading import read_report
from cnnscope.runtime.commands.sources import name_of, source_of
from cnnscope.runtime.commands.texts import lengths_of, shapes_of, values_of
from cnnscope.runtime.commands.writing import check_output


def show_conventions(
    model: str | None,
    shapes: GivenShapes,
    dims: dict[str, int],
    values: GivenValues,
    format: str,  # noqa: A002
    output: Path | None,
) -> int:
    from cnnscope.analyzer.counters.side_by_side import conventions as counted
    from cnnscope.analyzer.render.forms.json import rows_of

    check_output(output, [] if model is None else [model])
    if model is None:
        if shapes or dims or values:
            raise Misuse("--shape, --dim and --value go with a model")
        from cnnscope.analyzer.render.subjects.conventions import document as listed

        found = listed(counted())
        result = Result(lambda: [found], lambda: rows_of(found), rows=True)
        emit(result, format, output)
        return FINE
    source = source_of(model)
    with progress(name_of(source)):
        report = read_report(source, shapes, dims, values)
    if report is None:
        return BAD
    complain_of_errors(report)
    from cnnscope.analyzer.render.subjects.convention_figures import document

    figures = counted(report)
    emit(Result(lambda: [document(figures)], figures.to_dict, rows=True), format, output)
    return FINE


EPILOG = """\b
Example: cnnscope conventions model.onnx
         cnnscope conventions"""


def conventions(
    model: Annotated[
        str | None,
        argument(metavar="MODEL", help="An ONNX file; without one: who counts what."),
    ] = None,
    shape: ShapeOption = None,
    dim: DimOption = None,
    value: ValueOption = None,
    format: Written = "table",  # noqa: A002
    output: Output = None,
) -> Callable[[], int]:
    """What fvcore, thop, ptflops and others would print for it.

    And what each of them counts. Without a model: who counts what.
    """
    return lambda: show_conventions(
        model, shapes_of(shape), lengths_of(dim), values_of(value), format, output
    )
