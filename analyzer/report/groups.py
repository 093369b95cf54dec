"""What do layers come to together: by operator, by kind, by module, by block?

Each grouping is a partition: every layer is in exactly one group, so that the groups' figures add up
to the totals. A *module* is a path in the model's own source: from what the exporter noted, or the
path in the layers' names; where the layers have none, from the names of their weights, and a layer
without weights goes with the layer whose result it reads. A path has as many steps as asked for
below the path that all layers have in common.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Literal, Protocol

from cnnscope.analyzer.layers.blocks import Step, find_blocks
from cnnscope.analyzer.report.layer import Layer
from cnnscope.analyzer.report.layers import Layers
from cnnscope.analyzer.report.metric import Metric
from cnnscope.analyzer.report.module_paths import ModulePath, module_paths
from cnnscope.analyzer.report.receptive_field import ReceptiveField
from cnnscope.analyzer.report.sums import sum_traffic, sum_work
from cnnscope.analyzer.values.tensor import Shape, plain_shape


class HasName(Protocol):
    """An input or output of a model."""

    @property
    def name(self) -> str: ...


class Grouped(Protocol):
    """What is grouped: a report, as far as that asks for it."""

    @property
    def layers(self) -> Layers: ...
    @property
    def inputs(self) -> Sequence[HasName]: ...
    @property
    def outputs(self) -> Sequence[HasName]: ...


By = Literal["op", "kind", "module", "block"]

#: what each family is called among a block's parts, where its own word isn't short
_PARTS = {"elementwise arithmetic": "arithmetic"}


@dataclass(frozen=True, slots=True, eq=False)
class Group:
    """What several layers come to.

    Args:
        by: what makes them a group: ``"op"``, ``"kind"``, ``"module"`` or ``"block"``.
        name: the operator, the kind, the module's path or the block's main layer.
        members: the layers.
        params: their stored weight elements, each where it is counted.
        macs, flops: their work.
        traffic_bytes: bytes that each reads and writes, as if none were fused.
        consists: of a block, what it is made of: ``"convolution + normalization + activation"``.
        module_class: of a module, its class, where the exporter noted it.
    """

    by: By
    name: str
    members: tuple[Layer, ...]
    params: int
    macs: Metric
    flops: Metric
    traffic_bytes: Metric
    consists: str | None = None
    module_class: str | None = None

    @property
    def layers(self) -> int:
        """How many layers there are."""
        return len(self.members)

    @property
    def op(self) -> str:
        """The operator, of a group by operator; of any other group its name."""
        return self.name

    @property
    def output_shape(self) -> Shape | None:
        """What its last layer gives."""
        return self.members[-1].output_shape

    @property
    def receptive_field(self) -> tuple[ReceptiveField, ...]:
        """What its last layer's units see."""
        return self.members[-1].receptive_field

    def to_dict(self) -> dict[str, object]:
        found: dict[str, object] = {
            self.by: self.name, "layers": self.layers, "params": self.params,
            "macs": self.macs.to_dict(), "flops": self.flops.to_dict(),
            "traffic_bytes": self.traffic_bytes.to_dict(),
        }  # fmt: skip
        if self.by == "module":
            found["class"] = self.module_class
        if self.by == "block":
            found["consists"] = self.consists
            found["members"] = [layer.name for layer in self.members]
            found["output"] = plain_shape(self.output_shape)
            found["receptive_field"] = [f.to_dict() for f in self.receptive_field]
        return found


def grouped(report: Grouped, by: By, depth: int | None = None) -> list[Group]:
    """The report's layers in groups.

    Args:
        report: the model's.
        by: what makes a group.
        depth: of modules, how many steps below the path that all layers share; by default 1.

    Returns:
        By operator and by kind, the group with the most FLOPs first; else in the order of the
        first layer.

    Raises:
        ValueError: there is no such grouping; or a depth that isn't positive, or not of modules.
    """
    if depth is not None and by != "module":
        raise ValueError("a depth goes with modules")
    if by == "op":
        return _largest_first(_by(report.layers, by, lambda layer: layer.op))
    if by == "kind":
        return _largest_first(_by(report.layers, by, lambda layer: layer.kind.label))
    if by == "module":
        return _by_module(report, 1 if depth is None else depth)
    if by == "block":
        return _by_block(report)
    raise ValueError(f"there is no grouping by {by!r}: there are op, kind, module, block")


def of_these(groups: Iterable[Group], layers: Iterable[Layer]) -> list[Group]:
    """The groups with no layers but these; those of none are left out."""
    kept = {id(layer) for layer in layers}
    found = []
    for group in groups:
        members = [layer for layer in group.members if id(layer) in kept]
        if members:
            left = _group(group.by, group.name, members, group.consists)
            found.append(replace(left, module_class=group.module_class))
    return found


def _group(by: By, name: str, members: Sequence[Layer], consists: str | None = None) -> Group:
    return Group(
        by, name, tuple(members), sum(x.params for x in members), sum_work(members, "macs"),
        sum_work(members, "flops"), sum_traffic(members), consists,
    )  # fmt: skip


def _by(layers: Iterable[Layer], by: By, key: Callable[[Layer], str]) -> list[Group]:
    groups: dict[str, list[Layer]] = {}
    for layer in layers:
        groups.setdefault(key(layer), []).append(layer)
    return [_group(by, name, members) for name, members in groups.items()]


def _largest_first(groups: list[Group]) -> list[Group]:
    return sorted(groups, key=lambda group: (-(group.flops.known or 0), group.name))


# -- modules ---------------------------------------------------------------------------------------


def _by_module(report: Grouped, depth: int) -> list[Group]:
    if depth < 1:
        raise ValueError(f"a depth of {depth}: give 1 or more")
    paths = module_paths(report.layers)
    given = [path for path in paths if path]
    common = _common(given)
    groups: dict[ModulePath, list[Layer]] = {}
    for layer, path in zip(report.layers, paths, strict=True):
        groups.setdefault(path[: len(common) + depth], []).append(layer)
    found = []
    for path, members in groups.items():
        name = "/".join(path)
        known = next((x.modules[name] for x in members if name in x.modules), None)
        found.append(replace(_group("module", name, members), module_class=known))
    return found


def _common(paths: Sequence[ModulePath]) -> ModulePath:
    """The steps that all the paths begin with."""
    if not paths:
        return ()
    low, high = min(paths), max(paths)
    same = [a == b for a, b in zip(low, high, strict=False)]
    return low[: same.index(False) if False in same else len(same)]


# -- blocks ----------------------------------------------------------------------------------------


def _by_block(report: Grouped) -> list[Group]:
    layers = tuple(report.layers)
    made = {x.name for x in report.inputs}
    made.update(value.name for layer in layers for value in layer.outputs)
    steps = [
        Step(
            tuple(name for name in layer.inputs if name in made),
            tuple(value.name for value in layer.outputs),
            layer.kind.family,
            _is_weighted(layer),
        )
        for layer in layers
    ]
    captured = _captured(layers)
    found = []
    for block in find_blocks(steps, {x.name for x in report.outputs} | captured):
        members = [layers[i] for i in block.members]
        found.append(_group("block", layers[block.main].name, members, _consists(members)))
    return found


def _is_weighted(layer: Layer) -> bool:
    """It multiplies stored weights."""
    if layer.work is None or layer.work.macs == 0:
        return False
    return layer.params + layer.shared_params > 0 or any(
        x is not None and x.tensor.constant and x.shape is not None and len(x.shape) > 1
        for x in layer.operands
    )


def _captured(layers: Iterable[Layer]) -> set[str]:
    """What subgraphs read from around them."""
    found: set[str] = set()
    for layer in layers:
        for body in layer.bodies.values():
            found.update(name for inner in body for name in inner.inputs if name)
            found |= _captured(body)
    return found


def _consists(members: Sequence[Layer]) -> str:
    words: list[str] = []
    for layer in members:
        whole = layer.kind.form in ("fully connected", "locally connected")
        word = str(layer.kind.form) if whole else layer.kind.family
        word = _PARTS.get(word, word)
        if not words or words[-1] != word:
            words.append(word)
    return " + ".join(words)
