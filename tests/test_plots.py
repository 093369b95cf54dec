"""Do figures show the report's own numbers? Read back from what was drawn, artist by artist."""

from __future__ import annotations

import json
import math
from pathlib import Path

import numpy as np
import onnx.parser
import pytest
from onnx import helper, numpy_helper

import cnnscope

matplotlib = pytest.importorskip("matplotlib", reason="matplotlib isn't installed")
pytest.importorskip("pandas", reason="pandas isn't installed")
from matplotlib.collections import PathCollection  # noqa: E402
from matplotlib.figure import Figure  # noqa: E402
from matplotlib.patches import Rectangle  # noqa: E402

EDGES = "tests/data/edges.onnx"


@pytest.fixture(scope="module")
def resnet(samples: Path) -> cnnscope.Report:
    return cnnscope.analyze(samples / "resnet50.onnx")


@pytest.fixture(scope="module")
def wavenet(samples: Path) -> cnnscope.Report:
    return cnnscope.analyze(samples / "wavenet.onnx")


@pytest.fixture
def axes():
    return Figure().subplots()


def bars(axes) -> dict[float, float]:
    """By their middle, the heights of bars; shades behind them, as high as the axes, left out."""
    return {
        round(bar.get_x() + bar.get_width() / 2, 6): bar.get_height()
        for found in axes.containers
        for bar in found
    }


def line(axes, index: int) -> tuple[list[float], list[float]]:
    found = axes.get_lines()[index]
    return list(found.get_xdata()), list(found.get_ydata())


def test_cost_has_a_bar_for_each_layer(resnet: cnnscope.Report, axes) -> None:
    assert resnet.plot.cost(ax=axes) is axes
    found = bars(axes)
    assert sum(found.values()) == resnet.totals.macs.value == 4_089_184_256  # the published figure
    assert {i: h for i, h in found.items() if h} == {
        layer.index: layer.macs for layer in resnet.layers if layer.macs
    }


def test_cost_of_groups(resnet: cnnscope.Report, axes) -> None:
    resnet.plot.cost("params", by="module", ax=axes)
    (found,) = axes.containers
    assert [bar.get_width() for bar in found] == [g.params for g in resnet.by_module()]
    assert [x.get_text() for x in axes.get_yticklabels()] == [g.name for g in resnet.by_module()]


def test_field_lines(resnet: cnnscope.Report, axes) -> None:
    resnet.plot.field(ax=axes)
    along = [next(x for x in layer.receptive_field if x.axis == 3) for layer in resnet.layers]
    for index, key in enumerate(("size", "local_size", "smallest_size")):
        places, sizes = line(axes, index)
        assert places == list(range(len(along)))
        assert [None if math.isnan(x) else x for x in sizes] == [getattr(x, key) for x in along]
    assert 427 in line(axes, 1)[1]  # Araujo, Norris & Sim's
    assert set(line(axes, 3)[1]) == {224}


def test_axes_that_differ_have_lines_of_their_own(axes) -> None:
    text = """<ir_version: 8, opset_import: ["" : 17]> g (float[1,1,32,16] x) => (float[1,1,a,b] y)
        <float[1,1,5,3] w = {1,1,1,1,1,1,1,1,1,1,1,1,1,1,1}> { y = Conv(x, w) }"""
    report = cnnscope.analyze(onnx.parser.parse_model(text))
    report.plot.field(ax=axes)
    said = {x.get_text() for x in axes.get_legend().get_texts()}
    assert {"h: all paths", "w: all paths", "h: input, 32", "w: input, 16"} <= said
    frame = report.plot.data("field")
    assert frame[["axis", "size"]].values.tolist() == [["h", 5], ["w", 3]]


def test_memory_is_that_of_the_activations(resnet: cnnscope.Report, axes) -> None:
    resnet.plot.memory(ax=axes)
    alive = line(axes, 0)[1]
    assert alive == resnet.activations().alive_bytes()
    assert max(alive) == resnet.totals.peak_activation_bytes.value
    frame = resnet.plot.data("memory")
    assert frame.groupby("index")["nbytes"].sum().tolist() == alive
    shown = {x.get_text() for x in axes.get_legend().get_texts()}
    assert shown == set(frame["part"])
    top = max(axes.collections[-1].get_paths()[0].vertices[:, 1])
    assert top == max(alive)  # the parts above each other reach the line


def test_roofline_by_stated_ceilings(resnet: cnnscope.Report, axes) -> None:
    resnet.plot.roofline("10TFLOPS,900GB/s", ax=axes)
    drawn = [tuple(xy) for x in axes.collections if isinstance(x, PathCollection)
             for xy in x.get_offsets()]  # fmt: skip
    wanted = {(x.intensity, min(10e12, x.intensity * 900e9)) for x in resnet.layers if x.intensity}
    assert len(drawn) == sum(bool(x.intensity) for x in resnet.layers)
    assert np.allclose(sorted(set(drawn)), sorted(wanted), rtol=1e-12)


def test_sizes_are_those_of_sweep(resnet: cnnscope.Report, axes, samples: Path) -> None:
    resnet.plot.sizes(ax=axes)
    lengths, macs = line(axes, 0)
    swept = cnnscope.sweep(
        samples / "resnet50.onnx", {"H,W": [int(x) for x in lengths]}, free="HxW"
    )
    assert tuple(macs) == swept.totals["macs"].values
    assert 224 in lengths
    assert (min(lengths), max(lengths)) == (56, 896)


def test_sizes_of_a_sequence(wavenet: cnnscope.Report) -> None:
    frame = wavenet.plot.data("sizes")
    own = frame[frame["length"] == 16000]
    assert own["macs"].tolist() == [wavenet.totals.macs.value]


def test_region_is_the_exact_one(resnet: cnnscope.Report, axes) -> None:
    resnet.plot.region("layer1", unit=(3, 50), ax=axes)
    layer = [x for x in resnet.layers if x.path.startswith("/layer1")][-1]
    (rows, columns) = layer.region((3, 50))["input"][2:]
    seen = axes.images[0].get_array()[..., 3] > 0
    wanted = np.zeros((224, 224), bool)
    wanted[rows[0][0] : rows[-1][1] + 1, columns[0][0] : columns[-1][1] + 1] = True
    assert (seen == wanted).all()
    box = next(x for x in axes.patches if isinstance(x, Rectangle))
    assert box.get_bbox().bounds == (
        columns[0][0] - 0.5, rows[0][0] - 0.5,
        columns[-1][1] - columns[0][0] + 1, rows[-1][1] - rows[0][0] + 1,
    )  # fmt: skip


def test_holes_of_dilation_are_seen(axes) -> None:
    text = """<ir_version: 8, opset_import: ["" : 17]> g (float[1,1,9,9] x) => (float[1,1,a,b] y)
        <float[1,1,3,3] w = {1,1,1,1,1,1,1,1,1}> { y = Conv<dilations = [3, 2]>(x, w) }"""
    cnnscope.analyze(onnx.parser.parse_model(text)).plot.region(0, unit=(1, 2), ax=axes)
    seen = axes.images[0].get_array()[..., 3] > 0
    assert [i for i in range(9) if seen[i].any()] == [1, 4, 7]
    assert [i for i in range(9) if seen[:, i].any()] == [2, 4, 6]
    assert seen.sum() == 9


def test_an_image_lies_below_in_the_inputs_place(
    resnet: cnnscope.Report, axes, tmp_path: Path
) -> None:
    from matplotlib.image import imsave

    shade = np.linspace(0, 1, 50).reshape(5, 10)
    resnet.plot.region("layer1", image=shade, ax=axes)
    assert (axes.images[0].get_array() == shade).all()
    assert axes.images[0].get_extent() == [-0.5, 223.5, 223.5, -0.5]
    imsave(tmp_path / "shade.png", shade)
    resnet.plot.region("layer1", image=tmp_path / "shade.png", ax=Figure().subplots())
    for wrong in (np.zeros((2, 3, 7)), tmp_path / "none.png", __file__):
        with pytest.raises(ValueError, match="image"):
            resnet.plot.region("layer1", image=wrong, ax=Figure().subplots())


def test_effective_map_and_squares(resnet: cnnscope.Report, axes) -> None:
    resnet.plot.effective("/layer2/3/relu3/Relu", ax=axes)
    field = resnet.effective_field("/layer2/3/relu3/Relu")
    assert (axes.images[0].get_array() == field.map).all()
    sides = [x.get_width() for x in axes.patches[:3]]
    assert sides == [field.side(share) for share in (0.5, 0.8, 0.95)]
    seen = "x".join(map(str, field.theoretical))
    assert {f"50 % in {sides[0]}", f"seen: {seen}"} <= {
        x.get_text() for x in axes.get_legend().get_texts()
    }
    frame = resnet.plot.data("effective", "/layer2/3/relu3/Relu")
    assert frame["share"].sum() == pytest.approx(1)
    assert len(frame) == math.prod(field.theoretical)


def test_effective_line_of_a_sequence(wavenet: cnnscope.Report, axes) -> None:
    wavenet.plot.effective(20, ax=axes)
    field = wavenet.effective_field(20)
    assert line(axes, 0)[1] == field.map.tolist()
    (middle,) = field.center
    ends = [line(axes, i)[0][0] for i in range(1, 7)]
    assert ends == [
        middle + side * field.side(share) / 2 for share in (0.5, 0.8, 0.95) for side in (-1, 1)
    ]
    styles = [x.get_linestyle() for x in axes.get_lines()[1:]]
    assert styles == [":", ":", "--", "--", "-", "-"]


def stored_filters(*shape: int) -> tuple[cnnscope.Report, np.ndarray]:
    weights = np.random.default_rng(3).normal(size=shape).astype(np.float32)
    ends = [helper.make_tensor_value_info("x", 1, [1, shape[1], *[12] * (len(shape) - 2)]),
            helper.make_tensor_value_info("y", 1, None)]  # fmt: skip
    node = helper.make_node("Conv", ["x", "w"], ["y"])
    stored = [numpy_helper.from_array(weights, "w")]
    model = helper.make_model(helper.make_graph([node], "g", ends[:1], ends[1:], stored))
    return cnnscope.analyze(model), weights


def test_filters_of_one_and_three_axes(axes) -> None:
    report, weights = stored_filters(6, 1, 9)
    report.plot.filters(0, together=True, ax=axes)
    grey = 0.5 + weights[:, 0] / np.abs(weights).max() / 2
    assert np.allclose(axes.images[0].get_array(), grey, atol=1e-6)
    assert len(report.plot.data("filters", 0)) == 54
    report, weights = stored_filters(2, 4, 2, 3, 3)
    report.plot.filters(0, channel=1, together=True, ax=(other := Figure().subplots()))
    grey = 0.5 + weights[:, 1] / np.abs(weights[:, 1]).max() / 2
    picture = other.images[0].get_array()
    assert np.allclose(picture[:3, :3], grey[0, 0], atol=1e-6)  # slices side by side
    assert np.allclose(picture[:3, 3:6], grey[0, 1], atol=1e-6)
    report.plot.region(0, ax=(map_ := Figure().subplots()))
    assert map_.get_title().endswith("; axis 2: 5 to 6")


def test_filters_as_a_mosaic(axes) -> None:
    report = cnnscope.analyze(EDGES)
    report.plot.filters("conv1", ax=axes)
    picture = axes.images[0].get_array()
    images = report.filters("conv1").images()
    for i, image in enumerate(images):  # three in a row, a line of white between
        top, left = i // 3 * 6, i % 3 * 6
        assert (picture[top : top + 5, left : left + 5] == image).all()
    assert (picture[5] == 1).all()
    frame = report.plot.data("filters", "conv1")
    assert len(frame) == images.size
    red = frame[(frame["filter"] == 2) & (frame["color"] == "red")]
    assert red["level"].tolist() == images[2, :, :, 0].ravel().tolist()


def test_a_figure_of_its_own_can_be_closed(resnet: cnnscope.Report) -> None:
    matplotlib.use("agg")
    from matplotlib import pyplot

    before = pyplot.get_fignums()
    found = resnet.plot.field()
    assert len(pyplot.get_fignums()) == len(before) + 1
    pyplot.close(found.figure)
    assert pyplot.get_fignums() == before


def test_what_cannot_be_drawn_is_said(resnet: cnnscope.Report) -> None:
    for kind, asked, said in (
        ("feild", (), "did you mean field"),
        ("cost", ("colour",), "there is no metric"),
        ("roofline", (), "needs a profile, or ceilings"),
        ("roofline", ("fast",), "aren't ceilings"),
        ("filters", ("/relu/Relu",), "no filters"),
        ("effective", (3, 4), None),
    ):
        with pytest.raises((ValueError, TypeError), match=said):
            resnet.plot.data(kind, *asked)
    none, _ = stored_filters(0, 1, 3, 3)
    assert none.filters(0).images().shape == (0, 3, 3)
    with pytest.raises(ValueError, match="no kernels to draw"):
        none.plot.filters(0)
    for most in (0, -1, 2.5):
        with pytest.raises(ValueError, match=f"most is {most}; a whole number from 1 on"):
            cnnscope.analyze(EDGES).plot.filters("conv1", most=most)
    with pytest.raises(KeyError, match="nowhere"):
        resnet.plot.data("region", "nowhere")
    read = cnnscope.load(json.dumps(resnet.to_dict()).encode())
    with pytest.raises(ValueError, match="read from data"):
        read.plot.data("sizes")
    for kind in ("cost", "field", "memory"):
        assert read.plot.data(kind).equals(resnet.plot.data(kind))
