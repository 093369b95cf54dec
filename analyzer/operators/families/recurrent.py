"""What do LSTM, GRU and RNN put out, what work have they in common, and which steps do they read?

With T steps, batch B, D directions, hidden size H and g gates (LSTM 4, GRU 3, RNN 1), one step of
one direction is ``gates = X*W' + H*R' + b``, hence in all ::

    (1)   MACs = T*B * (elements of W + elements of R)        (both hold all D directions)
    (2)   bias additions = T*B*D * g*H                        (W's and R's biases are added up once)
    (3)   activations and products of gates: per cell, T*B*D*H of them, see `lstm`, `gru` and `rnn`

`sequence_lens` shortens single sequences at run time and isn't discounted: the padded steps count.

Reads: step t of the output reads the steps up to t (from t on, when reversed; in both
directions, each its own side), the batch goes along, features are contracted. The final states read
all steps.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps

import numpy as np

from cnnscope.analyzer.operators.definition import constants
from cnnscope.analyzer.operators.families.fused_activations import PER_ELEMENT
from cnnscope.analyzer.operators.families.index_tables import demand_steps
from cnnscope.analyzer.operators.reading import (
    Along,
    AxisRead,
    Coupled,
    InputRead,
    OutputReads,
    Part,
    Reads,
    Upto,
    Whole,
    everything,
)
from cnnscope.analyzer.operators.rules import demand
from cnnscope.analyzer.operators.work import Work
from cnnscope.analyzer.values.dimension import Dim, FreeDim
from cnnscope.analyzer.values.tensor import Shape, Tensor

#: the activations of gates, whose names are taken in any case
ACTIVATIONS = {
    name.lower(): PER_ELEMENT[name]
    for name in (
        "Relu",
        "Tanh",
        "Sigmoid",
        "Affine",
        "LeakyRelu",
        "ThresholdedRelu",
        "ScaledTanh",
        "HardSigmoid",
        "Elu",
        "Softsign",
        "Softplus",
    )
}


def activated(
    names: tuple[str, ...] | None,
    default: tuple[str, ...],
    counts: tuple[int, ...],
    directions: int,
) -> Work:
    """Per cell and step, all directions together; `counts`: how often each function is applied."""
    names = names or default * directions
    if len(names) < len(default) * directions:
        names = names * directions
    total = Work()
    for place in range(len(default) * directions):
        name = names[place].lower()
        if name not in ACTIVATIONS:
            raise ValueError(f"unknown activation {names[place]}")
        total = total + ACTIVATIONS[name] * counts[place % len(default)]
    return total


# -- shapes: the same for all three -------------------------------------------------------------


def directions(direction: str) -> int:
    if direction not in ("forward", "reverse", "bidirectional"):
        raise ValueError(f"there is no direction {direction!r}")
    return 2 if direction == "bidirectional" else 1


def steps_and_batch(x: Tensor, layout: int) -> tuple[Dim, Dim]:
    if x.rank != 3:
        raise ValueError(f"a sequence has 3 axes, the input {x.rank}")
    return (x.dims[1], x.dims[0]) if layout else (x.dims[0], x.dims[1])


def sequence_output(
    x: Tensor,
    w: Tensor,
    r: Tensor,
    b: Tensor | None = None,
    sequence_lens: Tensor | None = None,
    initial_h: Tensor | None = None,
    initial_c: Tensor | None = None,
    p: Tensor | None = None,
    *_: Tensor | None,
    hidden_size: int | None = None,
    direction: str = "forward",
    layout: int = 0,
    output_count: int = 3,
    node_name: str = "",
    gates: int,
) -> tuple[Tensor, ...]:
    for name, weights in (("W", w), ("R", r)):
        if weights.shape is not None and weights.rank != 3:
            raise ValueError(f"{name} has {weights.rank} axes, 3 are wanted: direction and matrix")
    count = directions(direction)
    hidden: Dim
    if hidden_size is not None:
        hidden = hidden_size
    elif r.shape is not None:
        hidden = r.shape[-1]
    else:
        hidden = FreeDim.from_data(f"{node_name} hidden size")
    demand(r, "R", count, gates * hidden, hidden)
    demand(
        w, "W", count, gates * hidden, x.dims[2] if x.shape is not None and x.rank == 3 else None
    )
    demand(b, "B", count, 2 * gates * hidden)
    demand(p, "P", count, 3 * hidden)
    if x.shape is None:
        return (x.of(None), x.of(None), x.of(None))[:output_count]
    steps, batch = steps_and_batch(x, layout)
    everything_, last = shapes(x, count, hidden, layout)
    demand(sequence_lens, "sequence_lens", batch)
    demand_steps(sequence_lens, steps)
    demand(initial_h, "initial_h", *last)
    demand(initial_c, "initial_c", *last)
    return (x.of(everything_), x.of(last), x.of(last))[:output_count]


def with_gates(gates: int) -> Callable[..., tuple[Tensor, ...]]:
    """`sequence_output` of an operator with so many gates."""

    @wraps(sequence_output)
    def output(*inputs: Tensor, **attributes: object) -> tuple[Tensor, ...]:
        return sequence_output(*inputs, **attributes, gates=gates)  # type: ignore[arg-type]  # as given

    return output


def shapes(x: Tensor, count: int, hidden: Dim, layout: int) -> tuple[Shape, Shape]:
    steps, batch = steps_and_batch(x, layout)
    if layout:
        return (batch, steps, count, hidden), (batch, count, hidden)
    return (steps, count, batch, hidden), (count, batch, hidden)


# -- work ---------------------------------------------------------------------------------------


def products(x: Tensor, w: Tensor, r: Tensor, layout: int) -> Work:
    """(1)."""
    steps, batch = steps_and_batch(x, layout)
    return Work(float_macs=steps * batch * (w.size + r.size))


def cells(x: Tensor, r: Tensor, layout: int) -> Dim:
    """T*B*H: (3) sums over the directions itself."""
    steps, batch = steps_and_batch(x, layout)
    return steps * batch * r.dims[-1]


# -- reads: the same for all three ----------------------------------------------------------------


def sequence_reads(
    outputs: tuple[Tensor, ...],
    x: Tensor,
    w: Tensor,
    r: Tensor,
    b: Tensor | None = None,
    sequence_lens: Tensor | None = None,
    initial_h: Tensor | None = None,
    initial_c: Tensor | None = None,
    p: Tensor | None = None,
    *quantization: Tensor | None,
    direction: str = "forward",
    layout: int = 0,
) -> Reads:
    along: AxisRead = Whole(spatial=True)
    steps = 1 if layout else 0
    if direction != "bidirectional":
        along = Upto(steps, reverse=direction == "reverse")
    # the axes of an output: where its batch and its directions are
    all_steps = _one_output(along, 0, 2, layout) if layout else _one_output(along, 2, 1, layout)
    if direction == "bidirectional":  # each direction has seen its own side of a step
        sides = []
        for reverse in (False, True):
            read = _one_output(Upto(steps, reverse), *((0, 2) if layout else (2, 1)), layout)[0]
            assert isinstance(read, tuple)
            sides.append(Part(read, (2 if layout else 1, np.array([not reverse, reverse]))))
        assert isinstance(all_steps[0], tuple)
        all_steps = (Coupled(all_steps[0], sides), *all_steps[1:])
    last = _one_output(Whole(spatial=True), *((0, 1) if layout else (1, 0)), layout)

    def stored(t: Tensor | None, direction_axis: int) -> InputRead:
        # Each direction has weights of its own: they lie along the first axis.
        return None if t is None else (Along(direction_axis), *everything(t)[1:])

    def reads(parts: tuple[InputRead, InputRead, InputRead], axis: int) -> OutputReads:
        sequence, batch, state = parts
        weights = (stored(t, axis) for t in (w, r, b))
        rest = (stored(t, axis) for t in (p, *quantization))
        return (sequence, *weights, batch, state, state, *rest)

    return {
        place: reads(last, 1 if layout else 0) if place else reads(all_steps, 2 if layout else 1)
        for place in range(len(outputs))
    }


def _one_output(
    time: AxisRead, batch: int, direction: int, layout: int
) -> tuple[InputRead, InputRead, InputRead]:
    """The reads of the sequence, of its lengths and of an initial state."""
    if layout:
        return (
            (Along(batch), time, Whole()), (Along(batch),),
            (Along(batch), Along(direction), Whole()),
        )  # fmt: skip
    return (
        (time, Along(batch), Whole()), (Along(batch),), (Along(direction), Along(batch), Whole())
    )  # fmt: skip


#: lengths and initial states are no weights
STATES = constants(4, 5, 6)
