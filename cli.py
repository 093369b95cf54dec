"""The command `cnnscope`: arguments in, text out, an exit code. Nothing is computed here.

Exit codes: 0 fine, 1 a check failed (`--strict`) or the model contradicts itself, 2 what can't be
read, or usage, 130 interrupted. An error is one line on standard error.

A command knows its exit code before it writes, and a reader that leaves doesn't change it. Whatever
is written, on either stream or to a file, goes through `without_commands`: no name in a model becomes
a command of the CI runner that keeps the log.
"""

from __future__ import annotations

import contextlib
import gc
import importlib
import os
import sys
import warnings
from collections.abc import Sequence
from typing import TYPE_CHECKING, NoReturn

from cnnscope.analyzer.values.package_version import installed_version
from cnnscope.runtime.commands.first_word import with_command
from cnnscope.runtime.commands.messages import (
    BAD,
    FINE,
    INTERRUPTED,
    Misuse,
    complain,
    complain_of_each,
    faults_shown,
    internal_error,
    show_warning,
    silence,
)
from cnnscope.runtime.commands.writing import write

if TYPE_CHECKING:
    import typer


def main(arguments: Sequence[str] | None = None) -> NoReturn:
    """Run the command and exit. The entry point of the script `cnnscope`.

    Args:
        arguments: what follows the command's name; by default this process's.
    """
    given = list(sys.argv[1:] if arguments is None else arguments)
    own = arguments is None
    if own:
        # A process of our own loads things, makes a report and ends: next to nothing of it is
        # garbage before that, and looking for some takes a fifth of the whole time.
        gc.disable()
        _occupy_standard_streams()
        warnings.showwarning = show_warning
    try:
        code = _run(given, own)
        if sys.stdout is not None:
            sys.stdout.flush()
    except KeyboardInterrupt:
        complain("interrupted")
        code = INTERRUPTED
    except MemoryError:
        complain("out of memory")
        code = BAD
    except OSError as error:
        complain(f"can't write: {error.strerror or error}")
        silence(sys.stdout)
        code = BAD
    except Exception as error:  # noqa: BLE001  # the last resort: a line, not a traceback
        complain(internal_error(error))
        code = BAD
    if own:
        gc.freeze()  # nor at exit, where Python would search everything once more, enabled or not
    sys.exit(code)


def _run(given: list[str], own: bool) -> int:
    instead = _OPTIONS.get(given[0].partition("=")[0] if given else "")
    try:
        if instead is not None:
            return instead(given)
        if not given:
            raise Misuse("a model or a command is needed (see cnnscope --help)")
        given = with_command(given, COMMANDS)
    except Misuse as error:
        return complain_of_each(error.problems)
    try:
        done = _read(*given)
    except SystemExit:
        # Nothing but a help page has been written, and typer exits when nobody reads it.
        silence(sys.stdout)
        return FINE
    except Misuse as error:  # an option refuses what it was given
        return complain_of_each(error.problems)
    # A command only says what to do: done here, its errors aren't typer's to handle.
    if not callable(done):
        return done if isinstance(done, int) else FINE
    if own and not any(given[0] in GROUPS[x] for x in ("Run it", "Ask many")):  # children compute
        from cnnscope.analyzer.values.own_process import load_libraries

        load_libraries()
    try:
        with faults_shown():
            return int(done() or FINE)
    except Misuse as error:
        return complain_of_each(error.problems)


def _print_version(given: Sequence[str]) -> int:
    write(f"cnnscope {installed_version()}\n")
    return FINE


def _print_overview(given: Sequence[str]) -> int:
    from cnnscope.runtime.commands.overview import overview

    write(overview(GROUPS))
    return FINE


def _print_candidates(given: Sequence[str]) -> int:
    from cnnscope.runtime.commands.completion import print_candidates

    return print_candidates(given[1:], COMMANDS)


def _show_completion(given: Sequence[str]) -> int:
    from cnnscope.runtime.commands.shell_scripts import SCRIPTS, shell_named

    write(SCRIPTS[shell_named(_value_of(given))])
    return FINE


def _install_completion(given: Sequence[str]) -> int:
    from cnnscope.runtime.commands.shell_scripts import install, shell_named

    write(install(shell_named(_value_of(given))))
    return FINE


def _value_of(given: Sequence[str]) -> str | None:
    """Of ``--option VALUE`` or ``--option=VALUE``; None where there is none."""
    option, equals, value = given[0].partition("=")
    if len(given) > (1 if equals else 2):
        raise Misuse(f"{option} takes one shell (see cnnscope --help)")
    return value if equals else given[1] if len(given) > 1 else None


_OPTIONS = {
    "--version": _print_version,
    "--help": _print_overview,
    "-h": _print_overview,
    "--show-completion": _show_completion,
    "--install-completion": _install_completion,
    "--complete": _print_candidates,  # the shells' scripts ask so
}
"""What may stand in a command's place."""


# -- the commands -----------------------------------------------------------------------------


GROUPS = {
    "Read a model": {
        "analyze": "What it costs and sees, per layer and in total.",
        "report": "One page that shows all of it, to open in a browser.",
        "plot": "A figure for a paper: costs, fields, memory, filters, ...",
        "explain": "How a layer's numbers come about, line by line.",
        "filters": "What its weights look like, and how few would do.",
        "diff": "What differs between two models, layer by layer.",
        "lint": "Look for what is probably a mistake or a waste.",
    },
    "Ask it": {
        "sizes": "Which sizes of its inputs it accepts, and why no others.",
        "shift": "By which shifts of its input its maps move, exactly.",
        "stream": "How much past and future it needs along a time axis.",
        "effective": "How much of what a unit could see it really hangs on.",
        "tile": "How large an overlap tiles need, and what they cost.",
    },
    "Run it": {
        "verify": "Hold shapes, fields and memory against a run.",
        "profile": "Where the time goes, and what the machine could do.",
    },
    "Keep it so": {
        "check": "Hold models against limits, for CI.",
    },
    "Ask many": {
        "scan": "Many models at once, one row each in a table.",
    },
    "Also": {
        "export": "Its figures for Netron, Graphviz, a README, a model card, ...",
        "baseline": "Write, update or show what limits such as +2% are relative to.",
        "conventions": "What fvcore, thop, ptflops and others would print for it.",
        "operators": "Which operators are covered, and how.",
        "rule": "What a rule of lint does, why, and what to do about it.",
    },
}
"""The commands as `--help` lists them, with the first line of what each says of itself (of the last group
only the names): each is a function in the module of its name, and none is loaded for that."""

COMMANDS = {name: line for group in GROUPS.values() for name, line in group.items()}


def _read(name: str, *words: str) -> object:
    """What a line comes to: a function in `runtime/commands` returns what is to be done, or an exit code.

    Most lines are plain; whatever else there may be on one, such as --help, typer reads.
    """
    from cnnscope.runtime.commands.plain_line import read_plainly

    command = getattr(importlib.import_module(f"cnnscope.runtime.commands.{name}"), name)
    given = read_plainly(name, command, words)
    if given is not None:
        return command(**given)
    from cnnscope.runtime.commands.typer_command import UsageError, run_typer

    try:
        return run_typer(build_command(name), [name, *words])
    except UsageError as error:
        from cnnscope.runtime.commands.usage_words import usage_line

        raise Misuse(usage_line(str(error), name, COMMANDS)) from None


def build_command(name: str) -> typer.Typer:
    """A command, as typer has it."""
    from cnnscope.runtime.commands.typer_command import typer_command

    module = importlib.import_module(f"cnnscope.runtime.commands.{name}")
    return typer_command(name, getattr(module, name), module.EPILOG)


def _occupy_standard_streams() -> None:
    """Where a standard stream is closed, no file that is opened later gets its number."""
    for number in range(3):
        try:
            os.fstat(number)
        except OSError:
            with contextlib.suppress(OSError):
                os.open(os.devnull, os.O_RDWR)  # the lowest number that is free: this one


if __name__ == "__main__":
    main()
