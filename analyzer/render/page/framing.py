"""How is a page's file put together? The template, a built script and style, a title, the data's parts."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterable
from importlib.resources import files
from typing import TYPE_CHECKING

from cnnscope.analyzer.render.job_log import without_commands
from cnnscope.analyzer.render.page.parts import Part
from cnnscope.analyzer.values.plain_class import dataclass

if TYPE_CHECKING:
    from markupsafe import Markup


@dataclass(frozen=True, slots=True)
class Frame:
    """What stands around a page's data.

    Args:
        bundle: the built script and style, by their name.
        name: of what the page is, as a title.
        said: one line below it.
        aside: what stands beside the views where something is chosen.
        without: the command that tells the figures to whom no script runs.
        licenses: the built file with those of the libraries in the script; None: there are none.
    """

    bundle: str
    name: str
    said: str
    aside: str
    without: str
    licenses: str | None = None


def framed(frame: Frame, parts: Iterable[Part]) -> str:
    """The page as the text of one HTML file."""
    # Here: only a page needs it.
    from jinja2 import Environment, PackageLoader, StrictUndefined

    environment = Environment(
        loader=PackageLoader("cnnscope.analyzer.render.page", "template"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    script = _built(f"{frame.bundle}.js")
    return environment.get_template("page.html").render(
        name=_plain(frame.name),
        said=_plain(frame.said),
        aside=frame.aside,
        without=frame.without,
        script=script,
        style=_built(f"{frame.bundle}.css"),
        hash=base64.b64encode(hashlib.sha256(script.encode()).digest()).decode(),
        parts=list(parts),
        licenses=_built(frame.licenses) if frame.licenses else "",
    )


def _plain(text: str) -> Markup:
    """A text as HTML, of which no line is a command of a CI runner."""
    from markupsafe import Markup, escape

    return Markup(without_commands(str(escape(text)), colon="&#58;", sign="&#35;"))


def _built(name: str) -> str:
    return files("cnnscope.analyzer.render.page").joinpath("built", name).read_text("utf-8").strip()
