"""What does `cnnscope scan --summary` do? It tells what a scan's table says of all its models together."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from cnnscope.analyzer.render.formats import Result
from cnnscope.runtime.commands.given_scans import given_scans, read_given
from cnnscope.runtime.commands.messages import FINE, Misuse, progress
from cnnscope.runtime.commands.output import emit
from cnnscope.runtime.commands.writing import check_output


def show_summary(
    where: Sequence[str],
    output: Path | None,
    format: str,  # noqa: A002  # the option's name
    others: Mapping[str, object],
) -> int:
    """Tell what the models of a scan look like together.

    Args:
        where: the scan.
        output, format: where to, and how.
        others: what else was asked for, by the option's name: it is about making a scan.

    Raises:
        Misuse: it isn't one scan, or can't be read.
    """
    from cnnscope.analyzer.fleet.summary import summarised
    from cnnscope.analyzer.render.subjects.scan_summary import document
    from cnnscope.analyzer.values.diagnostics import CnnscopeError

    for option, value in others.items():
        if value:
            raise Misuse(f"{option} is about making a scan, and --summary reads one")
    if len(where) != 1:
        raise Misuse("--summary needs one scan: cnnscope scan --summary zoo.parquet")
    if Path(where[0]).is_dir() or (Path(where[0]).is_file() and not given_scans(where)):
        raise Misuse(
            f"{where[0]} is no scan: make one first, cnnscope scan {where[0]} -o zoo.parquet"
        )
    check_output(output, where)
    scan = read_given(where[0])
    try:
        with progress(scan.path):
            found = summarised(scan, scan.path)
    except CnnscopeError as error:  # a row that is damaged
        raise Misuse(str(error)) from None
    emit(Result(lambda: [document(found)], found.to_dict, rows=True), format, output)
    return FINE
