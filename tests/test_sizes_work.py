"""Do `sizes`, `tile` and `shift` answer at the price of a few passes over the graph?

By the number of nodes whose outputs are worked out: that is what time goes into, and no clock has a say.
`benchmarks/questions/sizes.py` has the seconds.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from pathlib import Path

import onnx
import pytest
from amounts import some

import cnnscope
from cnnscope.analyzer.passes import shapes
from cnnscope.analyzer.values.diagnostics import CnnscopeError


@pytest.fixture
def nodes(monkeypatch: pytest.MonkeyPatch) -> Callable[[Callable[[], object]], int]:
    """How many nodes are gone through by what is called."""
    count = [0]
    known = shapes._node_outputs

    def counted(*args: object) -> object:
        count[0] += 1
        return known(*args)  # type: ignore[arg-type]  # as they were

    monkeypatch.setattr(shapes, "_node_outputs", counted)

    def of(ask: Callable[[], object]) -> int:
        count[0] = 0
        with contextlib.suppress(CnnscopeError):  # of other axes: refused at the price of one look
            ask()
        return count[0]

    return of


def test_each_model_of_the_corpus(
    corpus: Path, nodes: Callable[[Callable[[], object]], int]
) -> None:
    """Swin's graph of 6,170 nodes took 11 passes: each size that it refuses was followed to the end."""
    paths = sorted(corpus.rglob("*.onnx"))
    swin = next(path for path in paths if path.stem == "tv_swin_t")
    drawn = some(paths, 1)
    for path in dict.fromkeys((swin, *drawn)):
        once = nodes(lambda path=path: cnnscope.analyze(path))  # type: ignore[misc]  # bound at once
        asked = nodes(lambda path=path: cnnscope.sizes(path, free="HxW"))  # type: ignore[misc]
        assert asked <= 3 * once + 32_000, path.stem
        assert path != swin or asked <= 2.5 * once
        if path == swin and len(paths) > len(drawn):
            continue
        assert nodes(lambda path=path: cnnscope.tile(path, 256)) <= 5 * once, path.stem  # type: ignore[misc]
        assert nodes(lambda path=path: cnnscope.shift(path)) <= once, path.stem  # type: ignore[misc]


def test_nothing_is_followed_behind_what_refuses_a_size(
    nodes: Callable[[Callable[[], object]], int],
) -> None:
    """A kernel of 9 refuses 1..8, and 300 nodes follow it."""
    chain = " ".join(f"y{i + 1} = Relu(y{i})" for i in range(300))
    model = onnx.parser.parse_model(
        '<ir_version: 9, opset_import: ["": 18]> g (float[1,1,H] x) => (float[1,1,L] y300)'
        f" <float[1,1,9] w = {{1,1,1,1,1,1,1,1,1}}> {{ y0 = Conv(x, w) {chain} }}"
    )
    found = cnnscope.sizes(model)
    network = found._network
    assert nodes(lambda: [network.accepts({"H": n}) for n in range(1, 9)]) == 8
    assert nodes(lambda: network.accepts({"H": 9})) == 301
    assert [network.accepts({"H": n}) for n in (8, 9)] == [False, True]
