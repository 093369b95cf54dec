"""Which options and arguments does a command take? Read from the function's own signature.

What typer is told is made of the same (`typer_command.py`); what it makes of that differs between versions.
"""

from __future__ import annotations

import inspect
import types
from collections.abc import Callable
from enum import Enum
from pathlib import Path
from typing import Annotated, NamedTuple, Union, get_args, get_origin, get_type_hints

from cnnscope.runtime.commands.declared import Declared


class Option(NamedTuple):
    """What may stand on the line besides arguments.

    Args:
        names: how it is written, e.g. ``--output`` and ``-o``.
        help: what it is for.
        flag: it takes no value.
        several: it may be given again.
        choices: the values that there are; empty: it says no list.
        path: its value is a file's.
        parameter: the function's.
        kind: the type of one value.
        off: those of its names that turn a flag off.
        declared: what the function says of it.
    """

    names: tuple[str, ...]
    help: str
    flag: bool
    several: bool
    choices: tuple[str, ...]
    path: bool
    parameter: str = ""
    kind: object = bool
    off: tuple[str, ...] = ()
    declared: Declared = Declared(False)


class Argument(NamedTuple):
    """What stands on the line by its place.

    Args:
        name: the parameter's.
        several: it takes all that follow, too.
        choices: the words that there are; empty: it says no list.
        kind: the type of one word.
        needed: it can't be left out.
    """

    name: str
    several: bool
    choices: tuple[str, ...] = ()
    kind: object = str
    needed: bool = True


HELP = Option(("--help", "-h"), "Show this message and exit.", True, False, (), False)


def signature_of(command: Callable[..., object]) -> tuple[list[Option], list[Argument]]:
    """The options, ``--help`` last, and the arguments in their order."""
    hints = get_type_hints(command, include_extras=True)
    options: list[Option] = []
    arguments: list[Argument] = []
    for name, parameter in inspect.signature(command).parameters.items():
        declared, kind, several = _parts(hints[name])
        if declared.positional:
            needed = parameter.default is parameter.empty
            arguments.append(Argument(name, several, _members(kind), kind, needed))
        else:
            options.append(_option(name, declared, kind, several))
    return [*options, HELP], arguments


def _parts(hint: object) -> tuple[Declared, object, bool]:
    """What a parameter is declared as, the type of one value, and whether there may be several."""
    assert get_origin(hint) is Annotated, "a command declares each of its parameters"
    whole, declared = get_args(hint)
    kinds = [whole]
    if get_origin(whole) in (Union, types.UnionType):
        kinds = [kind for kind in get_args(whole) if kind is not type(None)]
    several = get_origin(kinds[0]) is list
    return declared, get_args(kinds[0])[0] if several else kinds[0], several


def _option(parameter: str, declared: Declared, kind: object, several: bool) -> Option:
    written = declared.names or (f"--{parameter.replace('_', '-')}",)
    names = tuple(name for text in written for name in text.split("/"))
    off = tuple(name for text in written for name in text.split("/")[1:])
    choices = _members(kind)
    metavar = declared.metavar
    if metavar and metavar.startswith("<") and metavar.endswith(">"):
        choices = tuple(metavar[1:-1].split("|"))
    return Option(
        names, declared.help, kind is bool, several, choices, kind is Path, parameter, kind, off,
        declared,
    )  # fmt: skip


def _members(kind: object) -> tuple[str, ...]:
    """The values of an enumeration; of another type none."""
    if not (isinstance(kind, type) and issubclass(kind, Enum)):
        return ()
    return tuple(str(member.value) for member in kind)
