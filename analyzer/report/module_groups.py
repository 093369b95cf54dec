"""Which modules is a model made of, side by side or one within another?"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace

from cnnscope.analyzer.report.group import Group, Grouped, group_of
from cnnscope.analyzer.report.layer import Layer
from cnnscope.analyzer.report.module_paths import ModulePath, module_paths


def leaves(tree: Iterable[Group]) -> list[Group]:
    """The modules in which there are no others: every layer is in one of them, and in one only."""
    found: list[Group] = []
    for group in tree:
        found += leaves(group.children) if group.children else [group]
    return found


def by_module(report: Grouped, depth: int) -> list[Group]:
    paths = module_paths(report.layers)
    _, most = steps_told(paths, depth)
    groups: dict[ModulePath, list[Layer]] = {}
    for layer, path in zip(report.layers, paths, strict=True):
        groups.setdefault(path[:most], []).append(layer)
    return [_module(path, members) for path, members in groups.items()]


def steps_told(paths: Sequence[ModulePath], depth: int) -> tuple[int, int]:
    """How many steps all paths have in common, and how many are told: so many more.

    Raises:
        ValueError: the depth isn't positive.
    """
    if depth < 1:
        raise ValueError(f"a depth of {depth}: give 1 or more")
    common = len(_common([path for path in paths if path]))
    return common, common + depth


def _module(path: ModulePath, members: Sequence[Layer]) -> Group:
    name = "/".join(path)
    known = next((x.modules[name] for x in members if name in x.modules), None)
    return replace(group_of("module", name, members), module_class=known)


def _common(paths: Sequence[ModulePath]) -> ModulePath:
    """The steps that all the paths begin with."""
    if not paths:
        return ()
    low, high = min(paths), max(paths)
    same = [a == b for a, b in zip(low, high, strict=False)]
    return low[: same.index(False) if False in same else len(same)]


def module_tree(
    report: Grouped, depth: int = 1, chosen: Iterable[Layer] | None = None
) -> tuple[Group, ...]:
    """The modules, each with those in it as its `children`: what these come to is what it comes to.

    Layers of a module that are in none of those in it are a child with its own name. A module in which
    there is one other and nothing else stands for that one, with its name.

    Args:
        report: the model's.
        depth: how many levels there are at most.
        chosen: layers; modules with none of them are left out. None: all of them.

    Returns:
        The modules of the first level, in the order of their first layers.

    Raises:
        ValueError: the depth isn't positive.
    """
    paths = module_paths(report.layers)
    above, most = steps_told(paths, depth)
    kept = None if chosen is None else {id(layer) for layer in chosen}
    members = [
        (path[:most], layer) for path, layer in zip(paths, report.layers, strict=True)
        if kept is None or id(layer) in kept
    ]  # fmt: skip
    return _level(members, above, 1)


_Members = list[tuple[ModulePath, Layer]]


def _level(members: _Members, above: int, level: int) -> tuple[Group, ...]:
    """The modules that differ in the step behind so many."""
    parts: dict[ModulePath, _Members] = {}
    for path, layer in members:
        parts.setdefault(path[: above + 1], []).append((path, layer))
    found = []
    for path, inside in parts.items():
        while len({deeper[: len(path) + 1] for deeper, _ in inside}) == 1 and inside[0][0] != path:
            path = inside[0][0][: len(path) + 1]
        layers = [layer for _, layer in inside]
        deeper = any(own != path for own, _ in inside)
        children = _level(inside, len(path), level + 1) if deeper else ()
        found.append(replace(_module(path, layers), level=level, children=children))
    return tuple(found)
