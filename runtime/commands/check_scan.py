"""What does the command check do with a scan? It holds each of its models against the limits."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from cnnscope.analyzer.render.formats import Result
from cnnscope.analyzer.values.diagnostics import one_line
from cnnscope.runtime.commands.given_scans import given_scans, read_given, refuse_for_scans
from cnnscope.runtime.commands.messages import FAILED, FINE, Misuse, progress
from cnnscope.runtime.commands.output import emit_gate

if TYPE_CHECKING:
    from cnnscope.analyzer.budgets.limit import Limit
    from cnnscope.analyzer.budgets.settings import Settings
    from cnnscope.analyzer.fleet.scan_checking import CheckedAgainst
    from cnnscope.runtime.commands.check_request import Checking


def check_scan_file(request: Checking) -> int:
    """Hold the models of a scan against limits.

    Raises:
        Misuse: an option has no meaning for a scan, or a limit can't be judged of one.
        ConfigError: the configuration can't be read.
    """
    from cnnscope.analyzer.fleet.scan_checking import check_scan
    from cnnscope.analyzer.render.subjects import scan_check as render
    from cnnscope.analyzer.values.diagnostics import CnnscopeError

    if len(request.models) > 1:
        raise Misuse("give one scan at a time")
    refuse_for_scans({
        "--shape": request.shapes, "--dim": request.dims or request.ranges, "--free": request.free,
        "--value": request.values, "--layer": request.layers, "--only": request.only,
        "--since": request.since, "--update-baseline": request.update, "--tolerance": request.tolerance,
    })  # fmt: skip
    against = _against(request)
    scan = read_given(request.models[0])
    try:
        with progress(scan.path):
            found = check_scan(scan, scan.path, against)
    except CnnscopeError as error:  # a row that is damaged
        raise Misuse(str(error)) from None
    result = Result(
        lambda: [render.document(found)], found.to_dict, outcome=lambda: render.outcome(found)
    )
    emit_gate(result, request)
    return FINE if found.ok else FAILED


def _against(request: Checking) -> CheckedAgainst:
    """The limits of the line in place of the configuration's general ones, and the earlier scan."""
    from cnnscope.analyzer.budgets.config import find_config, read_config
    from cnnscope.analyzer.budgets.settings import Settings
    from cnnscope.analyzer.fleet.scan_checking import CheckedAgainst, check_limits

    path = request.config or find_config(Path.cwd())
    settings = Settings() if path is None else read_config(path)
    limits = {limit.key: limit for limit in (*_tolerant(settings), *_parsed(request.limits))}
    if not limits:
        where = f": {settings.path.name} has none for all models" if settings.path else ""
        raise Misuse(f"no limits{where}; give --limit, such as macs=4.2G")
    asked = tuple(limits.values())
    try:
        check_limits(asked)
    except ValueError as error:
        raise Misuse(str(error)) from None
    against = CheckedAgainst(
        asked, None, request.allow_unknown, request.require_baseline or settings.require_baseline
    )
    named = request.baseline or settings.baseline
    if named is None or not (against.relative or request.baseline):
        return against
    if not given_scans([named]):
        raise Misuse(
            f"--baseline {named}: a scan's limits are relative to an earlier scan, a file of its own"
        )
    earlier = read_given(named)
    return replace(against, baseline=(earlier, earlier.path))


def _parsed(texts: Sequence[str]) -> list[Limit]:
    from cnnscope.analyzer.budgets.limit_text import parse_limit

    found = []
    for text in texts:
        try:
            found.append(parse_limit(text))
        except ValueError as error:
            raise Misuse(f"--limit {one_line(text, 80)}: {error}") from None
    return found


def _tolerant(settings: Settings) -> list[Limit]:
    """The configuration's limits for every model, with what it says of those that can't be judged."""
    allowed = settings.allow_unknown
    return [
        replace(x, allow_unknown=allowed if isinstance(allowed, bool) else x.quantity in allowed)
        for x in settings.limits
    ]
