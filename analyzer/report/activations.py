"""Which activations are alive as the model runs, and for how long? Tensor by tensor.

A tensor is alive from the layer that gives it (an input: from the start) to the last that reads it (an
output: to the end), as the peak of `Totals.peak_activation_bytes` has it (`passes/memory`).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

from cnnscope.analyzer.model.graph import Node, used_names
from cnnscope.analyzer.passes.memory import find_liveness
from cnnscope.analyzer.values.dimension import Undetermined
from cnnscope.analyzer.values.notation import many, nbytes
from cnnscope.analyzer.values.plain_class import dataclass
from cnnscope.analyzer.values.shown import Listing
from cnnscope.analyzer.values.tensor import Tensor, plain_shape

if TYPE_CHECKING:
    import pandas

    from cnnscope.analyzer.report.examination import Analysis
    from cnnscope.analyzer.report.layer import Layer


@dataclass(frozen=True, slots=True)
class Activation:
    """A tensor, and while which layers run it is alive.

    Args:
        tensor: its name.
        nbytes: its size; None: not known, or it hangs on a free length.
        shape, dtype: of it.
        first: the layer that gives it, counted from 0; -1: an input.
        last: the last layer that reads it; as many as there are layers: it is an output.
    """

    tensor: str
    nbytes: int | None
    shape: tuple[int | str, ...] | None
    dtype: str | None
    first: int
    last: int

    def to_dict(self) -> dict[str, object]:
        return {
            "tensor": self.tensor, "nbytes": self.nbytes, "dtype": self.dtype,
            "shape": None if self.shape is None else list(self.shape), "first": self.first, "last": self.last,
        }  # fmt: skip


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Activations(Listing[Activation]):
    """Every activation of a model in running order; what `Report.activations` gives.

    Args:
        model: its path.
        tensors: inputs first, then what each layer gives; stored tensors aren't among them.
        inside: of layers with a subgraph, the bytes alive at once in it, on top of what is alive around it;
            None: not known. In a report read from data neither this nor what subgraphs read is known: then
            the layers before one are here, too.
        layers: how many layers there are.

    >>> import cnnscope
    >>> found = cnnscope.analyze("sample_models/lenet5.onnx").activations()
    >>> max(found.alive_bytes()), [x.tensor for x in found.alive(2)]
    (37632, ['tanh1', 'pool1'])
    """

    model: str | None
    tensors: tuple[Activation, ...]
    inside: Mapping[int, int | None]
    layers: int

    @property
    def items(self) -> tuple[Activation, ...]:
        return self.tensors

    def alive(self, layer: int) -> list[Activation]:
        """The tensors that are alive while a layer runs, in the order in which they came to be."""
        return [x for x in self.tensors if x.first <= layer <= x.last]

    def alive_bytes(self) -> list[int | None]:
        """For each layer the bytes alive while it runs; None where the size of one isn't known.

        The largest is the model's peak.
        """
        changes: list[int] = [0] * (self.layers + 1)
        unknown: list[int] = [0] * (self.layers + 1)
        for x in self.tensors:
            begin, end = max(x.first, 0), min(x.last, self.layers - 1) + 1
            counted = unknown if x.nbytes is None else changes
            counted[begin] += 1 if x.nbytes is None else x.nbytes
            counted[end] -= 1 if x.nbytes is None else x.nbytes
        found: list[int | None] = []
        alive = lost = 0
        for layer in range(self.layers):
            alive, lost = alive + changes[layer], lost + unknown[layer]
            inside = self.inside.get(layer, 0)
            found.append(None if lost or inside is None else alive + inside)
        return found

    def to_dict(self) -> dict[str, object]:
        """As JSON-ready data."""
        return {
            "schema_version": 1,
            "model": self.model,
            "alive_bytes": self.alive_bytes(),
            "tensors": [x.to_dict() for x in self.tensors],
        }

    def records(self) -> Iterator[dict[str, object]]:
        """A row for each tensor."""
        for x in self.tensors:
            yield x.to_dict() | {"shape": None if x.shape is None else "x".join(map(str, x.shape))}

    def to_dataframe(self) -> pandas.DataFrame:
        """A row for each tensor, as a pandas data frame.

        Raises:
            ImportError: pandas isn't installed.
        """
        import pandas

        return pandas.DataFrame.from_records(list(self.records()))

    def summary(self) -> str:
        alive = self.alive_bytes()
        known = [x for x in alive if x is not None]
        most = (
            f"at most {nbytes(max(known, default=0))} at once" if len(known) == len(alive)
            else f"of {len(alive) - len(known)} of {many(len(alive), 'layer')} it isn't known what is alive"
        )  # fmt: skip
        return f"{many(len(self.tensors), 'tensor')}, {most}"


def activations_of(
    model: str | None, layers: Sequence[Layer], ends: tuple[Sequence[str], Sequence[str]],
    tensors: Mapping[str, Tensor], analysis: Analysis | None,
) -> Activations:  # fmt: skip
    """The activations of a model; without an analysis it isn't known what subgraphs take and keep alive.

    Args:
        model: its path.
        layers: in running order.
        ends: names of its inputs, and of its outputs.
        tensors: of the main graph.
    """
    inputs, outputs = ends
    first = dict.fromkeys(inputs, -1)
    last: dict[str, int] = {}
    for index, layer in enumerate(layers):
        last.update(dict.fromkeys(layer.inputs, index))
        first.update({value.name: index for value in layer.outputs})
    running: list[Node] = []
    if analysis is not None:
        running = [node for node in analysis.graph.nodes if not analysis.shapes.folded(node)]
    for index, node in enumerate(running):  # what only its subgraphs read is alive, too
        last.update(dict.fromkeys(used_names(node), index))
    last.update(dict.fromkeys(outputs, len(layers)))
    found = []
    for name, begin in first.items():
        tensor = tensors.get(name, Tensor())
        if not tensor.constant:
            found.append(_activation(name, tensor, begin, last.get(name, begin)))
    if analysis is not None:
        inside = dict(_inside(running, analysis))
    else:
        behind = max((index + 1 for index, layer in enumerate(layers) if layer.bodies), default=0)
        inside = dict.fromkeys(range(behind))
    return Activations(model, tuple(found), inside, len(layers))


def _activation(name: str, tensor: Tensor, first: int, last: int) -> Activation:
    try:
        nbytes = tensor.nbytes
    except Undetermined:
        nbytes = None
    shape = plain_shape(tensor.shape)
    return Activation(
        name, nbytes if isinstance(nbytes, int) else None, None if shape is None else tuple(shape),
        tensor.dtype, first, last,
    )  # fmt: skip


def _inside(running: Sequence[Node], analysis: Analysis) -> Iterator[tuple[int, int | None]]:
    """Of each layer with subgraphs, the most that is alive at once in one of them; None: not known."""
    for index, node in enumerate(running):
        peaks = []
        for attribute, body in node.bodies.items():
            found = analysis.shapes.bodies.get((node.index, attribute))
            if found is not None:
                peaks.append(find_liveness(body, found, inputs_too=False))
        if peaks:
            known = not any(x.unsized or x.free for x in peaks)
            yield index, max(x.peak for x in peaks) if known else None
