"""Are rows the same whoever scans, and what does a worker cost that is lost?"""

from __future__ import annotations

import importlib.util
import json
import os
import signal
from collections.abc import Callable
from concurrent.futures import Executor, Future, ProcessPoolExecutor, ThreadPoolExecutor
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import pytest
from onnx import TensorProto, helper
from web_server import serving

from cnnscope.analyzer.values.diagnostics import ArgumentError, RunError
from cnnscope.runtime.fleet import handing_out
from cnnscope.runtime.fleet.cluster_executor import ClusterExecutor, check_workers
from cnnscope.runtime.fleet.journal import Journal
from cnnscope.runtime.fleet.scanning import scan
from cnnscope.runtime.fleet.worker import scan_batch

MODELS = 8


def model(channels: int) -> bytes:
    """A convolution of so many channels."""
    weights = helper.make_tensor(
        "w", TensorProto.FLOAT, [channels, 3, 3, 3], bytes(108 * channels), raw=True
    )
    graph = helper.make_graph(
        [helper.make_node("Conv", ["x", "w"], ["y"], "conv")], "g",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, [1, 3, 8, 8])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, [1, channels, 6, 6])], [weights],
    )  # fmt: skip
    made = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    return bytes(made.SerializeToString())


@pytest.fixture(scope="module")
def zoo(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Models, one of them twice, and one that is none."""
    folder = tmp_path_factory.mktemp("zoo")
    for i in range(MODELS - 2):
        (folder / f"m{i}.onnx").write_bytes(model(i + 1))
    (folder / "m0again.onnx").write_bytes(model(1))
    (folder / "none.onnx").write_bytes(b"<html>")
    return folder


def rows(where: object, folder: Path, **given: Any) -> list[dict[str, Any]]:
    """A scan's rows."""
    output = folder / "out.jsonl"
    scan(where, output, **given)  # type: ignore[arg-type]
    assert not (folder / "out.jsonl.scan").exists()
    return [json.loads(line) for line in output.read_text().splitlines()]


@pytest.fixture(scope="module")
def wished(zoo: Path, tmp_path_factory: pytest.TempPathFactory) -> list[dict[str, Any]]:
    """By this machine's own processes."""
    found = rows(zoo, tmp_path_factory.mktemp("wished"), workers=1)
    # By hand: so many filters of 3 x 3 x 3, at 6 x 6 places.
    assert [row["macs"] for row in found] == [
        972,
        972,
        972 * 2,
        972 * 3,
        972 * 4,
        972 * 5,
        972 * 6,
        None,
    ]
    assert [row["status"] for row in found] == ["ok"] * 7 + ["error"]
    return found


@pytest.mark.parametrize(
    "executor",
    [
        lambda: ThreadPoolExecutor(1),
        lambda: ProcessPoolExecutor(1, mp_context=get_context("spawn")),
    ],
    ids=["threads", "processes"],
)
def test_any_executor_gives_the_same_rows(
    zoo: Path, wished: list[dict[str, Any]], tmp_path: Path, executor: Callable[[], Executor]
) -> None:
    with executor() as given:
        assert rows(zoo, tmp_path, executor=given, workers=1) == wished
        assert given.submit(abs, -1).result() == 1  # it was left open


# -- Dask ----------------------------------------------------------------------------------------------


def test_dask_gives_the_same_rows(zoo: Path, wished: list[dict[str, Any]], tmp_path: Path) -> None:
    """A cluster of this process's own threads, by its address: real processes are below."""
    distributed = pytest.importorskip(
        "distributed", reason="distributed isn't installed (extra dask)"
    )
    with distributed.LocalCluster(
        n_workers=1, threads_per_worker=2, processes=False, dashboard_address=None
    ) as cluster:
        address = cluster.scheduler_address
        assert rows(zoo, tmp_path, engine=f"dask={address}") == wished


@pytest.mark.slow
def test_a_dask_worker_that_dies_costs_the_models_in_flight(tmp_path: Path) -> None:
    distributed = pytest.importorskip(
        "distributed", reason="distributed isn't installed (extra dask)"
    )
    dask = pytest.importorskip("dask")
    workers: list[int] = []
    killed: list[int] = []

    def before(number: int) -> None:
        if served.asked[-1][1] == "/m5.onnx" and workers:
            killed.extend(workers)
            for process in workers:
                os.kill(process, signal.SIGKILL)
            workers.clear()

    with serving(files={f"/m{i}.onnx": model(i + 1) for i in range(MODELS)}) as served:
        where = [f"{served.url}/m{i}.onnx" for i in range(MODELS)]
        quiet = rows(where, tmp_path, workers=1)
        asked = len(served.asked)
        served.before = before
        with (
            dask.config.set({"distributed.scheduler.allowed-failures": 0}),
            distributed.LocalCluster(
                n_workers=2, threads_per_worker=1, dashboard_address=None, silence_logs=50
            ) as cluster,
            distributed.Client(cluster) as client,
        ):
            workers.extend(client.run(os.getpid).values())
            assert rows(where, tmp_path / "..", engine=f"dask={cluster.scheduler_address}") == quiet
    assert len(killed) == 2
    # Both were reading a model, in one request each; all others were read once.
    assert asked < len(served.asked) - asked <= asked + 2


# -- Ray -----------------------------------------------------------------------------------------------


@pytest.mark.ray
@pytest.mark.slow
def test_ray_gives_the_same_rows(zoo: Path, wished: list[dict[str, Any]], tmp_path: Path) -> None:
    pytest.importorskip("ray", reason="ray isn't installed (extra ray)")
    assert rows(zoo, tmp_path, engine="ray", workers=1) == wished


# -- workers that are lost -----------------------------------------------------------------------------


class GoneError(Exception):
    """What an engine says of a worker that is gone."""


class Losing(Executor):
    """Which loses whoever has the first batch, so many times."""

    lost = (GoneError,)

    def __init__(self, times: int) -> None:
        self.times = times
        self.pool = ThreadPoolExecutor(1)

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        if args[0].number == 0 and self.times:
            self.times -= 1
            gone: Future[Any] = Future()
            gone.set_exception(GoneError("no answer"))
            return gone
        return self.pool.submit(fn, *args, **kwargs)


class Silent(Executor):
    """Which has everything done, and says of the first batch neither that it is nor that it isn't."""

    def __init__(self) -> None:
        self.pool = ThreadPoolExecutor(1)

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        future = self.pool.submit(fn, *args, **kwargs)
        return Future() if args[0].number == 0 else future


def test_a_batch_that_is_whole_is_done_whoever_says_so(
    zoo: Path, wished: list[dict[str, Any]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As Dask's futures are, whose workers died between the two: such a scan never ended."""
    monkeypatch.setattr(handing_out, "_LOOK", 0.05)
    assert rows(zoo, tmp_path, executor=Silent(), workers=1) == wished


@pytest.mark.parametrize(
    ("times", "failed", "layers"), [(2, 0, False), (3, 1, True), (7, 2, False)]
)
def test_a_lost_worker_costs_its_model_at_most(
    zoo: Path, wished: list[dict[str, Any]], tmp_path: Path, times: int, failed: int, layers: bool
) -> None:
    losing = Losing(times)
    found = rows(zoo, tmp_path, executor=losing, workers=1, layers=layers)
    assert losing.times == 0
    assert found[failed:] == wished[failed:]
    assert [row["path"] for row in found] == [row["path"] for row in wished]
    for row in found[:failed]:
        assert (row["status"], row["error_kind"]) == ("error", "crash")
        assert row["error"] == "3 workers were lost while they read it"


def test_another_error_of_an_engine_ends_the_scan_and_it_can_go_on(
    zoo: Path, wished: list[dict[str, Any]], tmp_path: Path
) -> None:
    losing = Losing(1)
    losing.lost = ()
    with pytest.raises(RunError, match=r"the engine gave up .*no answer.*--resume goes on") as said:
        scan(zoo, tmp_path / "out.jsonl", executor=losing, workers=1)
    assert "\n" not in str(said.value)
    assert rows(zoo, tmp_path, executor=losing, workers=1, resume=True) == wished


def journal_of(folder: Path, **given: Any) -> Journal:
    return Journal(folder, 0, layers=False, **given)


def test_one_worker_at_a_time_has_a_journal(tmp_path: Path) -> None:
    """A worker that was given up may still be at its batch: whoever is next waits, and finds all its rows."""
    first = journal_of(tmp_path)
    with pytest.raises(RunError, match=r"another worker is still at batch 0: .*--resume"):
        journal_of(tmp_path, patience=0.0)
    with ThreadPoolExecutor(1) as pool:
        second = pool.submit(journal_of, tmp_path)
        first.add(0, "analysis", b'{"path":"a"}', status="ok", shareable=False, layers=b"")
        first.close()
        found = second.result(10)
    assert found.done == {0}
    found.close()
    found.finish()
    first.finish()  # it has ended too, and that is no error
    assert [path.name for path in tmp_path.iterdir()] == ["000000.jsonl"]


# -- what is said --------------------------------------------------------------------------------------


@pytest.mark.parametrize("engine", ["dusk", "dask=", "local=here", "=", "ray ", ""])
def test_there_is_no_such_engine(zoo: Path, tmp_path: Path, engine: str) -> None:
    with pytest.raises(ArgumentError, match=r"there is no engine .*: there are local, dask"):
        scan(zoo, tmp_path / "out.jsonl", engine=engine)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(("engine", "package"), [("dask", "distributed"), ("ray=auto", "ray")])
def test_an_engine_that_is_not_installed_is_named_with_what_helps(
    zoo: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, engine: str, package: str
) -> None:
    from cnnscope.runtime.fleet import engines

    monkeypatch.setattr(engines, "find_spec", lambda name: None)
    name = engine.partition("=")[0]
    with pytest.raises(
        ArgumentError, match=rf"{name} needs the package {package}.*cnnscope\[{name}\]"
    ):
        scan(zoo, tmp_path / "out.jsonl", engine=engine)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("engine", ["dask", "ray"])
def test_an_address_that_does_not_answer_is_one_line(
    zoo: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, engine: str
) -> None:
    package = {"dask": "distributed", "ray": "ray"}[engine]
    if importlib.util.find_spec(package) is None:
        pytest.skip(f"{package} isn't installed (extra {engine})")
    module = importlib.import_module(f"cnnscope.runtime.fleet.{engine}_engine")
    monkeypatch.setattr(module, "PATIENCE", 0.2)
    with pytest.raises(
        RunError, match=rf"^{engine}=127.0.0.1:9: it doesn't answer \(.+\)$"
    ) as said:
        scan(zoo, tmp_path / "out.jsonl", engine=f"{engine}=127.0.0.1:9")
    assert "Error" not in str(said.value)
    assert list(tmp_path.iterdir()) == []


def cluster(answer: Callable[[Future[Any]], None]) -> ClusterExecutor:
    """A cluster whose workers answer so."""

    def submit(function: object) -> Future[Any]:
        found: Future[Any] = Future()
        answer(found)
        return found

    return ClusterExecutor("dask=there", submit, lambda: 1, ())


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (lambda found: found.set_result("0.0.1"), "its workers have cnnscope 0.0.1, this is .*: install"),
        (lambda found: found.set_exception(ModuleNotFoundError("cnnscope")), "its workers have no cnnscope"),
        (lambda found: found.set_exception(OSError("gone away")), r"it doesn't answer \(gone away\)"),
        (lambda found: None, "no worker answers within 0.01 s"),
    ],
)  # fmt: skip
def test_workers_that_cannot_scan_are_one_line(
    answer: Callable[[Future[Any]], None], said: str
) -> None:
    with pytest.raises(RunError, match=f"^dask=there: {said}"):
        check_workers(cluster(answer), 0.01)


class Recording(Executor):
    """Which changes what a worker is told."""

    def __init__(self, **changes: object) -> None:
        self.changes = changes

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        from dataclasses import replace

        assert fn is scan_batch
        found: Future[Any] = Future()
        try:
            found.set_result(fn(replace(args[0], **self.changes)))
        except Exception as error:  # noqa: BLE001  # a future has it
            found.set_exception(error)
        return found


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"version": "0.0.1"}, "a worker has cnnscope .*, the scan is by 0.0.1"),
        ({"token": "another"}, "a worker doesn't see this folder"),
        ({"folder": "/nowhere/out.jsonl.scan"}, "a worker doesn't see this folder"),
    ],
)
def test_a_worker_elsewhere_is_told_apart(
    zoo: Path, tmp_path: Path, changes: dict[str, object], said: str
) -> None:
    with pytest.raises(RunError, match=said):
        scan(zoo, tmp_path / "out.jsonl", executor=Recording(**changes))
