"""How does the report page come about? One file: template, built script and style, the model's data.

Nothing in it is loaded from elsewhere, and nothing but the one script runs: the page's Content Security
Policy names that script by its hash. Style elements are allowed, since charts bring their own.
"""

from __future__ import annotations

from cnnscope.analyzer.render.page.contents import Contents
from cnnscope.analyzer.render.page.framing import Frame, framed
from cnnscope.analyzer.render.page.parts import parts
from cnnscope.analyzer.render.subjects.report import title


def page(contents: Contents) -> str:
    """The page of a model, as the text of one HTML file.

    >>> import cnnscope
    >>> from cnnscope.analyzer.render.page.contents import Contents
    >>> text = page(Contents(cnnscope.analyze("sample_models/lenet5.onnx")))
    >>> text.startswith("<!DOCTYPE html>"), "lenet5" in text
    (True, True)
    """
    short, _, said = title(contents.report).rpartition(": ")
    frame = Frame("page", short, said, "The chosen layer", "cnnscope analyze", "licenses.txt")
    return framed(frame, parts(contents))
