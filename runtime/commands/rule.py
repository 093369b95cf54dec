"""The command rule: what a rule of lint is about."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Annotated

from cnnscope.analyzer.render.formats import Result
from cnnscope.runtime.commands.asked import NoTable, Output
from cnnscope.runtime.commands.declared import argument, option
from cnnscope.runtime.commands.messages import FINE, Misuse
from cnnscope.runtime.commands.output import emit
from cnnscope.runtime.commands.writing import check_output


def show_rule(code: str | None, every: bool, format: str, output: Path | None) -> int:  # noqa: A002
    from cnnscope.analyzer.lint.selection import all_rules, find_rule
    from cnnscope.analyzer.lint.settings import LintError
    from cnnscope.analyzer.render.subjects import rules as render

    if (code is None) != every:
        raise Misuse("give a rule's code, or --all")
    check_output(output, [])
    if code is None:
        rules = all_rules()
        result = Result(
            lambda: [render.list_document(rules)], lambda: [render.rule_dict(x) for x in rules]
        )
    else:
        try:
            found = find_rule(code)
        except LintError as error:
            raise Misuse(str(error)) from None
        result = Result(lambda: [render.document(found)], lambda: render.rule_dict(found))
    emit(result, format, output)
    return FINE


EPILOG = """\b
Example: cnnscope rule CNS101
         cnnscope rule --all"""


def rule(
    code: Annotated[str | None, argument(metavar="CODE", help="A rule's code or name.")] = None,
    all: Annotated[  # noqa: A002  # the option's name
        bool, option("--all", help="List every rule.")
    ] = False,
    format: NoTable = "table",  # noqa: A002
    output: Output = None,
) -> Callable[[], int]:
    """What a rule of lint does, why, and what to do about it."""
    return lambda: show_rule(code, all, format, output)
