"""Which formats are there, what does each need of a result, and who writes it?

`FORMATS` is the one list: what a command offers, refuses and writes follows from it. A format that a
result has nothing for is refused in words, and never written as another.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal

from cnnscope.analyzer.render.job_log import without_commands

if TYPE_CHECKING:
    from cnnscope.analyzer.render.document import Document
    from cnnscope.analyzer.report.finding import Outcome

#: what a format needs: documents, a record for JSON, tables with rows for machines, a gate's outcome
Need = Literal["document", "record", "rows", "outcome"]


class FormatError(ValueError):
    """A format that a result can't be written in; one line says which can."""


@dataclass(frozen=True, slots=True)
class Result:
    """What a command has to show; each part is made only when a format needs it.

    Args:
        documents: for people.
        record: plain data, as JSON has it.
        rows: the documents have tables for machines.
        models: what stands beside the rows of each document; None: nothing.
        outcome: of a gate, for the formats of CI services.
        subject: what it is called where a format is refused.
    """

    documents: Callable[[], Sequence[Document]]
    record: Callable[[], object]
    rows: bool = False
    models: Sequence[str] | None = None
    outcome: Callable[[], Outcome] | None = None
    subject: str = "this"

    @property
    def formats(self) -> tuple[str, ...]:
        """The formats it can be written in."""
        has: dict[Need, bool] = {"rows": self.rows, "outcome": self.outcome is not None}
        return formats_for(*(need for need, there in has.items() if there))


@dataclass(frozen=True, slots=True)
class Setting:
    """What writers may need besides the result: the width of a screen, and cnnscope's version, asked
    for where a format has it."""

    width: int = 100
    version: Callable[[], str] = str


@dataclass(frozen=True, slots=True)
class Format:
    """A format.

    Args:
        needs: what a result must have.
        write: the result in it.
        commands: its lines are commands of a CI runner, and meant to be.
    """

    needs: Need
    write: Callable[[Result, Setting], str]
    commands: bool = False


def formats_for(*has: Need) -> tuple[str, ...]:
    """The formats of whatever has documents, a record, and this.

    >>> formats_for(), formats_for("rows")
    (('table', 'json', 'markdown', 'html'), ('table', 'json', 'csv', 'markdown', 'html'))
    """
    there = {"document", "record", *has}
    return tuple(name for name, format_ in FORMATS.items() if format_.needs in there)


def refusal(wanted: str, subject: str, allowed: Sequence[str]) -> str | None:
    """Why a format can't be had, in words; None: it can.

    >>> refusal("csv", "explain", ("table", "json", "markdown"))
    "--format csv doesn't go with explain: table, json or markdown (json has everything)"
    """
    if wanted in allowed:
        return None
    if wanted not in FORMATS:
        return f"{wanted!r} is not one of {', '.join(map(repr, allowed))}"
    known = f"{', '.join(allowed[:-1])} or {allowed[-1]}"
    return f"--format {wanted} doesn't go with {subject}: {known} (json has everything)"


def written(result: Result, wanted: str, setting: Setting = Setting()) -> str:
    """The result in a format, without commands of CI runners but those that make up the format.

    Raises:
        FormatError: it can't be written so.
    """
    refused = refusal(wanted, result.subject, result.formats)
    if refused is not None:
        raise FormatError(refused)
    found = FORMATS[wanted]
    text = found.write(result, setting)
    return text if found.commands else without_commands(text)


def styled(result: Result) -> Sequence[object]:
    """The result as rich prints it on a terminal, one after the other."""
    from cnnscope.analyzer.render.forms.terminal import Laid

    found = [Laid(document) for document in result.documents() if any(document.of("terminal"))]
    return [part for one in found for part in ("", one)][1:]


# -- the writers: each imports its form when it is asked for ---------------------------------------


def _terminal(result: Result, setting: Setting) -> str:
    from cnnscope.analyzer.render.forms.terminal import text

    texts = (text(document, setting.width) for document in result.documents())
    return "\n".join(f"{found}\n" for found in texts if found)


def _markdown(result: Result, setting: Setting) -> str:
    from cnnscope.analyzer.render.forms.markdown import markdown

    return "\n".join(map(markdown, result.documents()))


def _html(result: Result, setting: Setting) -> str:
    from cnnscope.analyzer.render.forms.html import page

    return page(result.documents())


def _csv(result: Result, setting: Setting) -> str:
    from cnnscope.analyzer.render.forms.csv import csv_text

    return csv_text(result.documents(), result.models)


def _json(result: Result, setting: Setting) -> str:
    from cnnscope.analyzer.render.forms.json import dumped

    return dumped(result.record())


def _outcome(result: Result) -> Outcome:
    assert result.outcome is not None, "asked for by what the format needs"
    return result.outcome()


def _junit(result: Result, setting: Setting) -> str:
    from cnnscope.analyzer.render.ci.junit import junit_xml

    return junit_xml(_outcome(result))


def _sarif(result: Result, setting: Setting) -> str:
    from cnnscope.analyzer.render.ci.sarif import sarif_json

    return sarif_json(_outcome(result), setting.version())


def _github(result: Result, setting: Setting) -> str:
    from cnnscope.analyzer.render.ci.github import workflow_commands

    return workflow_commands(_outcome(result))


def _gitlab(result: Result, setting: Setting) -> str:
    from cnnscope.analyzer.render.ci.gitlab import code_quality

    return code_quality(_outcome(result))


FORMATS: Final[Mapping[str, Format]] = {
    "table": Format("document", _terminal),
    "json": Format("record", _json),
    "csv": Format("rows", _csv),
    "markdown": Format("document", _markdown),
    "html": Format("document", _html),
    "junit": Format("outcome", _junit),
    "sarif": Format("outcome", _sarif),
    "github": Format("outcome", _github, commands=True),
    "gitlab": Format("outcome", _gitlab),
}
