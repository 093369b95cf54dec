"""Free lengths: leading terms against the formulas' own growth, and the command that binds them."""

from __future__ import annotations

import json
import shlex
from pathlib import Path

import onnx
import onnx.helper
import onnx.parser
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from test_cli import Run, run

import cnnscope
from cnnscope.analyzer.render.forms.terminal import text
from cnnscope.analyzer.render.subjects.diagnostics import diagnostic_lines
from cnnscope.analyzer.render.subjects.free_sizes import (
    length_text,
    shape_forms,
    shape_text,
    shortened,
)
from cnnscope.analyzer.render.subjects.report import document as report_document
from cnnscope.analyzer.values.dimension import Dim, FreeDim
from cnnscope.analyzer.values.extremes import greatest
from cnnscope.analyzer.values.leading import leading
from cnnscope.analyzer.values.notation import nbytes

__all__ = ["run"]  # the fixture

H, W = FreeDim.named("H"), FreeDim.named("W")


@st.composite
def formulas(draw: st.DrawFn) -> tuple[Dim, str]:
    """A formula as cnnscope has it, and as Python reckons it."""
    found: tuple[Dim, str] = draw(st.sampled_from([(H, "H"), (W, "W"), (H * W, "H*W")]))
    for _ in range(draw(st.integers(0, 4))):
        dim, text = found
        n = draw(st.integers(1, 64))
        found = draw(
            st.sampled_from(
                [
                    (dim + n, f"({text} + {n})"),
                    (dim * n, f"({text})*{n}"),
                    (dim // n, f"(({text})//{n})"),
                    (dim * H + W, f"({text})*H + W"),
                    (greatest(dim, n), f"max({text}, {n})"),
                ]
            )
        )
    return found


@settings(max_examples=200, deadline=None)
@given(formulas())
def test_the_leading_term_is_what_a_formula_grows_as(formula: tuple[Dim, str]) -> None:
    dim, text = formula
    found = leading(dim)
    assert found is not None
    sizes = {"H": 3 * 10**15 + 1, "W": 2 * 10**15 + 1}
    said = 0
    for factor, names in found.terms:
        product = factor
        for name in names:
            product *= sizes[name]
        said += product
    exact = eval(text, {"max": max}, sizes)  # arithmetic that was drawn above
    assert said / exact == pytest.approx(1, rel=1e-5)
    if found.exact:
        assert said == exact


@pytest.mark.parametrize(
    ("formula", "expected"),
    [
        (25088 * H * W, "25.1 k·H·W"),
        (100352 * (H // 2) * (W // 2), "≈ 25.1 k·H·W"),
        (H * W, "H·W"),
        (H // 4, "≈ H/4"),
        (2 * H * H, "2·H²"),
        (64 * H * H + 3 * H * W, "64·H² + 3·H·W"),
        (5 * H + 3, "≈ 5·H"),
        (H // 3 * 2, "≈ 0.667·H"),
        (-3 * H, "-3·H"),
        (FreeDim.named("a" * 500) * 9, "9·aaaaaa…aaaaa"),
        (FreeDim.named("a\x1b[31m\n") * 9, r"9·a\x1b[31m\n"),
        (H - H // 2 * 2, "H - 2·⌊H/2⌋"),  # what leads cancels
        (999_600 * H, "1.00 M·H"),
    ],
)
def test_cells(formula: Dim, expected: str) -> None:
    assert shortened(formula) == expected
    assert len(shortened(formula)) <= 28


def test_bytes_and_lengths() -> None:
    assert shortened(12 * H * W, nbytes) == "12 B·H·W"
    assert shortened(11_059 * H * W, nbytes) == "10.8 KiB·H·W"
    assert [length_text(x) for x in (7, H, H - 1, (H + 3) // 4)] == ["7", "H", "(H - 1)", "≈H/4"]
    assert (shape_text(None), shape_text(()), shape_text((1, 8, (W + 1) // 2))) == (
        "?", "scalar", "1x8x≈W/2",
    )  # fmt: skip


@pytest.mark.parametrize(
    ("names", "shortest"),
    [
        (("height", "width"), "1x64x≈h…/2x≈w…/2"),
        (("s53", "s0"), "1x64x≈s…/2x≈s0/2"),
        (("length", "long"), "1x64x≈l…h/2x≈l…g/2"),  # in two characters they would be alike
    ],
)
def test_a_shape_without_room_keeps_its_axes(names: tuple[str, str], shortest: str) -> None:
    one, other = map(FreeDim.named, names)
    forms = shape_forms((1, 64, (one + 1) // 2, (other + 1) // 2))
    assert forms[0] == "1x64x≈{}/2x≈{}/2".format(*names)
    assert forms[-1] == shortest


@pytest.mark.parametrize("width", [60, 80, 100])
def test_no_shape_is_cut_in_its_middle(tmp_path: Path, width: int) -> None:
    report = cnnscope.analyze(yolo_like(tmp_path / "m.onnx", [1, 3, "image_height", "image_width"]))
    from cnnscope.analyzer.render.forms.terminal_tables import table_lines
    from cnnscope.analyzer.render.subjects.layers import LAYER_COLUMNS
    from cnnscope.analyzer.render.tables import table

    lines = list(table_lines(table(LAYER_COLUMNS, report.layers), width))
    text = "\n".join("".join(part for part, _ in line) for line in lines)
    shapes = [word for word in text.split() if word.startswith("1x")]
    assert all(shape.count("x") == 3 for shape in shapes)


# -- the fifth of the tasks of every day ---------------------------------------------------------------


def yolo_like(path: Path, shape: list[str | int | None]) -> Path:
    """A convolution of stride 2 and one of stride 1 over height and width that are free."""
    node = onnx.helper.make_node
    nodes = [
        node("Conv", ["images", "k"], ["a"], "stem/conv", pads=[1, 1, 1, 1], strides=[2, 2]),
        node("Relu", ["a"], ["b"], "stem/act"),
        node("Conv", ["b", "h"], ["y"], "head/conv"),
    ]
    value = onnx.helper.make_tensor_value_info
    weights = [
        onnx.helper.make_tensor("k", 1, [16, 3, 3, 3], bytes(4 * 16 * 27), raw=True),
        onnx.helper.make_tensor("h", 1, [85, 16, 1, 1], bytes(4 * 85 * 16), raw=True),
    ]
    graph = onnx.helper.make_graph(
        nodes, "g", [value("images", 1, shape)], [value("y", 1, None)], weights
    )
    onnx.save(onnx.helper.make_model(graph, opset_imports=[onnx.helper.make_opsetid("", 17)]), path)
    return path


def bound(out: str) -> list[str]:
    (command,) = [line for line in out.splitlines() if line.startswith("cnnscope analyze")]
    return shlex.split(command)[1:]


def test_formulas_at_once_and_the_command_that_binds_them(tmp_path: Path, run: Run) -> None:
    path = yolo_like(tmp_path / "a model.onnx", [1, 3, "height", "width"])
    done = run(path)
    assert done.code == 0
    # 27*16 MACs at a quarter of the places: 108; and 16*85 of them there: 340
    (stem,) = [line for line in done.out.splitlines() if line.startswith("stem/conv")]
    assert "≈ 108·height·width" in stem
    assert "≈ 448·height·width" in done.out
    assert "?" not in done.out.split("\n\n")[1]
    again = bound(done.out)
    assert again == ["analyze", str(path), "--dim", "height=640", "--dim", "width=640"]
    numbers = run(*again)
    assert numbers.code == 0
    assert " MACs 183.5 M " in " ".join(numbers.out.split())  # 448 * 640*640
    assert not [line for line in numbers.out.splitlines() if line.startswith("cnnscope analyze")]


def test_lengths_without_a_name(tmp_path: Path, run: Run) -> None:
    path = yolo_like(tmp_path / "unnamed.onnx", [1, 3, None, None])
    again = bound(run(path).out)
    assert again == ["analyze", str(path), "--shape", "images=1x3x640x640"]
    assert " MACs 183.5 M " in " ".join(run(*again).out.split())


def test_names_that_are_no_plain_words(tmp_path: Path, run: Run) -> None:
    """What a shell or a page might take for something else is given by its place."""
    path = yolo_like(tmp_path / "q.onnx", [1, 3, "h; rm -rf /", "<b>"])
    again = bound(run(path).out)
    assert again[2:] == ["--shape", "images=1x3x640x640"]
    assert run(*again).code == 0


def test_json_keeps_formulas(tmp_path: Path, run: Run) -> None:
    path = yolo_like(tmp_path / "m.onnx", [1, 3, "H", "W"])
    stem = json.loads(run(path, "--format", "json").out)["layers"][0]
    assert stem["macs"] is None
    assert stem["macs_formula"] == "432*floor((H + 1)/2)*floor((W + 1)/2)"
    assert stem["flops_formula"] == "864*floor((H + 1)/2)*floor((W + 1)/2)"
    # x of float32, and 16*27 weights
    assert stem["bytes_read_formula"] == "12*H*W + 1728"
    assert stem["bytes_written_formula"] == "64*floor((H + 1)/2)*floor((W + 1)/2)"


# -- what was noticed ----------------------------------------------------------------------------------

OWN = '<ir_version: 8, opset_import: ["" : 17, "my" : 1]> g (float[8] x) => (float[8] y) {'


def test_one_cause_is_one_line() -> None:
    model = onnx.parser.parse_model(
        OWN + " ".join(f"[own{i}] t{i} = my.Own(x)" for i in range(12)) + "y = my.Other(t0, t1) }"
    )
    report = cnnscope.analyze(model)
    lines = [text for severity, text in diagnostic_lines(report) if severity == "warning"]
    own, other = lines
    assert own.startswith("unknown-operator: operator my::Own isn't known")
    assert own.endswith(" x 12: at own0, own1, own2, ...")
    assert "my::Other" in other
    assert " x " not in other
    # JSON has each of them.
    data = report.to_dict()["diagnostics"]
    assert isinstance(data, list)
    assert len([x for x in data if x["code"] == "unknown-operator"]) == 13


def test_many_causes_of_a_code() -> None:
    body = " ".join(f"[n{i}] t{i} = my.Op{'abcdefgh'[i]}(x)" for i in range(8))
    report = cnnscope.analyze(onnx.parser.parse_model(f"{OWN} {body} y = Relu(t0) }}"))
    lines = [text for severity, text in diagnostic_lines(report) if severity == "warning"]
    assert len(lines) == 4
    assert lines[-1] == "unknown-operator: ... and 5 more"


def test_a_free_length_is_told_once(tmp_path: Path, run: Run) -> None:
    out = run(yolo_like(tmp_path / "m.onnx", [1, 3, "H", "W"])).out
    assert "free-dimension" not in out
    assert out.count("are free") == 1


def test_shapes_and_formulas_stand_together_in_a_terminal() -> None:
    """Long names of lengths had pushed the MACs out, or cut shapes in their middle."""
    body = "".join(
        f"a{i} = Conv <pads = [1, 1, 1, 1]> ({f'a{i - 1}' if i else 'x'}, w) " for i in range(4)
    )
    ends = "(float[1,3,height,width] x) => (float[1,3,height,width] a3)"
    taps = f"<float[3,3,3,3] w = {{{', '.join(['1'] * 81)}}}>"
    model = onnx.parser.parse_model(
        f'<ir_version: 8, opset_import: ["" : 17]> g {ends} {taps} {{ {body} }}'
    )
    for i, node in enumerate(model.graph.node):
        node.name = f"/backbone/features/stage{i}/features.{i}/conv/conv.{i}/Conv"
    report = cnnscope.analyze(model)
    for columns in (80, 90, 100):
        lines = text(report_document(report), columns).splitlines()
        row = next(line for line in lines if " Conv " in line)
        assert "1x3x" in row, columns
        assert "81·h" in row, columns
        assert "…idth" not in row, columns


def test_work_that_is_not_counted_in_full_has_no_formula() -> None:
    """What is counted of it would be a lower bound, told as the figure."""
    branch = "b () => (float[1,3,H,8] o) {{ t = Conv <pads = [1, 1, 1, 1]> (x, w) o = {last} (t) }}"
    text = f"""<ir_version: 8, opset_import: ["" : 17, "my" : 1]>
    g (float[1,3,H,8] x, bool c, float[3,3,3,3] w) => (float[1,3,H,8] y) {{
        y = If (c) <then_branch = {branch.format(last="my.Own")}, else_branch = {branch.format(last="Relu")}>
    }}"""
    ((layer,), (counted,)) = (
        cnnscope.analyze(onnx.parser.parse_model(x)).layers for x in (text, text.replace("my.Own", "Relu"))
    )  # fmt: skip
    assert layer.uncounted
    assert not {"macs", "flops"} & {*layer.formulas}
    assert "macs_formula" not in layer.to_dict()
    assert counted.formulas["macs"] == counted.to_dict()["macs_formula"] == "648*H"


def test_a_total_that_lacks_a_term_is_at_least_its_formula(tmp_path: Path, run: Run) -> None:
    model = onnx.parser.parse_model(
        """<ir_version: 8, opset_import: ["" : 17, "my" : 1]>
        g (float[1,3,H,8] x, float[3,3,3,3] w) => (float[1,3,H,8] y)
        { a = Conv <pads = [1, 1, 1, 1]> (x, w) b = my.Own (a) y = Relu (a) }"""
    )
    onnx.save(model, tmp_path / "own.onnx")
    out = run("analyze", str(tmp_path / "own.onnx")).out
    (macs,) = [line for line in out.splitlines() if line.startswith("MACs")]
    assert " >= 648·H; 1 x my::Own uncounted" in macs
    frame = {row["op"]: row for row in cnnscope.analyze(model).by_op().records()}
    assert frame["Conv"]["macs_formula"] == "648*H"
    report = cnnscope.analyze(model)
    assert "macs_formula" not in report.totals.macs.record("macs")
