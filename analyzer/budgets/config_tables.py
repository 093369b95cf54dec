"""What do the tables of a configuration say, and what is wrong with them?

Every key and value is checked, and everything that is wrong is told with its line and with what was
probably meant.
"""

from __future__ import annotations

import difflib
import json
from collections.abc import Mapping
from decimal import Decimal
from fractions import Fraction
from typing import Final

from cnnscope.analyzer.budgets.config_reading import Reading, sort_of
from cnnscope.analyzer.budgets.defaults import Defaults
from cnnscope.analyzer.budgets.limit import WHOLE, Limit, Scope, ScopeKind
from cnnscope.analyzer.budgets.limit_text import make_limit, suggestion
from cnnscope.analyzer.budgets.quantities import QUANTITIES
from cnnscope.analyzer.budgets.quantity import ALLOW, EFFECTIVE, FORBID, LISTS
from cnnscope.analyzer.budgets.settings import (
    LatencySettings,
    LimitKey,
    ModelSettings,
    Settings,
    parse_tolerance,
)
from cnnscope.analyzer.budgets.toml_lines import TomlPath as Keys
from cnnscope.analyzer.values.amounts import at_rate

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
    "defaults",
)
_DEFAULTS: Final = ("shapes", "dims", "columns")
_MODEL: Final = ("path", "shapes", "dims", "values", "limits", "allow_unknown", "rate", "free")
_LATENCY: Final = ("provider", "threads", "seconds", "tolerance")


class Reader(Reading):
    """Reads the whole of a configuration."""

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
            self.defaults(own.get("defaults", {}), ("defaults",)),
        )

    def known_top(self, own: Mapping[str, object]) -> None:
        for key in own:
            if key not in _TOP:
                if key in QUANTITIES or difflib.get_close_matches(key, QUANTITIES, 1, 0.7):
                    meant = "; limits are written under [limits]"
                elif key in _DEFAULTS:
                    meant = "; it is written under [defaults]"
                elif key == "models":
                    meant = "; a model is written under [[model]]"
                else:
                    meant = suggestion(key, _TOP)
                self.fault((key,), f"unknown key {key!r}{meant}")

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

    def limits(
        self, value: object, keys: Keys, rate: int | None = None
    ) -> tuple[tuple[Limit, ...], frozenset[LimitKey]]:
        """The limits of a table.

        Args:
            rate: samples a second, at which times are so many samples; one in the table goes before it.
        """
        found: list[Limit] = []
        without: set[LimitKey] = set()
        table = self.table(value, keys, "limits")
        rate = self.rate(table, keys) or rate
        for key, inner in table.items():
            if key in ("rate", "share"):
                continue
            if key in QUANTITIES and QUANTITIES[key].measure == "samples" and rate is not None:
                inner = at_rate(inner, rate)
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
                    for part, given in self.table(group, place, what).items():
                        quantity = self.of_share(part, table, keys)
                        self.limit(quantity, given, scope, (*place, part), found, without)
            elif key in QUANTITIES:
                quantity = self.of_share(key, table, keys)
                self.limit(quantity, inner, WHOLE, (*keys, key), found, without)
            else:
                known = (*QUANTITIES, "operators", "rate", "share", *_SCOPES)
                self.fault((*keys, key), f"unknown limit {key!r}{suggestion(key, known)}")
        return tuple(found), frozenset(without)

    def rate(self, table: Mapping[str, object], keys: Keys) -> int | None:
        """Samples a second; None where a table doesn't say."""
        if "rate" not in table:
            return None
        rate = table["rate"]
        if isinstance(rate, bool) or not isinstance(rate, int) or not 0 < rate < 10**12:
            self.fault((*keys, "rate"), "rate is a whole number of samples a second: rate = 16000")
            return None
        return rate

    def of_share(self, quantity: str, table: Mapping[str, object], keys: Keys) -> str:
        """A quantity as a table of limits means it: `effective_field` is that of its `share`."""
        if quantity != EFFECTIVE[95]:
            return quantity
        given = table.get("share", "95 %")
        percent = given.replace(" ", "").removesuffix("%") if isinstance(given, str) else ""
        for share, key in EFFECTIVE.items():
            if percent == str(share):
                return key
        known = ", ".join(f'"{share} %"' for share in EFFECTIVE)
        self.fault((*keys, "share"), f"share is one of {known}")
        return EFFECTIVE[95]

    def limit(
        self, quantity: str, given: object, scope: Scope, keys: Keys,
        found: list[Limit], without: set[LimitKey],
    ) -> None:  # fmt: skip
        if given is False:
            without.add((scope, quantity))
            return
        if quantity in (FORBID, ALLOW) and not isinstance(given, list):
            self.fault(keys, f"{quantity} is a list of operators' names, not {sort_of(given)}")
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
        limits, without = self.limits(
            table.get("limits", {}), (*keys, "limits"), self.rate(table, keys)
        )
        unknown = None
        if "allow_unknown" in table:
            unknown = self.unknown(table["allow_unknown"], (*keys, "allow_unknown"))
        dims, ranges = self.lengths(table.get("dims", {}), (*keys, "dims"))
        return ModelSettings(
            tuple(str(x) for x in patterns),
            self.shapes(table.get("shapes", {}), (*keys, "shapes")),
            dims,
            limits,
            without,
            unknown,
            self.origin((*keys, "path")),
            self.values(table.get("values", {}), (*keys, "values")),
            ranges,
            self.opened(table.get("free", []), (*keys, "free")),
        )

    def defaults(self, value: object, keys: Keys) -> Defaults:
        table = self.table(value, keys, "defaults")
        self.known(table, keys, _DEFAULTS)
        columns = table.get("columns", [])
        if isinstance(columns, str):
            columns = [part.strip() for part in columns.split(",")]
        if not isinstance(columns, list) or not all(isinstance(x, str) and x for x in columns):
            self.fault(
                (*keys, "columns"), 'columns are names: columns = ["name", "output", "macs"]'
            )
            columns = []
        return Defaults(
            self.shapes(table.get("shapes", {}), (*keys, "shapes")),
            self.dims(table.get("dims", {}), (*keys, "dims")),
            tuple(columns),
        )

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
