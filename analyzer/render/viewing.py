"""Which files for other programs can a report be written as, what does each take, and who writes it?

`VIEWS` is the one list: what `export` and the command of that name offer follows from it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from importlib import import_module
from typing import Final, NamedTuple, cast

from cnnscope.analyzer.render.viewers.exported import Exported, Wish
from cnnscope.analyzer.report.report import Report


class View(NamedTuple):
    """A file for another program.

    Args:
        writer: the module of `viewers` and the function in it; imported when it is asked for.
        takes: what can be wished for: ``"color"``, ``"depth"``.
    """

    writer: str
    takes: frozenset[str] = frozenset()


VIEWS: Final[Mapping[str, View]] = {
    "netron": View("netron:attachment"),
    "model-explorer": View("model_explorer:node_data", frozenset(("color",))),
    "dot": View("dot:dot", frozenset(("color", "depth"))),
    "graphml": View("graphml:graphml", frozenset(("color", "depth"))),
    "mermaid": View("mermaid:mermaid", frozenset(("color", "depth"))),
    "model-card": View("model_card:model_card"),
    "cyclonedx": View("cyclonedx:bill"),
}


def takers(wished: str) -> list[str]:
    """The views that something can be wished of.

    >>> takers("depth")
    ['dot', 'graphml', 'mermaid']
    """
    return [name for name, view in VIEWS.items() if wished in view.takes]


def view(report: Report, form: str, wish: Wish) -> Exported:
    """A report as a file for another program.

    Raises:
        ValueError: there is no such view, it takes no such wish, there is no such metric, the depth isn't
            positive, or the report was read back from data where the view asks for its file.
    """
    found = VIEWS.get(form)
    if found is None:
        raise ValueError(f"there is no export {form!r}; there are: {', '.join(VIEWS)}")
    for wished, value in wish._asdict().items():
        if value is not None and wished not in found.takes:
            raise ValueError(f"{wished} doesn't go with {form}: {', '.join(takers(wished))}")
    module, _, function = found.writer.partition(":")
    writer = getattr(import_module(f"cnnscope.analyzer.render.viewers.{module}"), function)
    return cast("Callable[[Report, Wish], Exported]", writer)(report, wish)
