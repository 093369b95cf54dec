"""What was analyze asked to show, and does that contradict itself?"""

from __future__ import annotations

import contextlib
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING

from cnnscope.analyzer.values.plain_class import dataclass
from cnnscope.runtime.commands.asked import By, GivenShapes, GivenValues, check_rows_asked
from cnnscope.runtime.commands.messages import Misuse
from cnnscope.runtime.commands.reading import ask_for_runtime
from cnnscope.runtime.commands.texts import choice_of
from cnnscope.runtime.commands.usual import usual_settings
from cnnscope.runtime.commands.writing import check_output

if TYPE_CHECKING:
    from cnnscope.analyzer.render.subjects.selection import Selection
    from cnnscope.analyzer.report.group import By as GroupedBy


@dataclass(frozen=True)
class Analyzing:
    """What `cnnscope analyze` was asked for."""

    models: list[str]
    shapes: GivenShapes
    dims: dict[str, int]
    values: GivenValues
    columns: tuple[str, ...] | None
    sort: str | None
    top: int | None
    by: By | None
    depth: int | None
    convention: str | None
    compare: bool
    format: str
    output: Path | None
    tensors: bool
    strict: bool
    run: bool
    layers: tuple[str, ...] = ()
    only: tuple[str, ...] = ()
    until: Fraction | None = None
    free: tuple[str, ...] = ()


def check_request(request: Analyzing) -> None:
    """Whatever can be said against the request before any work is done."""
    from cnnscope.analyzer.render.subjects.selection import check_selection

    rows = {
        "--columns": request.columns, "--sort": request.sort, "--top": request.top,
        "--by": request.by, "--until": request.until, "--layer": request.layers or None,
        "--only": request.only or None,
    }  # fmt: skip
    if request.free and request.run:
        raise Misuse("--free doesn't go with --run: what is run has a size")
    check_rows_asked(request.format, request.by, request.depth, rows)
    if request.tensors and request.format != "json":
        raise Misuse("--tensors goes with --format json")
    if request.run and request.compare:
        raise Misuse("--run is about layers: it doesn't go with --compare")
    if request.compare:
        if len(request.models) < 2:
            raise Misuse("--compare needs more than one model")
        others = {"--tensors": request.tensors or None, "--convention": request.convention}
        for option, value in {**rows, **others}.items():
            if value is not None:
                raise Misuse(f"{option} is about layers: --compare shows totals only")
    if request.columns == ():
        raise Misuse("--columns names no column")
    try:
        if request.until is not None and request.sort is None:
            raise ValueError("--until goes with --sort: --sort macs --until 80%")
        check_selection(selection_of(request), run=request.run)
    except ValueError as error:
        raise Misuse(str(error)) from None
    check_output(request.output, request.models)
    if request.run:
        ask_for_runtime()


def with_usual_columns(request: Analyzing) -> Analyzing:
    """With the columns that the configuration names, where none are given and layers are shown."""
    if request.columns is not None or request.by is not None:
        return request
    settings = None if request.compare or request.format == "json" else usual_settings()
    if settings is None or not settings.defaults.columns:
        return request
    from cnnscope.analyzer.render.subjects.selection import Selection, check_selection
    from cnnscope.analyzer.render.subjects.shares import SHARES

    def check(*columns: str) -> None:
        shown = Selection(columns, request.sort, convention=request.convention)
        check_selection(shown, run=request.run)

    kept = []
    for i, column in enumerate(settings.defaults.columns):
        try:
            check(column)
        except ValueError as error:
            try:  # there may be one with another option
                check_selection(Selection((column,), "macs", convention="core"), run=True)
            except ValueError:
                where = settings.where("defaults", "columns", i)
                raise Misuse(f"{where}: {error}") from None
        else:
            kept.append(column)
    with contextlib.suppress(ValueError):  # whoever sorts by what adds up is shown the shares
        check(*kept, *SHARES)
        wanted = [*([request.sort] if request.sort else ()), *SHARES]
        kept += [column for column in wanted if column not in kept]
    return replace(request, columns=tuple(kept) or None)


def selection_of(request: Analyzing) -> Selection:
    """Which rows and columns are asked for."""
    from cnnscope.analyzer.render.subjects.selection import Selection

    by: GroupedBy | None = None if request.by is None else request.by.value
    choice = choice_of(request.layers, request.only, run=request.run)
    return Selection(
        request.columns, request.sort, request.top, by, request.depth, request.convention,
        choice, request.until,
    )  # fmt: skip
