"""What tests are given: sample models, the corpus of real ones, and a GPU where there is one."""

from __future__ import annotations

import contextlib
import gc
import importlib
import os
import pickle
from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from amounts import amount
from browser import browser, why_not
from hypothesis import settings
from ready_command import ReadyCommand

if TYPE_CHECKING:
    from selenium.webdriver import Chrome

# Where a test doesn't say how many examples it draws: a part, and what hypothesis takes for usual in full.
settings.register_profile("drawn", max_examples=amount(20, 100))
settings.load_profile("drawn")
if not os.environ.get("CNNSCOPE_FULL"):
    # In full, hypothesis also tries the numbers and texts that it finds in our source: each process
    # would read hundreds of files for that, for seconds in a fresh checkout. Its early releases don't.
    with contextlib.suppress(ImportError):
        from hypothesis.internal.conjecture import providers

        if hasattr(providers, "_get_local_constants"):
            providers._get_local_constants = lambda: providers._local_constants

# Two tests run at a time, on two cores: threads of one's matrices would wait busily for the other's, and
# each process that starts would start them, too. numpy's library reads this when it is loaded.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
# A worker of pytest-xdist says that it has 80; tests write to files, which have no width.
os.environ.pop("COLUMNS", None)

ROOT = Path(__file__).resolve().parent.parent


@pytest.fixture(scope="session")
def samples() -> Path:
    """The folder of small models that are part of the checkout."""
    return ROOT / "sample_models"


@pytest.fixture(scope="session")
def corpus() -> Path:
    """The folder of real models, which is too large to be part of the checkout."""
    named = os.environ.get("CNNSCOPE_CORPUS")
    folder = Path(named) if named else ROOT.parent / "shared" / "corpus"
    if not folder.is_dir():
        # A folder that somebody named and that isn't there is a mistake, not a missing extra.
        assert not named, f"CNNSCOPE_CORPUS names no folder: {named}"
        pytest.skip("no corpus: neither CNNSCOPE_CORPUS nor ../shared/corpus beside the checkout")
    return folder


@cache
def why_no_gpu() -> str | None:
    """The reason why ONNX Runtime can't run on a CUDA device here; None when it can.

    The list of available providers says only what the wheel was built with, and a session whose
    provider doesn't load falls back to the CPU without an error: so run a node and see where.
    """
    import numpy as np
    import onnxruntime  # here, because a run without GPU tests needn't wait for it
    from onnx import TensorProto, helper

    if "CUDAExecutionProvider" not in onnxruntime.get_available_providers():
        return "this build of ONNX Runtime has no CUDA provider"
    if hasattr(onnxruntime, "preload_dlls"):
        onnxruntime.preload_dlls()
    model = helper.make_model(
        helper.make_graph(
            [helper.make_node("GlobalAveragePool", ["x"], ["y"])],
            "probe",
            [helper.make_tensor_value_info("x", TensorProto.FLOAT, [1, 1, 4, 4])],
            [helper.make_tensor_value_info("y", TensorProto.FLOAT, [1, 1, 1, 1])],
        ),
        opset_imports=[helper.make_opsetid("", 13)],
        ir_version=8,
    )
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 4
    try:
        session = onnxruntime.InferenceSession(
            model.SerializeToString(), options, providers=["CUDAExecutionProvider"]
        )
        if session.get_providers()[0] != "CUDAExecutionProvider":
            return "ONNX Runtime's CUDA provider doesn't load (no device, driver, CUDA or cuDNN)"
        session.run(None, {"x": np.ones((1, 1, 4, 4), np.float32)})
    except Exception as error:  # noqa: BLE001  # ONNX Runtime's errors share no narrower base
        return f"ONNX Runtime can't run on CUDA: {error}".splitlines()[0]
    return None


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Iterator[None]:
    """Thousands of tests are made, and all of them stay: the cycle collector needn't look meanwhile."""
    gc.disable()
    try:
        return (yield)
    finally:
        gc.freeze()  # and at once back: all of it passes for old
        gc.unfreeze()
        gc.enable()


def pytest_sessionfinish() -> None:
    gc.freeze()  # pytest looks twice for garbage before it leaves, and Python once more


def pytest_runtest_setup(item: pytest.Item) -> None:
    if item.get_closest_marker("gpu") is not None:
        reason = why_no_gpu()
        if reason is not None:
            pytest.skip(reason)


@pytest.fixture(scope="session")
def cases() -> Path:
    """The folder of small models that were wrong once; its README says what is right."""
    return ROOT / "tests" / "data" / "cases"


@pytest.fixture(scope="session", autouse=True)
def _commands_are_described_once() -> Iterator[None]:
    """A process of ours runs one command, which typer reads for 9 ms; one of the tests' runs hundreds."""
    import typer.main

    from cnnscope import cli

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(cli, "build_command", cache(cli.build_command))
        patch.setattr(typer.main, "get_command", cache(typer.main.get_command))
        yield


@pytest.fixture
def quick_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    """`analyze --run` measures for a twentieth of a second instead of three."""
    from cnnscope.runtime.commands import analyze
    from cnnscope.runtime.profile.job import ProfileJob

    whole = analyze.run_in_children

    def run(source: Any, jobs: Sequence[tuple[str, Any]], *rest: Any, **options: Any) -> Any:
        quick = [
            (target, replace(job, seconds=0.05) if isinstance(job, ProfileJob) else job)
            for target, job in jobs
        ]
        return whole(source, quick, *rest, **options)

    monkeypatch.setattr(analyze, "run_in_children", run)


@pytest.fixture
def without_children(monkeypatch: pytest.MonkeyPatch) -> None:
    """What a process of its own would be sent is done here, in little time; sent it is, there and back.

    For tests of what a command says: each start of ONNX Runtime takes a second.
    """
    from cnnscope.runtime.engine import child
    from cnnscope.runtime.profile.job import ProfileJob

    def run(
        target: str, argument: Any, *, progress: Any = None, environment: Any = None, **rest: Any
    ) -> Any:
        job = pickle.loads(pickle.dumps(argument))
        if isinstance(job, ProfileJob):
            job = replace(job, seconds=0.05)
        module, _, name = target.partition(":")
        with pytest.MonkeyPatch.context() as patch:
            for key, value in (environment or {}).items():
                patch.setenv(key, value)
            done = getattr(importlib.import_module(module), name)(job, progress or (lambda _: None))
        return pickle.loads(pickle.dumps(done))

    monkeypatch.setattr(child, "run_in_child", run)


@pytest.fixture(scope="session")
def ready() -> Iterator[ReadyCommand]:
    """The command as a script, for tests of what calls it."""
    command = ReadyCommand()
    yield command
    command.close()


@pytest.fixture(scope="module")
def driver() -> Iterator[Chrome]:
    """A headless browser for a module's tests; skipped, with the reason, where there is none."""
    if why_not():
        pytest.skip(why_not())
    with browser() as found:
        yield found
