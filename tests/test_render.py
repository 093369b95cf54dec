"""Renderers: golden output of a report made by hand, and what holds for every report's output."""

from __future__ import annotations

import csv
import io
import json
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import jsonschema
import networkx
import pytest
from amounts import amount
from hypothesis import given, settings
from hypothesis import strategies as st
from laid_out import report_csv, report_html, report_json, report_markdown, report_text
from rich.cells import cell_len
from rich.console import Console

from cnnscope.analyzer.analysis import analyze
from cnnscope.analyzer.layers.kinds import Kind
from cnnscope.analyzer.operators.work import Work
from cnnscope.analyzer.render.columns import chosen_columns, sorted_rows
from cnnscope.analyzer.render.forms.csv import cell
from cnnscope.analyzer.render.forms.json import dumped
from cnnscope.analyzer.render.subjects.layers import LAYER_COLUMNS
from cnnscope.analyzer.render.subjects.report import report_schema
from cnnscope.analyzer.render.subjects.selection import Selection
from cnnscope.analyzer.render.subjects.totals import total_text
from cnnscope.analyzer.report.fact_source import Value
from cnnscope.analyzer.report.group import By
from cnnscope.analyzer.report.layer import Layer
from cnnscope.analyzer.report.layers import Layers, row
from cnnscope.analyzer.report.metric import Metric, Totals
from cnnscope.analyzer.report.model_info import ModelInfo
from cnnscope.analyzer.report.network_input import Input
from cnnscope.analyzer.report.receptive_field import ReceptiveField
from cnnscope.analyzer.report.report import Report
from cnnscope.analyzer.values.diagnostics import Diagnostic
from cnnscope.analyzer.values.dimension import FreeDim
from cnnscope.analyzer.values.notation import count, escape, middle, name, nbytes
from cnnscope.analyzer.values.tensor import Tensor

WIDTHS = [60, 80, 100, 140, 200]
SAMPLES = ["lenet5", "resnet50", "wavenet", "c3d", "vit_b_16", "efficientnet_b0", "fcn8s"][
    : amount(5, 7)
]
HOSTILE = [
    "=HYPERLINK(1)|pipe`*_<b>",
    "new\nline\r\x1b[31mred\x1b]0;title\x07",
    "\u202eright to left\u2028zero\u200bwidth",
    "[bold red]markup[/] :smile: \\[",
    "宽" * 60,
    "n" * 5000,
    "\udc80surrogate",
    "",
    "'quote' \"double\", comma; &amp;",
]


def field(axis: int, size: int, **more: object) -> ReceptiveField:
    facts: dict[str, object] = {
        "input": "x", "axis": axis, "output_axis": axis, "size": size, "step": 2, "start": -1,
        "center": Fraction(1, 2), "global_": False, "global_by": None, "aligned": True,
        "local_size": size, "smallest_size": size, "coverage": size / 32,
    }  # fmt: skip
    return ReceptiveField(**{**facts, **more})  # type: ignore[arg-type]


@dataclass
class Told:
    """A source of a layer whose words and figures are given."""

    fields: tuple[ReceptiveField, ...]

    def kind(self) -> Kind:
        return Kind("convolution")

    def operands(self) -> tuple[Value | None, ...]:
        return ()

    def receptive_field(self) -> tuple[ReceptiveField, ...]:
        return self.fields

    def padded_share(self) -> float | None:
        return None

    def modules(self) -> dict[str, str]:
        return {}


def layer(index: int, title: str, **more: object) -> Layer:
    told = Told(more.pop("receptive_field", (field(2, 3), field(3, 3))))  # type: ignore[arg-type]
    facts: dict[str, object] = {
        "index": index, "name": title, "op": "Conv", "scope": "", "inputs": ("x",),
        "outputs": (Value(f"out{index}", Tensor("float32", (1, 8, 16, 16))),), "attributes": {},
        "params": 216, "buffers": 0, "constants": 0, "shared_params": 0, "weight_bytes": 864,
        "work": Work(float_macs=55296), "uncounted": {}, "bytes_read": 13152,
        "bytes_written": 8192, "how": "rules", "_source": told,
    }  # fmt: skip
    return Layer(**{**facts, **more})  # type: ignore[arg-type]


def report(*layers: Layer, **more: object) -> Report:
    seven = Metric.of(7)
    totals: dict[str, object] = {
        "params": Metric.of(25_557_032), "buffers": Metric.of(53_120), "constants": Metric.of(0),
        "macs": Metric.of(4_089_184_256, {"MyOp": 2}), "float_macs": seven,
        "int_macs": Metric.of(0), "flops": Metric.of(FreeDim.named("H") * 2),
        "weight_bytes": Metric.of(102_228_128), "peak_activation_bytes": Metric.of(9_633_792),
        "traffic_bytes": Metric.of(None, {"MyOp": 1}), "peak_layer": "conv",
        "folded_macs": Metric.of(0), "folded_flops": Metric.of(0),
    }  # fmt: skip
    tensor = Tensor("float32", (1, 3, 32, FreeDim.named("W")))
    last = layers[-1].outputs[0] if layers else Value("y", Tensor())
    return Report(
        model=ModelInfo("net.onnx", "by hand", 8, {"": 17, "com.microsoft": 1}, 1000, "none"),
        inputs=(Input(str(more.get("input", "x")), tensor, tensor),),
        outputs=(Input(last.name, last.tensor, Tensor()),),
        layers=Layers(layers),
        totals=Totals(**totals),  # type: ignore[arg-type]
        diagnostics=more.get("diagnostics", ()),  # type: ignore[arg-type]
        tensors={"x": tensor},
        _graph=lambda _: networkx.DiGraph(),
    )


def by_hand() -> Report:
    unknown = Tensor(None, None)
    whole = {"global_": True, "global_by": "pool", "output_axis": None, "step": None}
    return report(
        layer(0, "conv"),
        layer(1, "custom", op="my.domain::MyOp", outputs=(Value("out1", unknown),), work=None,
              uncounted={"MyOp": 2}, bytes_read=None, receptive_field=(), params=0),
        layer(2, "pool", op="GlobalAveragePool", params=0, work=Work(add=512, div=8),
              outputs=(Value("out2", Tensor("float32", (1, 8, 1, FreeDim.named("W") - 1))),),
              receptive_field=(field(2, 32, **whole, local_size=7),
                               field(3, 32, **whole, local_size=9))),
        diagnostics=tuple(
            Diagnostic("unknown-operator", "warning", f"custom{i}", "no rules", "tell us")
            for i in range(5)
        ),
    )  # fmt: skip


GOLDEN = """\
net.onnx: 3 layers, ai.onnx 17, com.microsoft 1, no weights stored
input   x  1x3x32xW float32
output  out2  1x8x1x(W - 1) float32

layer   op                 output         params     MACs    FLOPs      field
------  -----------------  -------------  ------  -------  -------  ---------
conv    Conv               1x8x16x16         216  55.30 k  110.6 k          3
custom  my.domain::MyOp    ?                   0      ?        ?            -
pool    GlobalAveragePool  1x8x1x(W - 1)       0      0      520    all (7x9)

parameters        25.56 M    distinct learned weight elements, shared ones once
buffers           53.12 k    stored running statistics; not learned
MACs              >= 4.09 G (partial: 2 x MyOp uncounted): products in
                  convolution, matrix products, attention, recurrence; bias
                  excluded
FLOPs                   2·H  2 x MACs + every other arithmetic operation once
weights           97.49 MiB  bytes of everything stored that is used
peak activations   9.19 MiB  most bytes of activations alive at once, in running
                             order; at conv
traffic           unavailable: 1 x MyOp uncounted: bytes that all layers read
                  plus bytes they write
receptive field   out2 sees all (7x9) of x (100 % of each axis), global by pool

warning: unknown-operator: no rules (tell us) x 5: at custom0, custom1, custom2,
         ..."""


def test_the_table_by_hand() -> None:
    assert report_text(by_hand(), 80) == GOLDEN


def test_rich_prints_the_same() -> None:
    plain = Console(file=io.StringIO(), width=80, color_system=None)
    plain.print(by_hand(), soft_wrap=True)
    printed = [line.rstrip() for line in plain.file.getvalue().splitlines()]  # type: ignore[attr-defined]
    assert printed == GOLDEN.splitlines()


@pytest.fixture(scope="module", params=SAMPLES)
def sample(request: pytest.FixtureRequest, samples: Path) -> Report:
    return analyze(samples / f"{request.param}.onnx")


@pytest.fixture(scope="module")
def hostile() -> Report:
    layers = [layer(i, text or "empty", op=text, scope=text) for i, text in enumerate(HOSTILE)]
    notes = tuple(Diagnostic("odd-name", "info", text, text, text) for text in HOSTILE)
    return report(*layers, diagnostics=notes, input=HOSTILE[1])


def assert_tidy(text: str, width: int | None = None) -> None:
    for line in text.split("\n"):
        assert line.isprintable(), repr(line)
        assert width is None or cell_len(line) <= width, line


@pytest.mark.parametrize("by", [None, "op", "kind", "module", "block"])
def test_no_line_is_wider(sample: Report, by: By | None) -> None:
    for width in (20, *WIDTHS):
        assert_tidy(report_text(sample, width, Selection(by=by)), width)


@pytest.mark.parametrize("width", [20, *WIDTHS])
def test_no_line_is_wider_whatever_the_names(hostile: Report, width: int) -> None:
    assert_tidy(report_text(hostile, width), width)
    assert_tidy(report_text(by_hand(), width), width)
    assert_tidy(report_text(report(), width), width)


def test_a_wider_terminal_shows_no_fewer_columns(sample: Report) -> None:
    shown = [
        len(next(x for x in report_text(sample, w).split("\n") if x.startswith("---")).split())
        for w in WIDTHS
    ]
    assert shown == sorted(shown)
    assert shown[1] >= 4  # at 80 columns: names and operators are whole before there are more
    assert shown[-1] == len([c for c in LAYER_COLUMNS if c.importance])


def test_columns_asked_for_are_all_shown(sample: Report) -> None:
    wanted = tuple(c.name for c in LAYER_COLUMNS)
    text = report_text(sample, 60, Selection(columns=wanted, top=2))
    head = next(x for x in text.split("\n") if x.startswith("---") or " ---" in x)
    assert len(head.split()) == len(wanted)


def test_rich_takes_nothing_for_markup(hostile: Report) -> None:
    out = io.StringIO()
    Console(file=out, width=200, force_terminal=True, color_system="standard").print(hostile)
    assert "[bold red]markup[/] :smile:" in out.getvalue()
    assert "\x1b]0" not in out.getvalue()


def test_csv_holds_exactly_the_rows(sample: Report) -> None:
    lines = list(csv.DictReader(io.StringIO(report_csv([sample]))))
    assert len(lines) == len(sample.layers)
    for line, found in zip(lines, sample.layers, strict=True):
        assert int(line.pop("index")) == found.index
        for key, value in row(found).items():
            text = line.pop(key)
            if isinstance(value, str):
                assert text == value
            elif value is None:
                assert text == ""
            else:
                assert json.loads(text) == value
        assert not line


def test_csv_runs_no_formula(hostile: Report) -> None:
    text = report_csv([hostile, hostile], with_model=True)
    lines = list(csv.reader(io.StringIO(text)))
    assert len(lines) == 1 + 2 * len(hostile.layers)
    assert len(text.splitlines()) == len(lines)
    assert lines[0][0] == "model"
    assert lines[1][2] == "'=HYPERLINK(1)|pipe`*_<b>"
    for start in "=+-@\t\r":
        assert cell(f"{start}1").startswith("'")
    assert_tidy(text)


def test_markdown_tables_stay_tables(hostile: Report) -> None:
    text = report_markdown(hostile)
    assert_tidy(text)
    tables = [line for line in text.split("\n") if line.startswith("|")]
    bars = {line.replace("\\\\", "").replace("\\|", "").count("|") for line in tables}
    assert len(bars) == 2  # the layers' table and the totals'
    assert "<b>" not in text
    assert "\\|pipe" in text


def test_html_is_text(hostile: Report) -> None:
    text = report_html(hostile)
    assert "<b>" not in text.replace("<p><b>", "")
    assert "&lt;b&gt;" in text
    assert_tidy(text)
    assert hostile._repr_html_() == text


def test_html_has_an_end() -> None:
    many = report(*(layer(i, f"l{i}") for i in range(7)))
    assert "... 2 more rows" in report_html(many, 5)


@pytest.fixture(scope="module")
def schema() -> jsonschema.Draft202012Validator:
    found = report_schema()
    jsonschema.Draft202012Validator.check_schema(found)
    return jsonschema.Draft202012Validator(found)


def strict(text: str) -> object:
    def refuse(constant: str) -> object:
        raise AssertionError(constant)

    assert text.isascii()
    return json.loads(text, parse_constant=refuse)


def test_json_fits_its_schema(sample: Report, schema: jsonschema.Draft202012Validator) -> None:
    found = strict(report_json([sample], tensors=True))
    assert found == sample.to_dict(tensors=True)
    schema.validate(found)


def test_json_by_hand_fits_its_schema(
    hostile: Report, schema: jsonschema.Draft202012Validator
) -> None:
    for found in (by_hand(), hostile, report()):
        schema.validate(strict(report_json([found], tensors=True)))
    listed = strict(report_json([by_hand(), hostile], as_list=True))
    assert isinstance(listed, list)
    assert listed[1]["layers"][1]["name"] == HOSTILE[1]


@pytest.mark.parametrize(
    "break_it",
    [
        lambda d: d.pop("totals"),
        lambda d: d.update(extra=1),
        lambda d: d["totals"]["params"].update(value=None),
        lambda d: d["totals"]["macs"].update(status="complete"),
        lambda d: d["layers"][0].update(params=-1),
        lambda d: d["layers"][0]["receptive_field"][0].update(step=0.5),
        lambda d: d.update(schema_version=2),
    ],
)
def test_the_schema_refuses(break_it, schema: jsonschema.Draft202012Validator) -> None:
    found = json.loads(report_json([by_hand()]))
    schema.validate(found)
    break_it(found)
    assert not schema.is_valid(found)


def test_json_is_strict() -> None:
    with pytest.raises(ValueError, match="JSON"):
        dumped([float("nan")])


JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False)
    | st.text() | st.sampled_from(["##[error]x", "::error::", "\n::x", "#", "##vso[a]"]),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner) | st.tuples(inner, inner),
)  # fmt: skip


@given(JSON_VALUES)
@settings(max_examples=amount(25, 5_000), deadline=None)
def test_json_is_the_standard_library_s_however_it_is_written(value: object) -> None:
    text = dumped(value)
    assert json.loads(text) == json.loads(json.dumps(value))
    if "#" not in text:  # in which a letter may have been escaped
        assert text == json.dumps(value, indent=2) + "\n"
    streamed = {"a": iter([value, value]), "b": {"c": [value]}, "d": iter(())}
    assert dumped([streamed]) == dumped([{"a": [value, value], "b": {"c": [value]}, "d": []}])


def test_sorting() -> None:
    rows = tuple(by_hand().layers)

    def names(key: str) -> list[str]:
        return [x.name for x in sorted_rows(rows, LAYER_COLUMNS, key, None)]

    assert names("macs") == ["conv", "pool", "custom"]  # what isn't known stands last
    assert names("rf") == ["pool", "conv", "custom"]
    assert names("name") == ["conv", "custom", "pool"]
    assert names("index") == ["conv", "custom", "pool"]
    assert names("bytes")[-1] == "custom"
    assert len(sorted_rows(rows, LAYER_COLUMNS, None, 2)) == 2
    for column in LAYER_COLUMNS:
        names(column.name)


def test_a_column_that_is_not_there() -> None:
    with pytest.raises(ValueError, match=r"did you mean 'params'.*there are: index, name"):
        chosen_columns(LAYER_COLUMNS, ["parms"])


def test_numbers() -> None:
    assert [count(x) for x in (0, 999, 1000, 999_995, 99_995, 10**18, 10**30)] == [
        "0", "999", "1.00 k", "1.00 M", "100.0 k", "1.00 E", "1.00e+12 E",
    ]  # fmt: skip
    assert [nbytes(x) for x in (0, 1023, 1024, 2**40)] == ["0 B", "1023 B", "1.00 KiB", "1.00 TiB"]


def test_names() -> None:
    assert escape("a\x00\x7f\u2066\ufeff\udc80é宽") == "a\\x00\\x7f\\u2066\\ufeff\\udc80é宽"
    assert len(name("x" * 10**7)) == 200
    assert [middle("abcdef", n) for n in range(7)] == [
        "", "…", "a…", "a…f", "ab…f", "ab…ef", "abcdef",
    ]  # fmt: skip


def test_a_total_without_anything() -> None:
    assert total_text(Metric.of(None)) == "unavailable"
