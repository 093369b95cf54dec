"""What `cnnscope report` says beside the page that it writes, and how it exits."""

from __future__ import annotations

from pathlib import Path

from commanded import run as command


def test_a_shape_that_weights_dont_take_is_said(samples: Path, tmp_path: Path) -> None:
    model, page = str(samples / "resnet50.onnx"), tmp_path / "page.html"
    code, out, err = command("report", model, "--shape", "1x4x64x64", "-o", str(page))
    assert (code, out) == (1, "")
    written, error = err.splitlines()
    assert written.startswith(f"cnnscope: {page}: written")
    assert "'/conv1/Conv'" in error
    assert "input has 4 channels" in error
    assert page.stat().st_size


def test_a_model_without_errors_exits_0(samples: Path, tmp_path: Path) -> None:
    page = tmp_path / "page.html"
    code, _, err = command("report", str(samples / "lenet5.onnx"), "-o", str(page))
    assert (code, len(err.splitlines())) == (0, 1)


def test_of_two_models_the_broken_one_is_named(samples: Path, tmp_path: Path) -> None:
    broken, page = tmp_path / "old.onnx", tmp_path / "page.html"
    broken.write_bytes(b"junk")
    code, out, err = command("report", str(broken), str(samples / "lenet5.onnx"), "-o", str(page))
    assert (code, out, len(err.splitlines())) == (2, "", 1)
    assert err.startswith(f"cnnscope: {broken}: not an ONNX model")
    assert not page.exists()
