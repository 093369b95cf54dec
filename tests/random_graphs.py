"""Random small graphs of operators that move, resize, rearrange and look around, for brute force.

`random_graph(seed)` gives a `Net` of 1 to `nodes` operators drawn from `MAKERS`, each fitting what is
there. Weights are positive and irregular, so that nothing cancels. To have another operator drawn, add
a maker: it takes the graph being drawn and the name of a tensor, appends what it likes and returns the
name of what came out, or None where it doesn't fit.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import onnx
import onnxruntime
from onnx import TensorProto, helper, numpy_helper

LARGEST = 400  # elements of a tensor: each input element costs a run


@dataclass
class Drawn:
    """A graph being drawn: its shapes are known all along."""

    random: np.random.Generator
    shape: tuple[int, ...]
    opset: int = 21
    nodes: list[onnx.NodeProto] = field(default_factory=list)
    stored: list[TensorProto] = field(default_factory=list)
    shapes: dict[str, tuple[int, ...]] = field(default_factory=dict)

    def number(self, low: int, high: int) -> int:
        """A number from low to high, both included."""
        return int(self.random.integers(low, high + 1))

    def choice(self, options: Sequence[Any]) -> Any:
        return options[int(self.random.integers(len(options)))]

    def constant(self, values: Any) -> str:
        array = np.asarray(values)
        if array.dtype.kind == "f":
            array = array.astype(np.float32)
        name = f"c{len(self.stored)}"
        self.stored.append(numpy_helper.from_array(array, name))
        return name

    def weight(self, *shape: int) -> str:
        return self.constant(self.random.uniform(0.5, 1.5, shape))

    def add(self, op: str, *inputs: str, outputs: int = 1, **attributes: Any) -> str:
        names = [f"t{len(self.nodes)}" + (f"_{k}" if k else "") for k in range(outputs)]
        self.nodes.append(helper.make_node(op, inputs, names, names[0], **attributes))
        self.shapes.update(self.inferred(names))
        return names[0]

    def inferred(self, names: Sequence[str]) -> dict[str, tuple[int, ...]]:
        """The shapes of a new node's outputs, from ONNX Runtime."""
        node = self.nodes[-1]
        inputs = [n for n in dict.fromkeys(node.input) if n in self.shapes]
        values = session(self.model_of([node], {n: self.shapes[n] for n in inputs}, names)).run(
            list(names), {n: np.ones(self.shapes[n], np.float32) for n in inputs}
        )
        return {name: value.shape for name, value in zip(names, values, strict=True)}

    def model_of(
        self, nodes: Sequence[onnx.NodeProto], inputs: dict[str, tuple[int, ...]],
        outputs: Sequence[str],
    ) -> onnx.ModelProto:  # fmt: skip
        used = {name for node in nodes for name in node.input}
        graph = helper.make_graph(
            nodes, "random",
            [helper.make_tensor_value_info(n, TensorProto.FLOAT, s) for n, s in inputs.items()],
            [onnx.ValueInfoProto(name=n) for n in outputs],
            [t for t in self.stored if t.name in used],
        )  # fmt: skip
        opsets = [helper.make_opsetid("", self.opset)]
        return helper.make_model(graph, opset_imports=opsets, ir_version=10)

    def model(self) -> onnx.ModelProto:
        names = [name for node in self.nodes for name in node.output if name in self.shapes]
        return self.model_of(self.nodes, {"x": self.shape}, names)


def session(model: onnx.ModelProto) -> onnxruntime.InferenceSession:
    options = onnxruntime.SessionOptions()
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    options.log_severity_level = 4
    options.intra_op_num_threads = 1
    return onnxruntime.InferenceSession(
        model.SerializeToString(), options, providers=["CPUExecutionProvider"]
    )


Maker = Callable[[Drawn, str], str | None]


# -- looking around ----------------------------------------------------------------------------


def kernel(g: Drawn, lengths: Sequence[int]) -> dict[str, Any]:
    size = [g.number(1, min(3, n)) for n in lengths]
    before = [g.number(0, k - 1) for k in size]
    after = [g.number(0, k - 1) for k in size]
    return {
        "kernel_shape": size, "strides": [g.number(1, 2) for _ in size], "pads": before + after,
    }  # fmt: skip


def conv(g: Drawn, x: str) -> str | None:
    _, channels, *lengths = g.shapes[x]
    given = kernel(g, lengths)
    if g.choice((True, False)):
        given["dilations"] = [
            g.number(1, max(1, (n - 1) // max(k - 1, 1)))
            for n, k in zip(lengths, given["kernel_shape"], strict=True)
        ]
    group = g.choice([d for d in (1, 2, channels) if channels % d == 0])
    w = g.weight(group * g.number(1, 2), channels // group, *given["kernel_shape"])
    return g.add("Conv", x, w, group=group, **given)


def transposed(g: Drawn, x: str) -> str | None:
    _, channels, *lengths = g.shapes[x]
    given = kernel(g, lengths)
    given["pads"] = [0] * len(given["pads"])
    return g.add("ConvTranspose", x, g.weight(channels, 2, *given["kernel_shape"]), **given)


def pool(g: Drawn, x: str) -> str | None:
    return g.add("AveragePool", x, **kernel(g, g.shapes[x][2:]))


def total(g: Drawn, x: str) -> str | None:
    axis = g.number(0, len(g.shapes[x]) - 1)
    return g.add("CumSum", x, g.constant(np.int64(axis)), reverse=g.number(0, 1))


def recurrent(g: Drawn, x: str) -> str | None:
    """Time is the last axis; what comes out has the direction where the channels were."""
    shape = g.shapes[x]
    if len(shape) != 3 or shape[2] > 8:
        return None
    # Linear: a tanh or a gate that saturates would hide what the steps far away still move.
    op, gates = "RNN", 1
    both = g.number(0, 1)
    hidden, way = 2, ("bidirectional" if both else g.choice(("forward", "reverse")))
    moved = g.add("Transpose", x, perm=[2, 0, 1])
    small = lambda *s: g.constant(g.random.uniform(0.1, 0.3, s))  # noqa: E731
    y = g.add(
        op, moved, small(1 + both, gates * hidden, shape[1]), small(1 + both, gates * hidden, hidden),
        direction=way, hidden_size=hidden, activations=["Affine"] * (1 + both),
        activation_alpha=[1.0] * (1 + both), activation_beta=[0.0] * (1 + both),
    )  # fmt: skip
    if g.choice((True, False)):  # each direction a channel of its own
        side = g.add("Slice", y, *map(g.constant, ([0], [1], [3])))
        return g.add("Squeeze", g.add("Transpose", side, perm=[2, 1, 0, 3]), g.constant([3]))
    turned = g.add("Transpose", y, perm=[2, 1, 3, 0])
    return g.add("Reshape", turned, g.constant([shape[0], -1, shape[2]]))


# -- resizing ----------------------------------------------------------------------------------


def resize(g: Drawn, x: str) -> str | None:
    shape = g.shapes[x]
    mode = g.choice(("nearest", "linear", "linear", "cubic"))
    spatial = list(range(2, len(shape)))
    axes = [g.choice(spatial)] if g.choice((True, False)) else spatial
    given: dict[str, Any] = {"mode": mode, "axes": axes}
    given["coordinate_transformation_mode"] = g.choice((
        "half_pixel", "half_pixel", "pytorch_half_pixel", "align_corners", "asymmetric",
        "half_pixel_symmetric",
    ))  # fmt: skip
    if mode == "nearest":
        given["nearest_mode"] = g.choice(
            ("round_prefer_floor", "round_prefer_ceil", "floor", "ceil")
        )
    elif given["coordinate_transformation_mode"] == "half_pixel" and len(shape) == 4:
        given["antialias"] = g.number(0, 1)
    if mode == "cubic":
        if len(axes) != 2 or len(shape) != 4:
            return None
        given["exclude_outside"] = g.number(0, 1)
    if given.get("antialias") and len(axes) != 2:
        given["antialias"] = 0
    if g.choice((True, False)):
        scales = [g.choice((0.5, 1.0, 2.0, 3.0, 1.5)) for _ in axes]
        if min(int(shape[a] * s) for a, s in zip(axes, scales, strict=True)) < 1:
            return None
        return g.add("Resize", x, "", g.constant(np.array(scales, np.float32)), **given)
    sizes = [g.number(1, 2 * shape[a] + 1) for a in axes]
    return g.add("Resize", x, "", "", g.constant(sizes), **given)


# -- cutting, padding, laying beside -----------------------------------------------------------


def any_axis(g: Drawn, x: str) -> int:
    return g.number(1, len(g.shapes[x]) - 1)


def piece(g: Drawn, x: str, axis: int, first: int, count: int, step: int = 1) -> str:
    end = first + count * step
    return g.add(
        "Slice", x, *map(g.constant, ([first], [end if end >= 0 else -(1 << 31)], [axis], [step]))
    )


def sliced(g: Drawn, x: str) -> str | None:
    axis = any_axis(g, x)
    n = g.shapes[x][axis]
    step = g.choice((1, 2, -1, -2))
    first = g.number(0, n - 1)
    room = (n - 1 - first) // step + 1 if step > 0 else first // -step + 1
    return piece(g, x, axis, first, g.number(1, room), step)


def padded(g: Drawn, x: str) -> str | None:
    shape, axis = g.shapes[x], any_axis(g, x)
    mode = g.choice(("constant", "reflect", "edge", "wrap"))
    most = shape[axis] - 1 if mode == "reflect" else shape[axis]
    if most < 1:
        return None
    ends = [g.number(0, min(most, 2)), g.number(0, min(most, 2))]
    return g.add("Pad", x, g.constant(ends), "", g.constant([axis]), mode=mode)


def spelt_padding(g: Drawn, x: str) -> str | None:
    """Circular, mirrored or repeated padding as Slices and a Concat."""
    axis = any_axis(g, x)
    n = g.shapes[x][axis]
    if n < 2:
        return None
    a, b = g.number(1, n - 1), g.number(1, n - 1)
    how = g.choice(("circular", "reflect", "edge"))
    if how == "circular":
        before, after = piece(g, x, axis, n - a, a), piece(g, x, axis, 0, b)
    elif how == "reflect":
        before, after = piece(g, x, axis, a, a, -1), piece(g, x, axis, n - 2, b, -1)
    else:
        ends = []
        for place, count in ((0, a), (n - 1, b)):
            repeats = [1] * len(g.shapes[x])
            repeats[axis] = count
            ends.append(g.add("Tile", piece(g, x, axis, place, 1), g.constant(repeats)))
        before, after = ends
    parts = [before, x, after]
    start, end = g.choice(((0, 3), (0, 3), (1, 3), (0, 2)))
    return g.add("Concat", *parts[start:end], axis=axis)


def concat(g: Drawn, x: str) -> str | None:
    axis = any_axis(g, x)
    rest = [s[:axis] + s[axis + 1 :] for s in g.shapes.values()]
    fitting = [
        n for n, r in zip(g.shapes, rest, strict=True)
        if len(g.shapes[n]) > axis and r == g.shapes[x][:axis] + g.shapes[x][axis + 1 :]
    ]  # fmt: skip
    return g.add("Concat", *(g.choice(fitting) for _ in range(g.number(2, 3))), axis=axis)


def added(g: Drawn, x: str) -> str | None:
    fitting = [n for n, s in g.shapes.items() if s == g.shapes[x] and n != x]
    return g.add("Add", x, g.choice(fitting)) if fitting else None


def tile(g: Drawn, x: str) -> str | None:
    return g.add("Tile", x, g.constant([1] + [g.number(1, 2) for _ in g.shapes[x][1:]]))


# -- constant indices --------------------------------------------------------------------------


def gather(g: Drawn, x: str) -> str | None:
    axis = any_axis(g, x)
    n = g.shapes[x][axis]
    many = (g.number(1, n + 2),) if g.choice((True, False)) else (2, g.number(1, 3))
    y = g.add("Gather", x, g.constant(g.random.integers(-n, n, many)), axis=axis)
    if len(many) == 1:
        return y
    s = g.shapes[y]
    return g.add("Reshape", y, g.constant([*s[:axis], s[axis] * s[axis + 1], *s[axis + 2 :]]))


def gather_elements(g: Drawn, x: str) -> str | None:
    shape, axis = g.shapes[x], any_axis(g, x)
    count = [*shape]
    count[axis] = g.number(1, shape[axis] + 1)
    return g.add(
        "GatherElements", x, g.constant(g.random.integers(0, shape[axis], count)), axis=axis
    )


def gather_nd(g: Drawn, x: str) -> str | None:
    shape = g.shapes[x]
    batch = g.choice((0, 2, 1))
    if batch == 0:  # all axes but the first two are picked
        y = g.add("Transpose", x, perm=[*range(2, len(shape)), 0, 1])
        depth = len(shape) - 2
        lead = (g.number(1, 5),)
        picked = [g.random.integers(0, n, lead) for n in shape[2:]]
        z = g.add("GatherND", y, g.constant(np.stack(picked, -1)))
        return g.add("Transpose", z, perm=[1, 2, 0]) if depth else None
    lead = (*shape[:batch], g.number(1, 4))
    picked = [g.random.integers(0, n, lead) for n in shape[batch:]]
    y = g.add("GatherND", x, g.constant(np.stack(picked, -1)), batch_dims=batch)
    return y if batch == 2 else g.add("Unsqueeze", y, g.constant([1]))


def scatter(g: Drawn, x: str) -> str | None:
    shape, axis = g.shapes[x], any_axis(g, x)
    n = shape[axis]
    count = g.number(1, n)
    updates = piece(g, x, axis, 0, count)
    full = [*shape]
    full[axis] = count
    if g.choice((True, False)):
        places = g.random.permutation(n)[:count].reshape(
            [-1 if a == axis else 1 for a in range(len(shape))]
        )
        return g.add("ScatterElements", x, g.constant(np.broadcast_to(places, full)), updates,
                     axis=axis, reduction=g.choice(("none", "add")))  # fmt: skip
    places = np.argsort(g.random.random(shape), axis)
    places = places.take(range(count), axis)
    return g.add("ScatterElements", x, g.constant(places), updates, axis=axis,
                 reduction=g.choice(("none", "add")))  # fmt: skip


def scatter_nd(g: Drawn, x: str) -> str | None:
    shape = g.shapes[x]
    first = g.add("Transpose", x, perm=[*range(1, len(shape)), 0])
    n, m = g.shapes[first][:2]
    if g.choice((True, False)):
        count = g.number(1, n)
        places = g.random.permutation(n)[:count][:, None]
        updates = piece(g, first, 0, 0, count)
    else:
        count = g.number(1, n * m)
        flat = g.random.permutation(n * m)[:count]
        places = np.stack(np.unravel_index(flat, (n, m)), -1)
        merged = g.add("Reshape", first, g.constant([n * m, *g.shapes[first][2:]]))
        updates = piece(g, merged, 0, 0, count)
    y = g.add("ScatterND", first, g.constant(places.astype(np.int64)), updates,
              reduction=g.choice(("none", "add")))  # fmt: skip
    return g.add("Transpose", y, perm=[len(shape) - 1, *range(len(shape) - 1)])


def reverse(g: Drawn, x: str) -> str | None:
    batch, time = g.choice(((0, 1), (1, 0)))
    shape = g.shapes[x]
    order = [*range(1, len(shape)), 0]  # channels and the first spatial axis in front
    y = g.add("Transpose", x, perm=order)
    lengths = g.random.integers(1, g.shapes[y][time] + 1, g.shapes[y][batch])
    z = g.add("ReverseSequence", y, g.constant(lengths), batch_axis=batch, time_axis=time)
    return g.add("Transpose", z, perm=[len(shape) - 1, *range(len(shape) - 1)])


def columns(g: Drawn, x: str) -> str | None:
    """Col2Im of columns that x is reshaped to."""
    shape = g.shapes[x]
    if len(shape) != 4 or shape[1] % 2:
        return None
    block = g.choice(((1, 2), (2, 1), (1, 1)))
    size = math.prod(block)
    if shape[1] % size:
        return None
    _, channels, h, w = shape
    y = g.add("Reshape", x, g.constant([1, channels, h * w]))
    image = [h + block[0] - 1, w + block[1] - 1]
    return g.add("Col2Im", y, g.constant(image), g.constant(list(block)))


def sampled(g: Drawn, x: str) -> str | None:
    shape = g.shapes[x]
    if len(shape) != 4:
        return None
    grid = g.random.uniform(-1.2, 1.2, (1, g.number(1, 3), g.number(1, 3), 2))
    return g.add("GridSample", x, g.constant(grid), mode=g.choice(("linear", "nearest")),
                 align_corners=g.number(0, 1),
                 padding_mode=g.choice(("zeros", "border", "reflection")))  # fmt: skip


# -- rearranging -------------------------------------------------------------------------------


def depth(g: Drawn, x: str) -> str | None:
    shape = g.shapes[x]
    if len(shape) != 4:
        return None
    if g.choice((True, False)):
        if shape[1] % 4:
            return None
        return g.add("DepthToSpace", x, blocksize=2, mode=g.choice(("DCR", "CRD")))
    if shape[2] % 2 or shape[3] % 2:
        return None
    return g.add("SpaceToDepth", x, blocksize=2)


def folded(g: Drawn, x: str) -> str | None:
    """An axis taken apart and put together in another order."""
    shape, axis = g.shapes[x], any_axis(g, x)
    divisors = [d for d in range(2, shape[axis]) if shape[axis] % d == 0]
    if not divisors:
        return None
    d = g.choice(divisors)
    y = g.add("Reshape", x, g.constant([*shape[:axis], d, shape[axis] // d, *shape[axis + 1 :]]))
    order = list(range(len(shape) + 1))
    order[axis], order[axis + 1] = order[axis + 1], order[axis]
    z = g.add("Transpose", y, perm=order)
    return g.add("Reshape", z, g.constant(list(shape)))


def swapped(g: Drawn, x: str) -> str | None:
    order = [0, *(g.random.permutation(len(g.shapes[x]) - 1) + 1).tolist()]
    return g.add("Transpose", x, perm=order)


LOOKING: tuple[Maker, ...] = (conv, conv, transposed, pool, total, recurrent)
MOVING: tuple[Maker, ...] = (
    resize, resize, resize, sliced, padded, spelt_padding, spelt_padding, concat, added, tile,
)  # fmt: skip
PICKING: tuple[Maker, ...] = (
    gather, gather_elements, gather_nd, scatter, scatter_nd, reverse, columns, sampled,
)  # fmt: skip
SHUFFLING: tuple[Maker, ...] = (depth, folded, swapped)
MAKERS = LOOKING + MOVING + PICKING + SHUFFLING


def random_graph(seed: int, nodes: int = 4, makers: Sequence[Maker] = MAKERS) -> Drawn:
    """A graph of one input ``x`` of rank 3 or 4, batch 1."""
    random = np.random.default_rng(seed)
    lengths = (int(random.integers(3, 9)),) if random.integers(2) else tuple(
        int(n) for n in random.integers(2, 6, 2)
    )  # fmt: skip
    shape = (1, int(random.choice([1, 2, 4])), *lengths)
    g = Drawn(random, shape)
    g.shapes["x"] = shape
    x, wanted = "x", g.number(1, nodes)
    for _ in range(4 * wanted):
        kept = len(g.nodes), len(g.stored), dict(g.shapes)
        y = None
        if len(g.shapes[x]) >= 3:
            y = g.choice(makers)(g, x)
        if y is None or not 0 < math.prod(g.shapes[y]) <= LARGEST or len(g.shapes[y]) < 3:
            del g.nodes[kept[0] :], g.stored[kept[1] :]
            g.shapes = kept[2]
            continue
        x, wanted = y, wanted - 1
        if not wanted:
            break
    if not g.nodes:
        g.add("Identity", "x")
    return g


def text(g: Drawn) -> str:
    """The graph, readable."""
    values = {t.name: numpy_helper.to_array(t) for t in g.stored}

    def told(name: str) -> str:
        v = values.get(name)
        return name if v is None else str(v.tolist()) if v.dtype.kind == "i" else f"{name}{v.shape}"

    return f"x{g.shape}\n" + "\n".join(
        f"{n.output[0]}{g.shapes[n.output[0]]} = {n.op_type}({', '.join(map(told, n.input))}) "
        + " ".join(f"{a.name}={helper.get_attribute_value(a)}" for a in n.attribute)
        for n in g.nodes
    )
