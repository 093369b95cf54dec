"""What does `cnnscope analyze` say of a model at many sizes: its costs at each, or between which they lie?"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from cnnscope.analyzer.render.formats import Result
from cnnscope.analyzer.values.length_texts import Between
from cnnscope.analyzer.values.plain_class import dataclass
from cnnscope.runtime.commands.messages import BAD, FINE, Misuse, blame, progress
from cnnscope.runtime.commands.output import emit
from cnnscope.runtime.commands.sources import name_of, source_of
from cnnscope.runtime.commands.texts import choice_of, swept_of
from cnnscope.runtime.commands.writing import check_output


@dataclass(frozen=True)
class Sweeping:
    """What `cnnscope analyze` was asked for, of many sizes."""

    models: Sequence[str]
    dims: Sequence[str]
    free: tuple[str, ...]
    layers: tuple[str, ...]
    format: str
    output: Path | None


def sweep_model(request: Sweeping, others: Mapping[str, object]) -> int:
    """Show the costs of a model at many sizes.

    Args:
        request: what is wanted.
        others: what doesn't go with it, by the option's name.
    """
    from cnnscope.analyzer.render.subjects.sweep import document
    from cnnscope.analyzer.sizing import sweep
    from cnnscope.analyzer.values.diagnostics import CnnscopeError

    for name, value in others.items():
        if value:
            raise Misuse(f"{name} doesn't go with several lengths of a dimension (--dim)")
    if len(request.models) > 1:
        raise Misuse("several lengths of a dimension (--dim) are taken of one model at a time")
    check_output(request.output, request.models)
    dims: dict[str | tuple[str, ...], int | range | Sequence[int]] = {}
    between = False
    for key, given in swept_of(request.dims).items():
        if isinstance(given, Between):
            between = True
            dims[key] = given.each
        else:
            dims[key] = given
    if between:
        return _show_intervals(request, dims)
    choice = choice_of(request.layers, ()) if request.layers else None
    source = source_of(request.models[0])
    try:
        with progress(name_of(source)):
            found = sweep(source, dims, free=request.free)
            if choice is not None:
                found = replace(found, choice=choice)
        emit(
            Result(lambda: [document(found)], found.to_dict, rows=True),
            request.format,
            request.output,
        )
    except CnnscopeError as error:
        blame(name_of(source), error)
        return BAD
    except ValueError as error:  # no such layers
        blame(name_of(source), str(error))
        return BAD
    return FINE


def _show_intervals(
    request: Sweeping, dims: Mapping[str | tuple[str, ...], int | range | Sequence[int]]
) -> int:
    """Show between which figures the costs lie."""
    from cnnscope.analyzer.render.subjects.intervals import document
    from cnnscope.analyzer.sizing import intervals
    from cnnscope.analyzer.values.diagnostics import CnnscopeError

    if request.layers:
        raise Misuse(
            "--layer doesn't go with a range of a dimension: give it a step, H=224..640:32"
        )
    source = source_of(request.models[0])
    try:
        with progress(name_of(source)):
            found = intervals(source, dims, free=request.free)
    except CnnscopeError as error:
        blame(name_of(source), error)
        return BAD
    emit(
        Result(lambda: [document(found)], found.to_dict, rows=True), request.format, request.output
    )
    return FINE
