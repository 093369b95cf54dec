"""Which layers are something only together with their neighbours?

- *Depthwise-separable pairs* (Sifre 2014; Chollet, *Xception*, 2017; Howard et al., *MobileNets*,
  2017): a depthwise convolution and the pointwise one that follows it, with nothing but
  normalisation and activation between; or the pointwise one first.
- *Attention* written out (Vaswani et al. 2017): a softmax between two products of activations with
  activations, scaling, masks and changes of shape between them allowed.
- *Causal* convolutions (van den Oord et al., *WaveNet*, 2016) whose padding is a layer of its own, or
  that pad both ends and have the last outputs cut off.
- *Tiled* convolutions written as strided ones whose results are interleaved (`rotation`).

All of it is read off kinds, windows and wiring.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import replace

from cnnscope.analyzer.layers.channels import channel_axis, data_input
from cnnscope.analyzer.layers.kinds import Kind
from cnnscope.analyzer.layers.rotation import interleaved
from cnnscope.analyzer.model.graph import Node, used_names
from cnnscope.analyzer.operators.reading import Along, Whole
from cnnscope.analyzer.passes.facts import Shapes
from cnnscope.analyzer.passes.reads import NodeReads
from cnnscope.analyzer.values.window import Number, Window

#: what may stand between the two halves of a separable pair
_BETWEEN = frozenset({"normalization", "activation", "quantization", "conversion", "identity",
                      "dropout"})  # fmt: skip
#: what may stand between the scores and their softmax (and, but arithmetic, behind it)
_SHAPING = frozenset({"conversion", "identity", "dropout", "quantization", "data movement"})
_SCORING = _SHAPING | {"elementwise arithmetic", "logic"}
#: so many layers away a partner is looked for
_REACH = 12


def find_patterns(
    nodes: Sequence[Node],
    shapes: Shapes,
    reads: Mapping[int, NodeReads],
    kinds: Mapping[int, Kind],
    outputs: Collection[str],
) -> dict[int, Kind]:
    """The kinds that change in view of the layers around, by node index.

    Args:
        nodes: the layers' nodes, in running order.
        shapes, reads, kinds: what is known of each.
        outputs: tensors that are read from outside.
    """
    return _Patterns(nodes, shapes, reads, kinds, outputs).found()


class _Patterns:
    def __init__(
        self,
        nodes: Sequence[Node],
        shapes: Shapes,
        reads: Mapping[int, NodeReads],
        kinds: Mapping[int, Kind],
        outputs: Collection[str],
    ) -> None:
        self.shapes, self.reads, self.outputs = shapes, reads, outputs
        self.nodes = nodes
        self.kinds = dict(kinds)
        self.changed: set[int] = set()

    def found(self) -> dict[int, Kind]:
        depthwise, weighted, sharp = [], [], []
        for node in self.nodes:
            kind = self.kinds[node.index]
            if kind.family == "convolution":
                weighted.append(node)
                if kind.form == "depthwise":
                    depthwise.append(node)
            elif kind.family == "activation" and self._normalises(node):
                sharp.append(node)
        if not weighted and not sharp:
            return {}
        self._wire()
        for node in weighted:
            self._causal(node)
        for node in interleaved(self.nodes, self.shapes, self.reads, self.kinds):
            self._mark(node, "tiled")
        for node in depthwise:
            self._separable(node)
        for node in sharp:
            self._attention(node)
        return {index: self.kinds[index] for index in self.changed}

    def _wire(self) -> None:
        self.readers: dict[str, list[Node]] = {}
        self.givers: dict[str, Node] = {}
        for node in self.nodes:
            for name in dict.fromkeys(used_names(node)):
                self.readers.setdefault(name, []).append(node)
            for name in node.outputs:
                self.givers[name] = node

    def _mark(self, node: Node, trait: str, form: str | None = None) -> None:
        kind = self.kinds[node.index]
        if trait not in kind.traits:
            traits = (*kind.traits, trait)
            self.kinds[node.index] = replace(kind, traits=traits, form=form or kind.form)
            self.changed.add(node.index)

    def _only_reader(self, node: Node) -> Node | None:
        """Where the node's result goes, if it goes to one place."""
        name = node.outputs[0] if node.outputs else ""
        readers = self.readers.get(name, [])
        if not name or name in self.outputs:
            return None
        if len(readers) == 1:
            return readers[0]
        if len(readers) == 2:
            # x * sigmoid(x): the gate's only reader is the other one.
            for gate, gated in (readers, readers[::-1]):
                through = gate.outputs[0] if gate.outputs else ""
                if (
                    self.kinds[gate.index].family in _BETWEEN
                    and self.kinds[gated.index].family == "elementwise arithmetic"
                    and self.readers.get(through, []) == [gated]
                ):
                    return gated
        return None

    def _data(self, node: Node) -> Node | None:
        """What gives the tensor that the node works on."""
        inputs = self.shapes.inputs(node)
        return self.givers.get(node.inputs[data_input(inputs)]) if inputs else None

    # -- separable pairs ---------------------------------------------------------------------------

    def _separable(self, node: Node) -> None:
        partner = self._following(node)
        if partner is None:
            partner = next(self._preceding(node), None)
        if partner is not None:
            self._mark(node, "separable")
            self._mark(partner, "separable")

    def _following(self, node: Node) -> Node | None:
        step = self._only_reader(node)
        for _ in range(_REACH):
            if step is None or self._is_pointwise(step):
                return step
            gated = self.kinds[step.index].family == "elementwise arithmetic"
            if not gated and self.kinds[step.index].family not in _BETWEEN:
                return None
            if gated and not self._is_gate(step):
                return None
            step = self._only_reader(step)
        return None

    def _is_gate(self, node: Node) -> bool:
        """Both operands come from one tensor: x * sigmoid(x)."""
        facts = self.shapes.tensors
        sources = {name for name in node.inputs if name and not facts[name].constant}
        for name in list(sources):
            giver = self.givers.get(name)
            if giver is None:
                continue
            if self.kinds[giver.index].family in _BETWEEN and set(giver.inputs) & sources:
                sources.discard(name)
        return len(sources) == 1

    def _preceding(self, node: Node) -> Iterator[Node]:
        step, after = self._data(node), node
        for _ in range(_REACH):
            if step is None or self._only_reader(step) is not after:
                return
            if self._is_pointwise(step):
                if "separable" not in self.kinds[step.index].traits:
                    yield step
                return
            if self.kinds[step.index].family not in _BETWEEN:
                return
            after, step = step, self._data(step)

    def _is_pointwise(self, node: Node) -> bool:
        kind = self.kinds[node.index]
        return kind.family == "convolution" and kind.form == "pointwise"

    # -- attention ---------------------------------------------------------------------------------

    def _normalises(self, node: Node) -> bool:
        """An activation over a whole axis: a softmax or its like."""
        rows = self.reads[node.index].outputs
        return bool(rows and rows[0]) and any(
            isinstance(read, tuple) and any(isinstance(along, Whole) for along in read)
            for read in rows[0]
        )

    def _attention(self, node: Node) -> None:
        values = self._only_reader(node)
        for _ in range(_REACH):
            if values is None or self._is_plain_product(values):
                break
            if self.kinds[values.index].family not in _SHAPING:
                return
            values = self._only_reader(values)
        scores = self._scores(node)
        if values is None or scores is None:
            return
        if self._is_plain_product(values):
            self._mark(scores, "attention", "attention")
            self._mark(node, "attention")
            self._mark(values, "attention", "attention")

    def _scores(self, node: Node) -> Node | None:
        """The product that the softmax's input is made of."""
        front, seen = [node], {node.index}
        for _ in range(_REACH):
            following = []
            for step in front:
                for name in step.inputs:
                    giver = self.givers.get(name)
                    if giver is None or giver.index in seen:
                        continue
                    seen.add(giver.index)
                    if self._is_plain_product(giver):
                        return giver
                    if self.kinds[giver.index].family in _SCORING:
                        following.append(giver)
            front = following
        return None

    def _is_plain_product(self, node: Node) -> bool:
        kind = self.kinds[node.index]
        return kind.family == "matrix product" and kind.form in (None, "attention")

    # -- causal convolutions -----------------------------------------------------------------------

    def _causal(self, node: Node) -> None:
        """Every output looks only back, padding and cropping around the convolution included."""
        kind = self.kinds[node.index]
        if "causal" in kind.traits or not kind.kernel or max(kind.kernel) == 1:
            return
        if any(stride != 1 for stride in kind.stride):
            return
        rows = self.reads[node.index].outputs
        data = data_input(self.shapes.inputs(node))
        read = rows[0][data] if rows else None
        if not isinstance(read, tuple):
            return
        padder, cropper = self._neighbour(self._data(node), "padding"), None
        if self.readers.get(node.outputs[0]) is not None:
            cropper = self._neighbour(self._only_reader(node), "cropping")
        if padder is None and cropper is None:
            return
        channel = channel_axis(read, self.shapes.inputs(node), rows[0])
        source = self.shapes.inputs(padder)[0] if padder else self.shapes.inputs(node)[data]
        result = self.shapes.outputs(cropper or node)[0]
        if source is None or source.shape is None or result.shape is None:
            return
        for axis in range(1, len(read)):
            along = read[axis]
            if axis == channel or not isinstance(along, Along) or along.window.size == 1:
                continue
            shift = self._shift(padder, axis)
            kept = self._shift(cropper, axis)
            if shift is None or kept != 0 or along.window.before + shift != along.window.extent - 1:
                return
            # No padding behind: as many outputs are left as there were inputs.
            if source.dims[axis] != result.dims[axis]:
                return
        self._mark(node, "causal")

    def _neighbour(self, node: Node | None, family: str) -> Node | None:
        return node if node is not None and self.kinds[node.index].family == family else None

    def _shift(self, node: Node | None, axis: int) -> Number | None:
        """How far a layer shifts the positions of an axis; None where it does more than that."""
        if node is None:
            return 0
        rows = self.reads[node.index].outputs
        read = rows[0][0] if rows and rows[0] else None
        along = read[axis] if isinstance(read, tuple) and axis < len(read) else None
        window = along.window if isinstance(along, Along) and along.axis == axis else None
        if not isinstance(window, Window) or window.moves:
            return None
        return window.before
