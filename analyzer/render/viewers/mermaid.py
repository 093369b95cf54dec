"""How is the network drawn in a README? As a Mermaid flowchart, modules as subgraphs.

GitHub, GitLab and many editors draw such a block (https://mermaid.js.org/syntax/flowchart.html). Texts are
Markdown and HTML there, so that whatever isn't a letter or a digit is written by its number (``#35;``).
"""

from __future__ import annotations

import re
from typing import Final

from cnnscope.analyzer.render.viewers.exported import Exported, Wish
from cnnscope.analyzer.render.viewers.labels import colored, label, nested
from cnnscope.analyzer.render.viewers.scale import COLORS, text_color
from cnnscope.analyzer.report.folded_network import Drawn, drawing
from cnnscope.analyzer.report.report import Report
from cnnscope.analyzer.values.notation import many

#: arrows, and characters, that a page draws unless its author has allowed for more
_ARROWS, _TEXT = 500, 50_000


def mermaid(report: Report, wish: Wish) -> Exported:
    """The report's layers as a Mermaid flowchart.

    Raises:
        ValueError: there is no such metric, or the depth isn't positive.
    """
    drawn = drawing(report, wish.depth)
    colors = colored(drawn.nodes, wish.color)
    numbers = {node.key: i for i, node in enumerate(drawn.nodes)}
    amounts = {node.key: words for node, (words, _) in zip(drawn.nodes, colors, strict=True)}
    modules = iter(range(1 << 30))

    def node(one: Drawn) -> str:
        return f"n{numbers[one.key]}{_shape(one, amounts[one.key])}"

    def subgraph(path: str) -> str:
        return f"subgraph m{next(modules)}[{quoted(path)}]"

    lines = ["flowchart TD", *nested(drawn.whole(), subgraph, node, "end")]
    lines += [f"  n{numbers[a]} --> n{numbers[b]}" for a, b in drawn.arrows]
    for shade, color in enumerate(COLORS):
        of_it = [f"n{i}" for i, (_, found) in enumerate(colors) if found == shade]
        if of_it:
            lines.append(f"  classDef c{shade} fill:{color},color:{text_color(shade)}")
            lines.append(f"  class {','.join(of_it)} c{shade}")
    text = "\n".join([*lines, ""])
    return Exported(text, _too_much(len(drawn.arrows), len(text)))


def _too_much(arrows: int, characters: int) -> tuple[str, ...]:
    if arrows <= _ARROWS and characters <= _TEXT:
        return ()
    return (
        f"the drawing has {many(arrows, 'arrow')} and {characters} characters; pages draw {_ARROWS}"
        f" arrows and {_TEXT} characters unless their author allows for more: fold modules with --depth",
    )


def quoted(text: str) -> str:
    """A text that Mermaid shows as it is.

    >>> quoted('a"b'), quoted("1. x")
    ('"a#34;b"', '"1#46; x"')
    """
    return f'"{_coded(text)}"'


_CODED: Final = re.compile(r"[^\w ]|_")
#: Mermaid ends a line at a backslash and an n however they are written; this sign looks the same
_BACKSLASH: Final = "\N{REVERSE SOLIDUS OPERATOR}"


def _coded(text: str) -> str:
    text = text.replace("\\", _BACKSLASH)
    return _CODED.sub(lambda found: f"#{ord(found[0])};", text)


def _shape(node: Drawn, amount: str) -> str:
    text = "<br>".join(map(_coded, label(node, amount)))
    return f'(["{text}"])' if node.kind in ("input", "output") else f'["{text}"]'
