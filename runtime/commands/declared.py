"""What is said of an option or an argument, besides its type, where a command declares it?

A command's signature is typer's, `Annotated[int | None, option(min=1, metavar="N", help="...")]`, with these
in the place of typer's own words. So typer, which takes longer to load than a model to analyse, is loaded
only for a line that needs it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple


class Declared(NamedTuple):
    """What stands in an annotation behind the type.

    Args:
        positional: it is an argument.
        names: how an option is written; none: after its parameter. ``--on/--off`` are both.
        metavar: what stands for its value on a help page.
        help: what it is for.
        min: the least number that it takes.
        check: is told the command and a value; raises `Misuse`, or `ValueError` where it is none at all.
    """

    positional: bool
    names: tuple[str, ...] = ()
    metavar: str | None = None
    help: str = ""
    min: float | None = None
    check: Callable[[str, str], None] | None = None


def option(
    *names: str,
    metavar: str | None = None,
    help: str,  # noqa: A002  # typer's word
    min: float | None = None,  # noqa: A002
    check: Callable[[str, str], None] | None = None,
) -> Declared:
    """What `typer.Option` is told."""
    return Declared(False, names, metavar, help, min, check)


def argument(*, metavar: str | None = None, help: str) -> Declared:  # noqa: A002
    """What `typer.Argument` is told."""
    return Declared(True, (), metavar, help)
