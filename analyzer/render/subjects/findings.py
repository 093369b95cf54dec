"""What is said of the findings of `lint`, to people and to CI services?

Names of layers are hostile text: they are escaped, and shortened in the middle.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Protocol

from cnnscope.analyzer.lint.rule import LintRule
from cnnscope.analyzer.render.columns import Column
from cnnscope.analyzer.render.document import (
    PAGE,
    SCREEN,
    Document,
    Flow,
    Heading,
    Note,
    Notes,
    Only,
    Section,
)
from cnnscope.analyzer.render.subjects.rules import neutral_rule
from cnnscope.analyzer.render.tables import Tone, table
from cnnscope.analyzer.report.finding import Case, Finding, Outcome
from cnnscope.analyzer.values.diagnostics import Severity
from cnnscope.analyzer.values.notation import count, escape, name, nbytes

if TYPE_CHECKING:
    from cnnscope.analyzer.lint.linting import Findings

#: layers that are named before "and n more"
_SHOWN = 4
_WIDEST = 110  # cells of a line
_INNER = Flow("    ", "    ", _WIDEST)
_TONES: dict[Severity, Tone] = {"error": "error", "warning": "warning", "info": "op"}
_UNITS = {"macs": "MACs", "params": "weights", "flops": "FLOPs", "pixels": "positions"}


class LintResult(Protocol):
    """What is shown of a model's findings."""

    @property
    def model(self) -> str: ...
    @property
    def found(self) -> tuple[Finding, ...]: ...
    @property
    def suppressed(self) -> Mapping[str, int]: ...
    def counts(self) -> Mapping[Severity, int]: ...
    def to_dict(self) -> dict[str, object]: ...


def stake_text(stake: Mapping[str, int]) -> str:
    """What is at stake, as people read it.

    >>> stake_text({"macs": 1_500_000, "bytes": 2048})
    '1.50 M MACs, 2.00 KiB'
    """
    return ", ".join(
        nbytes(value) if what == "bytes" else f"{count(value)} {_UNITS.get(what, what)}"
        for what, value in stake.items()
    )


def layers_text(finding: Finding, shown: int = _SHOWN) -> str:
    """The layers of a finding, the first few by name."""
    names = [name(text) for text in finding.layers[:shown]]
    more = len(finding.layers) - len(names)
    return ", ".join(names) + (f" and {more} more" if more else "")


def summary_text(result: LintResult) -> str:
    """How many findings of which severity, as one phrase."""
    parts = [
        f"{number} {severity}{'s' if number > 1 and severity != 'info' else ''}"
        for severity, number in result.counts().items()
        if number
    ]
    left_out = sum(result.suppressed.values())
    said = ", ".join(parts) or "nothing found"
    return said + (f" ({left_out} suppressed)" if left_out else "")


def document(found: LintResult) -> Document:
    """A model's findings as a document: told one by one on a screen, a table on a page."""
    title, said = name(found.model), summary_text(found)
    told = Notes(tuple(_told(found.found)))
    rows = [table(COLUMNS, found.found, dense=True)] if found.found else []
    return Document(
        f"{title}: {said}",
        (
            Section((
                Heading(title, said, level=3, flow=Flow(rest="  ", most=_WIDEST)),
                Only(SCREEN, (told,)),
                Only(PAGE, tuple(rows)),
            )),
        ),
    )  # fmt: skip


def _told(findings: Sequence[Finding]) -> Iterator[Note]:
    """Each finding in a few sentences; a hint once, however many have it."""
    hinted: set[str] = set()
    for finding in findings:
        where = f"{finding.code} {finding.severity}: {layers_text(finding) or 'the model'}"
        yield Note(where, tone=_TONES[finding.severity], flow=Flow("  ", "    ", _WIDEST))
        yield Note(escape(finding.message), flow=_INNER)
        stake = stake_text(finding.stake)
        if stake:
            yield Note(f"at stake: {stake}", flow=_INNER)
        if finding.hint and finding.hint not in hinted:
            hinted.add(finding.hint)
            hint = escape(finding.hint.replace("`", ""))
            yield Note(hint, tone="dim", flow=Flow("    -> ", "       ", _WIDEST))


#: of a page's table
COLUMNS: tuple[Column[Finding], ...] = (
    Column("severity", "", lambda x: x.severity, lambda x: x.severity, importance=90),
    Column("code", "rule", lambda x: x.code, lambda x: x.code, importance=100),
    Column("layers", "layers", lambda x: layers_text(x) or "the model", lambda x: list(x.layers),
           importance=80),
    Column("message", "finding", lambda x: escape(x.message), lambda x: x.message, importance=95),
    Column("stake", "at stake", lambda x: stake_text(x.stake), lambda x: stake_text(x.stake),
           importance=50),
)  # fmt: skip


def record(found: Sequence[LintResult]) -> object:
    """As JSON has it: an object for one model, a list for several."""
    records = [result.to_dict() for result in found]
    return records[0] if len(records) == 1 else records


# -- for CI services -------------------------------------------------------------------------------


def outcome(
    all_findings: Sequence[Findings], threshold: Severity = "warning", command: str = ""
) -> Outcome:
    """What was found in some models, as reporters take it: one question per model and rule."""
    cases = []
    rules: dict[str, LintRule] = {}
    for findings in all_findings:
        for rule in findings.asked:
            rules[rule.code] = rule
            own = tuple(x for x in findings.found if x.code == rule.code)
            cases.append(Case(findings.model, f"{rule.code} {rule.name}", own, threshold=threshold))
    return Outcome("lint", cases, tuple(neutral_rule(r) for _, r in sorted(rules.items())), command)
