"""Regions against execution: a NaN in one input row turns NaN exactly what reads that row.

The weights are positive, so nothing cancels; ONNX Runtime runs the net with optimisations off. The
region of a unit must be the transpose of the relation found, for every tensor, axis and unit.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import onnx
import onnxruntime
import pytest
from amounts import amount
from onnx import TensorProto, helper, numpy_helper

from cnnscope.analyzer.analysis import analyze
from cnnscope.analyzer.operators.definition import lookup
from cnnscope.analyzer.report.layer import Layer

FLOAT = TensorProto.FLOAT


# -- vocabulary --------------------------------------------------------------------------------


class Net:
    """A net of one input, ``x``, built call by call: ``y = net.Conv("x", net.w(4, 2, 3))``."""

    def __init__(self, *shape: int, opset: int = 18) -> None:
        self.shape, self.opset = shape, opset
        self.nodes: list[onnx.NodeProto] = []
        self.weights: list[onnx.TensorProto] = []
        self.last = "x"

    def __getattr__(self, op: str) -> Callable[..., str]:
        def add(*inputs: Any, outputs: int = 1, **attributes: Any) -> Any:
            names = [i if isinstance(i, str) else self.stored(i) for i in inputs]
            count = len(self.nodes)
            given = [f"t{count}" if outputs == 1 else f"t{count}_{k}" for k in range(outputs)]
            self.nodes.append(helper.make_node(op, names, given, f"{op}{count}", **attributes))
            self.last = given[-1]
            return given[0] if outputs == 1 else given

        return add

    def stored(self, value: Any) -> str:
        array = np.asarray(value)
        array = array.astype(np.float32) if array.dtype.kind == "f" else array
        name = f"w{len(self.weights)}"
        self.weights.append(numpy_helper.from_array(array, name))
        return name

    @staticmethod
    def w(*shape: int) -> np.ndarray:
        return np.full(shape, 0.1, np.float32)

    def model(self) -> onnx.ModelProto:
        names = [name for node in self.nodes for name in node.output if name]
        graph = helper.make_graph(
            self.nodes, "net", [helper.make_tensor_value_info("x", FLOAT, self.shape)],
            [onnx.ValueInfoProto(name=n) for n in names], self.weights,
        )  # fmt: skip
        opsets = [helper.make_opsetid("", self.opset)]
        return helper.make_model(graph, opset_imports=opsets, ir_version=9)


def session(model: onnx.ModelProto) -> onnxruntime.InferenceSession:
    options = onnxruntime.SessionOptions()
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    options.log_severity_level = 4
    options.intra_op_num_threads = 1
    return onnxruntime.InferenceSession(
        model.SerializeToString(), options, providers=["CPUExecutionProvider"]
    )


def nans(model: onnx.ModelProto) -> dict[tuple[int, int], dict[str, np.ndarray]]:
    """(input axis, row) that is NaN -> of every tensor, where it is NaN."""
    ran = session(model)
    names = [o.name for o in ran.get_outputs()]
    shape = tuple(ran.get_inputs()[0].shape)
    found = {}
    for axis in range(2, len(shape)):
        for row in range(shape[axis]):
            x = np.ones(shape, np.float32)
            x[(slice(None),) * axis + (row,)] = np.nan
            values = ran.run(None, {"x": x})
            found[axis, row] = {
                n: np.isnan(v) for n, v in zip(names, values, strict=True) if v.dtype.kind == "f"
            }
    return found


def indices(layer: Layer, unit: tuple[int | None, ...], axis: int) -> set[int]:
    """What a unit sees of one axis of the input, as a set."""
    ranges = layer.region(unit).get("x")
    return {i for lo, hi in ranges[axis] for i in range(lo, hi + 1)} if ranges else set()


def disagreements(net: Net, wrong: Callable[[Any, Any], bool] = operator.ne) -> Iterator[str]:
    """Every unit of every tensor along every axis, and some single elements."""
    model = net.model()
    report = analyze(model.SerializeToString())
    seen = nans(model)
    random = np.random.default_rng(0)
    for node in net.nodes:
        (name,) = node.output
        shape = next(iter(seen.values()))[name].shape
        if not all(shape):
            continue
        for axis in range(2, len(net.shape)):
            rows = range(net.shape[axis])
            for own in range(len(shape)):
                for u in range(shape[own]):
                    unit = tuple(u if a == own else None for a in range(len(shape)))
                    mine = indices(report[name], unit, axis)
                    actual = {r for r in rows if seen[axis, r][name].take(u, own).any()}
                    if wrong(mine, actual):
                        yield f"{name} {unit} axis {axis}: {sorted(mine)} is not {sorted(actual)}"
            for _ in range(3):
                single = tuple(int(random.integers(d)) for d in shape)
                mine = indices(report[name], single, axis)
                actual = {r for r in rows if seen[axis, r][name][single]}
                if wrong(mine, actual):
                    yield f"{name} {single} axis {axis}: {sorted(mine)} is not {sorted(actual)}"


def text(net: Net) -> str:
    return f"x{net.shape}\n" + "\n".join(
        f"{n.output[0]} = {n.op_type}({', '.join(n.input)}) "
        + " ".join(f"{a.name}={helper.get_attribute_value(a)}" for a in n.attribute)
        + " ".join(
            f" {w.name}={numpy_helper.to_array(w).tolist()}"
            for w in net.weights if w.name in n.input and w.data_type == TensorProto.INT64
        )
        for n in net.nodes
    )  # fmt: skip


# -- random nets ---------------------------------------------------------------------------------


def random_net(seed: int, rank: int, length: int = 3, among: list[Step] | None = None) -> Net:
    """A chain with side branches; every step is tried in ONNX Runtime and dropped if it is wrong."""
    random = np.random.default_rng(seed)
    sizes = [int(random.integers(7, 14)) for _ in range(rank)]
    net = Net(1, 4, *sizes)
    value, shape = "x", net.shape
    kept = [("x", shape)]
    tries = 0
    while len(net.nodes) < length and tries < 40:
        tries += 1
        before = len(net.nodes), len(net.weights)
        kinds = among or PLAIN + MOVES
        step = kinds[int(random.integers(len(kinds)))]
        try:
            new = step(net, value, shape, random, kept)
            found = _shape(net, new)
        except Exception:  # noqa: BLE001  ONNX Runtime's and numpy's errors share no base
            found = ()
        if not found or min(found) < 1 or max(found) > 40 or np.prod(found) > 4000:
            del net.nodes[before[0] :], net.weights[before[1] :]
            continue
        value, shape = new, found
        kept.append((value, shape))
    net.last = value
    return net


def _shape(net: Net, name: str) -> tuple[int, ...]:
    ran = session(net.model())
    return tuple(ran.run([name], {"x": np.ones(net.shape, np.float32)})[0].shape)


Step = Callable[[Net, str, tuple[int, ...], np.random.Generator, list[Any]], str]


def _conv(net: Net, x: str, shape: tuple[int, ...], random: np.random.Generator, _: Any) -> str:
    n = len(shape) - 2
    group = int(random.choice([1, 2, shape[1]]))
    kernel = random.integers(1, 4, n).tolist()
    how: dict[str, Any] = {"strides": random.integers(1, 3, n).tolist(), "group": group}
    if random.random() < 0.3:
        how["auto_pad"] = str(random.choice(["SAME_UPPER", "SAME_LOWER", "VALID"]))
    else:
        how |= {"pads": random.integers(0, 3, 2 * n).tolist()}
        how |= {"dilations": random.integers(1, 3, n).tolist()}
    return net.Conv(x, net.w(4, shape[1] // group, *kernel), kernel_shape=kernel, **how)


def _pool(net: Net, x: str, shape: tuple[int, ...], random: np.random.Generator, _: Any) -> str:
    n = len(shape) - 2
    kernel = random.integers(1, 4, n).tolist()
    pads = [int(random.integers(0, k)) for k in kernel * 2]
    return net.AveragePool(
        x, kernel_shape=kernel, pads=pads, strides=random.integers(1, 4, n).tolist(),
        ceil_mode=int(random.integers(2)),
    )  # fmt: skip


def _deconv(net: Net, x: str, shape: tuple[int, ...], random: np.random.Generator, _: Any) -> str:
    n = len(shape) - 2
    kernel = random.integers(1, 5, n).tolist()
    strides = random.integers(1, 4, n).tolist()
    return net.ConvTranspose(
        x, net.w(shape[1], 4, *kernel), kernel_shape=kernel, strides=strides,
        pads=random.integers(0, 2, 2 * n).tolist(), dilations=random.integers(1, 3, n).tolist(),
        output_padding=[int(random.integers(0, s)) for s in strides],
    )  # fmt: skip


def _pad(net: Net, x: str, shape: tuple[int, ...], random: np.random.Generator, _: Any) -> str:
    n = len(shape) - 2
    mode = str(random.choice(["constant", "reflect", "edge", "wrap"]))
    low = -1 if mode == "constant" else 0
    ends = [0, 0, *random.integers(low, 3, n).tolist(), 0, 0, *random.integers(low, 3, n).tolist()]
    net.opset = 19
    return net.Pad(x, np.array(ends), mode=mode)


def zeros_around(
    net: Net, x: str, shape: tuple[int, ...], random: np.random.Generator, _: Any
) -> str:
    n = len(shape) - 2
    ends = [0, 0, *random.integers(-1, 3, n).tolist(), 0, 0, *random.integers(-1, 3, n).tolist()]
    return net.Pad(x, np.array(ends))


def _slice(net: Net, x: str, shape: tuple[int, ...], random: np.random.Generator, _: Any) -> str:
    axis = int(random.integers(2, len(shape)))
    if random.random() < 0.4:  # a flip, maybe with a stride
        step = -int(random.integers(1, 3))
        start, stop = -1 - int(random.integers(0, 2)), np.iinfo(np.int64).min
    else:
        step, start = int(random.integers(1, 3)), int(random.integers(0, 3))
        stop = shape[axis] - int(random.integers(0, 2))
    return net.Slice(x, *(np.array([v]) for v in (start, stop, axis, step)))


def _transpose(
    net: Net, x: str, shape: tuple[int, ...], random: np.random.Generator, _: Any
) -> str:
    return net.Transpose(x, perm=[0, 1, *(2 + random.permutation(len(shape) - 2)).tolist()])


def _join(net: Net, x: str, shape: tuple[int, ...], random: np.random.Generator, kept: Any) -> str:
    other = kept[int(random.integers(len(kept)))]
    if random.random() < 0.5:
        axis = int(random.integers(1, len(shape)))
        return net.Concat(x, other[0], axis=axis)
    return net.Add(x, other[0])


def _split_merge(
    net: Net, x: str, shape: tuple[int, ...], random: np.random.Generator, _: Any
) -> str:
    """Space to depth, or an axis' blocks reversed in order, by Reshape and Transpose."""
    axis = int(random.integers(2, len(shape)))
    block = int(random.choice([2, 3, 4]))
    cut = [*shape[:axis], shape[axis] // block, block, *shape[axis + 1 :]]
    parts = net.Reshape(x, np.array(cut))
    order = list(range(len(cut)))
    if random.random() < 0.5:
        order.insert(1, order.pop(axis + 1))
        moved = net.Transpose(parts, perm=order)
        return net.Reshape(moved, np.array([1, -1, *cut[2 : axis + 1], *shape[axis + 1 :]]))
    order[axis], order[axis + 1] = order[axis + 1], order[axis]
    moved = net.Transpose(parts, perm=order)
    return net.Reshape(moved, np.array(shape))


def _depth(net: Net, x: str, shape: tuple[int, ...], random: np.random.Generator, _: Any) -> str:
    if random.random() < 0.5:
        return net.SpaceToDepth(x, blocksize=2)
    return net.DepthToSpace(x, blocksize=2, mode=str(random.choice(["DCR", "CRD"])))


def _resize(net: Net, x: str, shape: tuple[int, ...], random: np.random.Generator, _: Any) -> str:
    scales = [1.0, 1.0, *random.choice([0.5, 0.75, 1.5, 2.0, 3.0], len(shape) - 2).tolist()]
    modes = ["asymmetric", "half_pixel", "align_corners", "pytorch_half_pixel"]
    how: dict[str, Any] = {"coordinate_transformation_mode": str(random.choice(modes))}
    # Linear interpolation multiplies by zero where a NaN should not come from: see below.
    nearest = ["floor", "ceil", "round_prefer_floor", "round_prefer_ceil"]
    how |= {"mode": "nearest", "nearest_mode": str(random.choice(nearest))}
    return net.Resize(x, "", np.array(scales, np.float32), **how)


PLAIN: list[Step] = [_conv, _conv, _pool]
MOVES: list[Step] = [
    _pad, _conv, _deconv, _slice, _transpose, _join, _join, _split_merge,
    *([_resize] if lookup("", "Resize", 19) else []),
]  # fmt: skip


@pytest.mark.parametrize("rank", [1, 2])
@pytest.mark.parametrize("seed", range(amount(4, 30)))
def test_every_region_of_a_random_net_is_what_execution_reads(seed: int, rank: int) -> None:
    net = random_net(seed * 2 + rank, rank, length=3 + seed % 4)
    assert not list(disagreements(net)), text(net)


@pytest.mark.parametrize("seed", range(amount(3, 12)))
def test_no_region_is_too_small_behind_pixel_shuffles(seed: int) -> None:
    # SpaceToDepth is read as a window, the same for every channel: channels share the block.
    net = random_net(seed, 2, length=4, among=[_conv, _deconv, _pad, _join, _depth, _depth])
    assert not list(disagreements(net, lambda mine, actual: not mine >= actual)), text(net)


def one(build: Callable[[Net], Any], *shape: int) -> Net:
    net = Net(*shape)
    build(net)
    return net


def blocks_apart(n: Net) -> str:
    """Two ways of cutting an axis, one behind the other: what is seen is no product of axes."""
    swapped = n.Transpose(n.Reshape("x", np.array([1, 4, 3, 4])), perm=[0, 1, 3, 2])
    again = n.Reshape(n.Reshape(swapped, np.array([1, 4, 12])), np.array([1, 4, 6, 2]))
    return n.Reshape(n.Transpose(again, perm=[0, 3, 1, 2]), np.array([1, -1, 6]))


def window_attention(n: Net) -> str:
    """Windows of 4 along an axis of 12, attention within each, put back."""
    x = n.Transpose(n.Reshape("x", np.array([1, 4, 3, 4])), perm=[0, 2, 3, 1])
    scores = n.Softmax(n.MatMul(x, n.Transpose(x, perm=[0, 1, 3, 2])), axis=-1)
    back = n.Transpose(n.MatMul(scores, x), perm=[0, 3, 1, 2])
    return n.Reshape(back, np.array([1, 4, 12]))


def patches(n: Net) -> str:
    """A ViT's patches by Reshape and Transpose, flattened into tokens."""
    cut = n.Reshape("x", np.array([1, 2, 3, 4, 2, 4]))
    tokens = n.Reshape(n.Transpose(cut, perm=[0, 2, 4, 3, 5, 1]), np.array([1, 6, 32]))
    return n.MatMul(tokens, n.w(32, 5))


def both_ends(n: Net) -> str:
    return n.Concat(n.Slice("x", *map(arr, (0, 3, 2, 1))), n.Slice("x", *map(arr, (8, 11, 2, 1))),
                    axis=2)  # fmt: skip


def arr(value: int) -> np.ndarray:
    return np.array([value])


def flip(n: Net) -> str:
    backwards = n.Slice("x", *map(arr, (-1, np.iinfo(np.int64).min, 2, -1)))
    return n.Conv(backwards, n.w(2, 2, 2), kernel_shape=[2], strides=[2])


def squeeze(n: Net) -> str:
    return n.Mul(n.Conv("x", n.w(2, 2, 3), pads=[1, 1]), n.GlobalAveragePool("x"))


def gather(n: Net) -> str:
    return n.Conv(n.Gather("x", np.array([9, 0, 4, 4]), axis=2), n.w(2, 2, 2))


def reduce(n: Net) -> str:
    return n.ReduceMean(n.Conv("x", n.w(2, 2, 3), dilations=[3]), np.array([2]), keepdims=0)


def normed(n: Net) -> str:
    return n.InstanceNormalization(n.Slice("x", *map(arr, (2, 9, 2, 1))), n.w(2), n.w(2))


@pytest.mark.parametrize(
    ("build", "shape"),
    [
        (blocks_apart, (1, 4, 12)), (window_attention, (1, 4, 12)), (patches, (1, 2, 12, 8)),
        (both_ends, (1, 2, 11)), (flip, (1, 2, 9)), (squeeze, (1, 2, 9)), (gather, (1, 2, 10)),
        (reduce, (1, 2, 12)), (normed, (1, 2, 12)),
    ],
)  # fmt: skip
def test_known_shapes_of_regions(build: Callable[[Net], Any], shape: tuple[int, ...]) -> None:
    net = one(build, *shape)
    assert not list(disagreements(net)), text(net)


@pytest.mark.parametrize("scale", [0.5, 0.75, 1.5, 2.0, 3.0])
@pytest.mark.parametrize("where", ["asymmetric", "half_pixel", "align_corners"])
@pytest.mark.parametrize("mode", ["linear", "cubic"])
def test_what_interpolation_reads(mode: str, where: str, scale: float) -> None:
    """Between what changes the output and what a NaN reaches: a weight of zero may go either way."""
    scales = np.array([1, 1, 1, scale], np.float32)
    build = one(lambda n: n.Resize("x", "", scales, mode=mode,
                                   coordinate_transformation_mode=where), 1, 1, 2, 9)  # fmt: skip
    layer, seen = layer_of(build), nans(build.model())
    ran = session(build.model())
    x = np.zeros(build.shape, np.float32)
    ramps = [x + (np.arange(9) == row) for row in range(9)]
    moved = [ran.run(None, {"x": r.astype(np.float32)})[0] for r in ramps]
    for u in range(moved[0].shape[3]):
        mine = indices(layer, (None, None, None, u), 3)
        assert {r for r in range(9) if np.abs(moved[r][..., u]).max() > 1e-4} <= mine
        assert mine <= {r for r in range(9) if seen[3, r]["t0"][..., u].any()}


def layer_of(net: Net) -> Layer:
    return analyze(net.model().SerializeToString())[net.last]


@pytest.mark.parametrize(
    ("unit", "ranges"),
    [((0,), ((0, 0),)), ((1,), ((0, 2),)), ((4,), ((6, 8),)), ((-1,), ((8, 8),)), ((-2,), ((6, 8),)),
     ((None,), ((0, 8),)), ((0, 1, 2), ((2, 4),))],
)  # fmt: skip
def test_a_unit_is_named_by_all_axes_or_by_the_spatial_ones(unit: Any, ranges: Any) -> None:
    net = one(lambda n: n.Conv("x", n.w(2, 2, 3), strides=[2], pads=[2, 2]), 1, 2, 9)
    assert layer_of(net).region(unit)["x"][2] == ranges


@pytest.mark.parametrize("unit", [(6,), (-7,), (0, 0), (0, 0, 0, 0), (0, 2, 0)])
def test_a_unit_that_is_none_is_refused(unit: Any) -> None:
    net = one(lambda n: n.Conv("x", n.w(2, 2, 3), strides=[2], pads=[2, 2]), 1, 2, 9)
    with pytest.raises(ValueError, match=r"axes|outside"):
        layer_of(net).region(unit)


def test_a_unit_in_the_padding_alone_sees_nothing() -> None:
    net = one(lambda n: n.Conv("x", n.w(2, 2, 1), pads=[2, 0]), 1, 2, 9)
    assert layer_of(net).region((0, 0, 0)) == {}


@pytest.mark.parametrize(
    ("op", "indices", "attributes"),
    [
        ("Gather", [[5, 0, 3], [1, 1, 6]], {"axis": 1}),
        ("Gather", [[-1, 2], [0, -7]], {"axis": 1}),
        ("Gather", [[[0, 4], [6, 2]], [[3, 3], [1, 5]]], {"axis": 1}),
        ("Gather", [[0, 1, 2], [1, 2, 3], [2, 3, 4]], {"axis": 1}),
        ("GatherElements", [[5, 0, 3], [1, 1, 6]], {"axis": 1}),
    ],
)
def test_a_unit_sees_the_one_index_that_it_is_gathered_from(
    op: str, indices: list[Any], attributes: dict[str, int]
) -> None:
    net = one(lambda n: getattr(n, op)("x", np.array(indices, np.int64), **attributes), 2, 7)
    x = np.tile(np.arange(7, dtype=np.float32), (2, 1))  # each element is its own index
    session = onnxruntime.InferenceSession(
        net.model().SerializeToString(), providers=["CPUExecutionProvider"]
    )
    (y,) = session.run(None, {"x": x})
    layer = layer_of(net)
    for unit in np.ndindex(*y.shape):
        assert layer.region(unit)["x"][1] == ((int(y[unit]), int(y[unit])),)
        assert layer.region(unit)["x"][0] == ((unit[0], unit[0]),)
    row = (0, slice(None)) if op == "GatherElements" else (0, 0)
    whole_row = layer.region((0, *[None] * (y.ndim - 1)) if op == "GatherElements"
                             else (0, 0, *[None] * (y.ndim - 2)))["x"][1]  # fmt: skip
    assert {i for lo, hi in whole_row for i in range(lo, hi + 1)} == set(y[row].ravel().astype(int))
