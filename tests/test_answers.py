"""Every answer is data, rows and one short line besides what it looks like; the graph can be written."""

from __future__ import annotations

import io
import json
import time
from fractions import Fraction
from pathlib import Path

import networkx
import onnx.parser
import pytest
from amounts import amount
from networks import network, node
from test_formats import HOSTILE, values

import cnnscope
from cnnscope.analyzer.values.frames import data_frame, flat
from cnnscope.analyzer.values.shown import Answer

pandas = pytest.importorskip("pandas")


@pytest.mark.parametrize("kind", [x for x in values() if x != "layer"])
def test_an_answer_is_data_rows_and_one_short_line(kind: str) -> None:
    value = values()[kind]
    assert isinstance(value, Answer)
    assert json.loads(json.dumps(value.to_dict(), allow_nan=False))
    short = repr(value)
    assert short.startswith(f"<cnnscope.{type(value).__name__} ")
    assert short.endswith(">")
    assert len(short) < 200
    assert "\n" not in short
    frame = value.to_dataframe()
    assert len(frame) == len([*value.records()])
    for column in frame:
        cells = [x for x in frame[column] if not pandas.isna(x)]
        assert all(isinstance(x, str | int | float | bool) or hasattr(x, "dtype") for x in cells)
        if pandas.api.types.is_numeric_dtype(frame[column].dtype):
            frame[column].astype(float)
        else:
            assert all(isinstance(x, str | bool) for x in cells), column


def test_columns_of_numbers_are_what_the_layers_say(samples: Path) -> None:
    report = cnnscope.analyze(samples / "googlenet.onnx")
    frame = report.to_dataframe()
    for layer, (_, row) in zip(report.layers, frame.iterrows(), strict=True):
        assert (row["macs"], row["params"], row["name"]) == (layer.macs, layer.params, layer.name)
        for axis, letter in ((2, "h"), (3, "w")):
            (field,) = (f for f in layer.receptive_field if f.axis == axis)
            expected = {
                "rf": field.size, "local": field.local_size, "step": field.step, "start": field.start,
                "smallest": field.smallest_size, "outside": field.outside_share,
            }  # fmt: skip
            found = {what: row[f"{what}_{letter}"] for what in expected}
            for what, value in expected.items():
                assert (pandas.isna(found[what]) and value is None) or found[what] == value, what
            if field.output_axis is not None:
                assert row[f"out_{letter}"] == (layer.output_shape or ())[field.output_axis]
    assert frame["macs"].sum() == report.totals.macs.value
    assert frame[["rf_h", "macs"]].astype(float).notna().all(axis=None)


@pytest.mark.parametrize(
    ("sample", "axes"), [("wavenet", ["rf_l"]), ("c3d", ["rf_d", "rf_h", "rf_w"]), ("unet", ["rf_h", "rf_w"])]
)  # fmt: skip
def test_axes_have_the_names_of_the_field(sample: str, axes: list[str], samples: Path) -> None:
    frame = cnnscope.analyze(samples / f"{sample}.onnx").to_dataframe()
    assert [c for c in frame if c.startswith("rf_") and c != "rf_global"] == axes


def two_inputs() -> cnnscope.Report:
    return cnnscope.analyze(
        onnx.parser.parse_model(
            """<ir_version: 8, opset_import: ["" : 17]>
            g (float[1,1,H,8] image, float[1,1,H,8] mask) => (float[1,1,H,8] y) {
                a = AveragePool <kernel_shape=[3,3], pads=[1,1,1,1]> (image)
                b = MaxPool <kernel_shape=[5,1], pads=[2,0,2,0]> (mask)
                y = Mul (a, b)
            }"""
        )
    )


def test_a_further_input_has_its_name_behind() -> None:
    frame = two_inputs().to_dataframe()
    last = frame.iloc[-1]
    assert [last[c] for c in ("rf_h", "rf_w", "rf_h@mask")] == [3, 3, 5]
    assert "rf_w@mask" not in frame  # nothing is seen along it but what stands at the place itself
    assert pandas.isna(frame["rf_h@mask"][0])  # the first layer sees nothing of the mask
    assert pandas.isna(frame["out_h"][0])
    assert frame["out_w"][0] == 8
    assert pandas.isna(last["flops"])
    assert last["flops_formula"] == "8*H"


def test_cells() -> None:
    assert flat({"a": {"b": [1, None]}, "rows": [{"x": 1}], "c": {"value": 2, "unit": "s"}}) == {
        "a_b": "1, ?", "c": 2, "c_unit": "s",
    }  # fmt: skip
    frame = data_frame([{"a": 2**63, "b": True, "c": None}, {"a": 1, "b": None, "c": None}], ["z"])
    assert frame.dtypes.astype(str).to_dict() == {
        "z": "float64", "a": "float64", "b": "boolean", "c": "float64",
    }  # fmt: skip


@pytest.mark.parametrize("sample", ["googlenet", "lenet5", "wavenet"])
def test_the_graph_can_be_written_and_read_again(sample: str, samples: Path) -> None:
    check_writers(cnnscope.analyze(samples / f"{sample}.onnx"))


def test_numbers_beyond_every_float() -> None:
    vast = 10**400
    frame = data_frame([{"a": vast, "b": Fraction(vast, 3)}, {"a": None, "b": Fraction(1, 2)}])
    assert frame["a"].tolist() == [vast, None]
    assert frame["b"].tolist() == [vast // 3, 0.5]


def test_thousands_of_nodes_of_one_name() -> None:
    """The graph of them takes about as long as that of nodes with names of their own."""
    count = amount(1500, 5000)
    nodes = [node("Relu", f"t{i}" if i else "x", f"t{i + 1}") for i in range(count)]
    record = cnnscope.analyze(network(*nodes, x=(1, 8))).to_dict()
    layers = record["layers"]
    assert isinstance(layers, list)
    spent = []
    for name in ("x{}", "x"):
        for i, layer in enumerate(layers):
            layer["name"] = name.format(i)
        report = cnnscope.load(json.dumps(record).encode())
        assert isinstance(report, cnnscope.Report)
        began = time.process_time()
        graph = report.graph
        spent.append(time.process_time() - began)
        assert len(graph) == count + 2
    assert {"x", "x (Relu)", "x (2)", f"x ({count - 1})"} <= {*graph.nodes}
    assert spent[1] < 5 * spent[0] + 0.5


def test_the_graph_of_hostile_names_can_be_written() -> None:
    model = onnx.parser.parse_model(
        """<ir_version: 8, opset_import: ["" : 17]> g (float[1,1,8] x) => (float[1,1,8] y)
        { a = Relu (x) b = Neg (a) c = Abs (b) y = Exp (c) }"""
    )
    names = [HOSTILE, "\x00\x1b[31m\u202e", "\\x00\\x1b[31m\\u202e", "x"]
    for each, name in zip(model.graph.node, names, strict=True):
        each.name = name
    report = cnnscope.analyze(model)
    assert len(report.graph) == 6
    check_writers(report)


def check_writers(report: cnnscope.Report) -> None:
    """GraphML and JSON give back the same nodes, edges and attributes."""
    graph = report.graph
    file = io.BytesIO()
    networkx.write_graphml(graph, file)
    file.seek(0)
    again = networkx.read_graphml(file)
    assert dict(again.nodes(data=True)) == dict(graph.nodes(data=True))
    assert [*again.edges(data=True)] == [*graph.edges(data=True)]
    data = networkx.node_link_data(graph, edges="edges")
    back = networkx.node_link_graph(json.loads(json.dumps(data)), edges="edges")
    assert dict(back.nodes(data=True)) == dict(graph.nodes(data=True))
    assert [*back.edges(data=True)] == [*graph.edges(data=True)]
