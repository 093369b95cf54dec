"""Which formats are there, what does each need of a result, and who writes it?

`FORMATS` is the one list: what a command offers, refuses and writes follows from it. A format that a
result has nothing for is refused in words, and never written as another.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from importlib import import_module
from typing import TYPE_CHECKING, Final, Literal, cast

from cnnscope.analyzer.render.job_log import without_commands
from cnnscope.analyzer.values.plain_class import dataclass

if TYPE_CHECKING:
    from cnnscope.analyzer.render.document import Document
    from cnnscope.analyzer.report.finding import Outcome

#: what a format needs, and so what its writer is given: documents and a screen's width; documents; documents
#: with rows, and what stands beside them; plain data; a gate's outcome, and cnnscope's version
Need = Literal["screen", "document", "rows", "record", "outcome"]


class FormatError(ValueError):
    """A format that a result can't be written in; one line says which can."""


@dataclass(frozen=True, slots=True)
class Result:
    """What a command has to show; each part is made only when a format needs it.

    Args:
        documents: for people.
        record: plain data, as JSON has it; an iterator in it is a list that is written as it goes.
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
    """What writers may need besides the result: the width of the screen, None where the text is for a
    file, and cnnscope's version, asked for where a format has it."""

    width: int | None = 100
    version: Callable[[], str] = str


_USUAL: Final = Setting()


@dataclass(frozen=True, slots=True)
class Format:
    """A format.

    Args:
        needs: what a result must have.
        writer: the module of `render` and the function in it; imported when it is asked for. It gives the
            text, or its pieces, none of which ends within a line that may look like a command.
        commands: its lines are commands of a CI runner, and meant to be.
    """

    needs: Need
    writer: str
    commands: bool = False


FORMATS: Final[Mapping[str, Format]] = {
    "table": Format("screen", "forms.terminal:texts"),
    "json": Format("record", "forms.json:json_pieces"),
    "csv": Format("rows", "forms.csv:csv_text"),
    "markdown": Format("document", "forms.markdown:pages"),
    "html": Format("document", "forms.html:page"),
    "junit": Format("outcome", "ci.junit:junit_xml"),
    "sarif": Format("outcome", "ci.sarif:sarif_json"),
    "github": Format("outcome", "ci.github:workflow_commands", commands=True),
    "gitlab": Format("outcome", "ci.gitlab:code_quality"),
}


def formats_for(*has: Need) -> tuple[str, ...]:
    """The formats of whatever has documents, a record, and this.

    >>> formats_for(), formats_for("rows")
    (('table', 'json', 'markdown', 'html'), ('table', 'json', 'csv', 'markdown', 'html'))
    """
    there = {"screen", "document", "record", *has}
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


def written(result: Result, wanted: str, setting: Setting = _USUAL) -> str:
    """The result in a format, without commands of CI runners but those that make up the format.

    Raises:
        FormatError: it can't be written so.
    """
    return "".join(pieces(result, wanted, setting))


def pieces(result: Result, wanted: str, setting: Setting = _USUAL) -> Iterator[str]:
    """The same in pieces that follow each other, each made when it is asked for.

    Raises:
        FormatError: at once.
    """
    refused = refusal(wanted, result.subject, result.formats)
    if refused is not None:
        raise FormatError(refused)
    found = FORMATS[wanted]
    made = _write(found, result, setting)
    parts = (made,) if isinstance(made, str) else made
    return iter(parts) if found.commands else map(without_commands, parts)


def _write(found: Format, result: Result, setting: Setting) -> str | Iterable[str]:
    module, _, function = found.writer.partition(":")
    writer = getattr(import_module(f"cnnscope.analyzer.render.{module}"), function)
    given: tuple[object, ...]
    match found.needs:
        case "screen":
            given = (result.documents(), setting.width)
        case "document":
            given = (result.documents(),)
        case "rows":
            given = (result.documents(), result.models)
        case "record":
            given = (result.record(),)
        case "outcome":
            assert result.outcome is not None, "refused above"
            given = (result.outcome(), setting.version())
    return cast("Callable[..., str | Iterable[str]]", writer)(*given)


def styled(result: Result, width: int | None) -> Sequence[object]:
    """The result as rich prints it on a terminal of so many cells, one after the other."""
    from cnnscope.analyzer.render.forms.terminal import Laid

    found = [
        Laid(document, lambda _: width)
        for document in result.documents()
        if any(document.of("terminal"))
    ]
    return [part for one in found for part in ("", one)][1:]
