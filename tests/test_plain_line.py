"""A line read from the signature alone is what typer makes of it; what typer refuses is never plain."""

from __future__ import annotations

import importlib
import inspect
from collections.abc import Callable
from functools import cache, wraps
from typing import Any

import pytest
from amounts import amount
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cnnscope.cli import COMMANDS
from cnnscope.runtime.commands.messages import Misuse
from cnnscope.runtime.commands.plain_line import read_plainly
from cnnscope.runtime.commands.signature import Argument, Option, signature_of
from cnnscope.runtime.commands.typer_command import UsageError, run_typer, typer_command


@cache
def command_of(name: str) -> Callable[..., object]:
    command: Callable[..., object] = getattr(
        importlib.import_module(f"cnnscope.runtime.commands.{name}"), name
    )
    return command


@cache
def typer_of(name: str) -> Any:
    """The command, which returns what typer gives it."""
    command = command_of(name)

    @wraps(command)
    def told(**given: object) -> object:
        return given

    return typer_command(name, told, "")


def by_typer(name: str, words: list[str]) -> object:
    """The parameters by typer, or None where it refuses the line or writes a page instead."""
    try:
        return run_typer(typer_of(name), [name, *words])
    except (UsageError, Misuse, SystemExit):
        return None


def plainly(name: str, words: list[str]) -> object:
    """The parameters without typer, those that aren't given as their defaults; None: not plain."""
    found = read_plainly(name, command_of(name), words)
    if found is None:
        return None
    whole = inspect.signature(command_of(name)).bind(**found)
    whole.apply_defaults()
    return whole.arguments


def fitting(x: Option | Argument) -> str:
    """A value that an option takes, or a word in an argument's place."""
    if x.choices:
        return x.choices[0]
    return "3" if x.kind in (int, float) else "some"


def words_for(name: str) -> list[str]:
    """As many words as the command needs."""
    return [fitting(x) for x in signature_of(command_of(name))[1] if x.needed]


@pytest.mark.parametrize("name", COMMANDS)
def test_every_option_is_plain_and_the_same_by_typer(name: str) -> None:
    needed = words_for(name)
    options, arguments = signature_of(command_of(name))
    lines = [needed, [*needed, *(fitting(x) for x in arguments if not x.needed)]]
    for x in options:
        for text in x.names if x.parameter else ():
            if x.flag:
                lines.append([text, *needed])
                continue
            for said in [text, fitting(x)], [f"{text}={fitting(x)}"]:
                if text.startswith("--") or len(said) == 2:
                    lines += [*said, *needed], [*needed, *said]
            if x.several:
                lines.append([text, "a", *needed, text, "b"])
    for line in lines:
        found = plainly(name, line)
        assert found is not None, line
        assert found == by_typer(name, line), line


#: what may be odd about a line, and about a value
ODD = (
    "", "-", "--", "---", "-3", "+3", "3", "0", "0.5", ".5", "1e3", "1_000", " 3", "03", "inf", "nan",
    "\u0663", "table", "csv", "xml", "module", "MODULE", "write", "error", "--help", "-h", "--nope", "-o",
    "-f", "-fcsv", "-f=csv", "--top", "--top=3", "--by", "--format=json", "--inline", "--no-inline",
    "--no-all", "--weights=1", "/", ".", "a=b", "x.onnx", "\0",
)  # fmt: skip


@st.composite
def lines(draw: st.DrawFn) -> tuple[str, list[str]]:
    name = draw(st.sampled_from(sorted(COMMANDS)))
    options, _ = signature_of(command_of(name))
    line = list(words_for(name)) if draw(st.booleans()) else []
    for x in draw(st.lists(st.sampled_from(options), max_size=4)):
        text = draw(st.sampled_from(x.names))
        value = draw(st.sampled_from((fitting(x), fitting(x), *ODD, *x.choices)))
        form = draw(st.sampled_from(("apart", "joined", "alone")))
        line += {"apart": [text, value], "joined": [f"{text}={value}"], "alone": [text]}[
            "alone" if x.flag and form == "apart" else form
        ]
    for word in draw(st.lists(st.sampled_from(ODD), max_size=2)):
        line.insert(draw(st.integers(0, len(line))), word)
    return name, line


@settings(
    max_examples=amount(80, 20_000), deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
@given(lines())
def test_what_is_plain_is_what_typer_says(line: tuple[str, list[str]]) -> None:
    name, words = line
    found = plainly(name, words)
    if found is not None:
        assert found == by_typer(name, words)


def test_nothing_odd_is_plain() -> None:
    """Each of these typer takes, in its own way, or refuses."""
    for words in (
        [], ["--help"], ["m", "--nope"], ["m", "--top"], ["m", "--top", "-3"], ["m", "--top", "0"],
        ["m", "--top", "1_0"], ["m", "--top", "3", "--top", "4"], ["--", "m"], ["m", "-fcsv"],
        ["m", "-f=csv"], ["m", "--format", "xml"], ["m", "--format", "sarif"], ["m", "--by", "Kind"],
        ["m", "--strict=1"], ["m", "--sort", ""], [""],
    ):  # fmt: skip
        assert plainly("analyze", words) is None, words
    assert plainly("diff", ["a"]) is None
    assert plainly("diff", ["a", "b", "c"]) is None
