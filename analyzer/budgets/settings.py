"""What does a configuration ask for, once it is read?

The limits for every model, the entries for some of them, and how latencies are measured. Which texts
say so is `config`'s matter.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import field
from fractions import Fraction
from pathlib import Path

from cnnscope.analyzer.budgets.defaults import Defaults
from cnnscope.analyzer.budgets.limit import Limit, Scope
from cnnscope.analyzer.budgets.toml_lines import TomlPath as Keys
from cnnscope.analyzer.values.amounts import parse_amount
from cnnscope.analyzer.values.diagnostics import CnnscopeError
from cnnscope.analyzer.values.plain_class import dataclass

LimitKey = tuple[Scope, str]
GivenShapes = dict[str | None, tuple[int | None, ...]]


class ConfigError(CnnscopeError):
    """The configuration can't be used; `problems` has one line for each thing that is wrong.

    Args:
        problems: each with file and line.
    """

    def __init__(self, problems: Sequence[str]) -> None:
        super().__init__("; ".join(problems))
        self.problems = tuple(problems)


@dataclass(frozen=True, slots=True)
class LatencySettings:
    """How latencies are measured.

    Args:
        provider: as `profile` has it.
        threads: of one operator; 0: ONNX Runtime's choice.
        seconds: that the measurement may take.
        tolerance: within this share of a limit, a time is neither within nor beyond it.
    """

    provider: str = "auto"
    threads: int = 0
    seconds: float = 3.0
    tolerance: Fraction = Fraction(1, 20)


@dataclass(frozen=True, slots=True)
class ModelSettings:
    """An entry of ``[[model]]``: which files, at which sizes, with which limits.

    Args:
        patterns: globs, relative to the configuration's folder.
        shapes: by input name; None stands for the only input.
        dims: lengths of free dimensions.
        limits: in place of the general ones with the same key.
        without: general limits that don't hold for it.
        allow_unknown: limits that needn't be judged; None: as in general.
        origin: file and line.
        values: of inputs that sizes hang on, by name: numbers or lists of them.
        ranges: several lengths of free dimensions.
        free: what the files fix and is opened.
    """

    patterns: tuple[str, ...]
    shapes: Mapping[str | None, tuple[int | None, ...]] = field(default_factory=dict)
    dims: Mapping[str, int] = field(default_factory=dict)
    limits: tuple[Limit, ...] = ()
    without: frozenset[LimitKey] = frozenset()
    allow_unknown: bool | tuple[str, ...] | None = None
    origin: str = ""
    values: Mapping[str, object] = field(default_factory=dict)
    ranges: Mapping[str, Sequence[int]] = field(default_factory=dict)
    free: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Settings:
    """A whole configuration.

    Args:
        path: its file; None where there is none.
        limits: for every model.
        models: the entries of ``[[model]]``.
        baseline: a file, a model or ``git:REF:path``.
        allow_unknown: True, False, or the limits that needn't be judged.
        latency: how latencies are measured.
        tables: the tables of other commands, as they are: ``"lint"``, ``"diff"``.
        require_baseline: a model that the baseline doesn't know keeps no relative limit.
        lines: the line of each key, by path below the configuration's own table.
        defaults: sizes and columns where nothing else is said.
    """

    path: Path | None = None
    limits: tuple[Limit, ...] = ()
    models: tuple[ModelSettings, ...] = ()
    baseline: str | None = None
    allow_unknown: bool | tuple[str, ...] = False
    latency: LatencySettings = LatencySettings()
    tables: Mapping[str, Mapping[str, object]] = field(default_factory=dict)
    lines: Mapping[Keys, int] = field(default_factory=dict, repr=False)
    require_baseline: bool = False
    defaults: Defaults = field(default_factory=Defaults)

    @property
    def folder(self) -> Path:
        """What paths in it are relative to."""
        return Path() if self.path is None else self.path.parent

    def where(self, *keys: str | int) -> str:
        """File and line of a key, for messages: ``"cnnscope.toml:12"``."""
        name = "" if self.path is None else self.path.name
        line = self.lines.get(keys)
        return f"{name}:{line}" if line else name


def parse_tolerance(given: object) -> Fraction:
    """A share such as ``"5 %"``; below 1.

    Raises:
        ValueError: it is no such share.

    >>> parse_tolerance("5 %")
    Fraction(1, 20)
    """
    try:
        if not isinstance(given, str) or not given.strip().endswith("%"):
            raise ValueError
        share = parse_amount(given.strip()[:-1].strip(), "count") / 100
        if share >= 1:
            raise ValueError
    except ValueError:
        raise ValueError(
            f'a tolerance is a share below 100 % such as "5 %", not {given!r}'
        ) from None
    return share
