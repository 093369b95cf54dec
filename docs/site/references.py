"""The references that are made of the program itself: commands, Python, operators."""

from __future__ import annotations

import contextlib
import importlib
import inspect
import io
import os
from collections.abc import Callable, Iterator
from typing import Final

import cnnscope
from cnnscope.cli import GROUPS, main


def printed(*words: str) -> str:
    """What a command prints, on a terminal of 100 columns."""
    os.environ["COLUMNS"] = "100"
    found = io.StringIO()
    with contextlib.redirect_stdout(found), contextlib.suppress(SystemExit):
        main(words)
    return found.getvalue()


def commands() -> str:
    """Every command's help, under the headings that the commands stand under."""
    parts = [
        "# Every command and its options",
        "",
        "`cnnscope --help` lists them on one screen.",
        "",
    ]
    for heading, names in GROUPS.items():
        parts += [f"## {heading}", ""]
        for name, line in names.items():
            parts += [f"### cnnscope {name}", "", line, ""]
            parts += ["```text", printed(name, "--help").strip("\n"), "```", ""]
    return "\n".join(parts)


def operators() -> str:
    """The table of `cnnscope operators`."""
    table = printed("operators", "--format", "markdown")
    return (
        f"# Every operator, and how it is covered\n\nWhat `cnnscope operators` prints.\n\n{table}"
    )


#: heading, and which public names stand below it
_KINDS: Final = {
    "Functions": inspect.isfunction,
    "What they answer with, and what they take": lambda found: (
        inspect.isclass(found) and not issubclass(found, Exception)
    ),
    "Errors": lambda found: inspect.isclass(found) and issubclass(found, Exception),
}


def _directives(names: list[str]) -> Iterator[str]:
    for name in names:
        found = getattr(cnnscope, name)
        kind, members = (
            ("autoclass", ["   :members:"]) if inspect.isclass(found) else ("autofunction", [])
        )
        yield "\n".join(
            (
                f"### {name}",
                "",
                "```{eval-rst}",
                f".. {kind}:: cnnscope.{name}",
                *members,
                "```",
                "",
            )
        )


def api() -> str:
    """Every public name, by what its docstring says."""
    names = [name for name in cnnscope.__all__ if not name.startswith("_")]
    parts = [
        "# Every name in Python",
        "",
        "What `import cnnscope` gives. [How to use it](python.md)",
        "",
    ]
    for heading, belongs in _KINDS.items():
        chosen = [name for name in names if belongs(getattr(cnnscope, name))]
        names = [name for name in names if name not in chosen]
        parts += [f"## {heading}", "", *_directives(chosen)]
    parts += [
        "## Values",
        "",
        *(f"- `cnnscope.{name}`: `{getattr(cnnscope, name)!r}`" for name in names),
        "",
    ]
    testing = importlib.import_module("cnnscope.testing")
    parts += [
        "## In tests: cnnscope.testing",
        "",
        "```{eval-rst}",
        ".. automodule:: cnnscope.testing",
        "   :members:",
    ]
    return "\n".join(
        (
            *parts,
            f"   :exclude-members: {', '.join(_foreign(testing.__dict__, testing.__name__))}",
            "```",
            "",
        )
    )


def _foreign(names: dict[str, object], module: str) -> list[str]:
    return [name for name, found in names.items() if getattr(found, "__module__", module) != module]


#: page, what it is called in the contents, and what makes it
REFERENCES: Final[dict[str, tuple[str, Callable[[], str]]]] = {
    "commands.md": ("Every command and its options", commands),
    "api.md": ("Every name in Python", api),
    "operators.md": ("Every operator, and how it is covered", operators),
}
