"""Which of the sizes that several models are given together are each one's own?

``--dim H=640`` for a folder of models is meant for those that have such a dimension. A name that none of
them has is a slip, and told as one.
"""

from __future__ import annotations

import os
from collections.abc import Collection, Mapping, Sequence
from dataclasses import field
from typing import IO, TYPE_CHECKING

from cnnscope.analyzer.model.binding import free_labels, meant_name
from cnnscope.analyzer.values.diagnostics import CnnscopeError
from cnnscope.analyzer.values.length_texts import own_names
from cnnscope.analyzer.values.plain_class import dataclass

if TYPE_CHECKING:
    import onnx

    from cnnscope.analyzer.model.remote import Remote


@dataclass(frozen=True, slots=True)
class Bindable:
    """What of a model can be given a size: its inputs, and their free dimensions, by name."""

    inputs: frozenset[str]
    free: frozenset[str]

    @classmethod
    def of(
        cls,
        model: str | os.PathLike[str] | bytes | onnx.ModelProto | IO[bytes] | Remote,
        opened: Collection[str] = (),
    ) -> Bindable | None:
        """A model's; None where it can't be read, which its analysis will say.

        Args:
            model: what can be opened.
            opened: what of it is opened, such as ``HxW``: which names that gives, its analysis will say, too.
        """
        from cnnscope.analyzer.model.file import open_model
        from cnnscope.analyzer.model.graph_reading import read_graph

        if hasattr(model, "read") or opened:  # a stream is read once
            return None
        try:
            inputs = read_graph(open_model(model).model).inputs
        except CnnscopeError:
            return None
        return cls(frozenset(inputs), frozenset(free_labels(inputs)))


@dataclass(frozen=True, slots=True)
class Sizes:
    """Sizes that were given, to one model or to several.

    Args:
        shapes: by input, None for the only one.
        dims: lengths of free dimensions.
        values: of inputs that sizes hang on.
        ranges: several lengths of a free dimension, or of some that move together (``"H,W"``).
        free: what the file fixes and is opened, such as ``"HxW"``.
    """

    shapes: Mapping[str | None, Sequence[int | None]] = field(default_factory=dict)
    dims: Mapping[str, int] = field(default_factory=dict)
    values: Mapping[str, object] = field(default_factory=dict)
    ranges: Mapping[str, Sequence[int]] = field(default_factory=dict)
    free: tuple[str, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.shapes or self.dims or self.values or self.ranges or self.free)

    @property
    def named(self) -> bool:
        """A model may lack what one of them is of."""
        return bool(
            self.dims or self.values or self.ranges or any(x is not None for x in self.shapes)
        )

    @property
    def measured(self) -> tuple[str, ...]:
        """The dimensions that are given one length, or several."""
        return (*self.dims, *(name for key in self.ranges for name in own_names(key)))

    def under(self, asked: Sizes) -> Sizes:
        """These, where nothing else is asked for.

        >>> Sizes(dims={"N": 1}, ranges={"H,W": (8, 9)}).under(Sizes(dims={"H": 4})).measured
        ('N', 'H')
        """
        spoken = set(asked.measured)
        ranges = {k: x for k, x in self.ranges.items() if spoken.isdisjoint(own_names(k))}
        return Sizes(
            asked.shapes or self.shapes,
            {**{k: n for k, n in self.dims.items() if k not in spoken}, **asked.dims},
            {**self.values, **asked.values},
            {**ranges, **asked.ranges},
            asked.free or self.free,
        )

    def of(self, model: Bindable | None) -> Sizes:
        """Those that are a model's own; all of them where nothing is known of it."""
        if model is None:
            return self
        return Sizes(
            {k: x for k, x in self.shapes.items() if k is None or k in model.inputs},
            {k: x for k, x in self.dims.items() if k in model.free},
            {k: x for k, x in self.values.items() if k in model.inputs},
            {k: x for k, x in self.ranges.items() if model.free.issuperset(own_names(k))},
            self.free,
        )

    def unmet(self, models: Sequence[Bindable | None]) -> list[str]:
        """What no model has, in words; nothing where one of them can't be read.

        >>> one = Bindable(frozenset({"x"}), frozenset({"H"}))
        >>> Sizes(dims={"W": 8, "H": 8}).unmet([one, one])
        ["no model has a free dimension 'W'; free are: H"]
        """
        known = [model for model in models if model is not None]
        if len(known) < len(models):
            return []
        inputs = {name for model in known for name in model.inputs}
        free = {name for model in known for name in model.free}
        asked = dict.fromkeys([*(name for name in self.shapes if name is not None), *self.values])
        found = [
            f"no model has an input {name!r}{meant_name(name, inputs) or _there(inputs)}"
            for name in asked if name not in inputs
        ]  # fmt: skip
        known_free = f"; free are: {', '.join(sorted(free))}" if free else "; none is free"
        found += [
            f"no model has a free dimension {name!r}{meant_name(name, free) or known_free}"
            for name in self.measured if name not in free
        ]  # fmt: skip
        return found


def _there(names: set[str]) -> str:
    return f"; there are: {', '.join(sorted(names))}" if names else ""


def each_own(
    sizes: Sizes, models: Sequence[str | os.PathLike[str] | bytes | Remote]
) -> tuple[list[Sizes], list[str]]:
    """Each model's own of some sizes, and what no model has.

    Of one model alone nothing is left out: its analysis says what is wrong.
    """
    if len(models) < 2 or not sizes.named:
        return [sizes] * len(models), []
    found = [Bindable.of(model) for model in models]
    return [sizes.of(model) for model in found], sizes.unmet(found)
