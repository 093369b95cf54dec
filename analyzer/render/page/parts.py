"""Which parts does a page's file hold, and how are they written into it?

A part is JSON in a script element of its own, which the page reads when a view asks for it; a large one is
gzipped. No part is markup, code, or a CI runner's command: ``<``, ``#`` and what ends a line in
JavaScript are written as escapes.
"""

from __future__ import annotations

import base64
import gzip
import importlib
import json
from collections.abc import Iterator
from typing import Final

from cnnscope.analyzer.render.page.contents import Contents
from cnnscope.analyzer.values.plain_class import dataclass

#: the parts in their order, each `part(contents)` of the module `parts_of/NAME`; what gives None isn't there
NAMES: Final = (
    "model",
    "layers",
    "difference",
    "memory",
    "budgets",
    "run",
    "roofline",
    "fields",
    "regions",
    "effective",
    "tiling",
    "graph",
    "findings",
    "sizes",
    "image",
    "explanations",
)
#: bytes of JSON above which a part is gzipped: below, a reader of the file can read it
LARGE: Final = 1 << 16
#: and above which that is done less thoroughly
_LARGEST: Final = 1 << 22
_ESCAPES: Final = {ord(c): f"\\u{ord(c):04x}" for c in "<>&#\u2028\u2029"}


@dataclass(frozen=True, slots=True)
class Part:
    """One part as it stands in the file."""

    name: str
    text: str
    encoding: str | None


def parts(contents: Contents) -> Iterator[Part]:
    """Every part that these contents have."""
    for name in NAMES:
        module = importlib.import_module(f"cnnscope.analyzer.render.page.parts_of.{name}")
        found = module.part(contents)
        if found is not None:
            yield written(name, found)


def written(name: str, found: object) -> Part:
    """A part's data as text.

    >>> written("model", {"name": "</script>"})
    Part(name='model', text='{"name":"\\\\u003c/script\\\\u003e"}', encoding=None)
    """
    text = json.dumps(found, separators=(",", ":"), allow_nan=False).translate(_ESCAPES)
    if len(text) < LARGE:
        return Part(name, text, None)
    # The last per cent of a fleet's part would take as long as all else.
    packed = gzip.compress(text.encode(), 9 if len(text) < _LARGEST else 6, mtime=0)
    return Part(name, base64.b64encode(packed).decode(), "gzip")
