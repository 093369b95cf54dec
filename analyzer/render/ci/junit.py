"""How do test reporters show findings? As JUnit XML: a suite per model, a case per question.

There is no standard; this keeps to what https://github.com/testmoapp/junitxml describes. Readers tell
cases apart by class and name, so no two of a suite have the same: what is asked twice is counted. Some
readers show a failure's ``message`` and some its text, so both say what was found. XML 1.0 has no
way to write most control characters: they come as escapes.
"""

from __future__ import annotations

from collections.abc import Sequence
from xml.etree.ElementTree import Element, SubElement, indent, tostring

from cnnscope.analyzer.render.job_log import without_commands
from cnnscope.analyzer.report.finding import Case, Finding, Outcome
from cnnscope.analyzer.values.notation import escape, name


def junit_xml(outcome: Outcome, version: str = "") -> str:
    """The outcome as JUnit XML."""
    root = Element("testsuites", _counts(f"cnnscope {outcome.gate}", outcome.cases))
    suites: dict[str, list[Case]] = {}
    for case in outcome.cases:
        suites.setdefault(case.model, []).append(case)
    for model, cases in suites.items():
        suite = SubElement(root, "testsuite", _counts(escape(model), cases))
        for case, title in zip(cases, unlike([name(case.name) for case in cases]), strict=True):
            _add(suite, case, title, outcome.gate)
    indent(root)
    text = without_commands(tostring(root, "unicode"), colon="&#58;", sign="&#35;")
    return f'<?xml version="1.0" encoding="UTF-8"?>\n{text}\n'


def _counts(title: str, cases: object) -> dict[str, str]:
    assert isinstance(cases, (list, tuple))
    return {
        "name": title,
        "tests": str(len(cases)),
        "failures": str(sum(case.failed for case in cases)),
        "errors": "0",
        "skipped": str(sum(bool(case.skipped) for case in cases)),
        "time": "0",
    }


def unlike(titles: Sequence[str]) -> list[str]:
    """The titles, the second and further ones of each counted.

    >>> unlike(["a", "b", "a", "a (2)"])
    ['a', 'b', 'a (2)', 'a (2) (2)']
    """
    found: dict[str, None] = {}
    for title in titles:
        told, times = title, 1
        while told in found:
            times += 1
            told = f"{title} ({times})"
        found[told] = None
    return list(found)


def _add(suite: Element, case: Case, title: str, gate: str) -> None:
    given = {"classname": f"cnnscope.{gate}.{name(case.model)}", "name": title, "time": "0"}
    element = SubElement(suite, "testcase", given)
    if case.skipped:
        SubElement(element, "skipped", {"message": escape(case.skipped)})
    errors = [x for x in case.findings if case.fails(x)]
    others = [x for x in case.findings if not case.fails(x)]
    if errors:
        failure = SubElement(
            element, "failure", {"message": escape(errors[0].message), "type": errors[0].code}
        )
        failure.text = "\n".join(map(_text, errors))
    said = [escape(case.said)] if case.said and not errors else []
    said += map(_text, others)
    if said:
        SubElement(element, "system-out").text = "\n".join(said)


def _text(finding: Finding) -> str:
    lines = [f"{name(finding.model)}: {finding.code}: {escape(finding.message)}"]
    lines += [f"  at {name(layer)}" for layer in finding.layers[:20]]
    if finding.hint:
        lines.append(f"  {escape(finding.hint)}")
    return "\n".join(lines)
