"""The image that is shown as the input."""

from __future__ import annotations

import base64

from cnnscope.analyzer.render.page.contents import Contents


def part(contents: Contents) -> object:
    """Its bytes, for a data URI."""
    if contents.image is None:
        return None
    return {"mime": contents.image.mime, "data": base64.b64encode(contents.image.data).decode()}
