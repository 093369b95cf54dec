"""Work against the table of cases where other tools disagree, and formulas by hand.

The true figures are those of `reference.md` d4: worked out by hand, each with the tools that get it
wrong. `macs` leaves the bias out; `flops` is 2 * macs + every other operation once.
"""
# ruff: noqa: E501  (a model is one line of a table)

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from cnnscope.analyzer.analysis import analyze
from cnnscope.analyzer.report.report import Report

# -- vocabulary --------------------------------------------------------------------------------


def parsed(text: str, opset: int = 18) -> onnx.ModelProto:
    return onnx.parser.parse_model(
        f'<ir_version: 9, opset_import: ["": {opset}, "local": 1]> {text}'
    )


def report(text: str, opset: int = 18) -> Report:
    return analyze(parsed(text, opset))


def conv(x: str, w: str, attributes: str, bias: str = "") -> str:
    more, use = (f", float[{bias}] b", ", b") if bias else ("", "")
    return f"g (float[{x}] x, float[{w}] w{more}) => (y) {{ y = Conv <{attributes}> (x, w{use}) }}"


DW = "Conv <group = 4, pads = [1,1,1,1]>"  # depthwise 3x3 on 4x16x16... 9 * 4 * 16 * 32 = 18,432
X = "float[1,4,16,32] x"


@pytest.mark.parametrize(
    ("text", "macs"),
    [
        (conv("1,3,32,32", "8,3,3,3", "strides=[2,2], pads=[1,1,1,1]", "8"), 55_296),
        (conv("1,2,8,8,8", "4,2,3,3,3", "strides=[2,2,2], auto_pad=\"SAME_UPPER\""), 13_824),
        (conv("1,1,16,16", "1,1,3,3", "dilations=[2,2], auto_pad=\"VALID\""), 1_296),
        ("g (float[1,4,8,8] x, float[4,6,4,4] w) => (y) "
         "{ y = ConvTranspose <strides=[2,2], pads=[1,1,1,1]> (x, w) }", 24_576),
        ("g (float[1,8,16] x, float[4,16,32] w) => (y) { y = MatMul(x, w) }", 16_384),
        ('g (float[1,2,8,4] q, float[1,2,8,4] k) => (y) { y = Einsum <equation="bhid,bhjd->bhij"> (q, k) }', 512),
        ("g (float[10,1,16] x, float[1,128,16] w, float[1,128,32] r) => (y) "
         "{ y = LSTM <hidden_size=32> (x, w, r) }", 61_440),
        (f"g ({X}, float[4,1,3,3] w, bool c) => (y) {{ y = If (c) <"
         f"then_branch = t () => (float[1,4,16,32] u) {{ u = {DW} (x, w) }}, "
         f"else_branch = e () => (float[1,4,16,32] v) {{ v = {DW} (x, w) }}> }}", 18_432),
        ("g (float[8,8] x, float[8,8] w) => (y) { n = Constant <value = int64 {5}> () "
         "t = Constant <value = bool {1}> () y = Loop (n, t, x) <body = b "
         "(int64 i, bool c, float[8,8] a) => (bool d, float[8,8] z) "
         "{ d = Identity(c) z = MatMul(a, w) }> }", 2_560),
        (f"g ({X}, float[4,1,3,3] w) => (y) {{ y = local.f(x, w) }} "
         f'<domain: "local", opset_import: ["": 18]> f (a, w) => (b) {{ b = {DW} (a, w) }}', 18_432),
        ("g (uint8[1,4,16,32] x, uint8[4,1,3,3] w) => (y) { y = ConvInteger <group = 4, pads = [1,1,1,1]> (x, w) }",
         18_432),
        ("g (float[1,1000] x) => (y) { y = Softmax(x) }", 0),
        ("g (float[5,7] a, float[7,3] b, float[3] c) => (y) { y = Gemm(a, b, c) }", 105),
        ("g (float[10,1,16] x, float[1,96,16] w, float[1,96,32] r) => (y) "
         "{ y = GRU <hidden_size=32> (x, w, r) }", 10 * 96 * 48),
        ("g (float[10,1,16] x, float[2,32,16] w, float[2,32,32] r) => (y) "
         '{ y = RNN <hidden_size=32, direction="bidirectional"> (x, w, r) }', 10 * 64 * 48),
    ],
)  # fmt: skip
def test_true_macs(text: str, macs: int) -> None:
    metric = report(text).totals.macs
    assert (metric.value, metric.status) == (macs, "complete")


def test_a_free_batch_is_bound_or_named() -> None:
    # Dynamic batch: 18,432 N.
    text = f"g (float[N,4,16,32] x, float[4,1,3,3] w) => (y) {{ y = {DW} (x, w) }}"
    assert analyze(parsed(text)).totals.macs.value == 18_432
    assert analyze(parsed(text), dims={"N": 7}).totals.macs.value == 7 * 18_432


def test_a_free_height_is_a_formula() -> None:
    text = f"g (float[1,4,H,32] x, float[4,1,3,3] w) => (y) {{ y = {DW} (x, w) }}"
    metric = analyze(parsed(text)).totals.macs
    assert (metric.value, metric.status, metric.formula) == (None, "unavailable", "1152*H")
    assert "H" in str(metric.uncounted)


@pytest.mark.parametrize(
    ("text", "flops"),
    [
        (conv("1,3,32,32", "8,3,3,3", "strides=[2,2], pads=[1,1,1,1]", "8"), 2 * 55_296 + 2_048),
        ("g (float[1,9] x) => (y) { y = Relu(x) }", 9),
        ("g (float[1,9] x, float[3,1] z) => (y) { y = Add(x, z) }", 27),
        ("g (float[1,9] x) => (y) { y = Reshape(x, s) }".replace("=> (y) {", "=> (y) <int64[2] s = {3, 3}> {"), 0),
        ("g (float[5,7] a, float[7,3] b, float[3] c) => (y) { y = Gemm(a, b, c) }", 2 * 105 + 15),
    ],
)  # fmt: skip
def test_flops(text: str, flops: int) -> None:
    assert report(text).totals.flops.value == flops


@pytest.mark.parametrize(
    ("training", "flops", "status"),
    [("{0}", 0, "complete"), ("{1}", 18, "complete"), ("", None, "unavailable")],
)
def test_dropout_drops_in_training_only(training: str, flops: int | None, status: str) -> None:
    # In training mode a comparison and a product for each of 9 elements; which it is may be an input.
    given = f"<float r = {{0.5}}, bool t = {training}>" if training else "<float r = {0.5}>"
    also = "" if training else ", bool t"
    metric = report(
        f"g (float[1,9] x{also}) => (y) {given} {{ y = Dropout(x, r, t) }}"
    ).totals.flops
    assert (metric.value, metric.status) == (flops, status)


def test_integer_and_float_products_are_told_apart() -> None:
    found = report("""g (uint8[4,8] a, uint8[8,2] b, float[4,8] c, float[8,3] d) => (y, z)
                   { y = MatMulInteger(a, b) z = MatMul(c, d) }""").totals
    assert (found.int_macs.value, found.float_macs.value) == (4 * 8 * 2, 4 * 8 * 3)


def test_the_larger_branch_is_in_the_total_and_both_are_shown() -> None:
    found = report("""g (float[4,4] x, bool c) => (y) { y = If (c) <
        then_branch = t () => (float[4,4] u) { u = MatMul(x, x) },
        else_branch = e () => (float[4,4] v) { a = MatMul(x, x) v = MatMul(a, x) }> }""")
    assert found.totals.macs.value == 128
    bodies = found.layers[0].bodies
    assert [sum(x.macs or 0 for x in bodies[b]) for b in ("then_branch", "else_branch")] == [
        64,
        128,
    ]


def test_a_loop_of_unknown_length_is_partial() -> None:
    found = report("""g (float[4,4] x, int64 n) => (y) { t = Constant <value = bool {1}> ()
        y = Loop (n, t, x) <body = b (int64 i, bool c, float[4,4] a) => (bool d, float[4,4] z)
        { d = Identity(c) z = MatMul(a, a) }> }""")
    assert (found.totals.macs.value, found.totals.macs.status) == (None, "partial")
    assert found.totals.macs.uncounted


def test_an_unknown_operator_is_uncounted_and_never_zero() -> None:
    text = "g (float[4,4] x) => (float[4,4] z) { y = local.mystery(x) z = MatMul(x, x) }"
    metric = report(text).totals.macs
    assert (metric.value, metric.known, metric.status) == (None, 64, "partial")
    assert metric.uncounted == {"local::mystery": 1}
    only = report("g (float[4,4] x) => (float[4,4] y) { y = local.mystery(x) }").totals.macs
    assert (only.value, only.known, only.status) == (None, None, "unavailable")


def test_work_on_constants_is_no_layer() -> None:
    text = """g (float[4,4] x) => (y) <float[4,4] w = {1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1}>
        { v = MatMul(w, w) y = MatMul(x, v) }"""
    found = report(text)
    assert (found.totals.macs.value, [x.op for x in found.layers]) == (64, ["MatMul"])


# -- Rosetta: ResNet-50's rows, counted from its layers -----------------------------------------------

ROWS = {  # reference.md, "Rosetta stone" (224x224, batch norm apart)
    "Conv": 4_087_136_256, "Gemm": 2_048_000, "Relu": 9_608_704, "Add": 5_519_360,
    "BatchNormalization": 11_113_984,
}  # fmt: skip


@pytest.fixture(scope="module")
def resnet() -> Report:
    """ResNet-50 from the paper's table, weights declared as inputs: no numbers are needed."""
    nodes: list[onnx.NodeProto] = []
    weights: list[onnx.TensorProto] = []

    def weight(*shape: int) -> str:
        zero = np.broadcast_to(np.float32(0), shape)
        name = f"w{len(weights)}"
        kept = numpy_helper.from_array(np.zeros(0, np.float32), name)
        kept.dims[:] = zero.shape
        kept.data_location = TensorProto.EXTERNAL
        kept.external_data.add(key="location", value="none.bin")
        weights.append(kept)
        return name

    def add(op: str, *inputs: str, **attributes: object) -> str:
        nodes.append(
            helper.make_node(op, inputs, [f"t{len(nodes)}"], f"n{len(nodes)}", **attributes)
        )
        return f"t{len(nodes) - 1}"

    def conv_bn(x: str, cin: int, cout: int, k: int, s: int = 1, relu: bool = True) -> str:
        y = add(
            "Conv",
            x,
            weight(cout, cin, k, k),
            strides=[s, s],
            pads=[k // 2] * 4,
            kernel_shape=[k, k],
        )
        y = add("BatchNormalization", y, *(weight(cout) for _ in range(4)))
        return add("Relu", y) if relu else y

    x = add("MaxPool", conv_bn("x", 3, 64, 7, 2), kernel_shape=[3, 3], strides=[2, 2], pads=[1] * 4)
    width = 64
    for stage, (mid, blocks) in enumerate(((64, 3), (128, 4), (256, 6), (512, 3))):
        for block in range(blocks):
            stride = 2 if stage and not block else 1
            y = conv_bn(conv_bn(x, width, mid, 1), mid, mid, 3, stride)
            y = conv_bn(y, mid, 4 * mid, 1, relu=False)
            if not block:
                x = conv_bn(x, width, 4 * mid, 1, stride, relu=False)
            x, width = add("Relu", add("Add", y, x)), 4 * mid
    x = add("Flatten", add("GlobalAveragePool", x))
    add("Gemm", x, weight(2048, 1000), weight(1000))
    graph = helper.make_graph(
        nodes, "resnet50", [helper.make_tensor_value_info("x", TensorProto.FLOAT, [1, 3, 224, 224])],
        [onnx.ValueInfoProto(name=nodes[-1].output[0])], weights,
    )  # fmt: skip
    return analyze(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)]))


@pytest.mark.parametrize("op", list(ROWS))
def test_rosetta_rows(resnet: Report, op: str) -> None:
    layers = resnet.layers.filter(op=op)
    counts = {
        "Conv": lambda x: x.macs, "Gemm": lambda x: x.macs, "Relu": lambda x: x.work.compare,
        "Add": lambda x: x.work.add, "BatchNormalization": lambda x: x.work.mul,
    }  # fmt: skip
    if op == "BatchNormalization":
        elements = [int(np.prod(x.output_shape or ())) for x in layers]
        assert sum(elements) == ROWS[op]
        return
    assert sum(counts[op](x) for x in layers) == ROWS[op]


def test_resnet_50_as_published(resnet: Report) -> None:
    totals = resnet.totals
    assert totals.macs.value == 4_089_184_256
    assert (totals.params.value, totals.buffers.value) == (25_557_032, 53_120)
    (gemm,) = resnet.layers.filter(op="Gemm")
    assert gemm.work is not None
    assert gemm.work.bias == 1_000


# -- inside control flow, and beforehand -----------------------------------------------------------

_STEP = "{ a = Conv <pads = [1,1,1,1]> (s, w) t = Relu(a) d = Identity(c) }"
_LOOPED = f"""g (float[1,8,64,64] x) => (y) <float[8,8,3,3] w = {{0}}, int64 n = {{5}}, bool c = {{1}}>
    {{ y = Loop (n, c, x) <body = b (int64 i, bool c, float[1,8,64,64] s)
    => (bool d, float[1,8,64,64] t) {_STEP}> }}""".replace("{0}", "{" + ",".join(["0"] * 576) + "}")


def written_out(times: int) -> str:
    """The loop's body so many times in a row."""
    nodes, last = "", "x"
    for k in range(times):
        nodes += f"a{k} = Conv <pads = [1,1,1,1]> ({last}, w) t{k} = Relu(a{k}) "
        last = f"t{k}"
    zeros = ",".join(["0"] * 576)
    return f"g (float[1,8,64,64] x) => ({last}) <float[8,8,3,3] w = {{{zeros}}}> {{ {nodes} }}"


def test_a_loop_moves_what_it_moves_written_out() -> None:
    looped, flat = report(_LOOPED), report(written_out(5))
    assert looped.totals.traffic_bytes.value == flat.totals.traffic_bytes.value
    # by hand: 128 KiB in and out of both, and 2,304 bytes of weights
    assert flat.totals.traffic_bytes.value == 5 * (4 * 131_072 + 2_304)
    assert looped.totals.flops.value == flat.totals.flops.value


def test_a_public_report_of_a_loop(cases: Path) -> None:
    traffic = analyze(cases / "ort27870_loop.onnx").totals.traffic_bytes.value
    assert traffic == 3_159_808  # 3.01 MiB, as its unrolled twin
    one = analyze(cases / "ort27870_loop.onnx").layers["loop"].explain()
    inside = [(x.bytes_read, x.bytes_written) for x in one.inside]
    assert inside == [(131_072 + 2_304, 131_072), (131_072, 131_072)]
    assert "133,376" in str(one)


def test_a_scan_moves_its_body_as_often_as_it_runs() -> None:
    found = report("""g (float[4] h, float[6,4] x) => (z, y) { z, y = Scan <num_scan_inputs = 1,
        body = b (float[4] s, float[4] e) => (float[4] t, float[4] u)
        { t = Add(s, e) u = Neg(t) }> (h, x) }""")
    # 6 times: the sum reads 32 bytes and writes 16, its negative 16 and 16
    assert (found.layers[0].bytes_read, found.layers[0].bytes_written) == (6 * 48, 6 * 32)


def test_a_branch_moves_what_the_dearer_one_moves() -> None:
    found = report("""g (float[4,4] x, bool c) => (y) { y = If (c) <
        then_branch = t () => (float[4,4] u) { u = MatMul(x, x) },
        else_branch = e () => (float[4,4] v) { a = MatMul(x, x) v = MatMul(a, x) }> }""")
    assert (found.layers[0].bytes_read, found.layers[0].bytes_written) == (64 + 128, 64 + 64)


def test_what_is_folded_is_a_figure_of_its_own() -> None:
    # 2 x 3 x 4 products and 8 sums of stored numbers, which no layer does, and 8 sums that one does.
    found = report(
        "g (float[2,4] x) => (y) <float[2,3] a = {1,2,3,4,5,6}, float[3,4] b = "
        "{1,2,3,4,5,6,7,8,9,10,11,12}, float[4] c = {1,2,3,4}> "
        "{ p = MatMul(a, b) q = Add(p, c) y = Add(x, q) }"
    )
    totals = found.totals
    assert (totals.folded_macs.value, totals.folded_flops.value) == (24, 2 * 24 + 8)
    assert (totals.macs.value, totals.flops.value, totals.params.value) == (0, 8, 22)
    assert [layer.op for layer in found.layers] == ["Add"]
    assert "folded" in str(found)
