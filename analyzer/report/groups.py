"""What do layers come to together: by operator, by kind, by module, by block?

Each grouping is a partition: every layer is in exactly one group, so that the groups' figures add up
to the totals. A *module* is a path in the model's own source: from what the exporter noted, or the
path in the layers' names; where the layers have none, from the names of their weights, and a layer
without weights goes with the layer whose result it reads. A path has as many steps as asked for
below the path that all layers have in common.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

from cnnscope.analyzer.layers.blocks import Step, find_blocks
from cnnscope.analyzer.report.group import By, Group, Grouped, group_of
from cnnscope.analyzer.report.layer import Layer
from cnnscope.analyzer.report.module_groups import by_module

#: what each family is called among a block's parts, where its own word isn't short
_PARTS = {"elementwise arithmetic": "arithmetic"}


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
        return by_module(report, 1 if depth is None else depth)
    if by == "block":
        return _by_block(report)
    raise ValueError(f"there is no grouping by {by!r}: there are op, kind, module, block")


def _by(layers: Iterable[Layer], by: By, key: Callable[[Layer], str]) -> list[Group]:
    groups: dict[str, list[Layer]] = {}
    for layer in layers:
        groups.setdefault(key(layer), []).append(layer)
    return [group_of(by, name, members) for name, members in groups.items()]


def _largest_first(groups: list[Group]) -> list[Group]:
    return sorted(groups, key=lambda group: (-(group.flops.known or 0), group.name))


# -- modules ---------------------------------------------------------------------------------------


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
        found.append(group_of("block", layers[block.main].name, members, _consists(members)))
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
