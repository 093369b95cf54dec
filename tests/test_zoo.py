"""Is the benchmarks' fleet as it is said to be: valid, varied, broken in places, the same each time?"""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.error import HTTPError
from urllib.request import Request, urlopen

import onnx
import pytest
from amounts import amount

from cnnscope.analyzer.analysis import analyze
from cnnscope.analyzer.values.diagnostics import CnnscopeError

FOLDER = Path(__file__).resolve().parent.parent / "benchmarks"


@pytest.fixture(scope="module")
def zoo() -> Iterator[Any]:
    """`zoo.models` and `zoo.server`: scripts beside each other, not a package that is installed."""
    sys.path.insert(0, str(FOLDER))
    try:
        from zoo import broken, models, server  # type: ignore[import-not-found]

        yield {"models": models, "broken": broken, "server": server}
    finally:
        sys.path.remove(str(FOLDER))
        for name in [name for name in sys.modules if name.partition(".")[0] == "zoo"]:
            del sys.modules[name]


def test_models_are_valid_and_counted_by_the_textbook(zoo: dict[str, Any], tmp_path: Path) -> None:
    seen: Counter[str] = Counter()
    for i in range(amount(60, 3000)):
        model = zoo["models"].made(2, i)
        if model.broken:
            continue
        path = tmp_path / "m.onnx"
        path.write_bytes(model.data)
        read = onnx.load_from_string(model.data)
        if not model.external:
            onnx.checker.check_model(read, full_check=True)
        assert 5 <= len(read.graph.node) <= 250
        report = analyze(path)
        assert report.totals.params.value == model.params, i
        if model.macs is not None:
            assert report.totals.macs.value == model.macs, i
        seen.update((model.family, model.exporter, report.model.weights))
    assert len(seen) >= 15


def test_a_number_is_a_model(zoo: dict[str, Any]) -> None:
    models = zoo["models"]
    assert [models.made(3, i) for i in (0, 7, 99)] == [models.made(3, i) for i in (0, 7, 99)]
    assert models.made(3, 7).data != models.made(4, 7).data
    every = [models.made(1, i) for i in range(300)]
    twins = [(m, every[m.graph]) for m in every if m is not every[m.graph]]
    assert 30 < len(twins) < 90
    for one, other in twins:
        if not (one.broken or other.broken or every[other.graph] is not other):
            assert (one.params, one.macs, one.family) == (other.params, other.macs, other.family)
            assert len(one.data) == len(other.data)
            assert one.data != other.data


def test_what_is_broken_ends_in_a_line_or_a_report(zoo: dict[str, Any], tmp_path: Path) -> None:
    from random import Random

    good = zoo["models"].made(1, 0).data
    path = tmp_path / "m.onnx"
    lines = []
    for kind, spoil in zoo["broken"].BROKEN.items():
        path.write_bytes(spoil(Random(kind), good))
        said = ""
        try:
            analyze(path)
        except CnnscopeError as error:
            lines.append(kind)
            said = str(error)
        assert "\n" not in said, kind
    assert {"truncated", "empty", "web-page", "pointer", "cycle", "twice"} <= set(lines)


def fetched(address: str, method: str = "GET", **headers: str) -> tuple[int, bytes, Any]:
    try:
        with urlopen(Request(address, method=method, headers=headers)) as answer:
            return answer.status, answer.read(), answer.headers
    except HTTPError as error:
        return error.code, b"", error.headers


def test_a_fleet_is_served_in_ranges(zoo: dict[str, Any]) -> None:
    models = zoo["models"]
    data = models.made(1, 3).data
    beside = next(m for m in (models.made(1, i) for i in range(300)) if m.external_bytes)
    lost = next(
        m for m in (models.made(1, i) for i in range(300)) if m.external and not m.external_bytes
    )
    with zoo["server"].served(1, 300) as address:
        where = f"{address}/{models.place(3)}"
        status, body, headers = fetched(where)
        assert (status, body, headers["ETag"]) == (200, data, '"1-3"')
        status, body, headers = fetched(where, Range="bytes=5-9")
        assert (status, body, headers["Content-Range"]) == (
            206,
            data[5:10],
            f"bytes 5-9/{len(data)}",
        )
        assert fetched(where, Range="bytes=-4")[1] == data[-4:]
        assert fetched(where, Range=f"bytes={len(data)}-")[0] == 416
        assert fetched(where, If_Match="x")[0] == 200
        assert fetched(where, **{"If-Match": '"other"'})[0] == 412
        status, body, headers = fetched(f"{address}/000/{beside.external}", "HEAD")
        assert (status, headers["Content-Length"]) == (200, str(beside.external_bytes))
        assert fetched(f"{address}/000/{lost.external}", "HEAD")[0] == 404
        assert fetched(f"{address}/{models.place(300)}")[0] == 404
        lines = fetched(f"{address}/list.txt")[1].decode().splitlines()
        assert (len(lines), lines[3]) == (300, where)
        counts = zoo["server"].counts(address)
        assert (counts.requests, counts.heads, counts.ranges, counts.missing) == (10, 2, 3, 2)
    with zoo["server"].served(1, 300, ranges=False) as address:
        assert fetched(f"{address}/{models.place(3)}", Range="bytes=5-9")[:2] == (200, data)
