"""The command baseline: the figures that relative limits are relative to, written, updated and shown."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from cnnscope.analyzer.render.formats import Result
from cnnscope.runtime.commands.asked import (
    Anywhere,
    Config,
    FreeOption,
    ManyDimsOption,
    ShapeOption,
    ValueOption,
    Written,
)
from cnnscope.runtime.commands.check import budget_request
from cnnscope.runtime.commands.check_request import Checking
from cnnscope.runtime.commands.declared import argument, option
from cnnscope.runtime.commands.messages import (
    BAD,
    FINE,
    Misuse,
    blame,
    complain,
    complain_of_each,
    watched,
)
from cnnscope.runtime.commands.new_baseline import new_baseline, save_baseline, saved_baseline
from cnnscope.runtime.commands.output import emit
from cnnscope.runtime.commands.texts import shapes_of, sized_of, values_of
from cnnscope.runtime.commands.writing import check_output

if TYPE_CHECKING:
    from cnnscope.analyzer.budgets.saved_figures import SavedFigures


class Action(StrEnum):
    write = "write"
    update = "update"
    show = "show"


def _emit(found: SavedFigures, format: str, output: Path | None) -> None:  # noqa: A002
    from cnnscope.analyzer.render.subjects.saved_figures import document

    emit(Result(lambda: [document(found)], found.to_dict, rows=True), format, output)


def _write(request: Checking, output: Path | None, *, whole: bool, prune: bool) -> int:
    """Write the figures of the models, whole or not at all."""
    from cnnscope.analyzer.budgets.settings import ConfigError
    from cnnscope.analyzer.values.diagnostics import CnnscopeError
    from cnnscope.runtime.gates import checking

    try:
        job = budget_request(request)
        into = output or new_baseline(job, request.models, "write the baseline with -o FILE.json")
        check_output(into, request.models)
        if not whole and not into.exists():
            raise Misuse(f"{into}: there is none to be updated: cnnscope baseline write makes one")
        earlier = saved_baseline(into)
        with watched("reading") as told:
            found = checking.run_check(job, told)
    except ConfigError as error:
        return complain_of_each(error.problems)
    except CnnscopeError as error:
        raise Misuse(str(error)) from None
    for problem in found.problems:
        blame(problem.model, problem.said)
    if found.problems:
        complain(f"{into}: not written, since not every model could be read")
        return BAD
    gone = [name for name, _ in earlier.figures if prune and not (into.parent / name).exists()]
    after = save_baseline(earlier, found, into, whole=whole, gone=gone)
    compared = earlier.compared(after)
    _emit(compared, request.format, None)
    counts = [(word, sum(x.became == word for x in compared.models))
              for word in ("new", "changed", "same", "taken out")]  # fmt: skip
    complain(f"{into}: written: {', '.join(f'{n} {word}' for word, n in counts if n)}")
    return FINE


def _show(paths: Sequence[str], config: Path | None, format: str, output: Path | None) -> int:  # noqa: A002
    from cnnscope.analyzer.budgets.baseline_file import BaselineFile
    from cnnscope.analyzer.budgets.config import find_config, read_config
    from cnnscope.analyzer.budgets.settings import ConfigError
    from cnnscope.analyzer.values.diagnostics import CnnscopeError
    from cnnscope.runtime.gates.earlier import baseline_bytes, from_folder

    if len(paths) > 1:
        raise Misuse("one baseline at a time: cnnscope baseline show FILE.json")
    check_output(output, list(paths))
    try:
        source = paths[0] if paths else None
        if source is None:
            path = config or find_config(Path.cwd())
            settings = None if path is None else read_config(path)
            if settings is None or settings.baseline is None:
                raise Misuse("which baseline? Name its file, or give one in cnnscope.toml")
            source = from_folder(settings.baseline, settings.folder)
        data, folder = baseline_bytes(source)
        found = BaselineFile.read(data, source).shown(folder)
    except ConfigError as error:
        return complain_of_each(error.problems)
    except CnnscopeError as error:
        raise Misuse(str(error)) from None
    _emit(found, format, output)
    return FINE


EPILOG = """\b
Example: cnnscope baseline write models/*.onnx -o baseline.json
         cnnscope baseline update              # the models of cnnscope.toml
         cnnscope baseline show baseline.json"""


def baseline(
    action: Annotated[
        Action, argument(help="write: anew; update: these models, the others stay; show.")
    ],
    paths: Annotated[
        list[str] | None,
        argument(
            metavar="PATH",
            help="ONNX files, those of cnnscope.toml without one; of show, the baseline.",
        ),
    ] = None,
    output: Annotated[
        Path | None,
        option(
            "--output",
            "-o",
            metavar="FILE",
            help="The baseline to write, cnnscope.toml's without it; of show, where to write the table.",
        ),
    ] = None,
    prune: Annotated[
        bool, option("--prune", help="Of update: take out models that are no file any more.")
    ] = False,
    config: Config = None,
    shape: ShapeOption = None,
    dim: ManyDimsOption = None,
    free: FreeOption = None,
    value: ValueOption = None,
    anywhere: Anywhere = False,
    format: Written = "table",  # noqa: A002
) -> Callable[[], int]:
    """Write, update or show what limits such as +2% are relative to."""
    named = paths or []
    if action is Action.show:
        return lambda: _show(named, config, format, output)
    if prune and action is not Action.update:
        raise Misuse("--prune goes with update: write has nothing but the models that it is given")
    dims, ranges = sized_of(dim)
    request = Checking(
        named, config, shapes_of(shape), dims, values_of(value), format, None, [],
        [], None, True, False, None, anywhere, free=tuple(free or ()), ranges=ranges,
    )  # fmt: skip
    return lambda: _write(request, output, whole=action is Action.write, prune=prune)
