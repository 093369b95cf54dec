"""Are ceilings the best of what was measured, by an injected clock; and do they say what is missing?"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Mapping

import numpy as np
import onnx
import pytest

from cnnscope.analyzer.values.diagnostics import RunError
from cnnscope.runtime.engine.providers import CPU, CPU_PROVIDER, CUDA, Provider
from cnnscope.runtime.profile import ceilings
from cnnscope.runtime.profile.ceilings import PRODUCTS, chain_budget, idle_chain, measure_ceilings
from cnnscope.runtime.profile.kernel_events import KernelTime, KernelTimes
from cnnscope.runtime.profile.kernel_times import time_kernels


def idle(model: onnx.ModelProto, feeds: Mapping[str, object]) -> KernelTimes:
    """A profile by which each kernel took 5 us, and a run 7 us for each."""
    kernels = tuple(KernelTime(n.name, n.op_type, CPU, 5e-6, 5e-6) for n in model.graph.node)
    return KernelTimes(model.graph, kernels, 9, 7e-6 * len(kernels), ())


def steady(step: float) -> Callable[[], float]:
    """A clock that goes on by so much whenever it is asked: every run takes that long."""
    count = itertools.count()
    return lambda: next(count) * step


def test_ceilings_by_hand(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ceilings, "_COPIED", 1000)
    found = measure_ceilings(
        CPU_PROVIDER, ["float32", "int64"], idle, seconds=1e9, clock=steady(0.5)
    )
    # 256^3 products in half a second, the size already taking long; bytes: 2 read and 1 written.
    assert found.flop_rate == {"float32": pytest.approx(2 * 256**3 / 0.5)}
    assert found.byte_rate == pytest.approx(3 * 4 * 1000 / 0.5)
    # The chain of 256 takes 0.5 s as a whole: longer than the profile says, so nothing is taken off.
    assert found.overhead == pytest.approx(0.5 / 256)
    assert found.profiler == 0
    assert not found.missing


def test_what_the_profiler_adds_by_hand(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ceilings, "_COPIED", 1000)
    monkeypatch.setattr(ceilings, "_COPIED_MOST", 1000)
    monkeypatch.setattr(ceilings, "_MOST", 256)
    found = measure_ceilings(CPU_PROVIDER, [], idle, clock=steady(256e-6))
    assert found.overhead == pytest.approx(1e-6)
    assert found.profiler == pytest.approx(4e-6)
    assert found.profiler_run == pytest.approx(6e-6)


def test_what_there_is_no_time_for_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ceilings, "_COPIED", 1000)
    monkeypatch.setattr(ceilings, "_LONG", 1e9)
    said: list[str] = []
    found = measure_ceilings(
        CPU_PROVIDER, ["float32"], idle, seconds=0.0, clock=steady(0.5), cut=said.append
    )
    assert said == [
        "products of float32 were measured up to 256 x 256",
        "moving bytes was measured with Identity alone",
    ]
    assert not found.missing


def test_the_size_grows_until_it_is_large(monkeypatch: pytest.MonkeyPatch) -> None:
    sizes: list[int] = []

    def least(
        self: object, model: onnx.ModelProto, feeds: Mapping[str, np.ndarray], *rest: object
    ) -> float:
        (x,) = feeds.values()
        sizes.append(len(x))
        if len(x) > 1024:
            raise RunError("out of memory")
        return 1e-4

    bench = ceilings._Bench(0, "cpu", steady(1.0))
    monkeypatch.setattr(ceilings._Bench, "least", least)
    assert bench.product(CPU_PROVIDER, "float32", 100.0) == pytest.approx(2 * 1024**3 / 1e-4)
    assert sizes == [256, 512, 1024, 2048]


@pytest.mark.filterwarnings("ignore:Specified provider")  # ONNX Runtime's own
def test_what_cant_be_measured_says_why() -> None:
    def broken(model: onnx.ModelProto, feeds: Mapping[str, object]) -> KernelTimes:
        raise RunError("no profile")

    nowhere = Provider("cuda", ("NoSuchExecutionProvider",), ({},))
    found = measure_ceilings(nowhere, ["float32"], broken, seconds=0.01)
    assert found.flop_rate == {}
    assert found.byte_rate is None
    assert set(found.missing) == {"float32", "bytes", "overhead"}


def test_tf32_is_a_ceiling_of_its_own_on_cuda() -> None:
    provider = Provider("cuda", (CUDA, CPU), ({"use_tf32": "0"}, {}))
    assert ceilings.with_tf32(provider).options == ({"use_tf32": "1"}, {})
    assert provider.options == ({"use_tf32": "0"}, {})


@pytest.mark.parametrize("dtype", PRODUCTS)
def test_each_product_runs_or_says_why(dtype: str) -> None:
    model, feeds, weights = ceilings._product(dtype, 8)
    from cnnscope.runtime.engine.sessions import open_session

    try:
        (y,) = open_session(model, CPU_PROVIDER, None, weights).run(None, feeds)
    except RunError as error:
        assert "no kernel" in str(error)  # noqa: PT017  # not every build has every dtype
        return
    if weights:
        expected = feeds["x"].astype(np.int64) @ weights["w"].astype(np.int64)
        assert np.array_equal(y.astype(np.int64), expected)


def test_the_profiler_s_share_hardly_hangs_on_the_kernel() -> None:
    """What is taken off each row is one figure: it is of the size of microseconds, not more."""
    model, feeds = idle_chain()
    found = time_kernels(model, CPU_PROVIDER, feeds, {}, optimised=False, budget=chain_budget(0.1))
    assert len(found.kernels) == 256
    assert all(kernel.median is not None and kernel.median < 1e-2 for kernel in found.kernels)
