"""Which options and arguments does a command take? Read from the function's own signature.

That is where typer reads them, too; what typer makes of them differs from version to version.
"""

from __future__ import annotations

import inspect
import types
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from typing import Annotated, Union, get_args, get_origin, get_type_hints

from typer.models import ArgumentInfo, OptionInfo


@dataclass(frozen=True)
class Option:
    """What may stand on the line besides arguments.

    Args:
        names: how it is written, e.g. ``--output`` and ``-o``.
        help: what it is for.
        flag: it takes no value.
        several: it may be given again.
        choices: the values that there are; empty: it says no list.
        path: its value is a file's.
    """

    names: tuple[str, ...]
    help: str
    flag: bool
    several: bool
    choices: tuple[str, ...]
    path: bool


@dataclass(frozen=True)
class Argument:
    """What stands on the line by its place.

    Args:
        name: the parameter's.
        several: it takes all that follow, too.
        choices: the words that there are; empty: it says no list.
    """

    name: str
    several: bool
    choices: tuple[str, ...] = ()


HELP = Option(("--help", "-h"), "Show this message and exit.", True, False, (), False)


def signature_of(command: Callable[..., object]) -> tuple[list[Option], list[Argument]]:
    """The options, ``--help`` last, and the arguments in their order."""
    hints = get_type_hints(command, include_extras=True)
    options: list[Option] = []
    arguments: list[Argument] = []
    for parameter in inspect.signature(command).parameters:
        for info, kind, several in _declared(hints[parameter]):
            if isinstance(info, OptionInfo):
                options.append(_option(parameter, info, kind, several))
            else:
                arguments.append(Argument(parameter, several, _members(kind)))
    return [*options, HELP], arguments


def _declared(hint: object) -> Iterator[tuple[OptionInfo | ArgumentInfo, object, bool]]:
    """What typer is told of a parameter, the type of one value, and whether there may be several."""
    if get_origin(hint) is not Annotated:
        return
    whole, *told = get_args(hint)
    kinds = [whole]
    if get_origin(whole) in (Union, types.UnionType):
        kinds = [kind for kind in get_args(whole) if kind is not type(None)]
    several = get_origin(kinds[0]) is list
    kind = get_args(kinds[0])[0] if several else kinds[0]
    for info in told:
        if isinstance(info, (OptionInfo, ArgumentInfo)):
            yield info, kind, several


def _option(parameter: str, info: OptionInfo, kind: object, several: bool) -> Option:
    # In Annotated the first name takes the place that is the default's elsewhere.
    declared = [x for x in (info.default, *(info.param_decls or ())) if isinstance(x, str)]
    declared = declared or [f"--{parameter.replace('_', '-')}"]
    names = tuple(name for text in declared for name in text.split("/"))
    choices = _members(kind)
    if info.metavar and info.metavar.startswith("<") and info.metavar.endswith(">"):
        choices = tuple(info.metavar[1:-1].split("|"))
    return Option(names, info.help or "", kind is bool, several, choices, kind is Path)


def _members(kind: object) -> tuple[str, ...]:
    """The values of an enumeration; of another type none."""
    if not (isinstance(kind, type) and issubclass(kind, Enum)):
        return ()
    return tuple(str(member.value) for member in kind)
