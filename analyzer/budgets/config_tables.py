"""What do the tables of a configuration say, and what is wrong with them?

Every key and value is checked, and everything that is wrong is told with its line and with what was
probably meant.
"""

from __future__ import annotations

import difflib
import json
from collections.abc import Mapping, Sequence
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from typing import Final

from cnnscope.analyzer.budgets.limit import WHOLE, Limit, Scope, ScopeKind
from cnnscope.analyzer.budgets.limit_text import make_limit, suggestion
from cnnscope.analyzer.budgets.quantities import QUANTITIES
from cnnscope.analyzer.budgets.quantity import ALLOW, FORBID, LISTS
from cnnscope.analyzer.budgets.settings import (
    GivenShapes,
    LatencySettings,
    LimitKey,
    ModelSettings,
    Settings,
    parse_tolerance,
)
from cnnscope.analyzer.budgets.toml_lines import TomlPath as Keys

_SCOPES: Final[tuple[ScopeKind, ...]] = ("kind", "module", "layer")
_TOP: Final = (
    "limits",
    "model",
    "baseline",
    "require_baseline",
    "allow_unknown",
    "latency",
    "lint",
    "diff",
)
_MODEL: Final = ("path", "shapes", "dims", "values", "limits", "allow_unknown")
_LATENCY: Final = ("provider", "threads", "seconds", "tolerance")
#: so many things that are wrong are told of one file
_MOST_PROBLEMS: Final = 100


class Enough(Exception):
    """So much is wrong that the rest needn't be told."""


class Reader:
    """Reads values, and keeps what is wrong with them."""

    def __init__(self, path: Path, lines: Mapping[Keys, int]) -> None:
        self.path = path
        self.lines = lines
        self.problems: list[tuple[int, str]] = []

    def line(self, keys: Keys) -> int:
        while keys and keys not in self.lines:
            keys = keys[:-1]
        return self.lines.get(keys, 1)

    def origin(self, keys: Keys) -> str:
        return f"{self.path.name}:{self.line(keys)}"

    def fault(self, keys: Keys, message: str) -> None:
        line = self.line(keys)
        self.problems.append((line, f"{self.path}:{line}: {message}"))
        if len(self.problems) >= _MOST_PROBLEMS:
            raise Enough

    def table(self, value: object, keys: Keys, what: str) -> Mapping[str, object]:
        if isinstance(value, dict):
            return value
        self.fault(keys, f"{what} is a table, not {_sort(value)}")
        return {}

    def known(self, table: Mapping[str, object], keys: Keys, allowed: Sequence[str]) -> None:
        place = f"[{'.'.join(str(k) for k in keys if isinstance(k, str))}]" if keys else "here"
        for key in table:
            if key not in allowed:
                self.fault(
                    (*keys, key), f"unknown key {key!r} in {place}{suggestion(key, allowed)}"
                )

    def settings(self, own: Mapping[str, object]) -> Settings:
        self.known_top(own)
        limits, without = self.limits(own.get("limits", {}), ("limits",))
        for scope, quantity in without:
            keys: Keys = ("limits", quantity)
            if scope != WHOLE:
                keys = ("limits", scope.kind, scope.pattern, quantity)
            self.fault(keys, "false takes a general limit away from one model: write it there")
        entries = own.get("model", [])
        if not isinstance(entries, list):
            self.fault(("model",), "a model is written under [[model]], with two brackets")
            entries = []
        models = [self.model(entry, ("model", i)) for i, entry in enumerate(entries)]
        baseline = own.get("baseline")
        if baseline is not None and (not isinstance(baseline, str) or not baseline):
            self.fault(("baseline",), "baseline is a file, a model or git:REF:path")
            baseline = None
        tables = {key: self.table(own[key], (key,), key) for key in ("lint", "diff") if key in own}
        return Settings(
            self.path,
            limits,
            tuple(model for model in models if model is not None),
            baseline if isinstance(baseline, str) else None,
            self.unknown(own.get("allow_unknown", False), ("allow_unknown",)),
            self.latency(own.get("latency", {}), ("latency",)),
            tables,
            self.lines,
            self.truth(own, "require_baseline"),
        )

    def known_top(self, own: Mapping[str, object]) -> None:
        for key in own:
            if key not in _TOP:
                if key in QUANTITIES or difflib.get_close_matches(key, QUANTITIES, 1, 0.7):
                    meant = "; limits are written under [limits]"
                elif key == "models":
                    meant = "; a model is written under [[model]]"
                else:
                    meant = suggestion(key, _TOP)
                self.fault((key,), f"unknown key {key!r}{meant}")

    def truth(self, own: Mapping[str, object], key: str) -> bool:
        value = own.get(key, False)
        if isinstance(value, bool):
            return value
        self.fault((key,), f"{key} is true or false, not {_sort(value)}")
        return False

    def unknown(self, value: object, keys: Keys) -> bool | tuple[str, ...]:
        if isinstance(value, bool):
            return value
        if not isinstance(value, list) or not all(isinstance(x, str) for x in value):
            self.fault(keys, "allow_unknown is true, false, or a list of limits")
            return False
        for i, name in enumerate(value):
            if name not in QUANTITIES:
                self.fault((*keys, i), f"there is no limit on {name!r}{suggestion(name)}")
        return tuple(value)

    # -- limits ------------------------------------------------------------------------------------

    def limits(self, value: object, keys: Keys) -> tuple[tuple[Limit, ...], frozenset[LimitKey]]:
        found: list[Limit] = []
        without: set[LimitKey] = set()
        table = self.table(value, keys, "limits")
        for key, inner in table.items():
            if key == "operators":
                names = self.table(inner, (*keys, key), "operators")
                self.known(names, (*keys, key), [x.partition(".")[2] for x in LISTS])
                for part, given in names.items():
                    quantity = f"operators.{part}"
                    if quantity in LISTS:
                        self.limit(quantity, given, WHOLE, (*keys, key, part), found, without)
            elif key in _SCOPES:
                for pattern, group in self.table(inner, (*keys, key), key).items():
                    place = (*keys, key, pattern)
                    scope = Scope(next(x for x in _SCOPES if x == key), pattern)
                    what = f"limits.{key}.{json.dumps(pattern)}"
                    for quantity, given in self.table(group, place, what).items():
                        self.limit(quantity, given, scope, (*place, quantity), found, without)
            elif key in QUANTITIES:
                self.limit(key, inner, WHOLE, (*keys, key), found, without)
            else:
                known = (*QUANTITIES, "operators", *_SCOPES)
                self.fault((*keys, key), f"unknown limit {key!r}{suggestion(key, known)}")
        return tuple(found), frozenset(without)

    def limit(
        self, quantity: str, given: object, scope: Scope, keys: Keys,
        found: list[Limit], without: set[LimitKey],
    ) -> None:  # fmt: skip
        if given is False:
            without.add((scope, quantity))
            return
        if quantity in (FORBID, ALLOW) and not isinstance(given, list):
            self.fault(keys, f"{quantity} is a list of operators' names, not {_sort(given)}")
            return
        try:
            found.append(make_limit(quantity, given, scope, self.origin(keys)))
        except ValueError as error:
            said = str(error)
            self.fault(keys, said if said.startswith(quantity) else f"{quantity}: {said}")

    # -- models ------------------------------------------------------------------------------------

    def model(self, value: object, keys: Keys) -> ModelSettings | None:
        table = self.table(value, keys, "a model")
        self.known(table, keys, _MODEL)
        path = table.get("path")
        if path is None and difflib.get_close_matches("path", table, 1):
            return None  # a slip that has been remarked upon
        patterns = [path] if isinstance(path, str) else path
        if not isinstance(patterns, list) or not all(isinstance(x, str) and x for x in patterns):
            self.fault((*keys, "path"), 'a model needs a path: path = "models/*.onnx", or a list')
            return None
        if not patterns:
            self.fault((*keys, "path"), "a list of no paths")
        limits, without = self.limits(table.get("limits", {}), (*keys, "limits"))
        unknown = None
        if "allow_unknown" in table:
            unknown = self.unknown(table["allow_unknown"], (*keys, "allow_unknown"))
        return ModelSettings(
            tuple(str(x) for x in patterns),
            self.shapes(table.get("shapes", {}), (*keys, "shapes")),
            self.dims(table.get("dims", {}), (*keys, "dims")),
            limits,
            without,
            unknown,
            self.origin((*keys, "path")),
            self.values(table.get("values", {}), (*keys, "values")),
        )

    def values(self, value: object, keys: Keys) -> dict[str, object]:
        found: dict[str, object] = {}
        for name, given in self.table(value, keys, "values").items():
            if _is_numbers(given):
                found[name] = given
            else:
                self.fault(
                    (*keys, name), f"{given!r} is no value: write a number or a list of them"
                )
        return found

    def shapes(self, value: object, keys: Keys) -> GivenShapes:
        if isinstance(value, (str, list)):  # of the only input
            shape = self.shape(value, keys)
            return {} if shape is None else {None: shape}
        found: GivenShapes = {}
        for name, given in self.table(value, keys, "shapes").items():
            shape = self.shape(given, (*keys, name))
            if shape is not None:
                found[name] = shape
        return found

    def shape(self, value: object, keys: Keys) -> tuple[int | None, ...] | None:
        parts = value.lower().replace(",", "x").split("x") if isinstance(value, str) else value
        lengths: list[int | None] = []
        if isinstance(parts, list):
            for part in parts if value not in ("", "scalar") else []:
                text = part.strip() if isinstance(part, str) else str(part)
                if isinstance(part, bool) or not (text == "?" or _is_length(text)):
                    break
                lengths.append(None if text == "?" else int(text))
            else:
                return tuple(lengths)
        self.fault(keys, f'{value!r} is no shape: write "1x3x224x224" or [1, 3, 224, 224]')
        return None

    def dims(self, value: object, keys: Keys) -> dict[str, int]:
        found: dict[str, int] = {}
        for name, given in self.table(value, keys, "dims").items():
            if isinstance(given, bool) or not isinstance(given, int) or not 0 <= given < 10**18:
                self.fault((*keys, name), f"{given!r} is no length: write a number")
            else:
                found[name] = given
        return found

    # -- latency -----------------------------------------------------------------------------------

    def latency(self, value: object, keys: Keys) -> LatencySettings:
        table = self.table(value, keys, "latency")
        self.known(table, keys, _LATENCY)
        usual = LatencySettings()
        provider = table.get("provider", usual.provider)
        if not isinstance(provider, str) or not provider:
            self.fault((*keys, "provider"), 'provider is a name such as "cpu" or "cuda"')
            provider = usual.provider
        threads = table.get("threads", usual.threads)
        if isinstance(threads, bool) or not isinstance(threads, int) or not 0 <= threads < 10**4:
            self.fault((*keys, "threads"), "threads is a number, 0 for ONNX Runtime's choice")
            threads = usual.threads
        seconds = table.get("seconds", usual.seconds)
        if isinstance(seconds, bool) or not isinstance(seconds, (int, float, Decimal)):
            self.fault((*keys, "seconds"), "seconds is a number")
            seconds = usual.seconds
        elif not 0 < seconds <= 3600:
            self.fault((*keys, "seconds"), "seconds is a number above 0, up to 3600")
            seconds = usual.seconds
        return LatencySettings(
            provider, threads, float(seconds), self.tolerance(table, (*keys, "tolerance"))
        )

    def tolerance(self, table: Mapping[str, object], keys: Keys) -> Fraction:
        usual = LatencySettings().tolerance
        if "tolerance" not in table:
            return usual
        try:
            return parse_tolerance(table["tolerance"])
        except ValueError as error:
            self.fault(keys, str(error))
            return usual


def _is_length(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(text) < 19


def _is_numbers(value: object) -> bool:
    """Numbers or truths, or lists of them."""
    if isinstance(value, list):
        return all(map(_is_numbers, value))
    return isinstance(value, (int, float))


def _sort(value: object) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return "text"
    if isinstance(value, list):
        return "a list"
    return "a table" if isinstance(value, dict) else "a number"
