"""Do CI services read what we write, and can no name from a model say anything there?

SARIF is held against OASIS's schema, JUnit and GitLab against what reads them, GitHub's commands
against the runner's own rules of escaping.
"""

from __future__ import annotations

import json
import re
from fractions import Fraction
from pathlib import Path
from xml.etree import ElementTree

import jsonschema
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from laid_out import check_json, check_markdown, check_text
from networks import network, node

import cnnscope
from cnnscope.analyzer.render.ci.fingerprint import fingerprints
from cnnscope.analyzer.render.ci.github import MOST, workflow_commands
from cnnscope.analyzer.render.ci.gitlab import code_quality
from cnnscope.analyzer.render.ci.junit import junit_xml
from cnnscope.analyzer.render.ci.sarif import (
    LOCATIONS,
    RESULTS,
    message_text,
    sarif_dict,
    sarif_json,
)
from cnnscope.analyzer.render.subjects.check import outcome
from cnnscope.analyzer.render.subjects.verdicts import both
from cnnscope.analyzer.report.finding import Case, Finding, Outcome, ReportedRule
from cnnscope.analyzer.values.amounts import Measure

DATA = Path(__file__).resolve().parent / "data"

#: what a node could be called by somebody who means harm
HOSTILE = [
    "plain",
    "a\n::error file=x::injected",
    "a\r::set-output name=x::y",
    "\n##[error]injected",
    "x##[add-mask]y",
    "]]><failure/><!-- &amp; \"'",
    "\x00\x01\x1b[31mred\ufffe\uffff",
    "\ud800",
    "[click](http://evil) {0} {{",
    "|a|b|\n# heading <script>alert(1)</script> @team #1",
    "100%25 , : ;",
    "\u202eright to left",
    "x" * 5000,
    "é漢字 😀",
    "",
]


@pytest.fixture(scope="module")
def sarif() -> jsonschema.Draft7Validator:
    schema = json.loads((DATA / "sarif-schema-2.1.0.json").read_text("utf-8"))
    return jsonschema.Draft7Validator(schema, format_checker=jsonschema.FormatChecker())


def outcome_of(*names: str, model: str = "models/m.onnx") -> Outcome:
    findings = [
        Finding(
            "CNS101", "warning", model, f"layer {name} is bad", name, (name + "2",),
            f"look at {name}", {"macs": 3},
        )
        for name in names
    ]  # fmt: skip
    cases = [Case(model, f"CNS101 at {x.layer}", (x,), f"about {x.layer}") for x in findings]
    worse = Finding("CNS102", "error", model, f"{names[0]} is worse", names[0])
    skipped = Case(model, "CNS104", (), "", f"no reason but {names[0]}")
    rule = ReportedRule(
        "CNS101", "a-rule", "One sentence.", "## What it does", "https://example.org/x"
    )
    return Outcome(
        "lint", (*cases, Case(model, "CNS102", (worse,)), Case(model, "fine"), skipped), (rule,)
    )


@pytest.mark.parametrize("name", HOSTILE, ids=range(len(HOSTILE)))
@pytest.mark.parametrize("where", ["layer", "model"])
def test_no_name_breaks_out(name: str, where: str, sarif: jsonschema.Draft7Validator) -> None:
    found = outcome_of(name) if where == "layer" else outcome_of("x", model=name)

    log = json.loads(sarif_json(found, "1.0"))
    sarif.validate(log)
    assert len(log["runs"][0]["results"]) == 2

    text = junit_xml(found)
    root = ElementTree.fromstring(text)  # written by us a line above
    assert len(root.findall(".//testcase")) == 4
    assert len(root.findall(".//failure")) == 1
    assert len(root.findall(".//skipped")) == 1
    assert root.get("failures") == "1"
    text.encode("utf-8")

    issues = json.loads(code_quality(found))
    assert len(issues) == 2
    assert len({issue["fingerprint"] for issue in issues}) == 2
    assert all("\n" not in issue["description"] for issue in issues)

    commands = runner(workflow_commands(found))
    assert [command for command, _, _ in commands] == ["error", "warning"]
    assert all(set(properties) == {"file", "line", "title"} for _, properties, _ in commands)


def runner(text: str) -> list[tuple[str, dict[str, str], str]]:
    """The commands a runner finds in a log: as actions/runner's `ActionCommand` reads lines."""
    found = []
    for line in re.split(r"\r\n|\r|\n", text):
        stripped = line.lstrip()
        if stripped.startswith("::") and "::" in stripped[2:]:
            head, _, message = stripped[2:].partition("::")
            command, _, rest = head.partition(" ")
            properties = dict(part.split("=", 1) for part in rest.split(",") if "=" in part)
            found.append((command, properties, message))
        elif "##[" in line:
            found.append(("legacy", {}, line))
    return found


@given(st.lists(st.text(max_size=40), min_size=1, max_size=3))
@settings(max_examples=60, deadline=None)
def test_any_names(names: list[str]) -> None:
    found = outcome_of(*names)
    ElementTree.fromstring(junit_xml(found))
    json.loads(sarif_json(found))
    assert {c for c, _, _ in runner(workflow_commands(found))} <= {"error", "warning"}
    assert len(json.loads(code_quality(found))) == len(names) + 1


def test_a_hostile_model_in_every_report_of_a_check(
    tmp_path: Path, sarif: jsonschema.Draft7Validator
) -> None:
    for i, name in enumerate(HOSTILE):
        if "\ud800" in name:  # no ONNX file can hold it
            continue
        model = network(
            node("Conv", "x w", "y", name=name, kernel_shape=[3, 3]), x=(1, 3, 8, 8), w=(4, 3, 3, 3)
        )
        path = tmp_path / f"{i}.onnx"
        path.write_bytes(model.SerializeToString())
        check = cnnscope.check(
            [path, tmp_path / "nothing.onnx"],
            {"macs": 1, "layer.*.macs": 2, "operators.forbid": "Conv", "params": "1 k"},
        )
        found = outcome(check)
        sarif.validate(json.loads(sarif_json(found)))
        ElementTree.fromstring(junit_xml(found))
        assert {c for c, _, _ in runner(workflow_commands(found))} == {"error"}
        assert runner(check_text(check)) == []
        json.loads(check_json(check))
        page = check_markdown(check)
        # "\\_" and its like are how Markdown is told that it isn't Markdown.
        assert "<script" not in page
        assert not re.search(r"(?<!\\)\]\(http", page)
        assert len(page.splitlines()) == len(check_markdown(check).splitlines())
        assert not re.search(r"^# heading", page, re.MULTILINE)


def test_sarif_says_where(sarif: jsonschema.Draft7Validator) -> None:
    log = sarif_dict(outcome_of("/layer1/0/conv"), "1.2.3")
    sarif.validate(log)
    (run,) = log["runs"]  # type: ignore[misc]
    assert run["tool"]["driver"]["version"] == "1.2.3"
    worse, first = run["results"]  # errors first
    assert (worse["level"], first["level"]) == ("error", "warning")
    assert first["locations"][0]["logicalLocations"][0]["fullyQualifiedName"] == "/layer1/0/conv"
    assert first["locations"][0]["physicalLocation"]["artifactLocation"]["uri"] == "models/m.onnx"
    rules = run["tool"]["driver"]["rules"]
    assert [rules[x["ruleIndex"]]["id"] for x in run["results"]] == ["CNS102", "CNS101"]


@pytest.mark.parametrize(
    ("path", "uri"),
    [
        ("models/m.onnx", "models/m.onnx"),
        ("./m.onnx", "m.onnx"),
        ("a b%c#d?.onnx", "a%20b%25c%23d%3F.onnx"),
        ("/abs/m.onnx", "file:///abs/m.onnx"),
        ("C:\\x\\m.onnx", "file:///C%3A/x/m.onnx"),
        ("\udcff.onnx", "%FF.onnx"),
        ("é.onnx", "%C3%A9.onnx"),
    ],
)
def test_paths_as_uris(path: str, uri: str) -> None:
    log = sarif_dict(outcome_of("x", model=path))
    place = log["runs"][0]["results"][0]["locations"][0]  # type: ignore[index]
    assert place["physicalLocation"]["artifactLocation"]["uri"] == uri


FEW = 250


def test_githubs_limits_are_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    """25,000 results and 25,000 rules, 100 locations shown of a result; ten annotations a level."""
    assert RESULTS == 25_000
    # The same, a hundred times smaller.
    monkeypatch.setattr("cnnscope.analyzer.render.ci.sarif.RESULTS", FEW)
    many = tuple(
        Finding(f"R{i}", "warning", "m.onnx", "x", "n0", tuple(f"n{j}" for j in range(1, 300 * (i == 0))))
        for i in range(FEW + 5)
    )  # fmt: skip
    worst = Finding("last", "error", "m.onnx", "x")
    found = Outcome("lint", (Case("m.onnx", "all", (*many, worst)),))
    (run,) = sarif_dict(found)["runs"]  # type: ignore[misc]
    assert len(run["results"]) == FEW
    assert len(run["tool"]["driver"]["rules"]) == FEW
    assert run["results"][0]["ruleId"] == "last"
    assert run["properties"]["resultsLeftOut"] == 6
    assert max(len(result["locations"]) for result in run["results"]) == LOCATIONS
    commands = runner(workflow_commands(found))
    assert [c for c, _, _ in commands] == ["error"] + ["warning"] * MOST


def test_fingerprints_stay_when_figures_move(samples: Path) -> None:
    def marks(limit: str) -> list[str]:
        check = cnnscope.check(samples / "resnet50.onnx", {"macs": limit, "params": 1})
        return fingerprints(outcome(check).findings)

    assert marks("1 G") == marks("2 G")
    assert len(set(marks("1 G"))) == 2
    twins = [Finding("C", "error", "m", "x", "n")] * 3
    assert len(set(fingerprints(twins))) == 3
    assert fingerprints(twins)[0] == fingerprints(twins[:1])[0]


@pytest.mark.parametrize(
    ("figure", "limit", "measure", "expected"),
    [
        (4_410_000_000, 4_200_000_000, "count", ("4.41 G", "4.20 G")),
        (25_557_032, 25_560_000, "count", ("25,557,032", "25,560,000")),
        (4_089_184_256, Fraction(40_891_842_559, 10), "count",
         ("4,089,184,256", "4,089,184,255.9")),
        (1024**2, 1024**2 + 1, "bytes", ("1,048,576", "1,048,577")),
        (Fraction(12, 1000), Fraction(12_000_001, 10**9), "seconds", ("12 ms", "12 ms")),
        (Fraction(12, 1000), Fraction(12_001, 10**6), "seconds", ("12 ms", "12.001 ms")),
        (427, 224, "length", ("427", "224")),
        (Fraction(1, 3), -Fraction(1, 3), "count", ("0.33", "-0.33")),
        (None, 3, "count", ("?", "3")),
    ],
)  # fmt: skip
def test_what_differs_looks_different(
    figure: Fraction | None, limit: Fraction, measure: Measure, expected: tuple[str, str]
) -> None:
    found = both(None if figure is None else Fraction(figure), Fraction(limit), measure)
    assert found == expected


def test_text_that_is_no_link() -> None:
    assert message_text("a[0] is [b](c)") == r"a\[0\] is \[b\](c)"
    assert message_text("a[0] {x}") == "a[0] {x}"


def test_junit_of_a_check(samples: Path) -> None:
    check = cnnscope.check(
        [samples / "resnet50.onnx", samples / "nothing.onnx"], {"macs": "4 G", "params": "26 M"}
    )
    root = ElementTree.fromstring(junit_xml(outcome(check)))
    assert (root.get("tests"), root.get("failures")) == ("3", "2")
    names = [case.get("name") for case in root.iter("testcase")]
    assert names == ["macs <= 4 G", "params <= 26 M", "can be judged"]
    failure = root.find(".//failure")
    assert failure is not None
    assert "89.18 M (2.2 %) over" in (failure.text or "")


def test_two_bounds_of_one_limit_are_two_names(samples: Path, tmp_path: Path) -> None:
    """``params = "60 k, +2 %"`` asks two things: one name for both hides one of them in a test report."""
    lenet = samples / "lenet5.onnx"
    limits = {"params": "60 k, +2 %", "opset": ">= 7, <= 9"}
    found = outcome(cnnscope.check(lenet, limits, baseline=lenet))
    root = ElementTree.fromstring(junit_xml(found))
    names = [case.get("name") for case in root.iter("testcase")]
    assert names == ["params <= 60 k", "params <= +2 %", "opset >= 7", "opset <= 9"]
    grown = outcome(cnnscope.check(samples / "resnet50.onnx", limits, baseline=lenet))
    broken = [x for x in grown.findings if x.code == "budget/params"]
    assert [x.subject for x in broken] == ["params <=", "params <= share"]
    # Mending the first doesn't make the second one look new.
    assert fingerprints(broken)[1] == fingerprints(broken[1:])[0]


def test_what_is_asked_twice_has_two_names(samples: Path, tmp_path: Path) -> None:
    """Two entries of the configuration for one file share the general limits."""
    config = tmp_path / "cnnscope.toml"
    (tmp_path / "m.onnx").write_bytes((samples / "lenet5.onnx").read_bytes())
    config.write_text(
        "[limits]\nparams = 1\n"
        + "".join(f'[[model]]\npath = "m.onnx"\nlimits.macs = {n}\n' for n in (1, 2))
    )
    found = outcome(cnnscope.check(config=config))
    root = ElementTree.fromstring(junit_xml(found))
    names = [case.get("name") for case in root.iter("testcase")]
    assert names == ["params <= 1", "macs <= 1", "params <= 1 (2)", "macs <= 2"]
    assert len(set(fingerprints(found.findings))) == len(found.findings) == 4


def test_gitlabs_issues(samples: Path) -> None:
    check = cnnscope.check(samples / "resnet50.onnx", {"macs": "4 G"})
    (issue,) = json.loads(code_quality(outcome(check)))
    assert issue["check_name"] == "budget/macs"
    assert issue["severity"] == "major"
    assert issue["location"]["lines"] == {"begin": 1}
