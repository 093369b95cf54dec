"""Are two lengths, or shapes, the same, whatever they are called?"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field

from cnnscope.analyzer.values.dimension import Dim, FreeDim
from cnnscope.analyzer.values.plain_class import dataclass
from cnnscope.analyzer.values.polynomial import Atom, Polynomial
from cnnscope.analyzer.values.tensor import Shape


@dataclass(frozen=True, slots=True)
class Renaming:
    """What is called otherwise in the second model.

    Args:
        layers: the first model's layers to their counterparts: lengths that hang on data are
            named after layers.
        dims: its free dimensions to theirs.
    """

    layers: Mapping[str, str] = field(default_factory=dict)
    dims: Mapping[str, str] = field(default_factory=dict)


SAME_NAMES = Renaming()


def hangs_on_data(shape: Shape | None) -> bool:
    return shape is None or any(isinstance(d, FreeDim) and bool(d.data) for d in shape)


def same_dim(a: Dim | None, b: Dim | None, names: Renaming = SAME_NAMES) -> bool:
    """Equal, or hanging in the same way on the same free dimensions, and on what the same layer
    finds in its data.

    Args:
        names: what is called otherwise.
    """
    if not isinstance(a, FreeDim) or not isinstance(b, FreeDim):
        return a == b
    if a == b and not names.dims:
        return True
    return _spelled(a, names) == _spelled(b, SAME_NAMES)


def _spelled(dim: Polynomial, names: Renaming) -> object:
    """A polynomial in an order that doesn't hang on names, the names put in place of others."""
    return sorted(
        (repr(sorted(_atom(atom, names) for atom in monomial)), factor)
        for monomial, factor in dim.terms
    )


def _atom(atom: Atom, names: Renaming) -> str:
    if atom.top is not None:
        return f"floor({_spelled(atom.top, names)}/{atom.bottom})"
    if atom.parts:
        spelled = [_spelled(p, names) if isinstance(p, Polynomial) else p for p in atom.parts]
        return f"{atom.how}({spelled})"
    known = names.dims.get(atom.text)
    return _translated(atom.text, names.layers) if known is None else known


def _translated(text: str, names: Mapping[str, str]) -> str:
    """``"Resize_3 length 0"`` with the name of that layer's counterpart."""
    head = "trips of " if text.startswith("trips of ") else ""
    end = len(text)
    while end > len(head):
        known = names.get(text[len(head) : end])
        if known is not None:
            return head + known + text[end:]
        end = text.rfind(" ", len(head), end)
    return text


def same_shape(
    a: tuple[Dim, ...] | None,
    b: tuple[Dim, ...] | None,
    names: Renaming = SAME_NAMES,
) -> bool:
    """Whether two shapes are the same; `names` as for `same_dim`."""
    if a is None or b is None:
        return a is b
    return len(a) == len(b) and all(same_dim(x, y, names) for x, y in zip(a, b, strict=True))
