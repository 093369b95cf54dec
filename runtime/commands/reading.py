"""How does a command get a model's report, or what running the model showed, with a line for every fault?"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias, TypeVar

if TYPE_CHECKING:
    from cnnscope.analyzer.report.layer import Layer
    from cnnscope.analyzer.report.report import Report
from cnnscope.runtime.commands.asked import PATIENCE, GivenShapes, GivenValues
from cnnscope.runtime.commands.messages import (
    BAD,
    Misuse,
    blame,
    complain,
    internal_error,
    progress,
    show_traceback,
    watched,
    write_aside,
)
from cnnscope.runtime.commands.sources import Source, name_of
from cnnscope.runtime.commands.usual import sized

Found = TypeVar("Found")
#: an input's name to its shape
NamedShapes: TypeAlias = Mapping[str, Sequence[int | None]]


def read_report(
    source: Source,
    given: GivenShapes,
    dims: dict[str, int],
    values: GivenValues | None = None,
    config: Path | None = None,
    free: Sequence[str] = (),
) -> Report | None:
    """The model's report; None, and a line on standard error, where there is none.

    Sizes that aren't given are those of the configuration's defaults, where these fit.
    """
    from cnnscope.analyzer.analysis import analyze
    from cnnscope.analyzer.model.binding import named_shapes
    from cnnscope.analyzer.values.diagnostics import CnnscopeError

    path = name_of(source)
    given, dims = sized(source, given, dims, config)
    try:
        shapes = named_shapes(source, given, "--shape")
        return analyze(source, shapes=shapes, dims=dims, values=values, free=free)
    except CnnscopeError as error:
        blame(path, error)
    except MemoryError:
        complain(f"{path}: out of memory")
    except RecursionError:
        show_traceback()
        complain(f"{path}: nested too deeply to be analysed")
    except Exception as error:  # noqa: BLE001  # one model's fault must not hide the others
        complain(f"{path}: {internal_error(error)}")
    return None


def list_candidates(found: Sequence[Layer], report: Report, path: str, wanted: str) -> int:
    """What the word may stand for: a line that says so, then the layers."""
    from cnnscope.analyzer.render.forms.terminal import text
    from cnnscope.analyzer.render.subjects import candidates
    from cnnscope.analyzer.values.notation import many

    blame(path, f"{wanted} fits {many(len(found), 'layer')}: give one's path, name or index")
    write_aside(f"{text(candidates.document(found, report.layers))}\n")
    return BAD


def own_sizes(
    models: Sequence[Source], shapes: GivenShapes, dims: dict[str, int], values: GivenValues
) -> list[tuple[GivenShapes, dict[str, int], GivenValues]]:
    """Of the sizes that are given to several models, each one's own.

    Raises:
        Misuse: no model has what one is of.
    """
    from cnnscope.analyzer.model.own_sizes import Sizes, each_own

    found, unmet = each_own(Sizes(shapes, dims, values), models)
    if unmet:
        raise Misuse(unmet[0])
    return [
        ({k: list(shape) for k, shape in own.shapes.items()}, dict(own.dims), dict(own.values))
        for own in found
    ]


def find_in(
    source: Source, shapes: GivenShapes, find: Callable[[NamedShapes], Found]
) -> Found | None:
    """What is found in a model at shapes, each by its input's name; None, and a line on standard error,
    where nothing can be."""
    from cnnscope.analyzer.model.binding import named_shapes
    from cnnscope.analyzer.values.diagnostics import CnnscopeError

    try:
        with progress(name_of(source)):
            return find(named_shapes(source, shapes, "--shape") if shapes else {})
    except CnnscopeError as error:
        blame(name_of(source), error)
        return None


def ask_for_runtime() -> None:
    """Before anything else is done for a command that runs models.

    Raises:
        Misuse: ONNX Runtime isn't installed.
    """
    from cnnscope.analyzer.values.diagnostics import NoRuntimeError
    from cnnscope.runtime.engine.library import ask_for_library

    try:
        ask_for_library()
    except NoRuntimeError as error:
        raise Misuse(str(error)) from None


def run_in_children(
    source: Source,
    jobs: Sequence[tuple[str, object]],
    timeout: float | None = PATIENCE,
    *,
    verbose: bool = False,
) -> list[object] | None:
    """What functions make of their jobs in a process each; None, and a line, where one can't."""
    from cnnscope.analyzer.values.diagnostics import CnnscopeError, NoRuntimeError
    from cnnscope.runtime.engine.child import run_in_child

    path = name_of(source)
    try:
        with watched(path) as told:
            return [
                run_in_child(target, job, timeout=timeout, verbose=verbose, progress=told)
                for target, job in jobs
            ]
    except NoRuntimeError as error:  # no word on the model
        complain(str(error))
    except CnnscopeError as error:
        blame(path, error)
    return None


def run_in_own_child(
    kind: type[Found],
    source: Source,
    target: str,
    job: object,
    timeout: float | None = PATIENCE,
    *,
    verbose: bool = False,
) -> Found | None:
    """What one function makes of its job in a process of its own, which is of this kind; None, and a line,
    where it can't."""
    done = run_in_children(source, [(target, job)], timeout, verbose=verbose)
    if done is None:
        return None
    (found,) = done
    assert isinstance(found, kind)
    return found
