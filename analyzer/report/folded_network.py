"""How do the layers hang together in a drawing, modules folded below a depth?

What is drawn is a layer, a module with all that is in it, or an end of the model; around them are the modules
that aren't folded. A module that is used in several places is drawn once, so that an arrow may lead back.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Literal

from cnnscope.analyzer.report.layer import Layer
from cnnscope.analyzer.report.layer_records import shape_text
from cnnscope.analyzer.report.module_groups import steps_told
from cnnscope.analyzer.report.module_paths import ModulePath, module_paths
from cnnscope.analyzer.report.report import Report
from cnnscope.analyzer.values.notation import escape
from cnnscope.analyzer.values.plain_class import dataclass

if TYPE_CHECKING:
    import networkx

#: modules within each other that are drawn around a layer; steps further in are one
_DEEPEST = 24
#: a depth that no path has
_NEVER = 1 << 30


@dataclass(frozen=True, slots=True, eq=False)
class Drawn:
    """One node of a drawing.

    Args:
        key: what tells it from the others: a layer's name, made fit for a file, as in `Report.graph`.
        kind: what it is.
        name: what people know it by.
        layers: those it stands for; none: an end of the model.
        around: the modules around it that aren't folded, from the outside in.
        shape: of what it gives, as text; "": not known.
    """

    key: str
    kind: Literal["input", "output", "layer", "module"]
    name: str
    layers: tuple[Layer, ...]
    around: ModulePath
    shape: str


@dataclass(frozen=True, slots=True, eq=False)
class Around:
    """A module of a drawing, and what is in it.

    Args:
        path: its steps; none: the whole drawing.
        parts: nodes, and modules in it.
    """

    path: ModulePath
    parts: list[Drawn | Around]


@dataclass(frozen=True, slots=True, eq=False)
class Drawing:
    """The nodes in running order, and the arrows between them, by key, with the tensors along each."""

    nodes: tuple[Drawn, ...]
    arrows: dict[tuple[str, str], tuple[str, ...]]

    def whole(self) -> Around:
        """The nodes, within the modules around them."""
        top = Around((), [])
        made: dict[ModulePath, Around] = {(): top}
        for node in self.nodes:
            for steps in range(1, len(node.around) + 1):
                path = node.around[:steps]
                if path not in made:
                    made[path] = Around(path, [])
                    made[path[:-1]].parts.append(made[path])
            made[node.around].parts.append(node)
        return _without_single(top)


def _without_single(around: Around) -> Around:
    """The same without modules around one node alone."""
    parts: list[Drawn | Around] = []
    for part in around.parts:
        if isinstance(part, Around):
            part = _without_single(part)
            only = part.parts[0]
            parts.append(only if len(part.parts) == 1 and isinstance(only, Drawn) else part)
        else:
            parts.append(part)
    return Around(around.path, parts)


def drawing(report: Report, depth: int | None = None) -> Drawing:
    """The report's layers as they are drawn.

    Args:
        depth: so many steps below the path that all layers share, modules are one node each; None: every
            layer is a node.

    Raises:
        ValueError: the depth isn't positive.

    >>> import cnnscope
    >>> found = drawing(cnnscope.analyze("sample_models/lenet5.onnx"), depth=1)
    >>> [node.name for node in found.nodes][:3], len(found.arrows)
    (['input', 'conv1', 'tanh1'], 13)
    """
    network = report.graph
    paths = module_paths(report.layers)
    common, folded = steps_told(paths, _NEVER if depth is None else depth)
    members: dict[ModulePath, list[Layer]] = {}
    for layer, path in zip(report.layers, paths, strict=True):
        if len(path) >= folded:
            members.setdefault(path[:folded], []).append(layer)
    taken = {str(key) for key in network.nodes}
    stands: dict[str, Drawn] = {}
    modules: dict[ModulePath, Drawn] = {}
    own = iter(zip(report.layers, paths, strict=True))
    for key, facts in network.nodes(data=True):
        shape = facts.get("shape", "")
        if facts["kind"] != "layer":
            stands[key] = Drawn(key, facts["kind"], facts["name"], (), (), shape)
            continue
        layer, path = next(own)
        if len(path) < folded:
            stands[key] = Drawn(key, "layer", layer.path, (layer,), _around(path[common:]), shape)
            continue
        path = path[:folded]
        if path not in modules:
            modules[path] = _module(path, members[path], _around(path[common:-1]), taken)
        stands[key] = modules[path]
    return Drawing(tuple(dict.fromkeys(stands.values())), dict(_arrows(network, stands)))


def _around(path: ModulePath) -> ModulePath:
    return (
        path if len(path) <= _DEEPEST else (*path[: _DEEPEST - 1], "/".join(path[_DEEPEST - 1 :]))
    )


def _module(
    path: ModulePath, layers: Sequence[Layer], around: ModulePath, taken: set[str]
) -> Drawn:
    name = "/".join(path)
    key = escape(name)
    while key in taken:  # a layer, or an end of the model, may be called as the module is
        key += " (module)"
    taken.add(key)
    return Drawn(
        key, "module", name, tuple(layers), around, shape_text(layers[-1].output_shape) or ""
    )


def _arrows(
    network: networkx.DiGraph[str], stands: dict[str, Drawn]
) -> Iterator[tuple[tuple[str, str], tuple[str, ...]]]:
    found: dict[tuple[str, str], dict[str, None]] = {}
    tensors: str
    for a, b, tensors in network.edges(data="tensors"):
        ends = stands[a].key, stands[b].key
        if ends[0] != ends[1]:
            found.setdefault(ends, {})[tensors] = None
    for ends, texts in found.items():
        yield ends, tuple(texts)
