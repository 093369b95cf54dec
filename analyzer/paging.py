"""What does a model look like? Everything that its page shows, gathered without running it.

Where lengths are free, the page is made at a valid size, and has figures at others beside it.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Final

from cnnscope.analyzer.analysis import analyze, diff
from cnnscope.analyzer.render.page.contents import Contents
from cnnscope.analyzer.render.page.image import read_image
from cnnscope.analyzer.report.examination import Analysis, Source
from cnnscope.analyzer.report.network_input import Input
from cnnscope.analyzer.report.report import Report
from cnnscope.analyzer.sizes.sweep import Sweep
from cnnscope.analyzer.sizes.valid_sizes import ValidSizes
from cnnscope.analyzer.sizing import sizes, sweep, tile
from cnnscope.analyzer.values.diagnostics import BindingError

#: where nothing says how long a free axis is: along two or more, and along one
_USUAL: Final = {False: 224, True: 16_000}
#: how far from a wished size a valid one is looked for: an axis may be declared as long as can be
_NEAR: Final = 1024
#: how many sizes a page has, from a quarter of its own to four times as long
_SIZES: Final = 33


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
    given = {x.name: _lengths_of(x) for x in found.report.inputs}
    return replace(found, image=picture, tiling=tile(model, tiles, shapes=given))


def _sized(
    model: Source, shapes: Mapping[str, Sequence[int | None]] | None, bound: Mapping[str, int],
    free: Sequence[str],
) -> Contents:  # fmt: skip
    """The page's report, at one size, and figures at others."""
    report = analyze(model, shapes=shapes, dims=bound, free=free)
    if Contents(report).large:
        return Contents(report)
    opened, valid = _valid(model, free, bound)
    if valid is None:
        return Contents(report)
    moving = [x.name for x in valid.dims if x.name not in report.batch and x.name not in bound]
    start = _start(valid, moving)
    if start is None:
        return Contents(report, valid=valid)
    chosen = dict.fromkeys(moving, start)
    if opened == tuple(free):  # they are free in this very report
        try:
            report = analyze(model, shapes=shapes, dims={**bound, **chosen}, free=free)
        except BindingError:  # given shapes have bound some of them
            return Contents(report, valid=valid)
    swept = None if shapes else _swept(model, opened, bound, moving, _lengths(valid, moving, start))
    return Contents(report, valid=valid, sizes=swept, length=start)


def _lengths_of(end: Input) -> list[int | None]:
    return [n if isinstance(n, int) else None for n in end.shape or ()]


def beside(contents: Contents, before: Source) -> Contents:
    """The same page with what differs from another model, which is taken at the same sizes.

    Raises:
        ModelFileError, GraphError, LimitError: as `analyze`, of the other model.

    >>> lenet = "sample_models/lenet5.onnx"
    >>> beside(contents_of(lenet), lenet).difference.same
    True
    """
    same = {x.name: _lengths_of(x) for x in contents.report.inputs}
    try:
        other = analyze(before, shapes=same)
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
    opened, valid = _valid(model, free, bound)
    if valid is None:
        return None
    batch = analyze(model, dims=bound, free=opened).batch
    moving = [x.name for x in valid.dims if x.name not in batch and x.name not in bound]
    start = _start(valid, moving)
    if start is None:
        return None
    found = _swept(model, opened, bound, moving, _lengths(valid, moving, start))
    return None if found is None else (found, start)


def _valid(
    model: Source, free: Sequence[str], bound: Mapping[str, int]
) -> tuple[tuple[str, ...], ValidSizes | None]:
    """Which sizes it accepts, and what was opened for that: where nothing is free, its spatial axes."""
    for opened in (tuple(free), ("HxW",), ("L",), ("DxHxW",)):
        try:
            return opened, sizes(model, free=opened, dims=bound)
        except BindingError:
            continue
    return (), None


def _start(valid: ValidSizes, moving: Sequence[str]) -> int | None:
    """The length that all of them are to have: the file's, or a valid one near a usual one."""
    fixed = {x.fixed for x in valid.dims if x.name in moving}
    if len(fixed) == 1 and None not in fixed:
        return fixed.pop()
    usual = _USUAL[len(moving) == 1]
    near = sorted(_common(valid, moving, 1, 4 * usual), key=lambda length: abs(length - usual))
    return near[0] if near else None


def _lengths(valid: ValidSizes, moving: Sequence[str], start: int) -> list[int]:
    """Valid lengths from a quarter to four times that one, in even ratios."""
    least, most = max(1, start // 4), 4 * start
    found = {start}
    for i in range(_SIZES):
        wish = round(start * 4 ** (2 * i / (_SIZES - 1) - 1))
        near = _common(valid, moving, max(least, wish - _NEAR), min(most, wish + _NEAR))
        found.update(sorted(near, key=lambda length: abs(length - wish))[:1])
    return sorted(found)


def _common(valid: ValidSizes, moving: Sequence[str], least: int, most: int) -> list[int]:
    found: set[int] | None = None
    for name in moving:
        these = {*valid[name].lengths.within(least, most)}
        found = these if found is None else found & these
    return sorted(found or ())


def _swept(
    model: Source, opened: Sequence[str], bound: Mapping[str, int], moving: Sequence[str],
    lengths: Sequence[int],
) -> Sweep | None:  # fmt: skip
    if len(lengths) < 2:
        return None
    asked: dict[str | tuple[str, ...], int | range | Sequence[int]] = {",".join(moving): lengths}
    for name, length in bound.items():
        asked[name] = length
    try:
        return sweep(model, asked, free=opened)
    except BindingError:  # a name with a comma
        return None


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
