"""What does a model look like? Everything that its page shows, gathered without running it.

Where lengths are free, the page is made at a valid size, and has figures at others beside it.
"""

from __future__ import annotations

import os
from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from cnnscope.analyzer.analysis import analyze, diff
from cnnscope.analyzer.fleet.scan_table import Scan
from cnnscope.analyzer.render.page.contents import Contents
from cnnscope.analyzer.render.page.image import read_image
from cnnscope.analyzer.report.examination import Analysis, Source
from cnnscope.analyzer.report.report import Report
from cnnscope.analyzer.sizes.sweep import Sweep
from cnnscope.analyzer.sizes.usual_sizes import lengths_about, usual_length
from cnnscope.analyzer.sizes.valid_sizes import ValidSizes
from cnnscope.analyzer.sizing import sizes, sweep, tile
from cnnscope.analyzer.values.diagnostics import BindingError
from cnnscope.analyzer.values.plain_class import dataclass


def contents_of(
    model: Source,
    *,
    shapes: Mapping[str, Sequence[int | None]] | None = None,
    dims: Mapping[str, int] | None = None,
    free: Sequence[str] = (),
    image: str | Path | None = None,
    tiles: Sequence[int] = (),
) -> Contents:
    """What a model's page shows.

    Args:
        model, shapes, dims, free: as for `analyze`. Where lengths stay free, valid ones are taken.
        image: a PNG, JPEG, GIF or WebP file, to be shown as the input.
        tiles: pixels of tiles, as for `tile`; the page is made at the same sizes.

    Raises:
        ModelFileError, GraphError, LimitError, BindingError: as `analyze`.
        ArgumentError: the image can't be used.

    >>> contents = contents_of("sample_models/lenet5.onnx")
    >>> contents.report.totals.macs.value
    416520
    """
    picture = None if image is None else read_image(image)
    found = _sized(model, shapes, dict(dims or {}), free)
    if not tiles:
        return replace(found, image=picture)
    return replace(found, image=picture, tiling=tile(model, tiles, shapes=found.shapes))


def _sized(
    model: Source, shapes: Mapping[str, Sequence[int | None]] | None, bound: Mapping[str, int],
    free: Sequence[str],
) -> Contents:  # fmt: skip
    """The page's report, at one size, and figures at others."""
    report = analyze(model, shapes=shapes, dims=bound, free=free)
    found = None if Contents(report).large else _usual(model, bound, free, report.batch)
    if found is None:
        return Contents(report)
    if found.length is None:
        return Contents(report, valid=found.valid)
    if found.opened == tuple(free):  # they are free in this very report
        chosen = {**bound, **dict.fromkeys(found.moving, found.length)}
        try:
            report = analyze(model, shapes=shapes, dims=chosen, free=free)
        except BindingError:  # given shapes have bound some of them
            return Contents(report, valid=found.valid)
    swept = None if shapes else found.sweep(model, bound)
    return Contents(report, valid=found.valid, sizes=swept, length=found.length)


@dataclass(frozen=True, slots=True)
class _Usual:
    """What a model is looked at when nobody says at which size.

    Args:
        opened: what was freed for it.
        valid: which sizes the model accepts then.
        moving: the dimensions that move together.
        length: the one that they are to have; None: no usual one is valid.
    """

    opened: tuple[str, ...]
    valid: ValidSizes
    moving: tuple[str, ...]
    length: int | None

    def sweep(self, model: Source, bound: Mapping[str, int]) -> Sweep | None:
        """What it costs about that size; None where only one is valid."""
        lengths = [] if self.length is None else lengths_about(self.valid, self.moving, self.length)
        if len(lengths) < 2:
            return None
        asked: dict[str | tuple[str, ...], int | range | Sequence[int]] = {self.moving: lengths}
        for name, length in bound.items():
            asked[name] = length
        return sweep(model, asked, free=self.opened)


def _usual(
    model: Source, bound: Mapping[str, int], free: Sequence[str], batch: Collection[str]
) -> _Usual | None:
    """Where nothing is free, its spatial axes are opened; None where there are none."""
    for opened in (tuple(free), ("HxW",), ("L",), ("DxHxW",)):
        try:
            valid = sizes(model, free=opened, dims=bound)
        except BindingError:
            continue
        moving = tuple(x.name for x in valid.dims if x.name not in batch and x.name not in bound)
        return _Usual(opened, valid, moving, usual_length(valid, moving))
    return None


def beside(contents: Contents, before: Source) -> Contents:
    """The same page with what differs from another model, which is taken at the same sizes.

    Raises:
        ModelFileError, GraphError, LimitError: as `analyze`, of the other model.

    >>> lenet = "sample_models/lenet5.onnx"
    >>> beside(contents_of(lenet), lenet).difference.same
    True
    """
    try:
        other = analyze(before, shapes=contents.shapes)
    except BindingError:  # its inputs are others
        other = analyze(before)
    return replace(contents, difference=diff(other, contents.report))


def usual_sweep(
    model: Source, dims: Mapping[str, int] | None = None, free: Sequence[str] = ()
) -> tuple[Sweep, int] | None:
    """What a model costs from a quarter to four times its usual size, and that size.

    Args:
        model, dims, free: as for `analyze`; where nothing is free, its spatial axes are opened.

    Returns:
        None where no length can be moved, or only one is valid.

    Raises:
        ModelFileError, GraphError, LimitError: as `analyze`.

    >>> swept, usual = usual_sweep("sample_models/resnet50.onnx")
    >>> usual, swept.dims
    (224, ('H', 'W'))
    """
    bound = dict(dims or {})
    found = _usual(model, bound, free, analyze(model, dims=bound, free=free).batch)
    if found is None or found.length is None:
        return None
    swept = found.sweep(model, bound)
    return None if swept is None else (swept, found.length)


class Page:
    """The page of a report, as one HTML file; what ``report.page()`` gives.

    A notebook shows a card with the first figures that opens into the page's views; the page is kept in the
    notebook, and needs nothing else.

    >>> import cnnscope
    >>> page = cnnscope.analyze("sample_models/lenet5.onnx").page()
    >>> page.html[:15], page
    ('<!DOCTYPE html>', <cnnscope.Page of sample_models/lenet5.onnx: 12 layers>)
    """

    def __init__(self, report: Report) -> None:
        self.report = report
        self.html = page_of(_contents_of_report(report))

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write the page, wholly or not at all: it opens in a browser by itself.

        Raises:
            OSError: the file can't be written.
        """
        from cnnscope.analyzer.model.whole_file import written_whole

        with written_whole(Path(path)) as file:
            file.write(self.html.encode("utf-8", "backslashreplace"))

    def __repr__(self) -> str:
        return f"<cnnscope.Page {self.report.summary()}>"

    def _repr_html_(self) -> str:
        from cnnscope.analyzer.render.page.embedded import card

        return card(self.report, self.html)


def _contents_of_report(report: Report) -> Contents:
    """The report's, with other sizes where one of these is the report's own."""
    contents = Contents(report)
    analysis = report._analysis
    if not isinstance(analysis, Analysis) or analysis.file.path is None:
        return contents
    found = usual_sweep(analysis.file.path)
    if found is None:
        return contents
    swept, length = found
    at = [sizes[0] for sizes in swept.sizes].index(length)
    known = {name: metric.value for name, metric in report.totals.metrics().items()}
    if any(
        total.values[at] != known[name] for name, total in swept.totals.items() if name in known
    ):
        return contents
    return replace(contents, sizes=swept, length=length)


def page_of(contents: Contents) -> str:
    """The page as the text of one HTML file."""
    from cnnscope.analyzer.render.page.page import page

    return page(contents)


def fleet_page_of(scan: Scan, pages: Mapping[str, str] | None = None) -> str:
    """The page of a scan's models, as the text of one HTML file.

    Args:
        scan: the table that was read back.
        pages: where models have pages of their own: by path, as addresses relative to this page.

    Raises:
        ReportFileError: the table is damaged.
    """
    from cnnscope.analyzer.render.page.fleet.fleet_contents import FleetContents
    from cnnscope.analyzer.render.page.fleet.fleet_page import fleet_page

    return fleet_page(FleetContents(Path(scan.path).name, scan, scan.count, pages or {}))
