"""How Sphinx makes the site of what `layout.py` lays out for it. `.ci/docs FOLDER` runs both."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from pygments.lexers.special import TextLexer

import cnnscope

if TYPE_CHECKING:
    from sphinx.application import Sphinx

project = "cnnscope"
version = release = cnnscope.__version__
copyright = "the cnnscope authors, Apache-2.0"  # noqa: A001  # Sphinx' word

extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx.ext.napoleon"]
html_theme = "furo"
html_title = "cnnscope"
html_show_sourcelink = False
html_theme_options = {"navigation_with_keys": True}

#: links to a page's headings, by GitHub's rule, down to the third level
myst_heading_anchors = 3
#: what stands between single backticks in a docstring is code
default_role = "code"

autodoc_typehints = "signature"
autodoc_member_order = "bysource"
add_module_names = False
napoleon_google_docstring = True
napoleon_numpy_docstring = False
napoleon_use_rtype = False


def plain_stars(
    app: Sphinx, what: str, name: str, obj: object, options: object, lines: list[str]
) -> None:
    """A star in a docstring is a star: a factor, or any number of arguments."""
    for number, line in enumerate(lines):
        if not line.lstrip().startswith((">>>", "...")):
            parts = re.split("(`[^`]*`)", line)
            parts[::2] = [re.sub(r"(?<!\\)\*", r"\\*", part) for part in parts[::2]]
            lines[number] = "".join(parts)


def setup(app: Sphinx) -> None:
    """What Sphinx calls first."""
    app.add_lexer("mermaid", TextLexer)  # GitHub draws it; here it is text
    app.connect("autodoc-process-docstring", plain_stars, priority=400)  # before napoleon
