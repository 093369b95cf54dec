"""Is every subject written in every format that it has, as that format, and refused in the others?"""

from __future__ import annotations

import csv
import io
import json
import pickle
import re
from collections.abc import Callable
from functools import cache
from pathlib import Path
from xml.etree import ElementTree

import pytest
from page import Page
from rich.console import Console
from scan_rows import Rows, random_rows
from test_measurement import a_profile
from test_runtime_verify import an_outcome

import cnnscope
from cnnscope.analyzer.fleet.scan_checking import CheckedAgainst, check_scan, limits_of
from cnnscope.analyzer.fleet.scan_diffing import diff_scans
from cnnscope.analyzer.fleet.summary import summarised
from cnnscope.analyzer.lint.selection import all_rules
from cnnscope.analyzer.operators.coverage import find_coverage
from cnnscope.analyzer.render.document import Document
from cnnscope.analyzer.render.formats import FORMATS, FormatError, Result, formats_for, written
from cnnscope.analyzer.render.forms.json import rows_of
from cnnscope.analyzer.render.forms.terminal import text
from cnnscope.analyzer.render.subjects import (
    check,
    comparison,
    convention_figures,
    conventions,
    coverage,
    difference,
    explanation,
    findings,
    profile,
    report,
    rules,
    verification,
)
from cnnscope.analyzer.values.shown import Shown
from cnnscope.cli import main

SAMPLES = Path(__file__).resolve().parent.parent / "sample_models"
SCANNED = Rows(random_rows(40, 1))
#: a name that is markup in HTML and Markdown, a formula in a spreadsheet, a command in a job's log
HOSTILE = "=<b>|`x`</title><script>alert(1)</script>\n::error::x"


@cache
def values() -> dict[str, object]:
    """One value of every kind that shows itself."""
    one, other = (str(SAMPLES / f"{name}.onnx") for name in ("alexnet", "lenet5"))
    found = cnnscope.analyze(one)
    return {
        "report": found,
        "comparison": cnnscope.compare([found, other]),
        "explanation": found.layers[0].explain(),
        "difference": cnnscope.diff(found, other),
        "check": cnnscope.check(one, limits={"macs": 1000, "params": "9G"}),
        "findings": cnnscope.lint(found),
        "verification": an_outcome(),
        "profile": a_profile(),
        "verdict": cnnscope.check(one, limits={"macs": 1000}).verdicts[0],
        "layers": found.layers,
        "chosen": found.layers.select(only="op=Conv"),
        "layer": found.layers[0],
        "regions": found.regions(2, [(0, 0), (3, None)]),
        "effective field": found.effective_field(2),
        "effective fields": found.effective_fields([2, 5]),
        "by op": found.by_op(),
        "by kind": found.by_kind(),
        "by module": found.by_module(2),
        "by block": found.by_block(),
        "group": found.by_module()[0],
        "conventions": cnnscope.conventions(),
        "convention figures": cnnscope.conventions(found),
        "scan summary": summarised(SCANNED, "zoo.parquet"),
        "scan check": check_scan(
            SCANNED, "zoo.parquet", CheckedAgainst(limits_of({"macs": "1 G"}))
        ),
        "scan difference": diff_scans(SCANNED, Rows(random_rows(30, 2)), ("old", "new")),
        "convention totals": cnnscope.convention(found, "thop"),
    }


def shown(document: Callable[..., Document], value: object, **has: object) -> Result:
    record = getattr(value, "to_dict", lambda: {"of": "more than one"})
    return Result(lambda: [document(value)], record, **has)  # type: ignore[arg-type]


def results() -> dict[str, Result]:
    """Every subject as the command that has it gives it away."""
    of = values()
    operators = coverage.document(find_coverage()[:5])
    every = conventions.document(cnnscope.conventions())
    counted = cnnscope.conventions(of["report"])  # type: ignore[call-overload]
    return {
        "report": shown(report.document, of["report"], rows=True),
        "comparison": shown(comparison.document, of["comparison"], rows=True),
        "explanation": shown(explanation.document, of["explanation"]),
        "difference": shown(difference.document, of["difference"]),
        "check": shown(check.document, of["check"], outcome=lambda: check.outcome(of["check"])),
        "findings": shown(
            findings.document, of["findings"], outcome=lambda: findings.outcome([of["findings"]])
        ),
        "verification": shown(verification.document, of["verification"]),
        "profile": shown(profile.document, of["profile"], rows=True),
        "rule": shown(rules.document, all_rules()[0]),
        "rules": shown(rules.list_document, all_rules()),
        "operators": Result(lambda: [operators], lambda: rows_of(operators), rows=True),
        "conventions": Result(lambda: [every], lambda: rows_of(every), rows=True),
        "counted": shown(convention_figures.document, counted, rows=True),
    }  # fmt: skip


def is_html(text: str) -> bool:
    page = Page(text)
    foreign = re.search(r"\bsrc=|\bhref=|\bon\w+=|url\(|@import", text)
    return text.startswith("<!DOCTYPE html>") and "script" not in page.seen and not foreign


def is_json(text: str) -> bool:
    return isinstance(json.loads(text), dict | list)


def is_csv(text: str) -> bool:
    rows = list(csv.reader(io.StringIO(text)))
    return len(rows) > 1 and len({len(row) for row in rows}) == 1 and "," in text


#: of every format, how a text is told to be in it
LOOKS: dict[str, Callable[[str], bool]] = {
    "table": lambda x: max(map(len, x.splitlines())) <= 100 and "| ---" not in x and "<" not in x[:1],
    "json": is_json,
    "csv": is_csv,
    "markdown": lambda x: x.startswith(("#", "| ")) and not x.startswith("<"),
    "html": is_html,
    "junit": lambda x: ElementTree.fromstring(x).tag == "testsuites",
    "sarif": lambda x: json.loads(x)["version"] == "2.1.0",
    "github": lambda x: x.splitlines()[-1].endswith("passed"),
    "gitlab": lambda x: all("check_name" in issue for issue in json.loads(x)),
}  # fmt: skip


def test_every_format_is_known_here() -> None:
    assert set(LOOKS) == set(FORMATS)


@pytest.mark.parametrize("wanted", FORMATS)
@pytest.mark.parametrize("subject", results())
def test_a_subject_is_written_in_a_format_or_refused(subject: str, wanted: str) -> None:
    """In no way as another format than the one asked for."""
    result = results()[subject]
    if wanted in result.formats:
        assert LOOKS[wanted](written(result, wanted)), written(result, wanted)[:300]
    else:
        with pytest.raises(
            FormatError, match=f"--format {wanted} doesn't go with this: table, json"
        ):
            written(result, wanted)


def test_the_formats_follow_from_what_there_is() -> None:
    assert formats_for() == ("table", "json", "markdown", "html")
    assert formats_for("rows") == ("table", "json", "csv", "markdown", "html")
    gates = ("table", "json", "markdown", "html", "junit", "sarif", "github", "gitlab")
    assert formats_for("outcome") == gates
    with pytest.raises(FormatError, match="'yaml' is not one of 'table', 'json'"):
        written(results()["report"], "yaml")


COMMANDS = {
    "analyze": ["{}"], "explain": ["{}", "0"], "conventions": ["{}"], "operators": ["Conv"],
    "check": ["{}", "--limit", "macs=1T"], "diff": ["{}", "{}"], "lint": ["{}", "--severity", "error"],
    "rule": ["CNS101"],
}  # fmt: skip


@pytest.mark.parametrize("command", COMMANDS)
def test_a_command_has_its_formats_and_no_others(
    command: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "100")
    monkeypatch.delenv("GITHUB_STEP_SUMMARY", raising=False)
    model = str(SAMPLES / "lenet5.onnx")
    given = [command, *(text.format(model) for text in COMMANDS[command])]
    for wanted in FORMATS:
        with pytest.raises(SystemExit) as ended:
            main([*given, "--format", wanted])
        said = capsys.readouterr()
        if ended.value.code == 2:
            assert f"--format {wanted} doesn't go with {command}: table, json" in said.err
            assert not said.out
        else:
            assert LOOKS[wanted](said.out), (wanted, said.out[:300])


@pytest.mark.parametrize("kind", values())
def test_a_value_shows_itself_in_three_ways(kind: str) -> None:
    value = values()[kind]
    assert isinstance(value, Shown)
    console = Console(file=io.StringIO(), width=100, color_system=None, legacy_windows=False)
    console.print(value, soft_wrap=True)
    printed = [line.rstrip() for line in console.file.getvalue().splitlines()]  # type: ignore[attr-defined]
    assert printed == str(value).splitlines()
    fragment = value._repr_html_()
    assert "script" not in Page(fragment).seen
    assert not re.search(r"\bsrc=|\bon\w+=", fragment)


@pytest.mark.parametrize("kind", values())
def test_what_shows_itself_can_be_pickled(kind: str) -> None:
    value = values()[kind]
    assert str(pickle.loads(pickle.dumps(value))) == str(value)


def words(text: str) -> set[str]:
    return set(re.findall(r"[\w.%]+", text.lower()))


@pytest.mark.parametrize("subject", ["report", "check", "verification", "profile", "explanation"])
def test_a_page_says_what_the_screen_says(subject: str) -> None:
    """Every word of the widest screen is on the page."""
    result = results()[subject]
    screen = words(text(result.documents()[0], 400)) - {"more"}
    page = words(" ".join(Page(written(result, "html")).words))
    allowed = {"model"} if subject in ("profile", "verification") else set()
    missing = {word for word in screen - page - allowed if not set(word) <= set("_-")}
    assert not missing


def test_markdown_of_a_check_says_all() -> None:
    found = cnnscope.check(
        [str(SAMPLES / "lenet5.onnx"), "/nowhere.onnx"], limits={"macs": "1k", "params": "9G"}
    )
    page = written(shown(check.document, found), "markdown")
    assert "- info: macs: most in" in page
    assert re.search(r"- info: params is \S+ % below its limit", page)
    assert "- error: **/nowhere.onnx**: there is no such file" in page


def test_a_hostile_name_is_text_in_a_page() -> None:
    found = values()["check"]
    document = check.document(found)  # type: ignore[arg-type]
    evil = Document(HOSTILE, document.sections)
    page = written(Result(lambda: [evil], dict), "html")
    assert is_html(page)
    assert "<b>|" not in page


def test_a_drawing_keeps_its_places_without_a_style_sheet() -> None:
    fragment = values()["explanation"]._repr_html_()  # type: ignore[attr-defined]
    drawings = re.findall("<pre[^>]*>", fragment)
    assert drawings
    assert all("monospace" in tag and "white-space:pre;" in tag for tag in drawings)
