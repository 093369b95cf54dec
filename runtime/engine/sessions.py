"""How is a model given to ONNX Runtime, and what does it say when that goes wrong?

`open_session` hides its options behind the few that mean something here, and turns its errors into
one line that names the node where it can be known. ONNX Runtime's own log goes to no user: level 4
(fatal) unless `verbose`.
"""

from __future__ import annotations

import contextlib
import math
import os
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from cnnscope.analyzer.values.diagnostics import RunError
from cnnscope.analyzer.values.plain_class import dataclass
from cnnscope.runtime.engine.session_errors import as_run_error

if TYPE_CHECKING:
    import onnx

    from cnnscope.runtime.engine.providers import Provider

_WARNING, _FATAL = 2, 4


@dataclass(frozen=True, slots=True)
class SessionSettings:
    """How a session works.

    Args:
        optimised: let ONNX Runtime rewrite the graph (fusions, layouts); else it runs as written.
        profile: the beginning of the path of the profile to be written; None for none.
        threads: of one operator; 0 for as many as ONNX Runtime thinks right.
        in_order: run the nodes in the model's own order instead of one that ONNX Runtime chooses.
        reuse: let tensors share memory: in place, one after the other, or by a planned layout.
        planned: of these, the planned layout: from the second run on all is one block, which pays
            only for what runs more than a few times.
        arena: take memory from ONNX Runtime's arena, which alone has statistics.
        rewritten: where to write the graph that ONNX Runtime made of the model, without its
            weights; None for nowhere.
        verbose: let its log be seen.
    """

    optimised: bool = False
    profile: Path | None = None
    threads: int = 0
    in_order: bool = False
    reuse: bool = True
    planned: bool = True
    arena: bool = True
    rewritten: Path | None = None
    verbose: bool = False


class Session:
    """A model that is ready to run."""

    def __init__(self, session: Any, kept: Sequence[object]) -> None:
        self._session = session
        self._kept = kept  # ONNX Runtime reads the weights where they are: they have to stay

    @property
    def inputs(self) -> tuple[str, ...]:
        """Names of the inputs."""
        return tuple(value.name for value in self._session.get_inputs())

    @property
    def output_types(self) -> dict[str, str]:
        """Output name to the type that ONNX Runtime inferred, e.g. ``tensor(float16)``."""
        return {value.name: str(value.type) for value in self._session.get_outputs()}

    def run(
        self, outputs: Sequence[str] | None, feeds: Mapping[str, object]
    ) -> list[Any]:  # arrays, or what ONNX Runtime gives for sequences and optional values
        """Run once: the wanted outputs, all if None.

        Raises:
            RunError: a kernel failed.
        """
        names = None if outputs is None else list(outputs)
        try:
            if any(_is_foreign(value) for value in feeds.values()):
                given = {name: _as_value(value) for name, value in feeds.items()}
                return list(self._session.run_with_ort_values(names, given))
            return list(self._session.run(names, dict(feeds)))
        except KeyboardInterrupt:
            raise
        except Exception as error:  # ONNX Runtime's errors share no narrower base
            raise as_run_error(error, "running it") from error

    def bind(self, feeds: Mapping[str, object], device: str) -> Callable[[], object] | None:
        """What runs once on inputs that lie on a device already, the outputs staying there.

        Returns:
            None where an input or output is no tensor that can be bound.
        """
        import onnxruntime

        tensors = [*self._session.get_inputs(), *self._session.get_outputs()]
        if any(not value.type.startswith("tensor(") or "string" in value.type for value in tensors):
            return None
        binding = self._session.io_binding()
        try:
            for name, value in feeds.items():
                if _is_foreign(value):  # placed on the host; ONNX Runtime moves it
                    binding.bind_ortvalue_input(name, _as_value(value))
                else:
                    placed = onnxruntime.OrtValue.ortvalue_from_numpy(value, device, 0)
                    binding.bind_ortvalue_input(name, placed)
            for value in self._session.get_outputs():
                binding.bind_output(value.name, device)
        except Exception as error:  # ONNX Runtime's errors share no narrower base
            raise as_run_error(error, "binding its inputs") from error

        def run() -> None:
            try:
                self._session.run_with_iobinding(binding)
                binding.synchronize_outputs()
            except Exception as error:  # ONNX Runtime's errors share no narrower base
                raise as_run_error(error, "running it") from error

        return run

    def ready(
        self,
        feeds: Mapping[str, object],
        device: str,
        clock: Callable[[], float] = time.perf_counter,
        patience: float = math.inf,
    ) -> Ready:
        """What runs once on these inputs, bound to the device if the model lets them be; run twice.

        Args:
            feeds: an array for each input.
            device: where inputs and outputs are to be.
            clock: seconds from any origin.
            patience: if the first run took longer, there is no second.

        Raises:
            RunError: a kernel failed, bound or not.
        """
        bound = self.bind(feeds, device)
        if bound is not None:
            # Where ONNX Runtime's own idea of an output's shape is wrong, only bound runs fail.
            with contextlib.suppress(RunError):
                return _run_twice(bound, True, clock, patience)
        return _run_twice(lambda: self.run(None, feeds), False, clock, patience)

    @property
    def assigned(self) -> dict[str, int]:
        """How many nodes each provider was assigned; empty where ONNX Runtime doesn't tell."""
        try:
            found: dict[str, int] = {}
            for part in self._session.get_provider_graph_assignment_info():
                found[part.ep_name] = found.get(part.ep_name, 0) + len(part.get_nodes())
            return found
        except Exception:  # noqa: BLE001  # an older version, or a session that didn't record it
            return {}

    def end_profile(self) -> Path:
        """Where the profile was written."""
        return Path(self._session.end_profiling())


@dataclass(frozen=True, slots=True)
class Ready:
    """A run that works.

    Args:
        run: runs once.
        bound: its inputs and outputs stay where they are.
        first: seconds of the very first one.
    """

    run: Callable[[], object]
    bound: bool
    first: float


def _run_twice(
    run: Callable[[], object], bound: bool, clock: Callable[[], float], patience: float
) -> Ready:
    start = clock()
    run()
    first = clock() - start
    if first <= patience:
        run()  # with outputs that are there already
    return Ready(run, bound, first)


def open_session(
    model: onnx.ModelProto | str | Path,
    provider: Provider,
    settings: SessionSettings | None = None,
    weights: Mapping[str, np.ndarray] | None = None,
) -> Session:
    """A session on a model.

    Args:
        model: a model in memory, or the path of one.
        provider: what is to run it.
        settings: how; the defaults run it as written.
        weights: numbers for initializers that are marked as external, by name.

    Raises:
        RunError: ONNX Runtime can't make a session of it.
    """
    import onnxruntime

    settings = settings or SessionSettings()
    options = onnxruntime.SessionOptions()
    level = onnxruntime.GraphOptimizationLevel
    options.graph_optimization_level = (
        level.ORT_ENABLE_ALL if settings.optimised else level.ORT_DISABLE_ALL
    )
    options.log_severity_level = _WARNING if settings.verbose else _FATAL
    if not settings.verbose:
        # Before there is a session, e.g. while a provider's library is loaded.
        onnxruntime.set_default_logger_severity(_FATAL)
    options.intra_op_num_threads = settings.threads
    if settings.in_order:
        options.execution_order = onnxruntime.ExecutionOrder.PRIORITY_BASED
    options.enable_mem_reuse = settings.reuse
    options.enable_mem_pattern = settings.reuse and settings.planned
    options.enable_cpu_mem_arena = settings.arena
    if settings.profile is not None:
        options.enable_profiling = True
        options.profile_file_prefix = str(settings.profile)
    if settings.rewritten is not None:
        _write_rewritten(options, settings.rewritten)
    arrays = dict(weights or {})
    values = [onnxruntime.OrtValue.ortvalue_from_numpy(array) for array in arrays.values()]
    source = str(model) if isinstance(model, (str, Path)) else model.SerializeToString()
    try:
        if values:
            options.add_external_initializers(list(arrays), values)
        session = onnxruntime.InferenceSession(
            source, options, providers=list(provider.chain),
            provider_options=[dict(o) for o in provider.options] or None,
        )  # fmt: skip
    except KeyboardInterrupt:
        raise
    except Exception as error:  # ONNX Runtime's errors share no narrower base
        written = None if isinstance(model, (str, Path)) else model
        raise as_run_error(error, "opening it", written) from error
    session.disable_fallback()
    if provider.chain[0] not in session.get_providers():  # it falls back without an error
        raise RunError(f"ONNX Runtime could not open the model with provider {provider.name}")
    return Session(session, (arrays, values))


def _write_rewritten(options: Any, path: Path) -> None:  # of a package without types
    """Have the rewritten graph saved: all its weights to a file beside it that goes nowhere."""
    options.optimized_model_filepath = str(path)
    weights = path.with_suffix(".weights")
    with contextlib.suppress(OSError, NotImplementedError):  # without links: to a file that stays
        weights.symlink_to(os.devnull)
    prefix = "session.optimized_model_external_initializers_"
    options.add_session_config_entry(f"{prefix}file_name", weights.name)
    options.add_session_config_entry(f"{prefix}min_size_in_bytes", "64")
    options.add_session_config_entry("session.record_ep_graph_assignment_info", "1")


def _is_foreign(value: object) -> bool:
    """Is it an array of a dtype that numpy itself doesn't have?"""
    return isinstance(value, np.ndarray) and value.dtype.kind == "V"


def _as_value(value: Any) -> Any:  # an OrtValue, of a package without types
    import onnxruntime
    from onnx import helper

    if not _is_foreign(value):
        return onnxruntime.OrtValue.ortvalue_from_numpy(value)
    code = helper.np_dtype_to_tensor_dtype(value.dtype)
    plain = value.view(np.uint16 if value.dtype.itemsize == 2 else np.uint8)
    return onnxruntime.OrtValue.ortvalue_from_numpy_with_onnx_type(plain, code)
