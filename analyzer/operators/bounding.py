"""What do an operator's numbers lie between, where they aren't told one by one?

Rules are registered operator by operator (`families/number_bounds.py`), as those for numbers that hang on
free lengths are. What is made of lengths alone by an operator that has no rule is said not to be followed;
of what the model is given nothing is said at all.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import numpy as np

from cnnscope.analyzer.operators.homes import load_home
from cnnscope.analyzer.values.bounds import UNFOLLOWED, Bounds, evenly, only
from cnnscope.analyzer.values.dimension import Dim, FreeDim, Undetermined
from cnnscope.analyzer.values.extremes import greatest, smallest
from cnnscope.analyzer.values.plain_class import dataclass
from cnnscope.analyzer.values.tensor import Tensor

#: dtypes whose whole numbers are followed: narrower ones may wrap around
FOLLOWED = frozenset({"int64", "int32", "float32", "float64"})


@dataclass(frozen=True, slots=True)
class Asked:
    """What a rule is given.

    Args:
        inputs: None where omitted.
        output: the output that is asked for, its shape known.
        place: which one it is.
        attributes: the node's.
    """

    inputs: Sequence[Tensor | None]
    output: Tensor
    place: int
    attributes: Mapping[str, object]

    def bounds(self, place: int = 0) -> Bounds:
        """Of an input; raises `Undetermined` where nothing is known of it."""
        x = self.inputs[place] if place < len(self.inputs) else None
        found = None if x is None else bounds_of(x)
        if found is None:
            raise Undetermined("what numbers lie between")
        return found

    def shape(self, place: int = 0) -> tuple[Dim, ...]:
        """Of an input; raises `Undetermined` where it isn't known."""
        x = self.inputs[place]
        return x.dims if x is not None else ()

    def number(self, name: str, otherwise: int) -> int:
        """An attribute that is a whole number."""
        found = self.attributes.get(name, otherwise)
        return found if isinstance(found, int) else otherwise


#: to the bounds; raises `Undetermined` where they can't be told
Bounding = Callable[[Asked], Bounds]
_RULES: dict[str, tuple[Bounding, bool]] = {}


def bounds(*names: str, rule: Bounding, of_any: bool = False) -> None:
    """Register what the numbers lie between that operators of ai.onnx give.

    Args:
        names: ONNX operator types.
        rule: what is asked to the bounds.
        of_any: of whole numbers that it gives it tells something where nothing is known of its inputs.

    Raises:
        ValueError: one is already registered.
    """
    for name in names:
        if name in _RULES:
            raise ValueError(f"what the numbers of {name} lie between is defined twice")
        _RULES[name] = rule, of_any


def bounded(
    domain: str, name: str, attributes: Mapping[str, object], inputs: Sequence[Tensor | None],
    outputs: tuple[Tensor, ...],
) -> tuple[Tensor, ...]:  # fmt: skip
    """The outputs of an operator, each with what its numbers lie between, as far as that is known."""
    followed = all(
        x is None or x.value is not None or x.bounds is not None or x.dtype == "bool"
        for x in inputs
    )
    if not followed and all(x.is_float or x.dtype not in FOLLOWED for x in outputs):
        return outputs  # most layers of most models, for which no family is loaded
    rule: Bounding | None = None
    of_any = False
    if not domain:
        load_home("bounds", domain, name)
        rule, of_any = _RULES.get(name, (None, False))
    if not followed and not of_any:
        return outputs
    return tuple([
        _bounded(Asked(inputs, x, place, attributes), rule, followed)
        for place, x in enumerate(outputs)
    ])  # fmt: skip


def _bounded(asked: Asked, rule: Bounding | None, followed: bool) -> Tensor:
    """The output that is asked for, with what its numbers lie between."""
    x = asked.output
    if x.value is not None or x.shape is None or x.dtype not in FOLLOWED:
        return x
    try:
        if rule is not None:
            return x.within(rule(asked))
    except (Undetermined, ValueError, TypeError, IndexError, OverflowError):
        pass  # what can't be is the shape rule's to refuse
    found = [bounds_of(y) for y in asked.inputs if y is not None]
    of_lengths = followed and any(
        y is not None
        and (y.bounds is not None or (y.value is not None and y.value.dtype == object))
        for y in asked.inputs
    )
    return x.within(UNFOLLOWED) if of_lengths and not any(b and b.of_data for b in found) else x


def bounds_of(x: Tensor) -> Bounds | None:
    """What a tensor's numbers lie between; None: they hang on what the model is given, or aren't whole."""
    if x.bounds is not None:
        return x.bounds
    if x.value is None:
        return Bounds(0, 1, of_data=True) if x.dtype == "bool" else None
    if not x.value.size:
        return None
    if x.value.dtype == object:
        return _of_elements(x.value)
    if x.value.dtype.kind not in "biuf" or not np.isfinite(x.value).all():
        return None
    if x.value.dtype.kind == "f" and (x.value != np.floor(x.value)).any():
        return None
    found = x.value.astype(np.int64)
    if found.size == 1:
        return only(int(found.reshape(())), found.ndim)
    steps = [_even_step(found, axis) for axis in range(found.ndim)]
    if None not in steps:
        first = int(found.reshape(-1)[0])
        return evenly(first, [step or 0 for step in steps], found.shape)
    return Bounds(int(found.min()), int(found.max()), True, True)


def _even_step(numbers: np.ndarray, axis: int) -> int | None:
    """From one number to the next along an axis; None where that isn't the same everywhere."""
    if numbers.shape[axis] == 1:
        return 0
    steps = np.diff(numbers, axis=axis)
    step = int(steps.reshape(-1)[0])
    return step if bool((steps == step).all()) else None


def _of_elements(array: np.ndarray) -> Bounds | None:
    items: list[Dim] = []
    for item in array.ravel().tolist():
        if isinstance(item, float) and item.is_integer():
            item = int(item)
        if not isinstance(item, int | FreeDim):
            return UNFOLLOWED
        items.append(int(item) if isinstance(item, bool) else item)
    if any(isinstance(item, FreeDim) and item.data for item in items):
        return Bounds(None, None, of_data=True)
    if len(items) == 1:
        return only(items[0], array.ndim)
    return Bounds(smallest(*items), greatest(*items), True, True)
