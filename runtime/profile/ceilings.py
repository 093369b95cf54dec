"""What is the most that this machine does through ONNX Runtime, with this provider and threads?

Three figures, each of a model made for it and run as any other:

- arithmetic, by dtype: 2*n^3 FLOPs of a product of two n x n matrices, the second one a weight; n is
  doubled until a run takes long enough, and the best of all runs counts. MatMulInteger on bytes.
- moving bytes: the best of three ways to read and write tensors too large for any cache (a copy, a
  negation, a sum), which ONNX Runtime spreads over its threads differently.
- starting: a chain of kernels on a single number, timed as whole runs, per kernel. The same chain
  under the profiler says how much the profiler adds to each kernel's figure (it writes a lot down
  while its clock runs): without taking that off, kernels of microseconds would seem several times
  as long as they are.

A ceiling is the *best* run: noise only ever takes time. On CUDA, float32 products are measured with
TF32 (operands rounded to 10 bits of mantissa) and without; the latter is what models run with here.
"""

from __future__ import annotations

import itertools
import math
import statistics
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Final

import numpy as np
import onnx
from onnx import TensorProto, helper

from cnnscope.analyzer.report.machine import Ceilings
from cnnscope.analyzer.values.diagnostics import RunError
from cnnscope.runtime.engine.providers import CUDA, with_tf32
from cnnscope.runtime.engine.sessions import SessionSettings, open_session
from cnnscope.runtime.profile.kernel_events import KernelTimes
from cnnscope.runtime.profile.timing import TimeBudget, measure

if TYPE_CHECKING:
    from cnnscope.runtime.engine.providers import Provider

#: dtypes whose products are measured, and how ONNX names them
PRODUCTS: Final = {
    "float32": TensorProto.FLOAT, "float16": TensorProto.FLOAT16, "float64": TensorProto.DOUBLE,
    "bfloat16": TensorProto.BFLOAT16, "int8": TensorProto.INT8, "uint8": TensorProto.UINT8,
}  # fmt: skip
TF32: Final = "float32 (TF32)"
_LEAST, _MOST = 256, 16384  # n
_LONG = 0.02  # seconds that a product takes to be a large one
_COPIED, _COPIED_MOST = 16 << 20, 256 << 20  # numbers of a copy: 64 MiB each way, to 1 GiB
_LONG_COPY = 0.002  # seconds beside which starting it is nothing
_CHAIN = 256
_READING = 0.02  # seconds to read what the profiler wrote of one run of it
_FEWEST, _REPEATS = 4, 50  # runs, of which the best counts
_SPAN = 0.2  # seconds of them at most, unless the fewest take longer

#: `time_kernels`, here or in a process of its own
Timer = Callable[[onnx.ModelProto, Mapping[str, object]], KernelTimes]


def measure_ceilings(
    provider: Provider,
    dtypes: Iterable[str],
    timer: Timer | None,
    *,
    threads: int = 0,
    device: str = "cpu",
    seconds: float = 2.0,
    clock: Callable[[], float] = time.perf_counter,
    cut: Callable[[str], None] = lambda what: None,
) -> Ceilings:
    """The ceilings, together within some seconds; what can't be measured says why.

    Args:
        provider: what runs it.
        dtypes: those to measure products of; others than `PRODUCTS` are passed over.
        timer: how kernels are timed, for what the profiler adds to each; None: that isn't asked.
        threads: of one operator; 0 for ONNX Runtime's choice.
        device: where tensors are.
        seconds: for all of it, but for the fewest runs of each.
        clock: seconds from any origin.
        cut: told what had to end early for want of seconds, in words.
    """
    until = clock() + seconds
    rates: dict[str, float] = {}
    missing: dict[str, str] = {}
    bench = _Bench(threads, device, clock, min(_SPAN, seconds / 10), until)
    wanted = [(dtype, dtype, provider) for dtype in dict.fromkeys(dtypes) if dtype in PRODUCTS]
    if CUDA in provider.chain and any(dtype == "float32" for dtype, _, _ in wanted):
        wanted.append((TF32, "float32", with_tf32(provider)))
    overhead = profiler = profiler_run = None
    try:
        overhead, profiler, profiler_run = bench.start(provider, timer)
    except RunError as error:
        missing["overhead"] = str(error)
    for k, (key, dtype, chosen) in enumerate(wanted):
        # An equal part for each product that is left, and as much as one for moving bytes.
        own = (until - clock()) / (len(wanted) - k + 1)
        try:
            rates[key] = bench.product(chosen, dtype, own, cut)
        except RunError as error:
            missing[key] = str(error)
    moved: float | None = None
    try:
        moved = bench.moved(provider, until, cut)
    except RunError as error:
        missing["bytes"] = str(error)
    return Ceilings(rates, moved, overhead, profiler, profiler_run, missing)


def idle_chain() -> tuple[onnx.ModelProto, dict[str, np.ndarray]]:
    """Kernels that each negate one number, and what to feed them."""
    names = [f"x{i}" for i in range(_CHAIN + 1)]
    nodes = [helper.make_node("Neg", [a], [b], name=b) for a, b in itertools.pairwise(names)]
    model = _model(nodes, {"x0": (TensorProto.FLOAT, [1])}, names[-1])
    return model, {"x0": np.ones(1, np.float32)}


class _Bench:
    def __init__(
        self, threads: int, device: str, clock: Callable[[], float], span: float = _SPAN,
        until: float = math.inf,
    ) -> None:  # fmt: skip
        self.threads, self.device, self.clock, self.span = threads, device, clock, span
        self.until = until

    def start(
        self, provider: Provider, timer: Timer | None
    ) -> tuple[float, float | None, float | None]:
        """Seconds of a kernel that does next to nothing; what the profiler adds to it, and to a run."""
        model, feeds = idle_chain()
        settings = SessionSettings(optimised=False, threads=self.threads)
        run = open_session(model, provider, settings).bind(feeds, self.device)
        assert run is not None
        whole = measure(run, chain_budget(1.0), self.clock).median / _CHAIN
        if timer is None:
            return whole, None, None
        times = timer(model, feeds)
        seen = [k.median for k in times.kernels if k.median is not None]
        if not seen:
            raise RunError("no kernel was seen")
        # Each is in whole microseconds; together they are finer.
        added = max(statistics.fmean(seen) - whole, 0.0)
        return whole, added, max(times.run_seconds / _CHAIN - whole, added)

    def product(
        self, provider: Provider, dtype: str, seconds: float,
        cut: Callable[[str], None] = lambda what: None,
    ) -> float:  # fmt: skip
        """FLOP/s of the best product of square matrices."""
        best, size, until = 0.0, _LEAST, self.clock() + seconds
        while size <= _MOST:
            begun = self.clock()
            try:
                least = self.least(*_product(dtype, size), provider)
            except RunError:
                if best:  # out of memory, say: what fitted counts
                    break
                raise
            best = max(best, 2 * size**3 / least)
            if least >= _LONG:
                break
            now = self.clock()
            if now + 8 * _FEWEST * least + (now - begun) > until:
                cut(f"products of {dtype} were measured up to {size} x {size}")
                break
            size *= 2
        return best

    def moved(self, provider: Provider, until: float, cut: Callable[[str], None]) -> float:
        """Bytes per second of the best way to read and write, of those that there is time for."""
        best, begun = 0.0, self.clock()
        ways = ("Identity", "Neg", "Add")
        for k, op in enumerate(ways):
            now = self.clock()
            if k and now + (now - begun) / k > until:
                cut(f"moving bytes was measured with {', '.join(ways[:k])} alone")
                break
            best = max(best, self.copy(provider, op))
        return best

    def copy(self, provider: Provider, op: str) -> float:
        """Bytes per second that an elementwise operator reads and writes."""
        reads = 2 if op == "Add" else 1
        names = ["x", "z"][:reads]
        node = helper.make_node(op, names, ["y"], name="copy")
        best, size = 0.0, _COPIED
        while size <= _COPIED_MOST:
            model = _model([node], {n: (TensorProto.FLOAT, [size]) for n in names}, "y")
            try:
                feeds = {name: np.ones(size, np.float32) for name in names}
                least = self.least(model, feeds, {}, provider)
            except (RunError, MemoryError):
                if best:
                    break
                raise
            best = max(best, (reads + 1) * 4 * size / least)
            if least >= _LONG_COPY:
                break
            size *= 4
        return best

    def least(
        self,
        model: onnx.ModelProto,
        feeds: Mapping[str, np.ndarray],
        weights: Mapping[str, np.ndarray],
        provider: Provider,
    ) -> float:
        """The least seconds of a run."""
        session = open_session(
            model, provider, SessionSettings(optimised=True, threads=self.threads), weights
        )
        run = session.bind(feeds, self.device)
        assert run is not None
        run()
        times: list[float] = []
        fewest = _FEWEST if self.clock() < self.until else _FEWEST // 2
        while len(times) < fewest or (sum(times) < self.span and len(times) < _REPEATS):
            start = self.clock()
            run()
            times.append(self.clock() - start)
        return max(min(times), 1e-9)


def _product(
    dtype: str, size: int
) -> tuple[onnx.ModelProto, dict[str, np.ndarray], dict[str, np.ndarray]]:
    code = PRODUCTS[dtype]
    whole = dtype.endswith("int8")
    numpy_type = np.dtype(helper.tensor_dtype_to_np_dtype(code))
    drawn = np.random.default_rng(0).integers(0, 3, (size, size)).astype(numpy_type)
    node = helper.make_node(
        "MatMulInteger" if whole else "MatMul", ["x", "w"], ["y"], name="product"
    )
    # The other operand of a quantised product is signed, as weights are.
    other = TensorProto.INT8 if whole else code
    if numpy_type.kind == "V" or dtype == "bfloat16":
        from onnx import numpy_helper

        stored = numpy_helper.from_array(drawn, "w")
        return _model([node], {"x": (code, [size, size])}, "y", [stored]), {"x": drawn}, {}
    given = TensorProto(name="w", data_type=other, dims=[size, size])
    given.data_location = TensorProto.EXTERNAL
    given.external_data.add(key="location", value="given")
    weights = drawn.astype(np.int8) if whole else drawn
    return _model([node], {"x": (code, [size, size])}, "y", [given]), {"x": drawn}, {"w": weights}


def _model(
    nodes: Sequence[onnx.NodeProto],
    inputs: Mapping[str, tuple[int, list[int]]],
    output: str,
    stored: Sequence[TensorProto] = (),
) -> onnx.ModelProto:
    graph = helper.make_graph(
        list(nodes), "ceiling",
        [helper.make_tensor_value_info(n, code, dims) for n, (code, dims) in inputs.items()],
        [onnx.ValueInfoProto(name=output)], list(stored),
    )  # fmt: skip
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8)


def chain_budget(seconds: float) -> TimeBudget:
    """How long the chain of kernels that do nothing is run; reading its profile takes longer."""
    most = min(50, max(10, int(seconds / _READING)))
    return TimeBudget(fewest=10, most=most, seconds=min(seconds, 1.0))
