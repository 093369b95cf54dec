"""A model in S3, read with s3fs from a server of moto's on this machine."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from cnnscope.analyzer.model.file import open_model
from cnnscope.analyzer.values.diagnostics import ModelFileError
from cnnscope.runtime.fleet.places import Unlisted, places_of

moto_server = pytest.importorskip("moto.server", reason="the extra remote-test isn't installed")
pytest.importorskip("s3fs", reason="the extra remote-test isn't installed")


@pytest.fixture
def bucket(monkeypatch: pytest.MonkeyPatch, samples: Path) -> Iterator[str]:
    import boto3
    import fsspec.config

    server = moto_server.ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    url = f"http://{host}:{port}"
    for name, value in {
        "ACCESS_KEY_ID": "a",
        "SECRET_ACCESS_KEY": "b",
        "DEFAULT_REGION": "us-east-1",
    }.items():
        monkeypatch.setenv(f"AWS_{name}", value)
    monkeypatch.setitem(fsspec.config.conf, "s3", {"endpoint_url": url})
    client = boto3.client("s3", endpoint_url=url)
    client.create_bucket(Bucket="models")
    client.put_object(Bucket="models", Key="a/m.onnx", Body=(samples / "lenet5.onnx").read_bytes())
    yield url
    server.stop()


def test_a_model_in_a_bucket(bucket: str, samples: Path) -> None:
    mine, its = open_model("s3://models/a/m.onnx"), open_model(str(samples / "lenet5.onnx"))
    assert mine.model.graph.node == its.model.graph.node
    assert (mine.path, mine.weights) == ("s3://models/a/m.onnx", "missing")
    with pytest.raises(ModelFileError, match="nothing at this place"):
        open_model("s3://models/none.onnx")


def test_a_buckets_models(bucket: str) -> None:
    import boto3

    client = boto3.client("s3", endpoint_url=bucket)
    for key in ("a/b/n.onnx", "a-b/o.onnx", "a/read.me", "a/b/", "model"):
        client.put_object(Bucket="models", Key=key, Body=b"x")
    for place, keys in [
        ("models", ["a-b/o.onnx", "a/b/n.onnx", "a/m.onnx"]),
        ("models/a", ["a/b/n.onnx", "a/m.onnx"]),
        ("models/a*/*.onnx", ["a-b/o.onnx", "a/m.onnx"]),
        ("models/**/n.onnx", ["a/b/n.onnx"]),
        ("mod*/a/*", ["a/m.onnx"]),
        ("models/model", ["model"]),
    ]:
        assert list(places_of([f"s3://{place}"])) == [f"s3://models/{key}" for key in keys]
    (found,) = places_of(["s3://none/*"])
    assert isinstance(found, Unlisted)
    assert found.said == "there is nothing at this place; check the address"
