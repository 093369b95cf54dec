"""Which provider is chosen, and what is said when it isn't the one wanted."""

from __future__ import annotations

import onnxruntime
import pytest

from cnnscope.analyzer.values.diagnostics import RunError
from cnnscope.runtime.engine import providers
from cnnscope.runtime.engine.providers import choose_provider, why_not

CUDA = "CUDAExecutionProvider"


@pytest.mark.parametrize("name", ["cpu", "CPU", "CPUExecutionProvider"])
def test_the_cpu_is_always_there(name: str) -> None:
    found = choose_provider(name)
    assert (found.name, found.chain, found.reason) == ("cpu", ("CPUExecutionProvider",), None)
    assert why_not("CPUExecutionProvider") is None


def test_left_to_choose_it_says_why_not_cuda(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(onnxruntime, "get_available_providers", lambda: ["CPUExecutionProvider"])
    found = choose_provider("auto")
    assert found.name == "cpu"
    assert found.reason is not None
    assert "no cuda provider" in found.reason


@pytest.mark.parametrize("name", ["cuda", "CUDAExecutionProvider", "tensorrt"])
def test_a_named_provider_has_to_be_there(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    monkeypatch.setattr(onnxruntime, "get_available_providers", lambda: ["CPUExecutionProvider"])
    with pytest.raises(RunError, match=f"--provider {name}: this onnxruntime"):
        choose_provider(name)


def test_an_unknown_provider_is_answered_with_the_known() -> None:
    with pytest.raises(RunError, match=r"knows no such provider \(here: .*cpu"):
        choose_provider("gpu3000")


def test_a_provider_that_is_listed_is_tried(monkeypatch: pytest.MonkeyPatch) -> None:
    """The list says CUDA, but the session that comes out has only the CPU."""
    monkeypatch.setattr(onnxruntime, "get_available_providers", lambda: [CUDA])
    # What a GPU build says of the libraries that lack is another test's matter.
    monkeypatch.setattr(onnxruntime, "preload_dlls", lambda: None, raising=False)
    monkeypatch.setattr(providers, "_tried", lambda full: "CPUExecutionProvider")
    assert why_not(CUDA) == "cuda does not load: no device, driver or library"
    monkeypatch.setattr(providers, "_tried", lambda full: full)
    assert why_not(CUDA) is None
    assert choose_provider("auto").chain == (CUDA, "CPUExecutionProvider")


@pytest.mark.parametrize(
    ("log", "reason"),
    [
        (
            "[E:onnxruntime:Default, provider_bridge_ort.cc:1992 TryGetProviderInfo_CUDA] Failed to "
            "load library libonnxruntime_providers_cuda.so with error: libcublasLt.so.12: cannot "
            "open shared object file: No such file or directory",
            "library libcublasLt.so.12 is missing",
        ),
        (
            'LoadLibrary failed with error 126 "" when trying to load '
            '"C:\\ort\\onnxruntime_providers_cuda.dll"',
            "library C:\\ort\\onnxruntime_providers_cuda.dll is missing",
        ),
        (
            "x.cc:129 CudaCall CUDA failure 100: no CUDA-capable device is detected ; GPU=-1",
            "CUDA failure 100: no CUDA-capable device is detected ; GPU=-1",
        ),
        ("", ""),
    ],
)
def test_the_log_is_read_for_what_lacks(log: str, reason: str) -> None:
    assert providers._reason(log) == reason


@pytest.mark.gpu
def test_cuda_runs_where_it_is() -> None:
    assert why_not(CUDA) is None
    assert choose_provider("auto").name == "cuda"
