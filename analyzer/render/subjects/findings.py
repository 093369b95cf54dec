"""How do the findings of `lint` look to people, and as JSON?

Names of layers are hostile text: they are escaped, and shortened in the middle.
"""

from __future__ import annotations

import textwrap
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Protocol

from cnnscope.analyzer.render.forms.json import dumped
from cnnscope.analyzer.render.forms.markdown import plain
from cnnscope.analyzer.render.job_log import without_commands
from cnnscope.analyzer.report.finding import Finding
from cnnscope.analyzer.values.diagnostics import Severity
from cnnscope.analyzer.values.notation import count, escape, name, nbytes

if TYPE_CHECKING:
    from rich.text import Text

#: layers that are named before "and n more"
_SHOWN = 4
_STYLES = {"error": "bold red", "warning": "yellow", "info": "cyan"}
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
    names = [name(text, 80) for text in finding.layers[:shown]]
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


def _lines(result: LintResult, width: int) -> Iterator[tuple[str, str]]:
    """Style and text, line by line."""
    width = max(min(width, 110), 20)

    def filled(text: str, first: str, rest: str) -> str:
        return textwrap.fill(
            text, width, initial_indent=first, subsequent_indent=rest, break_on_hyphens=False
        )

    title, said = f"{name(result.model)}:", summary_text(result)
    if len(title) + 1 + len(said) <= width:
        yield "bold", f"{title} {said}"
    else:
        yield "bold", f"{filled(title, '', '  ')}\n{filled(said, '  ', '  ')}"
    hinted: set[str] = set()
    for finding in result.found:
        where = layers_text(finding)
        yield (
            _STYLES[finding.severity],
            filled(f"{finding.code} {finding.severity}: {where or 'the model'}", "  ", "    "),
        )
        yield "", filled(escape(finding.message), "    ", "    ")
        stake = stake_text(finding.stake)
        if stake:
            yield "", filled(f"at stake: {stake}", "    ", "    ")
        if finding.hint and finding.hint not in hinted:  # once, however many findings
            hinted.add(finding.hint)
            yield "dim", filled(escape(finding.hint.replace("`", "")), "    -> ", "       ")


def findings_text(result: LintResult, width: int = 100) -> str:
    """A model's findings as plain text."""
    return without_commands("\n".join(text for _, text in _lines(result, width)) + "\n")


def findings_rich(result: LintResult, width: int) -> Text:
    """The same for a terminal."""
    from rich.text import Text

    whole = Text()
    for style, text in _lines(result, width):
        whole.append(text, style or None)
        whole.append("\n")
    return whole


def findings_markdown(results: Sequence[LintResult]) -> str:
    """Tables fit for a pull request's comment."""
    lines: list[str] = []
    for result in results:
        lines += [f"### {plain(name(result.model))}: {summary_text(result)}", ""]
        if result.found:
            lines += ["| | rule | layers | finding | at stake |", "|---|---|---|---|---|"]
        for finding in result.found:
            cells = [
                finding.severity, finding.code, plain(layers_text(finding)) or "the model",
                plain(escape(finding.message)), plain(stake_text(finding.stake)),
            ]  # fmt: skip
            lines.append("| " + " | ".join(cells) + " |")
        if result.found:
            lines.append("")
    return "\n".join(lines).rstrip() + "\n"


def findings_json(results: Sequence[LintResult]) -> str:
    """Everything, as JSON: an object for one model, a list for several."""
    found = [result.to_dict() for result in results]
    return dumped(found[0] if len(found) == 1 else found)
