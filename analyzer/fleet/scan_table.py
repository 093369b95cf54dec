"""What is a scan that was read back? `Scan`: its rows, and the questions that are asked of all of them."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar, Final

from cnnscope.analyzer.fleet.columns import MODEL_COLUMNS, SCHEMA_VERSION
from cnnscope.analyzer.fleet.scan_file import ScanFile
from cnnscope.analyzer.values.diagnostics import ArgumentError, ReportFileError
from cnnscope.analyzer.values.notation import many, name
from cnnscope.analyzer.values.shown import Answer

if TYPE_CHECKING:
    from cnnscope.analyzer.fleet.scan_check import ScanCheck
    from cnnscope.analyzer.fleet.scan_difference import ScanDifference
    from cnnscope.analyzer.fleet.summary import ScanSummary

#: the totals that are summed over models
_SUMMED: Final = tuple(
    x.name.removesuffix("_status") for x in MODEL_COLUMNS if x.name.endswith("_status")
)


class Scan(Answer):
    """The table of models that ``cnnscope scan`` wrote, read as often as something is asked of it.

    Args:
        path: the file: Parquet or JSON Lines.

    Raises:
        ReportFileError: it can't be read, is no scan, or of a newer version.

    >>> import cnnscope
    >>> scan = cnnscope.read_scan("zoo.parquet")  # doctest: +SKIP
    >>> [row["path"] for row in scan.rows(["path", "opset"]) if row["opset"] > 17]  # doctest: +SKIP
    ['hub/vit.onnx']
    """

    COLUMNS: ClassVar = tuple(column.name for column in MODEL_COLUMNS)

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self._file = ScanFile(path)
        if self._file.meta.get("table", "models") != "models":
            raise ReportFileError(f"{name(self.path, 200)}: a table of layers; give that of models")

    @property
    def path(self) -> str:
        """The file."""
        return self._file.path

    @property
    def meta(self) -> Mapping[str, object]:
        """What the file says of itself: by which version it was written, and the columns' version."""
        return self._file.meta

    @property
    def count(self) -> int:
        """How many models there are."""
        return self._file.count

    def rows(self, columns: Sequence[str] | None = None) -> Iterator[dict[str, object]]:
        """A row a model, exact and as plain data; memory doesn't grow with the table.

        Args:
            columns: those that are asked for; None: all.

        Raises:
            KeyError: there is no such column.
            ReportFileError: the file is damaged.
        """
        return self._file.rows(columns)

    def layers(self) -> Iterator[dict[str, object]]:
        """A row a layer, of all models; empty where the scan wasn't asked for layers.

        Raises:
            ReportFileError: a file of them is damaged.
        """
        whole = Path(self.path)
        folder = whole.with_name(f"{whole.stem}.layers{whole.suffix}")
        for part in sorted(folder.glob("part-*")):
            yield from ScanFile(part).rows()

    @cached_property
    def statuses(self) -> dict[str, int]:
        """How many models are ``"ok"``, ``"partial"`` (some total isn't known) or ``"error"``."""
        found = Counter(str(row["status"]) for row in self.rows(["status"]))
        return {status: found[status] for status in ("ok", "partial", "error")}

    @cached_property
    def totals(self) -> dict[str, int]:
        """Each figure summed over the models of which it is known, in its own unit."""
        sums = dict.fromkeys(_SUMMED, 0)
        for row in self.rows(_SUMMED):
            for key in _SUMMED:
                value = row[key]
                if isinstance(value, int):
                    sums[key] += value
        return sums

    def summarise(self) -> ScanSummary:
        """How each figure is distributed, what stands out, and what failed and why."""
        from cnnscope.analyzer.fleet.summary import summarised

        return summarised(self._file, self.path)

    def diff(self, other: Scan | str | os.PathLike[str]) -> ScanDifference:
        """What changed from this scan to another, later one.

        Args:
            other: the later scan, or its file.

        Raises:
            ReportFileError: it can't be read.
        """
        from cnnscope.analyzer.fleet.scan_diffing import diff_scans

        after = other if isinstance(other, Scan) else Scan(other)
        return diff_scans(self._file, after._file, (self.path, after.path))

    def check(
        self,
        limits: Mapping[str, object],
        *,
        baseline: Scan | str | os.PathLike[str] | None = None,
        allow_unknown: bool = False,
        require_baseline: bool = False,
    ) -> ScanCheck:
        """Hold every model against limits.

        Args:
            limits: quantity to limit, as for `cnnscope.check`: ``{"macs": "4 G", "params": "+2 %"}``.
            baseline: an earlier scan, or its file, for limits such as ``"+2 %"``.
            allow_unknown: that a limit can't be judged is no failure.
            require_baseline: a model that the baseline doesn't know keeps no relative limit.

        Raises:
            ArgumentError: a limit can't be understood, or is on what a scan doesn't have.
            ReportFileError: a file can't be read.
        """
        from cnnscope.analyzer.fleet.scan_checking import CheckedAgainst, check_scan, limits_of

        try:
            asked = limits_of(limits)
        except ValueError as error:
            raise ArgumentError(str(error)) from None
        earlier = None
        if baseline is not None:
            base = baseline if isinstance(baseline, Scan) else Scan(baseline)
            earlier = (base, base.path)
        against = CheckedAgainst(asked, earlier, allow_unknown, require_baseline)
        return check_scan(self, self.path, against)

    def to_dict(self) -> dict[str, object]:
        """The scan as JSON-ready data: all of its rows."""
        return {"schema_version": SCHEMA_VERSION, "source": self.path, "models": list(self.rows())}

    def records(self) -> Iterator[dict[str, object]]:
        """One for each model."""
        return self.rows()

    def summary(self) -> str:
        failed = self.statuses["error"]
        said = f"of {many(self.count, 'model')}: {name(self.path, 120)}"
        return f"{said}; {failed} failed" if failed else said


def read_scan(path: str | os.PathLike[str]) -> Scan:
    """The table of models that ``cnnscope scan`` wrote, as `Scan`.

    Args:
        path: the file: Parquet (pyarrow reads it) or JSON Lines.

    Raises:
        ReportFileError: it can't be read, is no scan, or one of a newer version.

    >>> import cnnscope
    >>> cnnscope.read_scan("zoo.parquet").totals["macs"]  # doctest: +SKIP
    416520
    """
    return Scan(path)
