"""How does a page look inside a notebook's output? A card that opens into the page, apart from the notebook.

The page stands in a frame of its own, without the notebook's origin: its one script reaches nothing there.
"""

from __future__ import annotations

from html import escape
from typing import Final

from cnnscope.analyzer.render.subjects.report import title
from cnnscope.analyzer.render.subjects.totals import total_lines
from cnnscope.analyzer.report.report import Report

#: the totals that a card has before it is opened
_TOLD: Final = 4
#: addresses within the page are the frame's, not the notebook's; said before the page's own policy is
_BASE: Final = '<head>\n<base href="about:srcdoc">'


def card(report: Report, text: str) -> str:
    """A fragment of HTML: the first figures, and the page when it is opened.

    Args:
        report: whose page it is.
        text: the page.
    """
    told = [f"{what}: {figure}" for what, figure, *_ in list(total_lines(report))[:_TOLD]]
    inside = escape(text.replace("<head>", _BASE, 1))
    return (
        '<details style="border:1px solid #8884;border-radius:4px;padding:.4em .8em">'
        f'<summary style="cursor:pointer"><b>{escape(title(report))}</b><br>'
        f'<span style="opacity:.75">{escape("; ".join(told))}</span></summary>'
        '<iframe sandbox="allow-scripts" loading="lazy" title="The page of the model" '
        'style="border:0;width:100%;height:46em;margin-top:.4em" '
        f'srcdoc="{inside}"></iframe></details>'
    )
