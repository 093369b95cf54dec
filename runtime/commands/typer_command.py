"""What does typer make of a command where a line isn't plain: its help, and what is wrong with the line?"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Sequence
from functools import wraps
from typing import Annotated, get_args, get_type_hints

import typer

from cnnscope.runtime.commands.declared import Declared


class UsageError(Exception):
    """What typer says of a wrong line, in its words."""


def run_typer(app: typer.Typer, words: Sequence[str]) -> object:
    """What the command's function returns for the words, its name before all others.

    Raises:
        UsageError: the line is wrong.
        KeyboardInterrupt: typer took it, and says so in a word of its own.
        SystemExit: a help page has been written, or typer left because nobody reads it.
    """
    try:
        return app(list(words), prog_name="cnnscope", standalone_mode=False)
    except typer.Abort:
        raise KeyboardInterrupt from None
    except Exception as error:
        usage = typer.BadParameter.__bases__[0]  # typer names no public base of its usage errors
        if isinstance(error, usage):
            raise UsageError(error.format_message()) from error  # type: ignore[attr-defined]
        raise


def typer_command(name: str, command: Callable[..., object], epilog: str) -> typer.Typer:
    """A command as typer has it."""
    app = typer.Typer(
        name="cnnscope",
        add_completion=False,  # typer's own expands and inserts what a model's names hold
        rich_markup_mode=None,
        pretty_exceptions_enable=False,
        context_settings={"help_option_names": ["-h", "--help"]},
    )

    @app.callback()
    def cnnscope() -> None:
        """Without it, the only command would have no name."""

    app.command(name, epilog=epilog)(_in_typers_words(command))
    return app


def _in_typers_words(command: Callable[..., object]) -> Callable[..., object]:
    """The command, each parameter declared by what typer has for it."""
    hints = get_type_hints(command, include_extras=True)
    own = inspect.signature(command)
    told = {name: _told(hints[name]) for name in own.parameters}

    @wraps(command)
    def described(**given: object) -> object:
        return command(**given)

    described.__annotations__ = told
    described.__signature__ = own.replace(  # type: ignore[attr-defined]
        parameters=[x.replace(annotation=told[name]) for name, x in own.parameters.items()],
        return_annotation=own.empty,
    )
    return described


def _told(hint: object) -> object:
    kind, declared = get_args(hint)
    assert isinstance(declared, Declared)
    if declared.positional:
        return Annotated[kind, typer.Argument(metavar=declared.metavar, help=declared.help)]
    return Annotated[
        kind,
        typer.Option(
            *declared.names,
            metavar=declared.metavar,
            help=declared.help,
            min=declared.min,
            callback=None if declared.check is None else _callback(declared.check),
        ),
    ]


def _callback(check: Callable[[str, str], None]) -> Callable[[typer.Context, str], str]:
    def checked(context: typer.Context, value: str) -> str:
        try:
            check(context.info_name or "this", value)
        except ValueError as error:
            raise typer.BadParameter(str(error)) from None
        return value

    return checked
