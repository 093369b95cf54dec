"""Which rules are wanted, and how are they asked?"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field
from typing import Final

from cnnscope.analyzer.lint.rule import Options
from cnnscope.analyzer.values.diagnostics import CnnscopeError, Severity
from cnnscope.analyzer.values.plain_class import dataclass

SEVERITIES: Final[tuple[Severity, ...]] = ("info", "warning", "error")


class LintError(CnnscopeError):
    """The rules can't be asked that way: an unknown code, a setting that makes no sense.

    Args:
        message: what is wrong.
        keys: where in the table ``[lint]`` of a configuration, or ``()``.
    """

    def __init__(self, message: str, keys: tuple[str, ...] = ()) -> None:
        super().__init__(message)
        self.keys = keys


@dataclass(frozen=True, slots=True)
class LintSettings:
    """Which rules are asked, and how.

    Args:
        select, ignore: codes, prefixes of codes or names of rules; nothing selected: all.
        per_layer_ignores: glob over layers' names to what is ignored there.
        severities: code or prefix to how bad its findings are.
        threshold: findings at least that bad make the command fail.
        inline: the model's own property counts.
        options: what the rules are told.
    """

    select: tuple[str, ...] = ()
    ignore: tuple[str, ...] = ()
    per_layer_ignores: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    severities: Mapping[str, Severity] = field(default_factory=dict)
    threshold: Severity = "warning"
    inline: bool = True
    options: Options = field(default_factory=Options)
