"""How is what was noticed told, each cause once?

Diagnostics of one code whose messages differ in nothing but the layer's name, or in numbers, have one
cause: they are one line, with how many there are and where. JSON has each of them.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Sequence
from typing import Final

from cnnscope.analyzer.report.report import Report
from cnnscope.analyzer.values.diagnostics import Diagnostic
from cnnscope.analyzer.values.notation import name

_GRAVE: Final = {"error": 0, "warning": 1, "info": 2}
#: causes of a code that are told, and layers of a cause that are named
_CAUSES, _NAMED = 3, 3
_NUMBER: Final = re.compile(r"\d+(?:\.\d+)?")


def diagnostic_lines(report: Report, bound: Collection[str] = ()) -> list[tuple[str, str]]:
    """Severity and text of what was noticed, the gravest first; of each code the first causes.

    Args:
        report: the model's.
        bound: free lengths of which it is said elsewhere how to bind them.
    """
    elsewhere = {f"bind it with --dim {label}=LENGTH" for label in bound}
    codes: dict[tuple[str, str], dict[tuple[str, str], list[Diagnostic]]] = {}
    for found in report.diagnostics:
        if found.code != "free-dimension" or found.hint not in elsewhere:
            causes = codes.setdefault((found.severity, found.code), {})
            causes.setdefault((_cause(found), found.hint), []).append(found)
    lines = []
    for severity, code in sorted(codes, key=lambda key: _GRAVE.get(key[0], 3)):
        causes = codes[severity, code]
        groups = list(causes.values())
        lines += [(severity, f"{code}: {_said(group)}") for group in groups[:_CAUSES]]
        left = sum(map(len, groups[_CAUSES:]))
        if left:
            lines.append((severity, f"{code}: ... and {left} more"))
    return lines


def _cause(found: Diagnostic) -> str:
    return _NUMBER.sub("#", _without_layer(found))


def _without_layer(found: Diagnostic) -> str:
    return found.message.replace(found.layer, "") if found.layer else found.message


def _said(group: Sequence[Diagnostic]) -> str:
    """What a cause is, and where it is met."""
    first = group[0]
    message = name(first.message, 400)
    hint = f" ({name(first.hint, 300)})" if first.hint else ""
    if len(group) == 1:
        named = not first.layer or first.layer in first.message
        return f"{'' if named else f'{name(first.layer or str(), 60)}: '}{message}{hint}"
    same = len({_without_layer(found) for found in group}) == 1
    layers = _listed(found.layer for found in group if found.layer)
    alike = "" if same else ", with other numbers"
    return f"{message}{hint} x {len(group)}{alike}{f': at {layers}' if layers else ''}"


def _listed(layers: Iterable[str]) -> str:
    different = list(dict.fromkeys(layers))
    more = ", ..." if len(different) > _NAMED else ""
    return ", ".join(name(layer, 60) for layer in different[:_NAMED]) + more
