"""What was wrong once, and has no better place: tests/data/cases/README.md says how it is known."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnxruntime
import pytest

import cnnscope
from cnnscope.analyzer.values.dimension import FreeDim
from cnnscope.analyzer.values.substitution import substituted
from cnnscope.cli import main


@pytest.mark.parametrize("name", ["stft_rank2", "stft_rank3"])
def test_a_signal_without_an_axis_for_its_parts(cases: Path, name: str) -> None:
    # 98 frames of 400: each times the window, then 201 frequencies by the definition, of real numbers:
    # 2 products for each, and 2 sums for each but the first.
    frames, length, frequencies = (16_000 - 400) // 160 + 1, 400, 201
    work = length + 2 * frequencies * length + 2 * frequencies * (length - 1)
    assert frames * work == 31_516_604
    assert cnnscope.analyze(cases / f"{name}.onnx").totals.flops.value == 31_516_604


@pytest.mark.parametrize("name", ["lint_bilinear_half_asym", "lint_conv_k1s2"])
def test_halving_reads_half_of_the_positions(cases: Path, name: str) -> None:
    found = {x.code: x for x in cnnscope.lint(cases / f"{name}.onnx")}
    # 64 x 64 positions, of which 32 x 32 are read
    assert found["CNS105"].stake == {"pixels": 64 * 64 - 32 * 32}


def test_the_map_of_a_mirrored_image_lies_beside_the_mirrored_map(cases: Path) -> None:
    # Two 3x3 convolutions of stride 2 and padding 1: unit 0 looks at pixel 0, the last one 3 pixels
    # before the other end.
    report = cnnscope.analyze(cases / "hrnet_stem.onnx")
    last = report.layers[-1]
    for field in last.receptive_field:
        length = report.inputs[0].tensor.dims[field.axis]
        assert isinstance(length, int)
        units = last.outputs[0].tensor.dims[field.output_axis or 0]
        assert isinstance(units, int)
        first, end = field.span(0), field.span(units - 1)
        assert first is not None
        assert end is not None
        mirrored = (length - 1) - (end[0] + end[1]) / 2
        assert mirrored - (first[0] + first[1]) / 2 == 3


def test_a_formula_holds_where_the_model_runs(cases: Path) -> None:
    path = cases / "unet_free.onnx"
    (output,) = cnnscope.analyze(path).outputs
    length = output.tensor.dims[2]
    assert isinstance(length, FreeDim)
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 4
    run = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    (given,) = run.get_inputs()
    ran = []
    for size in range(1, 41):
        try:
            (y,) = run.run(None, {given.name: np.zeros((1, given.shape[1], size), np.float32)})
        except Exception:  # noqa: BLE001  (a length that the model doesn't take)
            continue
        ran.append(size)
        assert substituted(length, {"L": size}) == y.shape[2]
    assert ran == [8, 16, 24, 32, 40]


@pytest.mark.parametrize(
    "name", ["name_url", "name_workflow_command", "name_workflow_command_stderr"]
)
def test_a_name_is_only_a_name(cases: Path, name: str, capsys: pytest.CaptureFixture[str]) -> None:
    for command in (["analyze"], ["analyze", "--format", "markdown"], ["lint"], ["conventions"]):
        with pytest.raises(SystemExit):
            main([*command, str(cases / f"{name}.onnx")])
        shown = capsys.readouterr()
        for line in (shown.out + shown.err).splitlines():
            assert not line.lstrip().startswith("::")
            assert "##[" not in line
            if "markdown" in command:
                assert "://" not in line
