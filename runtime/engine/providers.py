"""What can this machine run a model on, and if not on a GPU, why not?

ONNX Runtime's list of providers says what the wheel was built with; a session whose provider does
not load falls back to the CPU with a line in the log and no error. So neither is believed: a tiny
model is run, and the session is asked which provider it has. The reason in the log, naming the
library that lacks, is read from standard error while that is tried.

Sources: https://onnxruntime.ai/docs/execution-providers/CUDA-ExecutionProvider.html
(requirements, `preload_dlls`), https://onnxruntime.ai/docs/execution-providers/.
"""

from __future__ import annotations

import contextlib
import os
import re
import sys
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import field, replace
from typing import IO, Final

from cnnscope.analyzer.values.diagnostics import RunError
from cnnscope.analyzer.values.plain_class import dataclass

CPU: Final = "CPUExecutionProvider"
CUDA: Final = "CUDAExecutionProvider"


@dataclass(frozen=True, slots=True)
class Provider:
    """What is to run a model.

    Args:
        name: as users write it: ``"cpu"``, ``"cuda"``, ``"tensorrt"``, ...
        chain: ONNX Runtime's names, the wanted one first, then what takes the nodes it lacks.
        options: for each of the chain.
        reason: why not a better one, when it was left to choose.
    """

    name: str
    chain: tuple[str, ...]
    options: tuple[Mapping[str, str], ...] = field(default=())
    reason: str | None = None


CPU_PROVIDER: Final = Provider("cpu", (CPU,))


def choose_provider(name: str = "auto") -> Provider:
    """The provider of that name; for ``"auto"`` CUDA if it truly runs, else the CPU and why.

    Raises:
        RunError: there is none of that name, or it doesn't run here.

    >>> choose_provider("cpu").chain
    ('CPUExecutionProvider',)
    """
    if name.lower() in ("cpu", CPU.lower()):
        return CPU_PROVIDER
    if name.lower() == "auto":
        reason = why_not(CUDA)
        if reason is None:
            return _provider("cuda", CUDA)
        return Provider("cpu", (CPU,), reason=reason)
    full = _full_name(name)
    reason = why_not(full)
    if reason is not None:
        raise RunError(f"--provider {name}: {reason}")
    return _provider(short_name(full), full)


def short_name(full: str) -> str:
    """A provider's name as users write it.

    >>> short_name("TensorrtExecutionProvider")
    'tensorrt'
    """
    return full.removesuffix("ExecutionProvider").lower()


def _provider(name: str, full: str) -> Provider:
    # TensorRT hands what it can't take to CUDA first.
    chain = (full, CUDA, CPU) if name == "tensorrt" else (full, CPU)
    # TF32 rounds the products' operands to 10 bits: off, so that float32 means float32.
    options = tuple({"use_tf32": "0"} if p == CUDA else {} for p in chain)
    return Provider(name, chain, options)


def with_tf32(provider: Provider) -> Provider:
    """The same, but float32 products on CUDA may be rounded to TF32."""
    options = tuple(
        {**option, "use_tf32": "1"} if name == CUDA else option
        for name, option in zip(provider.chain, provider.options, strict=True)
    )
    return replace(provider, options=options)


def _full_name(name: str) -> str:
    import onnxruntime

    known = onnxruntime.get_all_providers()
    for full in known:
        if name.lower() in (full.lower(), short_name(full)):
            return str(full)
    offered = ", ".join(sorted(short_name(p) for p in onnxruntime.get_available_providers()))
    raise RunError(f"--provider {name}: ONNX Runtime knows no such provider (here: {offered})")


def why_not(full: str) -> str | None:
    """Why a provider doesn't run here, in one line; None if it does."""
    import onnxruntime

    label = short_name(full)
    if full not in onnxruntime.get_available_providers():
        return f"this onnxruntime ({onnxruntime.__version__}) has no {label} provider"
    if full == CPU:
        return None
    with _standard_error() as log:
        try:
            if hasattr(onnxruntime, "preload_dlls"):  # since 1.21: CUDA's wheels, by their names
                onnxruntime.preload_dlls()
            used = _tried(full)
        except Exception as error:  # noqa: BLE001  # ONNX Runtime's errors share no narrower base
            return f"{label} does not run: {_reason(str(error)) or type(error).__name__}"
        if used == full:
            return None
        log.seek(0)
        said = _reason(log.read())
    return f"{label} does not load: {said or 'no device, driver or library'}"


def _tried(full: str) -> str:
    """The provider that a session on a tiny model has, once it ran."""
    import numpy as np
    import onnxruntime
    from onnx import TensorProto, helper

    # A product of matrices needs the provider's own libraries (cuBLAS); a convolution more (cuDNN).
    model = helper.make_model(
        helper.make_graph(
            [helper.make_node("Conv", ["x", "w"], ["y"], name="tiny")], "tiny",
            [helper.make_tensor_value_info("x", TensorProto.FLOAT, [1, 1, 4, 4])],
            [helper.make_tensor_value_info("y", TensorProto.FLOAT, [1, 1, 4, 4])],
            [helper.make_tensor("w", TensorProto.FLOAT, [1, 1, 1, 1], [2.0])],
        ),
        opset_imports=[helper.make_opsetid("", 13)], ir_version=8,
    )  # fmt: skip
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3  # errors: they say which library lacks
    session = onnxruntime.InferenceSession(model.SerializeToString(), options, providers=[full])
    if session.get_providers()[0] == full:
        (y,) = session.run(None, {"x": np.ones((1, 1, 4, 4), np.float32)})
        if not np.all(y == 2):
            raise RunError("it computes 2 * 1 wrongly")
    return str(session.get_providers()[0])


_LIBRARY: Final = re.compile(
    r"(?P<what>\S+): cannot open shared object file|LoadLibrary failed.*?\"(?P<dll>[^\"]+\.dll)\""
)


def _reason(log: str) -> str:
    """What a log says of a library or device that lacks, in a line."""
    found = _LIBRARY.search(log)
    if found:
        return f"library {found.group('what') or found.group('dll')} is missing"
    for line in log.splitlines():
        for sign in ("CUDA failure", "CUDA error", "no CUDA-capable device", "driver version"):
            if sign in line:
                return " ".join(line[line.index(sign) :].split())[:200]
    lines = [" ".join(line.split()) for line in log.splitlines() if line.strip()]
    return lines[0][:200] if lines else ""


@contextlib.contextmanager
def _standard_error() -> Iterator[IO[str]]:
    """What native code writes to standard error, and Python prints meanwhile, in a file instead."""
    with (
        tempfile.TemporaryFile("w+", encoding="utf-8", errors="replace") as log,
        contextlib.redirect_stdout(log),  # where onnxruntime's Python part says what failed
    ):
        sys.stderr.flush()
        kept = os.dup(2)
        try:
            os.dup2(log.fileno(), 2)
            yield log
        finally:
            os.dup2(kept, 2)
            os.close(kept)
