"""Receptive fields against published figures and against execution.

The nets of `test_regions` again: what one element is seen to read in ONNX Runtime lies within the
field that is claimed of it, and in a plain chain fills it. Then the toy nets of Araujo, Norris &
Sim (Distill 2019) and others by hand, each with what is to be expected first.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from amounts import amount
from onnx import TensorProto, helper
from test_regions import MOVES, PLAIN, Net, nans, random_net, session, text, zeros_around

from cnnscope.analyzer.analysis import analyze
from cnnscope.analyzer.fields.digits import Everything
from cnnscope.analyzer.fields.following import find_fields
from cnnscope.analyzer.fields.paths import Paths
from cnnscope.analyzer.model.binding import bind_inputs
from cnnscope.analyzer.model.graph_reading import read_graph
from cnnscope.analyzer.passes.shapes import infer_shapes
from cnnscope.analyzer.report.receptive_field import ReceptiveField
from cnnscope.analyzer.report.report import Report
from cnnscope.analyzer.values.phases import Phases

# -- vocabulary --------------------------------------------------------------------------------


def report(net: Net) -> Report:
    return analyze(net.model().SerializeToString())


def field(net: Net, axis: int = 2, tensor: str | None = None) -> ReceptiveField:
    """The field of the net's last tensor along one axis of its input."""
    found = report(net)[tensor or net.last].receptive_field
    return next(f for f in found if f.axis == axis)


def net(build: Callable[[Net], Any], *shape: int) -> Net:
    made = Net(*shape)
    build(made)
    return made


def claimed(paths: Paths, unit: tuple[int, ...], length: int) -> tuple[int, int] | None:
    """The hull of all terms at one element, equation (1) of the module, clipped to the input."""
    ends: list[tuple[int, int]] = []
    for term in paths.terms:
        if not term.digits:
            if isinstance(term.fixed, Everything):
                ends.append((0, length - 1))
            elif term.fixed is not None:
                ends.append(term.fixed)
            continue
        spans = [
            d.field.span(value if d.mod is None else value % d.mod)
            for d in term.digits
            for value in (unit[d.axis] // d.div,)
        ]
        if None not in spans:
            ends.append((sum(s[0] for s in spans if s), sum(s[1] for s in spans if s)))
    return (
        (max(min(e[0] for e in ends), 0), min(max(e[1] for e in ends), length - 1))
        if ends
        else None
    )


def read(values: dict[Any, dict[str, np.ndarray]], name: str, axis: int, rows: int) -> np.ndarray:
    """Of every element of a tensor, which rows it reads: rows in front."""
    return np.stack([values[axis, row][name] for row in range(rows)])


# -- random nets ---------------------------------------------------------------------------------


@pytest.mark.parametrize("rank", [1, 2])
@pytest.mark.parametrize("seed", range(amount(7, 25)))
def test_what_an_element_reads_lies_within_its_field(seed: int, rank: int) -> None:
    # A field goes on beyond the border, also where mirrored or repeated input stands there
    # (regions say which): so zeros are all that these nets pad with, and Resize has its own rows.
    among = [*PLAIN, *(s for s in MOVES if s.__name__ not in ("_pad", "_resize")), zeros_around]
    made = random_net(1000 + seed * 2 + rank, rank, 3 + seed % 4, among)
    model = made.model()
    graph = read_graph(model)
    shapes = infer_shapes(graph, bind_inputs(graph.inputs, {}, {})[0])
    states = find_fields(graph, shapes).states
    found = analyze(model.SerializeToString())
    seen = nans(model)
    for node in made.nodes:
        (name,) = node.output
        for axis in range(2, len(made.shape)):
            rows = read(seen, name, axis, made.shape[axis])
            paths = states.get(name, {}).get(("x", axis))
            widest = 0
            for unit in np.ndindex(*rows.shape[1:]):
                where = np.flatnonzero(rows[(slice(None), *unit)])
                if not len(where):
                    continue
                assert paths is not None
                span = claimed(paths, unit, made.shape[axis])
                assert span is not None, (name, unit, axis, text(made))
                assert span[0] <= where[0], (name, unit, axis, span, where, text(made))
                assert where[-1] <= span[1], (name, unit, axis, span, where, text(made))
                widest = max(widest, int(where[-1] - where[0] + 1))
            claims = [f for f in found[name].receptive_field if f.axis == axis]
            for f in claims:
                assert f.size is not None
                # Paths that move along different axes of the tensor have no common width.
                places = {t.places for t in paths.terms if t.digits} if paths else set()
                assert f.size >= widest or len(places) > 1, (name, axis, f, widest, text(made))
                assert f.smallest_size is None or f.smallest_size <= f.size
                assert f.local_size is None or f.global_ or f.local_size == f.size


@pytest.mark.parametrize("rank", [1, 2])
@pytest.mark.parametrize("seed", range(amount(7, 25)))
def test_in_a_plain_chain_a_field_is_filled_up_to_the_borders(seed: int, rank: int) -> None:
    made = random_net(2000 + seed * 2 + rank, rank, 3, PLAIN)
    found, seen = report(made), nans(made.model())
    for node in made.nodes:
        (name,) = node.output
        for f in found[name].receptive_field:
            if f.axis < 2:
                continue
            length = made.shape[f.axis]
            rows = read(seen, name, f.axis, length)
            assert f.output_axis == f.axis
            assert f.start is not None
            assert isinstance(f.step, int)
            assert f.size == f.local_size == f.smallest_size
            assert f.center == f.start + Fraction(f.size - 1, 2)
            for u in range(rows.shape[1 + f.axis]):
                where = np.flatnonzero(rows.take(u, 1 + f.axis).reshape(length, -1).any(axis=1))
                lo, hi = f.start + u * f.step, f.start + u * f.step + f.size - 1
                if lo >= 0 and hi < length and _no_padding_between(made, name):
                    assert (where[0], where[-1]) == (lo, hi), (name, u, f, text(made))
                elif len(where):
                    assert lo <= where[0] <= where[-1] <= hi, (name, u, f, text(made))


def _no_padding_between(made: Net, name: str) -> bool:
    """Padding inside the net can hide input from a unit whose own window lies within it."""
    for node in made.nodes:
        for a in node.attribute:
            if a.name in ("pads", "auto_pad", "ceil_mode") and (any(a.ints) or a.s or a.i):
                return False
        if node.output[0] == name:
            return True
    raise AssertionError(name)


@pytest.mark.parametrize("group", [1, 2, 4])
def test_channels_are_no_place(group: int) -> None:
    made = Net(1, 4, 9)
    made.Conv("x", made.w(4, 4 // group, 3), group=group)
    assert [f.axis for f in report(made)[made.last].receptive_field] == [2]


# -- published and by hand -------------------------------------------------------------------------


def conv(n: Net, x: str, k: int, s: int = 1, pads: tuple[int, int] = (0, 0), d: int = 1) -> str:
    return n.Conv(x, n.w(2, 2, k), kernel_shape=[k], strides=[s], pads=list(pads), dilations=[d])


def misaligned(n: Net) -> None:
    """Distill: k5 s2 pad (2, 1) added to k3 s1, k3 s1 without padding."""
    a, b = conv(n, "x", 5, 2, (2, 1)), conv(n, conv(n, "x", 3), 3)
    n.Add(*(n.Slice(y, *map(_a, (0, 8, 2))) for y in (a, b)))


def aligned(n: Net) -> None:
    """Distill: k1 s4 added to k3 s2 pad (1, 0), k1 s2: field 3, stride 4, padding 1."""
    n.Add(conv(n, "x", 1, 4), conv(n, conv(n, "x", 3, 2, (1, 0)), 1, 2))


def fangyh(n: Net) -> None:
    """Fangyh09's README: 7/2/3 -> 7, pool 3/2/1 -> 11, average pool 3/2/1 -> 19."""
    x = conv(n, "x", 7, 2, (3, 3))
    for _ in range(2):
        x = n.AveragePool(x, kernel_shape=[3], strides=[2], pads=[1, 1])


def fornax(n: Net) -> None:
    """fornax' README: conv 7, conv 5, average pool 2, conv 5 (valid): 20, step 2."""
    x = n.AveragePool(conv(n, conv(n, "x", 7), 5), kernel_shape=[2], strides=[2])
    conv(n, x, 5)


def wavenet(n: Net) -> None:
    """Causal, dilations 1 to 512: 1 + 1023 samples."""
    x = "x"
    for k in range(10):
        x = conv(n, x, 2, 1, (2**k, 0), 2**k)


def vgg16(n: Net) -> None:
    """Distill's table: 212, stride 32, padding 90."""
    x = "x"
    for convs in (2, 2, 3, 3, 3):
        for _ in range(convs):
            x = conv(n, x, 3, 1, (1, 1))
        x = n.MaxPool(x, kernel_shape=[2], strides=[2])


def unet(n: Net) -> None:
    """Down by 2, conv 3, up by 2 with a transposed convolution, joined with a skip."""
    down = conv(n, conv(n, "x", 2, 2), 3, 1, (1, 1))
    up = n.ConvTranspose(down, n.w(2, 2, 2), strides=[2])
    n.Concat(up, "x", axis=1)


@pytest.mark.parametrize(
    ("build", "length", "size", "step", "start"),
    [
        (aligned, 64, 3, 4, -1), (fangyh, 225, 19, 8, -9), (fornax, 64, 20, 2, 0),
        (wavenet, 2000, 1024, 1, -1023), (vgg16, 224, 212, 32, -90), (unet, 16, 6, None, None),
    ],
)  # fmt: skip
def test_published_fields(
    build: Callable[[Net], None], length: int, size: int, step: int, start: int
) -> None:
    f = field(net(build, 1, 2, length))
    assert (f.size, f.step, f.start, f.global_, f.aligned) == (
        size, step, start, False, build is not unet or f.aligned
    )  # fmt: skip


def test_where_the_units_look_after_upsampling() -> None:
    # Behind the 2 wide stride and the 3 wide convolution: 6 wide from -2, every 2. Each of these
    # units is spread over two; the skip adds the unit's own place, which lies within.
    f = field(net(unet, 1, 2, 16))
    assert (f.step, f.start, f.mean_step) == (None, None, 1)
    assert f.phases == Phases(2, 2, ((-2, 3), (-2, 3)))
    assert [f.span(u) for u in (0, 1, 2, 3, 9)] == [(-2, 3), (-2, 3), (0, 5), (0, 5), (6, 11)]
    assert {k: f.to_dict()[k] for k in ("step", "start", "mean_step", "period", "advance", "spans")} == {
        "step": None, "start": None, "mean_step": 1, "period": 2, "advance": 2,
        "spans": [[-2, 3], [-2, 3]],
    }  # fmt: skip


def test_where_the_units_of_two_resizes_look(cases: Path) -> None:
    # MaxPool 5, stride 2: unit u sees 2u..2u+4. Every other, then each twice: 4q..4q+4 for 2q and
    # 2q+1. Unit 9 is 2*4 + 1: 16..20.
    (f,) = analyze(cases / "strip_18.onnx")["t4"].receptive_field
    assert f.phases == Phases(2, 4, ((0, 4), (0, 4)))
    assert (f.span(9), f.step, f.start, f.mean_step) == ((16, 20), None, None, 2)


def test_where_the_units_of_unets_last_upconv_look() -> None:
    # Level 5 of U-Net sees 140 from 0, every 16 px (Ronneberger et al. 2015, valid convolutions:
    # (3, 3, pool 2) four times and 3, 3: 5, 6, 14, 16, 32, 36, 68, 76, 140). Unit 3 is its unit 1.
    path = Path(__file__).parents[1] / "sample_models" / "unet.onnx"
    if not path.exists():
        pytest.skip("no sample models here")
    f = analyze(path)["/up4/upconv/ConvTranspose"].receptive_field[0]
    assert (f.size, f.span(3), f.step, f.mean_step) == (140, (16, 155), None, 8)


def tiled(n: Net) -> None:
    n.Tile("x", np.array([1, 1, 3]))


def gathered(n: Net) -> None:
    n.Gather("x", np.array([0, 3, 1, 2]), axis=2)


def laid_out(n: Net) -> None:
    n.Concat(n.Slice("x", *map(_a, (0, 2, 2))), n.Slice("x", *map(_a, (1, 4, 2))), axis=2)


@pytest.mark.parametrize(
    ("build", "phases", "aligned"),
    [
        (tiled, Phases(4, 0, ((0, 0), (1, 1), (2, 2), (3, 3))), None),
        (gathered, Phases(None, None, ((0, 0), (3, 3), (1, 1), (2, 2))), None),
        (laid_out, Phases(None, None, ((0, 0), (1, 1), (1, 1), (2, 2), (3, 3))), None),
    ],
)  # fmt: skip
def test_no_step_where_there_is_none(
    build: Callable[[Net], None], phases: Phases, aligned: bool | None
) -> None:
    made = net(build, 1, 2, 4)
    conv(made, conv(made, "x", 1), 1)  # so that somebody looks along the axis
    made.Conv(made.nodes[-3].output[0], made.w(2, 2, 2))
    f = field(made, tensor=made.nodes[-4].output[0])
    assert (f.phases, f.step, f.start, f.mean_step, f.aligned) == (
        phases,
        None,
        None,
        None,
        aligned,
    )
    assert [f.span(u) for u in range(4)] == [phases.spans[u] for u in range(4)]
    with pytest.raises(ValueError, match="isn't known or no short list"):
        replace(f, phases=None).span(0)


def test_distills_misaligned_toy() -> None:
    made = net(misaligned, 1, 2, 20)
    found, f = report(made), field(made)
    assert f.aligned is False
    (note,) = [d for d in found.diagnostics if d.code == "misaligned-paths"]
    assert note.layer == made.nodes[-1].name
    assert "along axis 2 of input x, sizes 5 and 5, units 2 and 1 px apart" in note.message
    # "6 input samples at one feature, 5 at the next"
    regions = [found[made.last].region((u,))["x"][2] for u in (1, 2)]
    assert regions == [((0, 5),), ((2, 6),)]
    assert f.smallest_size == 5


def notes(made: onnx.ModelProto | bytes) -> list[str]:
    data = made if isinstance(made, bytes) else made.SerializeToString()
    return [d.message for d in analyze(data).diagnostics if d.code == "misaligned-paths"]


def test_a_join_is_told_once_and_by_its_middles() -> None:
    # Every 16th position, each over 16 units: 0 at 0..15, 16 at 16..31. About the line u, a unit looks
    # 7.5 before itself, although unit 0 looks at 0 on both paths.
    made = Net(1, 1, 64, 64)
    low = made.Conv("x", made.w(1, 1, 1, 1), strides=[16, 16])
    up = made.Resize(low, "", np.array([1, 1, 16, 16], np.float32), mode="nearest",
                     nearest_mode="floor", coordinate_transformation_mode="asymmetric")  # fmt: skip
    made.Add(up, "x")
    (told,) = notes(made.model())
    assert told.endswith("along axes 2 and 3 of input x, sizes 1 and 1, middles 7.5 px apart")


def test_axes_that_differ_are_told_each() -> None:
    made = Net(1, 1, 16, 16)
    a = made.Conv("x", made.w(1, 1, 3, 3), pads=[1, 0, 1, 2])
    made.Add(a, made.Conv("x", made.w(1, 1, 3, 3), pads=[2, 2, 0, 0]))
    (told,) = notes(made.model())
    assert "along axis 2 of input x, sizes 3 and 3, middles 1 px apart" in told
    assert "along axis 3 of input x, sizes 3 and 3, middles 2 px apart" in told


def test_channels_dont_line_up_or_misalign(cases: Path) -> None:
    # A grouped convolution and its shortcut: a channel hangs on its group's, and on itself.
    assert notes((cases / "group_residual_2.onnx").read_bytes()) == []
    found = analyze(cases / "group_residual_2.onnx")
    assert [f.axis for f in found["sum"].receptive_field] == [2]
    made = Net(1, 4, 8)  # one half of the channels gates the other
    made.Mul(*(made.Slice("x", *map(_a, ends)) for ends in ((0, 2, 1), (2, 4, 1))))
    assert notes(made.model()) == []


def _a(value: int) -> np.ndarray:
    return np.array([value])


@pytest.mark.parametrize(("length", "start"), [(224, -2), (225, -3), (226, -2), (7, -3), (8, -2)])
def test_same_padding_as_tensorflow_has_it(length: int, start: int) -> None:
    # TF-slim: total = max(k - s, 0) if n % s == 0 else max(k - n % s, 0), the left gets the half.
    made = Net(1, 2, length)
    made.Conv("x", made.w(2, 2, 7), strides=[2], auto_pad="SAME_UPPER")
    f = field(made)
    total = max(7 - 2, 0) if length % 2 == 0 else max(7 - length % 2, 0)
    assert (f.size, f.step, f.start) == (7, 2, -(total // 2)) == (7, 2, start)


def test_squeeze_and_excitation_is_global_and_local() -> None:
    made = Net(1, 2, 16, 16)
    x = made.Conv("x", made.w(2, 2, 3, 3), pads=[1, 1, 1, 1])
    gate = made.Sigmoid(made.Conv(made.GlobalAveragePool(x), made.w(2, 2, 1, 1)))
    made.Conv(made.Mul(x, gate), made.w(2, 2, 3, 3), pads=[1, 1, 1, 1])
    f = field(made)
    assert (f.size, f.global_, f.global_by, f.local_size, f.step, f.start) == (
        16, True, "GlobalAveragePool1", 5, 1, -2
    )  # fmt: skip
    assert field(made, tensor=x).global_ is False


def test_patches_by_reshape_are_windows() -> None:
    made = Net(1, 2, 12, 8)
    cut = made.Reshape("x", np.array([1, 2, 3, 4, 2, 4]))
    grid = made.Reshape(made.Transpose(cut, perm=[0, 3, 5, 1, 2, 4]), np.array([1, 32, 3, 2]))
    made.Conv(grid, made.w(5, 32, 1, 1))
    for axis in (2, 3):
        f = field(made, axis)
        assert (f.output_axis, f.size, f.step, f.start, f.global_) == (axis, 4, 4, 0, False)


def test_window_attention_sees_its_window() -> None:
    made = Net(1, 4, 12)
    x = made.Transpose(made.Reshape("x", np.array([1, 4, 3, 4])), perm=[0, 2, 3, 1])
    scores = made.Softmax(made.MatMul(x, made.Transpose(x, perm=[0, 1, 3, 2])), axis=-1)
    back = made.Transpose(made.MatMul(scores, x), perm=[0, 3, 1, 2])
    made.Reshape(back, np.array([1, 4, 12]))
    f = field(made)
    assert (f.size, f.global_) == (4, False)


@pytest.mark.parametrize(
    ("scale", "size", "step"), [(2, 3, Fraction(1, 2)), (3, 3, Fraction(1, 3))]
)
def test_a_mean_step_becomes_a_fraction(scale: int, size: int, step: Fraction) -> None:
    # Conv 3, then a transposed convolution whose taps don't overlap.
    made = Net(1, 2, 9)
    x = conv(made, "x", 3, 1, (1, 1))
    made.ConvTranspose(x, made.w(2, 2, scale), strides=[scale])
    f = field(made)
    assert (f.size, f.step, f.start, f.mean_step) == (size, None, None, step)
    assert f.phases == Phases(scale, 1, ((-1, 1),) * scale)


@pytest.mark.parametrize(
    ("scale", "mode", "kernel", "size"),
    [(2, "nearest", 1, 1), (2, "nearest", 3, 2), (3, "nearest", 3, 2), (2, "nearest", 5, 3),
     (2, "linear", 1, 2), (2, "linear", 3, 3)],
)  # fmt: skip
def test_upsampling_and_a_convolution(scale: int, mode: str, kernel: int, size: int) -> None:
    made = Net(1, 2, 16)
    how = "asymmetric" if mode == "nearest" else "half_pixel"
    up = made.Resize("x", "", np.array([1, 1, scale], np.float32), mode=mode, nearest_mode="floor",
                     coordinate_transformation_mode=how)  # fmt: skip
    conv(made, up, kernel, 1, (kernel // 2, kernel // 2))
    f = field(made)
    assert (f.size, f.step, f.mean_step) == (size, None, Fraction(1, scale))


@pytest.mark.parametrize(("k", "stride", "size"), [(4, 2, 2), (3, 2, 2), (5, 2, 3), (4, 4, 1)])
def test_the_size_is_the_maximum_over_phases(k: int, stride: int, size: int) -> None:
    made = Net(1, 2, 9)
    made.ConvTranspose("x", made.w(2, 2, k), strides=[stride])
    assert field(made).size == size


def test_channels_last_has_its_spatial_axes_where_they_are() -> None:
    made = Net(1, 12, 10, 2)
    moved = made.Transpose("x", perm=[0, 3, 1, 2])
    y = made.Conv(moved, made.w(2, 2, 3, 3), strides=[2, 1])
    made.Transpose(y, perm=[0, 2, 3, 1])
    found = {f.axis: f for f in report(made)[made.last].receptive_field}
    assert {a: (f.output_axis, f.size, f.step) for a, f in found.items()} == {
        1: (1, 3, 2), 2: (2, 3, 1)
    }  # fmt: skip


def test_flatten_into_gemm_is_global() -> None:
    made = Net(1, 2, 8)
    flat = made.Flatten(conv(made, "x", 3))
    made.Gemm(flat, made.w(12, 3))
    f = field(made)
    assert (f.size, f.global_, f.output_axis, f.coverage) == (8, True, None, 1.0)


@pytest.mark.parametrize("direction", ["forward", "reverse", "bidirectional"])
def test_a_recurrence_sees_the_sequence(direction: str) -> None:
    made = Net(6, 1, 3)
    count = 2 if direction == "bidirectional" else 1
    made.LSTM("x", made.w(count, 16, 3), made.w(count, 16, 4), hidden_size=4, direction=direction,
              outputs=3)  # fmt: skip
    found = report(made)["LSTM0"]
    f = next(f for f in found.receptive_field if f.axis == 0)
    assert (f.size, f.axis) == (6, 0)
    seen = _lstm_reads(made, 6)
    ranges = [found.region((u, None, None, None))["x"][0] for u in range(6)]
    assert [{i for lo, hi in r for i in range(lo, hi + 1)} for r in ranges] == seen


def _lstm_reads(made: Net, length: int) -> list[set[int]]:
    ran = session(made.model())
    seen: list[set[int]] = [set() for _ in range(length)]
    for row in range(length):
        x = np.ones(made.shape, np.float32)
        x[row] = np.nan
        y = np.isnan(ran.run(["t0_0"], {"x": x})[0]).reshape(length, -1).any(axis=1)
        for u in np.flatnonzero(y):
            seen[u].add(row)
    return seen


# -- subgraphs -------------------------------------------------------------------------------------


def body(
    name: str, inputs: list[str], outputs: list[str], *nodes: onnx.NodeProto
) -> onnx.GraphProto:
    def value(n: str) -> onnx.ValueInfoProto:
        kind = {"i": TensorProto.INT64, "c": TensorProto.BOOL, "co": TensorProto.BOOL}
        shape = [] if n in kind else None
        return helper.make_tensor_value_info(n, kind.get(n, TensorProto.FLOAT), shape)

    return helper.make_graph(
        list(nodes), name, [value(n) for n in inputs], [value(n) for n in outputs]
    )


def loop(trips: int) -> Net:
    """A convolution of 3 in a loop: each turn widens the field by 2."""
    made = Net(1, 2, 32)
    w = made.stored(made.w(2, 2, 3))
    inside = body(
        "body", ["i", "c", "a"], ["co", "b"], helper.make_node("Identity", ["c"], ["co"]),
        helper.make_node("Conv", ["a", w], ["b"], pads=[1, 1]),
    )  # fmt: skip
    made.Loop(np.array(trips), np.array(True), conv(made, "x", 3, 1, (1, 1)), body=inside)
    return made


@pytest.mark.parametrize("trips", [1, 2, 3, 6])
def test_a_loop_of_convolutions_widens_by_each_turn(trips: int) -> None:
    f = field(loop(trips))
    assert (f.size, f.step, f.start, f.global_) == (3 + 2 * trips, 1, -1 - trips, False)


def test_a_branch_that_may_run_counts() -> None:
    made = Net(1, 2, 32)
    wide, narrow = made.stored(made.w(2, 2, 5)), made.stored(made.w(2, 2, 3))
    first = conv(made, "x", 3, 1, (1, 1))
    cond = made.Greater(made.ReduceSum("x", keepdims=0), np.float32(0))
    branches = {
        f"{name}_branch": body(name, [], [f"{name}_y"], helper.make_node(
            "Conv", [first, w], [f"{name}_y"], pads=[p, p]))
        for name, w, p in (("then", wide, 2), ("else", narrow, 1))
    }  # fmt: skip
    made.If(cond, **branches)
    f = field(made)
    assert (f.local_size, f.smallest_size) == (7, 5)


def test_a_scan_sees_what_came_before() -> None:
    made = Net(8, 2)
    inside = body("body", ["s", "a"], ["t", "u"], helper.make_node("Add", ["s", "a"], ["t"]),
                  helper.make_node("Identity", ["t"], ["u"]))  # fmt: skip
    for graph in (inside,):
        for v in (*graph.input, *graph.output):
            v.type.tensor_type.shape.dim.add().dim_value = 2
    made.Scan(np.zeros(2, np.float32), "x", body=inside, num_scan_inputs=1, outputs=2)
    f = next(f for f in report(made)["Scan0"].receptive_field if f.axis == 0)
    assert f.size == 8


def test_a_function_is_looked_into() -> None:
    model = onnx.parser.parse_model("""
        <ir_version: 9, opset_import: ["": 18, "local": 1]>
        net (float[1,2,20] x) => (float[1,2,?] y)
        <float[2,2,3] w = {1,1,1,1,1,1,1,1,1,1,1,1}> { a = local.twice(x, w) y = local.twice(a, w) }
        <domain: "local", opset_import: ["": 18]>
        twice (x, w) => (y) { a = Conv <strides=[2], pads=[1,1]> (x, w) y = Conv <pads=[1,1]> (a, w) }
    """)
    f = next(f for f in analyze(model)["y"].receptive_field if f.axis == 2)
    # 3, 7, 7 + 2*2 + ... : sizes 3, 7, 11, 19 with steps 2, 2, 4, 4.
    assert (f.size, f.step) == (19, 4)


def test_moves_are_all_tried() -> None:
    ops = {n.op_type for s in range(60) for n in random_net(s, 1 + s % 2, 5).nodes}
    assert len(MOVES) > 5
    assert {"Conv", "ConvTranspose", "AveragePool", "Pad", "Slice", "Concat", "Add", "Reshape",
            "Transpose"} <= ops  # fmt: skip
