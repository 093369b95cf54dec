"""The command report of a scan: one page that shows a fleet, and on request a page of each model."""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Final
from urllib.parse import quote

from cnnscope.analyzer.values.plain_class import dataclass
from cnnscope.runtime.commands.messages import BAD, FAILED, FINE, Misuse, blame, complain, progress
from cnnscope.runtime.commands.sources import name_of
from cnnscope.runtime.commands.writing import STANDARD_OUTPUT, check_output, save

if TYPE_CHECKING:
    from cnnscope.analyzer.fleet.scan_table import Scan

#: characters of a model's name in its page's
_LONGEST: Final = 60


@dataclass(frozen=True)
class FleetShown:
    """What `cnnscope report` was asked for, of a scan.

    Args:
        scan: its file.
        output: the page's.
        pages: the folder of the models' own pages; None: none are made.
    """

    scan: str
    output: Path
    pages: Path | None


def write_fleet_page(request: FleetShown) -> int:
    """Write it; FAILED where a model's own page can't be made."""
    from cnnscope.analyzer.fleet.scan_table import Scan
    from cnnscope.analyzer.paging import fleet_page_of
    from cnnscope.analyzer.values.diagnostics import CnnscopeError

    check_output(request.output, [request.scan])
    try:
        scan = Scan(request.scan)
        pages = _Pages(request.pages) if request.pages is not None else None
        found = {} if pages is None else dict(pages.written(scan, request.output))
        with progress(request.scan):
            text = fleet_page_of(scan, found)
    except CnnscopeError as error:
        complain(str(error))
        return BAD
    save(text, request.output)
    if str(request.output) != STANDARD_OUTPUT:
        complain(f"{request.output}: written: open it in a browser")
    return FAILED if pages is not None and pages.failed else FINE


class _Pages:
    """The models' own pages, in a folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.failed = 0
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise Misuse(f"{folder}: can't be made: {error.strerror or error}") from None

    def written(self, scan: Scan, output: Path) -> Iterator[tuple[str, str]]:
        """Each model's path, and its page's address relative to the fleet's page."""
        from cnnscope.analyzer.model.remote import remote_of
        from cnnscope.analyzer.paging import contents_of, page_of
        from cnnscope.analyzer.values.diagnostics import CnnscopeError

        start = Path.cwd() if str(output) == STANDARD_OUTPUT else output.resolve().parent
        for row in scan.rows(["path", "status"]):
            path = str(row["path"])
            if row["status"] == "error":
                continue
            source = remote_of(path) or path
            try:
                with progress(name_of(source)):
                    text = page_of(contents_of(source))
            except CnnscopeError as error:
                blame(name_of(source), error)
                self.failed += 1
                continue
            file = self.folder / page_name(path)
            save(text, file)
            yield path, f"./{quote(os.path.relpath(file.resolve(), start).replace(os.sep, '/'))}"


def page_name(path: str) -> str:
    """The name of a model's page: what its file is called, and what tells it from others of that name.

    >>> page_name("hub/../ResNet 50.onnx"), page_name("hf://org/x/<b>.onnx")
    ('ResNet-50-279e74a7.html', 'b-9bcc01aa.html')
    """
    last = re.split(r"[/\\]", path)[-1].removesuffix(".onnx")
    plain = re.sub(r"[^A-Za-z0-9_.]+", "-", last).strip("-.")[:_LONGEST] or "model"
    return f"{plain}-{hashlib.sha256(path.encode('utf-8', 'surrogatepass')).hexdigest()[:8]}.html"
