"""Regions through If, Loop and Scan against execution, one input element changed at a time.

Every weight is positive and no two are alike, so that nothing cancels; the region of a unit must hold
exactly the elements whose change moves it.
"""
# ruff: noqa: E501  (a model is one line of a table)

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import pytest

from cnnscope.analyzer.analysis import analyze

_STEP = "(int64 i, bool c, float[1,1,12] s) => (bool d, float[1,1,12] t)"
_CONV = "t = Conv <pads = [1,1]> (s, w)"
_W = "float[1,1,3] w = {0.3, 0.5, 0.7}"


def loop(trips: int, body: str, state: str = _STEP, stored: str = _W, ends: str = "y") -> str:
    return (
        f"g (float[1,1,12] x) => ({ends}) <{stored}, int64 n = {{{trips}}}, bool go = {{1}}> "
        f"{{ {ends} = Loop (n, go, x) <body = b {state} {{ d = Identity(c) {body} }}> }}"
    )


MODELS = {
    # three 3-wide convolutions: unit 0 sees 0..3
    "a loop": loop(3, _CONV),
    "a loop that doesn't run": loop(0, _CONV),
    # each iteration looks one further to the left: iteration k of the stack sees k + 1 back
    "a loop that stacks": loop(
        4, "t = Conv <pads = [1,0]> (s, w) o = Identity(t)",
        "(int64 i, bool c, float[1,1,12] s) => (bool d, float[1,1,12] t, float[1,1,12] o)",
        "float[1,1,2] w = {0.3, 0.7}", "y, z",
    ),
    # what is captured is seen in every iteration, what is carried through fewer of them
    "a loop that captures": loop(2, "a = Conv <pads = [1,1]> (s, w) t = Add(a, x)"),
    # two states that change places: after three iterations the other one's turn
    "states that swap": (
        f"g (float[1,1,12] x) => (y, z) <{_W}, int64 n = {{3}}, bool go = {{1}}> "
        "{ f = Neg(x) r = Conv <pads = [2,2]> (f, v) y, z = Loop (n, go, x, r) <body = b (int64 i, bool c, "
        "float[1,1,12] s, float[1,1,12] u) => (bool d, float[1,1,12] p, float[1,1,12] q) "
        "{ d = Identity(c) p = Conv <pads = [1,1]> (u, w) q = Identity(s) }> }".replace(
            "Conv <pads = [2,2]> (f, v)", "Conv <pads = [2,2], dilations = [2]> (f, w)"
        )
    ),
    # it stops by itself, after how many iterations is data: what any number of them see
    "a loop that ends by itself": (
        f"g (float[1,1,12] x) => (y) <{_W}, int64 n = {{2}}, bool go = {{1}}, float top = {{1e9}}> "
        "{ y = Loop (n, go, x) <body = b (int64 i, bool c, float[1,1,12] s) => (bool d, float[1,1,12] t) "
        "{ t = Conv <pads = [1,1]> (s, w) m = ReduceMax <keepdims = 0> (t) d = Less(m, top) }> }"
    ),
    # a running sum over time, then the state shifted along
    "a scan": (
        "g (float[1,4] h, float[6,4] x) => (z, y) { z, y = Scan <num_scan_inputs = 1, body = b "
        "(float[1,4] s, float[4] e) => (float[1,4] t, float[1,4] u) { t = Add(s, e) u = Neg(t) }> (h, x) }"
    ),
    "a scan from the end": (
        "g (float[1,4] h, float[6,4] x) => (z, y) { z, y = Scan <num_scan_inputs = 1, "
        "scan_input_directions = [1], scan_output_directions = [0], body = b "
        "(float[1,4] s, float[4] e) => (float[1,4] t, float[1,4] u) { t = Add(s, e) u = Neg(t) }> (h, x) }"
    ),
    "a scan to the front": (
        "g (float[1,4] h, float[6,4] x) => (z, y) { z, y = Scan <num_scan_inputs = 1, "
        "scan_output_directions = [1], body = b (float[1,4] s, float[4] e) => (float[1,4] t, float[1,4] u) "
        "{ t = Add(s, e) u = Neg(t) }> (h, x) }"
    ),
    "a scan along another axis": (
        "g (float[2] h, float[2,5] x) => (z, y) { z, y = Scan <num_scan_inputs = 1, scan_input_axes = [1], "
        "scan_output_axes = [1], body = b (float[2] s, float[2] e) => (float[2] t, float[2] u) "
        "{ t = Add(s, e) u = Neg(t) }> (h, x) }"
    ),
    "a branch that is known": (
        f"g (float[1,1,12] x) => (y) <{_W}, bool p = {{1}}> {{ y = If (p) <then_branch = t () => (float[1,1,12] a) "
        "{ a = Conv <pads = [1,1]> (x, w) }, else_branch = e () => (float[1,1,12] b) { b = Neg(x) }> }"
    ),
    "a loop in a branch in a loop": loop(
        2,
        "t = If (c) <then_branch = p () => (float[1,1,12] a) { k = Constant <value = int64 {2}> () "
        "a = Loop (k, c, s) <body = q (int64 j, bool f, float[1,1,12] u) => (bool g, float[1,1,12] v) "
        "{ g = Identity(f) v = Conv <pads = [1,1]> (u, w) }> }, "
        "else_branch = r () => (float[1,1,12] b) { b = Neg(s) }>",
    ),
    # a reduction over all of it in the middle
    "a loop that looks at everything": loop(2, "m = ReduceMean <keepdims = 1> (s) a = Add(s, m) t = Conv <pads = [1,1]> (a, w)"),
    "a function in a loop": (
        loop(2, "t = local.f(s, w)")
        + ' <domain: "local", opset_import: ["": 17]> f (p, q) => (r) { a = Conv <pads = [1,1]> (p, q) r = Neg(a) }'
    ),
}  # fmt: skip


def parsed(text: str) -> onnx.ModelProto:
    return onnx.parser.parse_model(f'<ir_version: 8, opset_import: ["": 17, "local": 1]> {text}')


def moved(model: onnx.ModelProto) -> dict[str, dict[str, np.ndarray]]:
    """By output and input: for every element of the output, which elements of the input move it."""
    options = onnxruntime.SessionOptions()
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    options.log_severity_level = 4
    options.intra_op_num_threads = 1
    run = onnxruntime.InferenceSession(
        model.SerializeToString(), options, providers=["CPUExecutionProvider"]
    )
    random = np.random.default_rng(0)
    given = {x.name: random.random(x.shape, np.float32) + 1 for x in run.get_inputs()}
    names = [y.name for y in run.get_outputs()]
    plain = run.run(names, given)
    found: dict[str, dict[str, np.ndarray]] = {name: {} for name in names}
    for name, x in given.items():
        relation = [np.zeros((y.size, x.size), bool) for y in plain]
        for place in range(x.size):
            changed = x.copy()
            changed.ravel()[place] *= 1.5
            for seen, before, after in zip(
                relation, plain, run.run(names, {**given, name: changed}), strict=True
            ):
                seen[:, place] = (before != after).ravel()
        for output, seen in zip(names, relation, strict=True):
            found[output][name] = seen
    return found


@pytest.mark.parametrize("name", MODELS)
def test_a_body_is_seen_through(name: str) -> None:
    model = parsed(MODELS[name])
    report = analyze(model)
    lengths = {
        x.name: tuple(d.dim_value for d in x.type.tensor_type.shape.dim) for x in model.graph.input
    }
    for output, by_input in moved(model).items():
        layer = next(x for x in report.layers if output in [v.name for v in x.outputs])
        if layer.outputs[0].name != output:
            continue  # a region is one of a layer's first output
        shape = layer.output_shape
        assert shape is not None
        for place, unit in enumerate(np.ndindex(*map(int, shape))):
            region = layer.region(unit)
            for network_input, relation in by_input.items():
                ours = np.zeros(lengths[network_input], bool)
                if network_input in region:
                    index = [
                        np.concatenate([np.arange(lo, hi + 1) for lo, hi in ranges])
                        for ranges in region[network_input]
                    ]
                    ours[np.ix_(*index)] = True
                assert (ours.ravel() == relation[place]).all(), (output, unit, region)


@pytest.mark.parametrize("trips", [1, 3, 7])
def test_a_loop_sees_what_it_sees_written_out(trips: int) -> None:
    nodes = "".join(f"t{k + 1} = Conv <pads = [1,1]> (t{k}, w) " for k in range(trips))
    flat = analyze(parsed(f"g (float[1,1,12] x) => (t{trips}) <{_W}> {{ t0 = Neg(x) {nodes} }}"))
    looped = analyze(parsed(loop(trips, _CONV)))
    for unit in range(12):
        assert looped.layers[-1].region((0, 0, unit)) == flat.layers[-1].region((0, 0, unit))


def test_a_case(cases: Path) -> None:
    layer = next(x for x in analyze(cases / "cost_loop_conv.onnx").layers if x.op == "Loop")
    assert layer.region((0, 0, 0))["x"][2] == ((0, 3),)
