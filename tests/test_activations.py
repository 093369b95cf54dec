"""Is what is alive layer by layer what the peak says, and what a tensor's own readers say?"""

from __future__ import annotations

import json
from pathlib import Path

import onnx.parser
import pytest
from amounts import some

import cnnscope


def test_the_most_that_is_alive_is_the_peak(samples: Path) -> None:
    for path in some(sorted(samples.glob("*.onnx")), 5):
        report = cnnscope.analyze(path)
        alive = report.activations().alive_bytes()
        peak = report.totals.peak_activation_bytes.value
        if peak is None:
            assert None in alive, path
        else:
            assert max(x for x in alive if x is not None) == peak, path


def test_what_subgraphs_read_is_alive(corpus: Path) -> None:
    for name in ("hm_norms", "hm_if_loop", "hx_loop_if"):
        report = cnnscope.analyze(corpus / "models" / f"{name}.onnx")
        alive = report.activations().alive_bytes()
        assert max(x or 0 for x in alive) == report.totals.peak_activation_bytes.value


def test_by_hand(samples: Path) -> None:
    found = cnnscope.analyze(samples / "lenet5.onnx").activations()
    # 1x1x32x32 floats in, 1x6x28x28 out of the first convolution: both while it runs.
    assert found.alive_bytes()[0] == 4 * (32 * 32 + 6 * 28 * 28)
    assert [(x.first, x.last) for x in found[:3]] == [(-1, 0), (0, 1), (1, 2)]
    assert found[-1].last == found.layers
    frame = found.to_dataframe()
    assert list(frame.columns) == ["tensor", "nbytes", "dtype", "shape", "first", "last"]
    assert "alive" in str(found)


@pytest.mark.parametrize("layer", [0, 3])
def test_alive_lists_what_is_summed(samples: Path, layer: int) -> None:
    found = cnnscope.analyze(samples / "unet.onnx").activations()
    assert sum(x.nbytes or 0 for x in found.alive(layer)) == found.alive_bytes()[layer]


def test_what_lives_in_a_subgraph_may_be_unknown() -> None:
    """How many elements aren't 0 is known only when it runs: the largest known sum is no answer."""
    text = """<ir_version: 8, opset_import: ["": 17]> g (float[8] x, bool c) => (float[8] y) {
        r = Relu(x)
        n = If(c) <
            then_branch = a () => (int64 p) { i = NonZero(r)  s = Size(i)  p = Identity(s) },
            else_branch = b () => (int64 q) { q = Size(r) }
        >
        y = Neg(r)
    }"""
    found = cnnscope.analyze(onnx.parser.parse_model(text)).activations()
    alive = found.alive_bytes()
    # x, c and r, 4 bytes an element and 1 a truth; at last r and y
    assert (alive[0], alive[1], alive[2]) == (32 + 1 + 32, None, 32 + 32)
    assert "isn't known" in found.summary()


def test_a_report_from_data_doesnt_know_what_subgraphs_take(corpus: Path, tmp_path: Path) -> None:
    for name in ("hm_norms", "hm_if_loop"):
        report = cnnscope.analyze(corpus / "models" / f"{name}.onnx")
        (tmp_path / "r.json").write_text(json.dumps(report.to_dict()))
        loaded = cnnscope.load(tmp_path / "r.json")
        assert isinstance(loaded, cnnscope.Report)
        behind = max((i + 1 for i, x in enumerate(report.layers) if x.bodies), default=0)
        alive = report.activations().alive_bytes()
        assert loaded.activations().alive_bytes() == [None] * behind + alive[behind:]
