"""What stands on a node of a drawing, and how dark is it?"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from cnnscope.analyzer.render.viewers.scale import METRICS, metric_named, shades, written_amount
from cnnscope.analyzer.report.folded_network import Around, Drawn
from cnnscope.analyzer.values.notation import many, middle, name

#: characters of a name, of a shape, and of a module's path
_NAME, _SHAPE, _MODULE = 60, 40, 80


def label(node: Drawn, amount: str = "") -> list[str]:
    """The lines on a node: its name, what it is, what it gives, how much of a metric it has."""
    lines = [name(node.name, _NAME) or node.kind]
    if node.kind == "layer":
        lines.append(name(node.layers[0].op, _NAME))
    elif node.kind == "module":
        lines.append(many(len(node.layers), "layer"))
    if node.shape:
        lines.append(middle(node.shape, _SHAPE))
    return [*lines, amount] if amount else lines


def colored(nodes: Sequence[Drawn], color: str | None) -> list[tuple[str, int | None]]:
    """For each node how much of a metric it has, in words, and its shade; none where it isn't asked for.

    Raises:
        ValueError: there is no such metric.
    """
    if color is None:
        return [("", None)] * len(nodes)
    metric = metric_named(color)
    found = [METRICS[metric](node.layers) if node.layers else None for node in nodes]
    words = ["" if x is None else written_amount(metric, x) for x in found]
    return list(zip(words, shades(found), strict=True))


def nested(
    around: Around,
    opens: Callable[[str], str],
    node: Callable[[Drawn], str],
    closes: str,
    indent: str = "  ",
) -> Iterator[str]:
    """The lines of a drawing's nodes, within those of the modules around them.

    Args:
        opens: the line that a module begins with, given its path.
        node: a node's line.
        closes: the line that a module ends with.
    """
    for part in around.parts:
        if isinstance(part, Drawn):
            yield f"{indent}{node(part)}"
            continue
        yield f"{indent}{opens(name('/'.join(part.path), _MODULE))}"
        yield from nested(part, opens, node, closes, f"{indent}  ")
        yield f"{indent}{closes}"
