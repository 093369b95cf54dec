"""How is what typer says of a wrong line said as the rest of cnnscope says it, with what was probably meant?

typer words it differently from version to version; here all of them come to the same.
"""

from __future__ import annotations

import importlib
import re
from collections.abc import Collection, Iterator

from cnnscope.analyzer.values.near_names import near_names


def usage_line(said: str, command: str, commands: Collection[str] = ()) -> str:
    """One line of what is wrong, and where to read on.

    Args:
        said: typer's words.
        command: the command that was asked for.
        commands: all that there are: an option may be another one's.

    >>> usage_line("Invalid value for '--top': Input should be greater than or equal to 1.", "lint")
    "invalid value for '--top': 1 or more is wanted (see cnnscope lint --help)"
    """
    plain = " ".join(said.split()).replace("Value error, ", "").rstrip(".")
    words = _option(plain, command, commands) or _in_own_words(plain)
    return f"{words[0].lower()}{words[1:]} (see cnnscope {command} --help)"


def _in_own_words(said: str) -> str:
    """What typer says of a value.

    >>> _in_own_words("Invalid value for '--top': Input should be greater than or equal to 1")
    "Invalid value for '--top': 1 or more is wanted"
    >>> _in_own_words("Invalid value for '--top': 'a' is not a valid integer")
    "Invalid value for '--top': a whole number is wanted"
    >>> _in_own_words("Invalid value for '--by': 'knd' is not one of 'op', 'kind'")
    "Invalid value for '--by': 'knd' is not one of 'op', 'kind'; did you mean kind?"
    """
    what, _, why = said.partition(": ")
    for sign in ("Input should be greater than or equal to ", " is not in the range x>="):
        if sign in why:
            return f"{what}: {why.partition(sign)[2]} or more is wanted"
    for sign in ("Input should be a valid ", " is not a valid "):
        kind = why.partition(sign)[2]
        if kind.startswith(("int", "number", "float")):
            return f"{what}: {'a whole number' if kind.startswith('int') else 'a number'} is wanted"
    given, sign, listed = why.rpartition(" is not one of ")
    close = near_names(given.strip("'"), re.findall(r"'([^']*)'", listed)) if sign else []
    return f"{said}; did you mean {' or '.join(close)}?" if close else said


def _option(said: str, command: str, commands: Collection[str]) -> str | None:
    """What is said of an option that the command doesn't have; None: of something else.

    >>> _option("No such option: --srot (Possible options: --sort)", "analyze", ["analyze"])
    'No such option: --srot; did you mean --sort?'
    """
    found = re.match(r"No such option:? '?(?P<name>-[^\s']*)'?", said)
    if found is None:
        return None
    name = found["name"].partition("=")[0]
    others = [other for other in commands if other != command and name in _names(other)]
    if others:
        *first, last = others
        said = f"{', '.join(first)} and {last} have" if first else f"{last} has"
        return f"No such option: {name}; {said} it"
    close = near_names(name, _names(command))
    return f"No such option: {name}" + (f"; did you mean {' or '.join(close)}?" if close else "")


def _names(command: str) -> Iterator[str]:
    """The names of a command's options."""
    from cnnscope.runtime.commands.signature import signature_of

    module = importlib.import_module(f"cnnscope.runtime.commands.{command}")
    for option in signature_of(getattr(module, command))[0]:
        yield from option.names
