"""What has been typed so far, as a command understands it: options, values, arguments, what comes now?"""

from __future__ import annotations

import importlib
from collections.abc import Sequence
from dataclasses import field
from typing import TypeAlias

from cnnscope.analyzer.values.plain_class import dataclass
from cnnscope.runtime.commands.first_word import STANDARD_INPUT
from cnnscope.runtime.commands.signature import Argument, Option, signature_of

#: a word that could stand there, and what is said of it
Candidate: TypeAlias = tuple[str, str]


@dataclass(frozen=True)
class Line:
    """The words before the one under the cursor, as a command understands them.

    Args:
        command: its name.
        options: what it takes.
        arguments: likewise.
        given: the positional words so far.
        used: names of options so far, each with its last value.
        awaits: the option whose value comes now.
        only_arguments: ``--`` has ended the options.
    """

    command: str
    options: Sequence[Option]
    arguments: Sequence[Argument]
    given: list[str] = field(default_factory=list)
    used: dict[str, str] = field(default_factory=dict)
    awaits: Option | None = None
    only_arguments: bool = False


def read_line(words: Sequence[str]) -> Line:
    """The words of a line, a command's name before all others, without the one under the cursor."""
    command, *rest = words
    module = importlib.import_module(f"cnnscope.runtime.commands.{command}")
    line = Line(command, *signature_of(getattr(module, command)))
    named = {name: x for x in line.options for name in x.names}
    waiting = iter(rest)
    for word in waiting:
        if word == "--":
            return Line(
                command,
                line.options,
                line.arguments,
                [*line.given, *waiting],
                line.used,
                None,
                True,
            )
        name, equals, value = word.partition("=")
        option = named.get(name) if word != STANDARD_INPUT and word.startswith("-") else None
        if option is None:
            if not word.startswith("-") or word == STANDARD_INPUT:
                line.given.append(word)
            continue
        if not option.flag and not equals:
            following = next(waiting, None)
            if following is None:
                return Line(command, line.options, line.arguments, line.given, line.used, option)
            value = following
        line.used.update(dict.fromkeys(option.names, value))
    return line
