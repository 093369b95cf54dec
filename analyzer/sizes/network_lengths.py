"""What is a network with free lengths: what it asks of them, and does it take certain ones?"""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from functools import cached_property, reduce
from operator import or_
from typing import Final

import numpy as np

from cnnscope.analyzer.model.binding import meant_name, show
from cnnscope.analyzer.model.graph import Graph
from cnnscope.analyzer.passes.shapes import infer_shapes
from cnnscope.analyzer.sizes.at_lengths import inputs_at
from cnnscope.analyzer.sizes.length_set import LengthSet
from cnnscope.analyzer.values.conditions import Claim, Condition, noting
from cnnscope.analyzer.values.diagnostics import BindingError, GraphError
from cnnscope.analyzer.values.dimension import FreeDim
from cnnscope.analyzer.values.many_lengths import Booleans, Numbers, where_holds
from cnnscope.analyzer.values.plain_class import dataclass
from cnnscope.analyzer.values.tensor import Tensor

#: an input's name, and an axis of it
Place = tuple[str, int]
#: how many sizes are gone through for the smallest in which all ties hold, and how many at once
_TRIED, _AT_ONCE = 4096, 256
#: how many of them the analysis is asked of, where the sets aren't exact
_ASKED: Final = 4
#: nodes and conditions that are gone through where the analysis is asked of one size after another,
#: some seconds; a few sizes are asked of any network
_ASKED_FOR: Final = 1 << 16
_FEW: Final = 8


@dataclass(frozen=True)
class NetworkLengths:
    """A graph whose inputs have free lengths, and what was taken for granted of them.

    Args:
        graph: the graph.
        inputs: its inputs, free dimensions by their names.
        conditions: what has to hold of the lengths, each with the node that asks for it.
        doubts: what wasn't followed.
        fixed: lengths that the file states, of dimensions that were opened.
    """

    graph: Graph
    inputs: Mapping[str, Tensor]
    conditions: Mapping[Condition, str | None]
    doubts: tuple[str, ...]
    fixed: Mapping[str, int]

    @classmethod
    def of(
        cls, graph: Graph, inputs: Mapping[str, Tensor], fixed: Mapping[str, int]
    ) -> NetworkLengths:
        """What a graph asks of the free lengths of its inputs."""
        with noting() as found:
            shapes = infer_shapes(graph, inputs)
        doubts = []
        for condition, by in found.doubtful.items():
            doubts.append(f"{condition} is asked in a subgraph, which may not run ({by})")
        doubts += [f"{what} ({by})" for what, by in found.unfollowed.items()]
        conditions = {}
        for condition, by in found.conditions.items():
            if condition.data:
                doubts.append(f"{condition} hangs on data ({by})")
            else:
                conditions[condition] = by
        for name in shapes.refused:
            node = graph.nodes[name]
            doubts.append(f"{node.path} can't be worked out while lengths are free")
        lost = [
            node.path for node in graph.nodes
            if any(shapes.tensors[name].shape is None and shapes.tensors[name].kind == "tensor"
                   for name in node.outputs if name)
        ]  # fmt: skip
        if lost:
            more = f" and {len(lost) - 1} more" if len(lost) > 1 else ""
            doubts.append(f"the shape behind {lost[0]}{more} isn't known while lengths are free")
        return cls(graph, inputs, conditions, tuple(doubts), fixed)

    @cached_property
    def places(self) -> dict[str, list[Place]]:
        """Each free dimension, and where it stands."""
        found: dict[str, list[Place]] = {}
        for name, tensor in self.inputs.items():
            for axis, length in enumerate(tensor.shape or ()):
                if isinstance(length, FreeDim):
                    for label in length.names:
                        found.setdefault(label, []).append((name, axis))
        return found

    @property
    def shapes(self) -> dict[str, tuple[int | str, ...]]:
        """The inputs' shapes, free lengths by their names."""
        return {
            name: tuple(n if isinstance(n, int) else str(n) for n in x.shape)
            for name, x in self.inputs.items()
            if x.shape is not None
        }

    @property
    def base(self) -> dict[str, int]:
        """A size that is known to be valid: what the file states; empty where it doesn't of all."""
        return dict(self.fixed) if self.fixed.keys() == self.places.keys() else {}

    def lengths_of(self, shapes: Mapping[str, Sequence[int | None]]) -> dict[str, int]:
        """The free dimensions' lengths at certain shapes of the inputs.

        Raises:
            BindingError: they don't fit the inputs, or a free dimension gets two lengths, or none.
        """
        found: dict[str, int] = {}
        for name, given in shapes.items():
            if name not in self.inputs:
                raise BindingError(f"there is no input {name!r}{meant_name(name, self.inputs)}")
            known = self.inputs[name].shape or ()
            if len(given) != len(known):
                raise BindingError(
                    f"input {name!r} has {len(known)} dimensions ({show(known)}), the shape given has"
                    f" {len(given)}"
                )
            for axis, (has, length) in enumerate(zip(known, given, strict=True)):
                if length is None:
                    continue
                if isinstance(has, int):
                    if has != length:
                        raise BindingError(
                            f"input {name!r}: axis {axis} is fixed to {has}; --free {name}:{axis} opens it"
                        )
                elif found.setdefault(str(has), length) != length:
                    raise BindingError(f"{has} would be {found[str(has)]} and {length}")
        lacking = [name for name in self.places if name not in found]
        if lacking:
            raise BindingError(
                f"the shape leaves {', '.join(lacking)} open: give a length for each"
            )
        return found

    @cached_property
    def by_names(self) -> Mapping[frozenset[str], Mapping[Condition, str | None]]:
        """The conditions on the same dimensions together."""
        found: dict[frozenset[str], dict[Condition, str | None]] = {}
        for condition, by in self.conditions.items():
            found.setdefault(condition.names, {})[condition] = by
        return found

    @property
    def weight(self) -> int:
        """How much is gone through where the analysis is asked of one size."""
        return 1 + len(self.graph.nodes) + len(self.conditions) + len(self.inputs)

    def asked_within(self, room: int = _ASKED_FOR) -> int:
        """How many sizes the analysis may be asked of."""
        return max(_FEW, room // self.weight)

    def ties_hold(self, lengths: Mapping[str, int]) -> bool:
        """Does everything hold that was taken for granted of several lengths together?"""
        return bool(self.where_ties_hold({name: column([n]) for name, n in lengths.items()})[0])

    def where_ties_hold(self, sizes: Mapping[str, Numbers]) -> Booleans:
        """The same of many sizes at once, for each dimension an array of lengths."""
        found = np.ones(len(next(iter(sizes.values()))), bool)
        for names, conditions in self.by_names.items():
            if len(names) < 2:
                continue
            among = {name: sizes[name] for name in names if name in sizes}
            if len(among) < len(names):
                return np.zeros_like(found)
            for condition in conditions:
                if found.any():
                    found &= reduce(
                        or_, (where_holds(claim, among)[0] for claim in condition.either)
                    )
        return found

    def accepts(self, lengths: Mapping[str, int]) -> bool:
        """Is no node refused by the analysis of these lengths?"""
        return self._analysed(lengths, while_valid=True)[0]

    def runs_empty(self, lengths: Mapping[str, int]) -> bool:
        """Is a size refused in which some kernel finds too little to fit into, or nothing is left?"""
        accepted, broken, shapes = self._analysed(lengths, while_valid=False)
        return not accepted and (
            (bool(broken) and broken[0].kind == "positive")
            or any(0 in (x.shape or ()) for x in shapes)
        )

    def _analysed(
        self, lengths: Mapping[str, int], *, while_valid: bool
    ) -> tuple[bool, list[Claim], list[Tensor]]:
        """What the analysis of certain lengths says: is no node refused, which claims are broken, and
        what is known of the tensors."""
        with noting() as found:
            try:
                inputs = inputs_at(self.inputs, lengths)
                shapes = infer_shapes(self.graph, inputs, while_valid=while_valid)
            except GraphError:
                return False, found.broken, []
        accepted = not any(note.severity == "error" for note in shapes.diagnostics)
        made = [shapes.tensors[n] for node in self.graph.nodes for n in node.outputs if n]
        return accepted, found.broken, made

    def smallest(self, sets: Mapping[str, LengthSet], exact: bool) -> dict[str, int] | None:
        """The smallest valid size, of those with the least lengths first.

        Args:
            sets: the lengths that each dimension may have.
            exact: they are exact; else the analysis is asked, of a few sizes.
        """
        if not sets:
            return {}
        firsts = []
        # A network of so many inputs that not even two lengths of each can be tried with each other:
        # the least of all, and each alone moved on.
        count = int(_TRIED ** (1 / len(sets)) + 1e-9)
        alone = count < 2
        for lengths in sets.values():
            taken = lengths.first(max(count, 2))
            if not taken:
                return None
            firsts.append(taken)
        sizes: list[tuple[int, ...]]
        if alone:
            least = tuple(taken[0] for taken in firsts)
            moved = ((i, n) for i, taken in enumerate(firsts) for n in taken[1:])
            sizes = [least]
            for i, n in itertools.islice(moved, max(_TRIED // len(sets), 1)):
                sizes.append((*least[:i], n, *least[i + 1 :]))
        else:
            sizes = list(itertools.product(*firsts))
        sizes.sort(key=lambda size: (max(size), sum(size), size))
        if self.base:
            known = tuple(self.base[name] for name in sets)
            sizes = [size for size in sizes if max(size) <= max(known)] + [known]
        left = _ASKED
        for some in range(0, len(sizes), _AT_ONCE):
            these = sizes[some : some + _AT_ONCE]
            columns = {name: column([size[i] for size in these]) for i, name in enumerate(sets)}
            for at in np.flatnonzero(self.where_ties_hold(columns)).tolist():
                found = dict(zip(sets, these[at], strict=True))
                if exact or self.accepts(found):
                    return found
                left -= 1
                if not left:
                    return None
        return None


def column(lengths: Sequence[int]) -> Numbers:
    """Lengths as an array to work out formulas on."""
    return np.array(lengths, np.int64 if max(lengths, default=0) < 1 << 62 else object)
