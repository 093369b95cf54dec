"""Which fixed lengths of a model's inputs are left open, and what is each called?

A file may fix the sizes of its inputs though the network would take others. `opened` takes a graph and says
of some of those axes that their lengths are free. What the file says of tensors in between was written for
the old lengths and goes; dtypes stay.

Axes are named as people do: ``HxW`` are the spatial axes of the inputs, in order; with a batch's name
before them, ``NxHxW``, the first axis too; ``input:2`` is axis 2 of an input, ``input:2=H`` gives it a name.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace

from cnnscope.analyzer.model.binding import meant_name, says_batch, show
from cnnscope.analyzer.model.graph import Graph
from cnnscope.analyzer.values.diagnostics import BindingError
from cnnscope.analyzer.values.dimension import FreeDim
from cnnscope.analyzer.values.plain_class import dataclass
from cnnscope.analyzer.values.tensor import Tensor

#: input name to axis to what its length is called
Opening = Mapping[str, Mapping[int, str]]
_AXIS = re.compile(r"(?P<input>.+):(?P<axis>[0-9]{1,9})(?:=(?P<name>.+))?", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Opened:
    """A graph some lengths of which were opened.

    Args:
        graph: the graph, those lengths free.
        opening: which those are.
        fixed: by name, what the file says of it.
    """

    graph: Graph
    opening: Opening
    fixed: Mapping[str, int]


def opened(graph: Graph, opening: Opening) -> Opened:
    """The graph with some of its inputs' lengths free.

    Raises:
        BindingError: there is no such input or axis, or two lengths that differ get one name.
    """
    inputs = dict(graph.inputs)
    fixed: dict[str, int] = {}
    for name, axes in opening.items():
        if name not in inputs:
            raise BindingError(f"there is no input {name!r}{meant_name(name, inputs)}")
        shape = list(inputs[name].shape or ())
        for axis, label in axes.items():
            if axis >= len(shape):
                raise BindingError(
                    f"input {name!r} is {show(inputs[name].shape)}: it has no axis {axis}"
                )
            length = shape[axis]
            if isinstance(length, int) and fixed.setdefault(label, length) != length:
                raise BindingError(
                    f"{label} would be a length of {fixed[label]} and, in input {name!r}, of {length}: "
                    f"give one its own name, such as {name}:{axis}={label}2"
                )
            shape[axis] = FreeDim.named(label)
        inputs[name] = replace(inputs[name], shape=tuple(shape))
    if not fixed:
        return Opened(graph, opening, fixed)
    declared = {name: replace(x, shape=None) for name, x in graph.declared.items()}
    return Opened(replace(graph, inputs=inputs, declared=declared), opening, fixed)


def opening_for(
    declared: Mapping[str, Tensor], shapes: Mapping[str, Sequence[int | None]]
) -> dict[str, dict[int, str]]:
    """The axes that the file fixes and that shapes give another length, or leave free (None).

    >>> opening_for({"x": Tensor("float32", (1, 3, 8))}, {"x": (1, 3, 9)})
    {'x': {2: 'x:2'}}
    """
    found: dict[str, dict[int, str]] = {}
    for name, given in shapes.items():
        known = declared[name].shape if name in declared else None
        if known is None or len(known) != len(given):
            continue  # what binds the inputs says so
        for axis, (has, length) in enumerate(zip(known, given, strict=True)):
            if isinstance(has, int) and length != has:
                found.setdefault(name, {})[axis] = f"{name}:{axis}"
    return found


def read_opening(
    texts: Sequence[str], inputs: Mapping[str, Tensor], spatial: Mapping[str, Sequence[int]]
) -> dict[str, dict[int, str]]:
    """What is to be opened, from texts such as ``HxW`` and ``input:2=H``.

    Args:
        texts: what was asked for.
        inputs: the model's inputs, as declared.
        spatial: input name to its spatial axes.

    Raises:
        BindingError: a text says nothing of this model; the message says what would.

    >>> x = {"x": Tensor("float32", (1, 3, 224, 224))}
    >>> read_opening(["HxW"], x, {"x": [2, 3]})
    {'x': {2: 'H', 3: 'W'}}
    >>> read_opening(["x:0=N"], x, {"x": [2, 3]})
    {'x': {0: 'N'}}
    """
    found: dict[str, dict[int, str]] = {}
    for text in texts:
        named = _AXIS.fullmatch(text)
        if named and named["input"] in inputs:
            axis = int(named["axis"])
            if (named["name"] or "").strip().isdecimal():
                raise BindingError(
                    f"--free {text:.60}: what is opened gets a name, and no length: --free"
                    f" {named['input']}:{axis}=H and, for the length, --dim H={named['name'].strip()}"
                )
            found.setdefault(named["input"], {})[axis] = named["name"] or f"{named['input']}:{axis}"
            continue
        if named:
            raise BindingError(
                f"there is no input {named['input']!r}{meant_name(named['input'], inputs)}"
            )
        if ":" in text:
            raise BindingError(
                f"--free {text:.60}: an axis is written as an input's name and its number, input:2, and may"
                " get a name, input:2=H"
            )
        labels = text.split("x")
        if not all(labels) or len(set(labels)) < len(labels) or any(x.isdecimal() for x in labels):
            raise BindingError(f"--free {text}: give names joined by x, such as HxW")
        taken = _placed(labels, inputs, spatial)
        if not taken:
            shown = ", ".join(f"{name} ({show(x.shape)})" for name, x in inputs.items())
            raise BindingError(
                f"--free {text}: no input has {len(labels)} spatial axes, as far as is known: give an axis, "
                f"such as {next(iter(inputs), 'input')}:0={labels[0]}; inputs are {shown}"
            )
        for name, axes in taken.items():
            found.setdefault(name, {}).update(axes)
    return found


def _placed(
    labels: Sequence[str], inputs: Mapping[str, Tensor], spatial: Mapping[str, Sequence[int]]
) -> dict[str, dict[int, str]]:
    """Names laid onto the axes of each input that they fit."""
    found = {}
    batch = says_batch(labels[0]) or labels[0] == "N"
    for name, tensor in inputs.items():
        rank = len(tensor.shape or ())
        # Where nothing is known to look along an axis, those behind batch and channels.
        axes = list(
            spatial.get(name, range(2, rank) if rank > 2 and not any(spatial.values()) else ())
        )
        if batch and len(labels) == 1 and tensor.shape:
            axes = [0]
        elif batch and len(labels) == len(axes) + 1:
            axes = [0, *axes]
        if axes and len(axes) == len(labels):
            found[name] = dict(zip(axes, labels, strict=True))
    return found
