"""What does the table `[lint]` of a configuration ask for?"""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from decimal import Decimal
from typing import Final

from cnnscope.analyzer.lint.rule import Options
from cnnscope.analyzer.lint.selection import selected
from cnnscope.analyzer.lint.settings import SEVERITIES, LintError, LintSettings
from cnnscope.analyzer.values.diagnostics import Severity

_KEYS: Final = (
    "select", "ignore", "severity", "severities", "per-layer-ignores", "ridge", "heavy",
    "target-opset", "providers", "weights",
)  # fmt: skip
#: of a setting; no machine has more
_LARGEST_NUMBER = 10**100


def settings_from(table: Mapping[str, object]) -> LintSettings:
    """The settings in a table ``[lint]`` of the configuration.

    Raises:
        LintError: an unknown key, or a value that isn't what the key takes.
    """
    for key, value in table.items():  # each by itself, to say which one it is
        try:
            _settings({key: value})
        except LintError as error:
            raise LintError(str(error), (key,)) from None
    return _settings(table)


def _settings(table: Mapping[str, object]) -> LintSettings:
    for key in table:
        if key.replace("_", "-") not in _KEYS:
            close = difflib.get_close_matches(key.replace("_", "-"), _KEYS, 1)
            meant = f"; did you mean {close[0]}?" if close else ""
            raise LintError(f"[lint] has no key {key!r}{meant}")
    given = {key.replace("_", "-"): value for key, value in table.items()}
    severities = {
        code: _severity(value, f"severities.{code}")
        for code, value in _table(given.get("severities", {}), "severities").items()
    }
    per_layer = {
        glob: _words(value, f"per-layer-ignores.{glob}")
        for glob, value in _table(given.get("per-layer-ignores", {}), "per-layer-ignores").items()
    }
    usual = Options()
    target = given.get("target-opset")
    if target is not None and (isinstance(target, bool) or not isinstance(target, int)):
        raise LintError("lint.target-opset is a number such as 17")
    weights = given.get("weights", False)
    if not isinstance(weights, bool):
        raise LintError("lint.weights is true or false")
    settings = LintSettings(
        _words(given.get("select", []), "select"),
        _words(given.get("ignore", []), "ignore"),
        per_layer,
        severities,
        _severity(given.get("severity", "warning"), "severity"),
        options=Options(
            _number(given.get("ridge", usual.ridge), "ridge"),
            _number(given.get("heavy", usual.heavy), "heavy"),
            target,
            _words(given.get("providers", []), "providers"),
            weights,
        ),
    )
    selected(settings)
    return settings


def _table(value: object, key: str) -> Mapping[str, object]:
    if not isinstance(value, Mapping):
        raise LintError(f"lint.{key} is a table")
    return value


def _words(value: object, key: str) -> tuple[str, ...]:
    if isinstance(value, str):
        value = [value]
    if not isinstance(value, list) or not all(isinstance(x, str) for x in value):
        raise LintError(f'lint.{key} is a list of texts such as ["CNS1", "CNS404"]')
    return tuple(value)


def _severity(value: object, key: str) -> Severity:
    for severity in SEVERITIES:
        if value == severity:
            return severity
    raise LintError(f"lint.{key} is one of {', '.join(SEVERITIES)}")


def _number(value: object, key: str) -> float:
    if (
        isinstance(value, bool)
        or not isinstance(value, (int, float, Decimal))
        or not 0 < value < _LARGEST_NUMBER
    ):
        raise LintError(f"lint.{key} is a number above 0")
    return float(value)
