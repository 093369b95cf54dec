"""What is said of layers together: found by name, in rows, summed?"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import cached_property
from typing import TYPE_CHECKING, overload

from cnnscope.analyzer.model.graph import Node
from cnnscope.analyzer.report.layer import Layer
from cnnscope.analyzer.report.receptive_field import ReceptiveField, plain_number
from cnnscope.analyzer.values.shown import Answer
from cnnscope.analyzer.values.tensor import plain_shape

if TYPE_CHECKING:
    from cnnscope.analyzer.report.choosing import Chosen


class LayersOnDemand(Sequence[Layer]):
    """Layers each of which is made when it is first asked for: what totals need, the passes have found.

    Args:
        nodes: what they are layers of.
        make: the layer of the node at a position.
    """

    __slots__ = ("_made", "_make", "nodes")

    def __init__(self, nodes: Sequence[Node], make: Callable[[int], Layer]) -> None:
        self.nodes = nodes
        self._make = make
        self._made: list[Layer | None] = [None] * len(nodes)

    @overload
    def __getitem__(self, key: int) -> Layer: ...
    @overload
    def __getitem__(self, key: slice) -> tuple[Layer, ...]: ...
    def __getitem__(self, key: int | slice) -> Layer | tuple[Layer, ...]:
        if isinstance(key, slice):
            return tuple([self[i] for i in range(*key.indices(len(self)))])
        found = self._made[key]
        if found is None:
            found = self._made[key] = self._make(range(len(self))[key])
        return found

    def __len__(self) -> int:
        return len(self._made)


class Layers(Answer, Sequence[Layer]):
    """The layers, by index, by name, or those a condition holds for."""

    def __init__(self, layers: Sequence[Layer]) -> None:
        self._layers = layers if isinstance(layers, LayersOnDemand) else tuple(layers)

    @cached_property
    def _positions(self) -> dict[str, int]:
        """Where the layer is that a name means: its own, or else a path, or else a tensor that it gives."""
        found: dict[str, int] = {}
        of: Iterable[Node | Layer] = self._layers
        if isinstance(self._layers, LayersOnDemand):
            of = self._layers.nodes
        for i, x in enumerate(of):
            for given in x.outputs:
                name = given if isinstance(given, str) else given.name
                if name:
                    found.setdefault(name, i)
        for i, x in enumerate(of):
            found[x.path] = i
        for i, x in enumerate(of):
            found[x.name] = i
        return found

    def __getitem__(self, key: int | slice | str) -> Layer:  # type: ignore[override]
        if isinstance(key, str):
            try:
                return self._layers[self._positions[key]]
            except KeyError:
                import difflib

                close = difflib.get_close_matches(key, self._positions, 1)
                hint = f"; did you mean {close[0]!r}?" if close else ""
                raise KeyError(f"no layer or tensor {key!r}{hint}") from None
        return self._layers[key]  # type: ignore[return-value]  # a slice gives a tuple of layers

    def find(self, text: str) -> Layer:
        """A layer as people name it: by path or name, by a tensor it gives, by index; in subgraphs, too.

        Raises:
            KeyError: there's none; with the closest name there is.
        """
        if text in self._positions:
            return self._layers[self._positions[text]]
        if text.lstrip("-").isdecimal() and len(text) < 12 and -len(self) <= int(text) < len(self):
            return self._layers[int(text)]
        waiting = list(self._layers)
        while waiting:
            layer = waiting.pop()
            if text in (layer.name, layer.path) or any(
                value.name == text for value in layer.outputs
            ):
                return layer
            waiting += [inner for body in layer.bodies.values() for inner in body]
        found = self[text]
        assert isinstance(found, Layer)
        return found

    def __len__(self) -> int:
        return len(self._layers)

    def __iter__(self) -> Iterator[Layer]:
        return iter(self._layers)

    def filter(
        self, condition: Callable[[Layer], bool] | None = None, *, op: str | None = None
    ) -> tuple[Layer, ...]:
        """Layers of an operator, or for which the condition holds."""
        return tuple(
            x for x in self._layers
            if (op is None or x.op == op) and (condition is None or condition(x))
        )  # fmt: skip

    def select(self, *layers: str, only: str | Sequence[str] = ()) -> Chosen:
        """The layers that are meant, as ``--layer`` and ``--only`` have it.

        Args:
            layers: paths, of which any has to fit; ``*`` is anything within a step, ``**`` any number of
                steps, and what is below is meant, too. None: all layers.
            only: conditions, all of which have to hold: ``"macs>1M"``, ``"kind=depthwise"``,
                ``"params>=5%"``.

        Returns:
            The layers in running order, as a sequence that also says of how many something asked for
            isn't known.

        Raises:
            ValueError: a path fits no layer, there is no such column, or a share is asked for, of a total
                that isn't known.

        >>> import cnnscope
        >>> layers = cnnscope.analyze("sample_models/lenet5.onnx").layers
        >>> [x.name for x in layers.select("conv*", only="macs>200k")]
        ['/conv2/Conv']
        """
        from cnnscope.analyzer.report.choosing import Choice

        conditions = [only] if isinstance(only, str) else only
        return Choice.of(layers, conditions).of_layers(self._layers)

    def to_dict(self) -> dict[str, object]:
        """As JSON-ready data."""
        return {"layers": [layer.to_dict() for layer in self._layers]}

    def records(self) -> Iterator[dict[str, object]]:
        """One for each layer, as `Report.to_dataframe` has them."""
        from cnnscope.analyzer.report.layer_records import layer_records

        return layer_records(self._layers)

    def summary(self) -> str:
        return f"{len(self._layers)}"


def _looking(layer: Layer) -> list[ReceptiveField]:
    """The fields that move along an axis of the layer's output; all of them, where none does."""
    local = [f for f in layer.receptive_field if f.output_axis is not None]
    return local or list(layer.receptive_field)


#: the facts of one flat row, each by itself: a column asks for one
FACTS: Mapping[str, Callable[[Layer], object]] = {
    "name": lambda x: x.name,
    "path": lambda x: x.path,
    "op": lambda x: x.op,
    "kind": lambda x: x.kind.label,
    "traits": lambda x: list(x.kind.traits),
    "padding": lambda x: x.kind.padding,
    "scope": lambda x: x.scope,
    "output": lambda x: plain_shape(x.output_shape),
    "dtype": lambda x: x.outputs[0].dtype if x.outputs else None,
    "params": lambda x: x.params,
    "macs": lambda x: x.macs,
    "flops": lambda x: x.flops,
    "weight_bytes": lambda x: x.weight_bytes,
    "bytes_read": lambda x: plain_number(x.bytes_read),
    "bytes_written": lambda x: plain_number(x.bytes_written),
    "traffic_bytes": lambda x: x.traffic_bytes,
    "intensity": lambda x: x.intensity,
    "rf_size": lambda x: [f.size for f in _looking(x)],
    "rf_local": lambda x: [f.local_size for f in _looking(x)],
    "rf_step": lambda x: [f.step for f in _looking(x)],
    "rf_mean_step": lambda x: [
        None if f.mean_step is None else str(f.mean_step) for f in _looking(x)
    ],
    "rf_start": lambda x: [f.start for f in _looking(x)],
    "rf_global": lambda x: any(f.global_ for f in _looking(x)),
    "rf_outside": lambda x: [f.outside_share for f in _looking(x)],
    "padded": lambda x: x.padded_share,
}


def row(layer: Layer) -> dict[str, object]:
    """A layer as one flat row: a table's, a CSV file's or a DataFrame's."""
    return {key: fact(layer) for key, fact in FACTS.items()}
