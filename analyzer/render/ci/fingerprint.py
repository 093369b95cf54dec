"""Is it the same finding as last time? What a CI service compares to tell old findings from new."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

from cnnscope.analyzer.report.finding import Finding


def fingerprints(findings: Sequence[Finding]) -> list[str]:
    """Of each finding 32 hexadecimal digits: the same next time, and no two alike.

    They follow from the rule, the model, the subject and the layer; no figure, which moves with
    every change of the model, and no wording is in them. Findings alike in all of that are counted.
    """
    times: dict[tuple[str, ...], int] = {}
    found = []
    for finding in findings:
        # What a limit is about says it all; its largest layers come and go.
        layer = "" if finding.subject else finding.layer or ""
        parts = (finding.code, finding.model, finding.subject, layer)
        times[parts] = times.get(parts, 0) + 1
        text = "\0".join([*parts, str(times[parts])])
        found.append(hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:32])
    return found
