"""How is the network written for Graphviz? In DOT, modules as clusters (https://graphviz.org/doc/info/lang.html)."""

from __future__ import annotations

from cnnscope.analyzer.render.job_log import without_commands
from cnnscope.analyzer.render.viewers.exported import Exported, Wish, model_name
from cnnscope.analyzer.render.viewers.labels import colored, label, nested
from cnnscope.analyzer.render.viewers.scale import COLORS, text_color
from cnnscope.analyzer.report.folded_network import Drawn, drawing
from cnnscope.analyzer.report.report import Report
from cnnscope.analyzer.values.notation import escape, name


def dot(report: Report, wish: Wish) -> Exported:
    """The report's layers in DOT.

    Raises:
        ValueError: there is no such metric, or the depth isn't positive.
    """
    drawn = drawing(report, wish.depth)
    colors = dict(zip((x.key for x in drawn.nodes), colored(drawn.nodes, wish.color), strict=True))
    numbers = iter(range(1 << 30))

    def cluster(path: str) -> str:
        return f"subgraph cluster_{next(numbers)} {{ label={said(path)}"

    lines = [
        f"digraph {quoted(model_name(report))} {{",
        '  node [shape=box style="filled,rounded" fillcolor="#ffffff" fontname="Helvetica"]',
        '  graph [fontname="Helvetica" style=rounded color="#888888"]',
        *nested(drawn.whole(), cluster, lambda node: _node(node, *colors[node.key]), "}"),
    ]
    for (a, b), tensors in drawn.arrows.items():
        lines.append(f"  {quoted(a)} -> {quoted(b)} [tooltip={said(', '.join(tensors))}]")
    return Exported(without_commands("\n".join([*lines, "}", ""])))


def quoted(text: str) -> str:
    r"""A name as DOT has it: nothing in it is an escape of Graphviz's.

    >>> print(quoted('a"b\\N'), quoted("x\ny"))
    "a\"b\\N" "x\\ny"
    """
    text = escape(text).replace("\\", "\\\\").replace('"', '\\"')
    return f'"{text}"'


def said(text: str) -> str:
    """A text that Graphviz shows: there, entities of HTML would be read as well.

    >>> print(said("&lt;"))
    "&amp;lt;"
    """
    return quoted(text.replace("&", "&amp;"))


def _node(node: Drawn, amount: str, shade: int | None) -> str:
    text = "\\n".join(said(line)[1:-1] for line in label(node, amount))
    facts = [f'label="{text}"', f"tooltip={said(name(node.name))}"]
    if node.kind in ("input", "output"):
        facts.append("shape=oval")
    if shade is not None:
        facts.append(f'fillcolor="{COLORS[shade]}" fontcolor="{text_color(shade)}"')
    return f"{quoted(node.key)} [{' '.join(facts)}]"
