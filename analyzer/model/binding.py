"""What are the sizes of the model's inputs, once the user has bound the free ones?

A dimension may be bound by its name for every input at once, or by giving an input's whole shape, in
which ``?`` (None) leaves a free one free. A free batch dimension that nobody said anything of becomes 1,
with a diagnostic; every other one stays free. What looks like a batch is told here, by name and place;
whether it is one, `batch` finds out. A shape given without a name is the only input's.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import IO, TYPE_CHECKING

from cnnscope.analyzer.values.diagnostics import BindingError, Diagnostic
from cnnscope.analyzer.values.dimension import Dim, FreeDim
from cnnscope.analyzer.values.tensor import Tensor

if TYPE_CHECKING:
    import os

    import onnx

    from cnnscope.analyzer.model.remote import Remote

_BATCH_NAMES = {"n", "b", "bs", "nb"}
#: words in a first dimension's name that say it isn't a batch
_OTHER_NAMES = ("height", "width", "length", "seq", "time", "frame", "token", "sample", "point")


def named_shapes(
    model: str | os.PathLike[str] | bytes | onnx.ModelProto | IO[bytes] | Remote,
    given: Mapping[str | None, Sequence[int | None]],
    what: str = "a shape",
) -> dict[str, Sequence[int | None]]:
    """The shapes, each by an input's name: that of None is the only input's.

    Args:
        model: which input is the only one, only the model tells; read where a shape has no name.
        given: input name, or None, to its shape. A shape that has the name goes before it.
        what: what the reader calls such a shape.

    Raises:
        ModelFileError, GraphError: the model can't be read.
        BindingError: it has several inputs, or none.
    """
    shapes = {name: shape for name, shape in given.items() if name is not None}
    if None in given:
        from cnnscope.analyzer.model.file import open_model
        from cnnscope.analyzer.model.graph_reading import read_graph

        names = list(read_graph(open_model(model).model).inputs)
        if len(names) != 1:
            raise BindingError(
                f"{what} needs an input's name: the model has {', '.join(names) or 'no input'}"
            )
        shapes.setdefault(names[0], given[None])
    return shapes


def bind_inputs(
    declared: Mapping[str, Tensor],
    shapes: Mapping[str, Sequence[int | None]],
    dims: Mapping[str, int],
    batch: Mapping[str, bool] | None = None,
) -> tuple[dict[str, Tensor], list[Diagnostic]]:
    """The inputs with the given sizes put in.

    Args:
        declared: the model's inputs as the file declares them.
        shapes: input name to its shape; None leaves an axis as it is.
        dims: name of a free dimension to its length.
        batch: the free dimensions that become 1, and whether each is known to be the batch; None:
            those that look like one.

    Raises:
        BindingError: an unknown name, another rank, a length that contradicts the file.
    """
    for name in shapes:
        if name not in declared:
            raise BindingError(f"there is no input {name!r}{meant_name(name, declared)}")
    named = {name: _named(name, tensor, shapes.get(name)) for name, tensor in declared.items()}
    values = _values(named, shapes, dims)
    if batch is None:
        batch = dict.fromkeys(_candidates(named, shapes, values), True)
    diagnostics = []
    for label, proven in batch.items():
        if label not in values:
            values[label] = 1
            shown = "" if proven else ", though it couldn't be shown that examples don't mix"
            diagnostics.append(
                Diagnostic(
                    "free-batch" if proven else "open-batch",
                    "info",
                    None,
                    f"the batch dimension {label} is free: 1 is used{shown}",
                    f"bind it with --dim {label}=LENGTH",
                )
            )
    bound = {}
    for name, tensor in named.items():
        if tensor.shape is not None:
            tensor = replace(tensor, shape=tuple(bound_dim(dim, values) for dim in tensor.shape))
        bound[name] = tensor
    left: dict[str, str] = {}
    for name, tensor in bound.items():
        for dim in tensor.shape or ():
            if isinstance(dim, FreeDim):
                for label in sorted(dim.names):
                    left.setdefault(label, name)
    for label, name in left.items():
        diagnostics.append(
            Diagnostic(
                "free-dimension",
                "info",
                None,
                f"dimension {label} of input {name} is free: what depends on it is unavailable",
                f"bind it with --dim {label}=LENGTH",
            )
        )
    return bound, diagnostics


def batch_labels(declared: Mapping[str, Tensor]) -> list[str]:
    """The free dimensions that are a batch, as `bind_inputs` takes their names.

    >>> batch_labels({"x": Tensor(shape=(FreeDim.named("N"), 3))})
    ['N']
    """
    return _batch_labels({name: _named(name, x, None) for name, x in declared.items()})


def free_labels(declared: Mapping[str, Tensor]) -> list[str]:
    """The free dimensions, as `bind_inputs` takes their names.

    >>> free_labels({"x": Tensor(shape=(FreeDim.named("N"), 3, FreeDim.named("?")))})
    ['N', 'x:2']
    """
    named = [_named(name, tensor, None) for name, tensor in declared.items()]
    dims = (dim for tensor in named for dim in tensor.shape or ())
    return list(dict.fromkeys(str(dim) for dim in dims if isinstance(dim, FreeDim)))


def batch_candidates(
    declared: Mapping[str, Tensor],
    shapes: Mapping[str, Sequence[int | None]],
    dims: Mapping[str, int],
) -> dict[str, bool]:
    """The free dimensions that look like a batch and of which nothing is said; do they stand first?"""
    named = {name: _named(name, x, shapes.get(name)) for name, x in declared.items()}
    values = _values(named, {k: v for k, v in shapes.items() if k in named}, dims)
    firsts = {
        str(x.shape[0]) for x in named.values() if x.shape and isinstance(x.shape[0], FreeDim)
    }
    return {label: label in firsts for label in _candidates(named, shapes, values)}


def _candidates(
    named: Mapping[str, Tensor],
    shapes: Mapping[str, Sequence[int | None]],
    values: Mapping[str, int],
) -> list[str]:
    kept = {
        str(dim)
        for name, shape in shapes.items()
        for dim, length in zip(named[name].shape or (), shape, strict=True)
        if length is None
    }
    return [x for x in _batch_labels(named) if x not in kept and x not in values]


def says_batch(label: str) -> bool:
    """Does a dimension's name leave no doubt?

    >>> says_batch("batch_size"), says_batch("N")
    (True, False)
    """
    return "batch" in label.lower() or label.lower() in _BATCH_NAMES - {"n"}


def bound_dim(dim: Dim, values: Mapping[str, int]) -> Dim:
    """A declared dimension with its value put in, if it is given."""
    return values.get(str(dim), dim) if isinstance(dim, FreeDim) else dim


def _named(name: str, tensor: Tensor, given: Sequence[int | None] | None) -> Tensor:
    """The same input, dimensions without a name named after the input and the axis."""
    if tensor.shape is None:
        if given is None:
            return tensor
        return replace(tensor, shape=tuple(FreeDim.named(f"{name}:{i}") for i in range(len(given))))
    dims = tuple(
        FreeDim.named(f"{name}:{axis}") if isinstance(dim, FreeDim) and str(dim) == "?" else dim
        for axis, dim in enumerate(tensor.shape)
    )
    return replace(tensor, shape=dims)


def _values(
    inputs: Mapping[str, Tensor],
    shapes: Mapping[str, Sequence[int | None]],
    dims: Mapping[str, int],
) -> dict[str, int]:
    free = {str(d) for t in inputs.values() for d in t.shape or () if isinstance(d, FreeDim)}
    values: dict[str, int] = {}
    for label, bound in dims.items():
        if label not in free:
            known = f"; free are: {', '.join(sorted(free))}" if free else "; none is free"
            raise BindingError(
                f"no input has a free dimension {label!r}{meant_name(label, free) or known}"
            )
        if bound < 0:
            raise BindingError(f"dimension {label} can't have the length {bound}")
        values[label] = bound
    for name, shape in shapes.items():
        declared = inputs[name].shape or ()
        if len(shape) != len(declared):
            raise BindingError(
                f"input {name!r} has {len(declared)} dimensions ({show(declared)}), "
                f"the shape given has {len(shape)} ({'x'.join(map(str, shape))})"
            )
        for axis, (dim, length) in enumerate(zip(declared, shape, strict=True)):
            if length is None:
                if isinstance(dim, int):
                    raise BindingError(
                        f"input {name!r} is fixed to {show(declared)}: axis {axis} can't be left free"
                    )
                continue
            if length < 0:
                raise BindingError(
                    f"input {name!r} can't have the length {length} along axis {axis}"
                )
            if isinstance(dim, int):
                if dim != length:
                    raise BindingError(
                        f"input {name!r} is fixed to {show(declared)}: axis {axis} can't be {length}"
                    )
            elif values.setdefault(str(dim), length) != length:
                raise BindingError(
                    f"dimension {dim} is bound to {values[str(dim)]} and, by input {name!r} "
                    f"axis {axis}, to {length}"
                )
    return values


def _batch_labels(inputs: Mapping[str, Tensor]) -> list[str]:
    """The free dimensions that are a batch: by their name, or by standing first."""
    labels: dict[str, None] = {}
    for tensor in inputs.values():
        for axis, dim in enumerate(tensor.shape or ()):
            if not isinstance(dim, FreeDim):
                continue
            label = str(dim)
            name = label.lower()
            says_batch = "batch" in name or name in _BATCH_NAMES
            says_other = any(word in name for word in _OTHER_NAMES) and not says_batch
            first = axis == 0 and len(tensor.shape or ()) >= 2 and not says_other
            if says_batch or first:
                labels[label] = None
    return list(labels)


def show(shape: Sequence[Dim] | None) -> str:
    """A shape as people write it.

    >>> show((1, 3, 224, 224))
    '1x3x224x224'
    """
    if shape is None:
        return "?"
    return "x".join(map(str, shape)) or "scalar"


def meant_name(name: str, known: Mapping[str, object] | set[str]) -> str:
    import difflib  # here: only a slip asks for it

    close = difflib.get_close_matches(name, known, 1)
    if close:
        return f"; did you mean {close[0]!r}?"
    return (
        f"; there are: {', '.join(sorted(known))}" if known and not isinstance(known, set) else ""
    )
