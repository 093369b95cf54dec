"""How does the report page come about? One file: template, built script and style, the model's data.

Nothing in it is loaded from elsewhere, and nothing but the one script runs: the page's Content Security
Policy names that script by its hash. Style elements are allowed, since charts bring their own.
"""

from __future__ import annotations

import base64
import hashlib
from importlib.resources import files
from typing import TYPE_CHECKING

from cnnscope.analyzer.render.job_log import without_commands
from cnnscope.analyzer.render.page.contents import Contents
from cnnscope.analyzer.render.page.parts import parts
from cnnscope.analyzer.render.subjects.report import title

if TYPE_CHECKING:
    from markupsafe import Markup


def page(contents: Contents) -> str:
    """The page of a model, as the text of one HTML file.

    >>> import cnnscope
    >>> from cnnscope.analyzer.render.page.contents import Contents
    >>> text = page(Contents(cnnscope.analyze("sample_models/lenet5.onnx")))
    >>> text.startswith("<!DOCTYPE html>"), "lenet5" in text
    (True, True)
    """
    # Here: only a page needs it.
    from jinja2 import Environment, PackageLoader, StrictUndefined

    environment = Environment(
        loader=PackageLoader("cnnscope.analyzer.render.page", "template"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    script = _built("page.js")
    whole = title(contents.report)
    short, _, said = whole.rpartition(": ")
    found = list(parts(contents))
    return environment.get_template("page.html").render(
        name=_plain(short),
        said=_plain(said),
        script=script,
        style=_built("page.css"),
        hash=base64.b64encode(hashlib.sha256(script.encode()).digest()).decode(),
        parts=found,
        licenses=_built("licenses.txt"),
    )


def _plain(text: str) -> Markup:
    """A text as HTML, of which no line is a command of a CI runner."""
    from markupsafe import Markup, escape

    return Markup(without_commands(str(escape(text)), colon="&#58;", sign="&#35;"))


def _built(name: str) -> str:
    return files("cnnscope.analyzer.render.page").joinpath("built", name).read_text("utf-8").strip()
