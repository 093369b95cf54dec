"""What of the configuration's `[defaults]` fits a model, given what the command line says?

Defaults apply where they fit: a length where the model leaves one free, a shape to an input of that name and
rank. What the command line says of an input or a dimension goes before; what a model has no place for is no
fault, since the same file speaks of every model in its folder.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import field
from typing import TYPE_CHECKING, TypeAlias

from cnnscope.analyzer.values.diagnostics import CnnscopeError
from cnnscope.analyzer.values.plain_class import dataclass

if TYPE_CHECKING:
    from cnnscope.analyzer.report.examination import Source
    from cnnscope.analyzer.values.dimension import Dim
    from cnnscope.analyzer.values.tensor import Tensor

Shapes: TypeAlias = Mapping[str | None, Sequence[int | None]]


@dataclass(frozen=True, slots=True)
class Defaults:
    """What holds where nothing else is said.

    Args:
        shapes: by input name; None stands for the only input.
        dims: lengths of free dimensions.
        columns: of a table of layers; empty: the usual ones.
    """

    shapes: Shapes = field(default_factory=dict)
    dims: Mapping[str, int] = field(default_factory=dict)
    columns: tuple[str, ...] = ()


def sized(
    usual: Defaults, source: Source, shapes: Shapes, dims: Mapping[str, int]
) -> tuple[Shapes, Mapping[str, int]]:
    """`fitting`, for a model that is still to be read; what can't be read keeps what is given.

    Args:
        usual: the defaults.
        source: the model, read only where there is a size among the defaults.
        shapes, dims: what the command line says, or an entry of the configuration.
    """
    if not (usual.shapes or usual.dims):
        return shapes, dims
    from cnnscope.analyzer.model.file import open_model
    from cnnscope.analyzer.model.graph_reading import read_graph

    try:
        declared = read_graph(open_model(source).model).inputs
    except CnnscopeError:  # whoever analyses it says why
        return shapes, dims
    return fitting(usual, declared, shapes, dims)


def fitting(
    usual: Defaults, declared: Mapping[str, Tensor], shapes: Shapes, dims: Mapping[str, int]
) -> tuple[dict[str | None, Sequence[int | None]], dict[str, int]]:
    """The sizes to analyse a model with: those that are given, and what of the defaults fits.

    Args:
        usual: the defaults.
        declared: the model's inputs, as its file declares them.
        shapes, dims: what the command line says.

    >>> from cnnscope.analyzer.values.dimension import FreeDim
    >>> from cnnscope.analyzer.values.tensor import Tensor
    >>> declared = {"x": Tensor(shape=(FreeDim.named("N"), 3, FreeDim.named("H")))}
    >>> usual = Defaults({None: (8, 1, 224)}, {"H": 32, "W": 32})
    >>> fitting(usual, declared, {}, {})
    ({}, {'N': 8, 'H': 224})
    >>> fitting(usual, declared, {}, {"N": 1})
    ({}, {'H': 224, 'N': 1})
    >>> fitting(usual, declared, {None: (1, 3, None)}, {})
    ({None: (1, 3, None)}, {})
    """
    given = _by_name(shapes, declared)
    labels = {name: _labels(name, tensor, given.get(name)) for name, tensor in declared.items()}
    spoken = {*dims, *(label for name in given for label in labels.get(name, ()))}
    found = dict(shapes)
    lengths: dict[str, int] = {}
    for name, wanted in _by_name(usual.shapes, declared).items():
        if name in given or name not in declared:
            continue
        own = _labels(name, declared[name], wanted)
        if len(own) != len(wanted):
            continue
        for label, length in zip(own, wanted, strict=True):
            if isinstance(label, str) and label not in spoken and length is not None:
                lengths.setdefault(label, length)
        if declared[name].shape is None:  # nothing but a shape gives it a rank
            found[name] = wanted
        elif None in wanted:  # what is left free is left so, even if it is the batch
            found[name] = [label if isinstance(label, int) else None for label in own]
    free = {label for own in labels.values() for label in own if isinstance(label, str)}
    for label, length in usual.dims.items():
        if label in free - spoken:
            lengths.setdefault(label, length)
    return found, {**lengths, **dims}


def _by_name(shapes: Shapes, declared: Mapping[str, Tensor]) -> dict[str, Sequence[int | None]]:
    """The shapes by their inputs' names: that of None is the only input's."""
    named = {name: shape for name, shape in shapes.items() if name is not None}
    if None in shapes and len(declared) == 1:
        named.setdefault(next(iter(declared)), shapes[None])
    return named


def _labels(name: str, tensor: Tensor, shape: Sequence[object] | None) -> list[str | int]:
    """The name of each free axis, as `bind_inputs` knows it, and the length of each other one."""
    dims: Sequence[Dim | None] = (
        tensor.shape if tensor.shape is not None else [None for _ in shape or ()]
    )
    return [
        dim if isinstance(dim, int) else f"{name}:{i}" if str(dim) in ("None", "?") else str(dim)
        for i, dim in enumerate(dims)
    ]
