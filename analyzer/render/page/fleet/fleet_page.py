"""How does a fleet's page come about? As a model's does, with a script and parts of its own."""

from __future__ import annotations

from cnnscope.analyzer.render.page.fleet.fleet_contents import FleetContents
from cnnscope.analyzer.render.page.fleet.fleet_parts import fleet_parts
from cnnscope.analyzer.render.page.framing import Frame, framed
from cnnscope.analyzer.values.notation import name


def fleet_page(contents: FleetContents) -> str:
    """The page of a fleet, as the text of one HTML file.

    >>> from types import SimpleNamespace
    >>> scan = SimpleNamespace(rows=lambda columns: iter([{"path": "a.onnx", "status": "ok", "macs": 5}]))
    >>> fleet_page(FleetContents("zoo.parquet", scan, 1, {}))[:15]
    '<!DOCTYPE html>'
    """
    frame = Frame(
        bundle="fleet",
        name=name(contents.name, 120),
        said=f"a fleet of {contents.count:,} models",
        aside="The chosen model",
        without="cnnscope scan --summary",
    )
    return framed(frame, fleet_parts(contents))
