"""Does the pytest plugin give tests the reports they ask for, and cost a run without models nothing?"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import onnx
import pytest

import cnnscope

pytest_plugins = ["pytester"]

SAMPLES = Path(__file__).resolve().parent.parent / "sample_models"
# By name and without whatever else is installed; tests/test_packaging.py looks for the entry point.
PLUGIN = ["-p", "cnnscope.pytest_plugin", "-p", "no:cacheprovider", "--strict-markers"]

# Loaded before pytester takes the list of modules that it puts back: onnx can't be loaded twice.
cnnscope.analyze(SAMPLES / "lenet5.onnx")


@pytest.fixture
def project(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> pytest.Pytester:
    """A project with two models, below a folder."""
    monkeypatch.setenv("COLUMNS", "200")
    monkeypatch.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")
    (pytester.path / "models").mkdir()
    free = onnx.load(SAMPLES / "lenet5.onnx", load_external_data=False)
    free.graph.input[0].type.tensor_type.shape.dim[2].dim_param = "H"
    onnx.save(free, pytester.path / "free.onnx")
    for model in ("lenet5", "alexnet"):
        shutil.copy(SAMPLES / f"{model}.onnx", pytester.path / "models")
    return pytester


def run(project: pytest.Pytester, *arguments: str) -> pytest.RunResult:
    return project.runpytest_inprocess(*PLUGIN, *arguments)


ASKS = "def test_it(cnnscope_report):\n    assert cnnscope_report.totals.params.value == 61706\n"


def test_the_marker_names_the_model(project: pytest.Pytester) -> None:
    project.makepyfile(f"import pytest\n@pytest.mark.cnnscope('models/lenet5.onnx')\n{ASKS}")
    result = run(project)
    result.assert_outcomes(passed=1)
    result.stdout.fnmatch_lines(
        ["*= cnnscope =*", "models/lenet5.onnx: 61.71 k parameters, 416.5 k MACs, *"]
    )
    quiet = run(project, "-q")
    assert "61.71 k" not in quiet.stdout.str()


def test_shapes_and_dims_go_with_it(project: pytest.Pytester) -> None:
    project.makepyfile(
        """
        import pytest
        pytestmark = pytest.mark.cnnscope("free.onnx", dims={"H": 32})

        def test_by_the_name_of_the_dimension(cnnscope_report):
            assert cnnscope_report.totals.macs.value == 416520

        @pytest.mark.cnnscope(dims={"H": 35})
        def test_the_closest_marker_counts(cnnscope_report):
            assert cnnscope_report.layers[0].output_shape == (1, 6, 31, 28)
        """
    )
    run(project).assert_outcomes(passed=2)


@pytest.mark.parametrize(
    "asked",
    ["'models/*.onnx'", "'models/alexnet.onnx', 'models/lenet5.onnx'", "'models/**/*.onnx'"],
)
def test_several_models_are_several_tests(project: pytest.Pytester, asked: str) -> None:
    project.makepyfile(f"import pytest\n@pytest.mark.cnnscope({asked})\n{ASKS}")
    result = run(project, "-v")
    result.assert_outcomes(passed=1, failed=1)
    result.stdout.fnmatch_lines(
        ["*::test_it?alexnet.onnx? FAILED*", "*::test_it?lenet5.onnx? PASSED*"]
    )


def test_sizes_apply_where_a_model_has_what_they_are_of(project: pytest.Pytester) -> None:
    """Of these, only free.onnx has a dimension H: 32 rows make it LeNet-5, with 416,520 MACs."""
    project.makepyfile(
        """
        import pytest

        @pytest.mark.cnnscope("free.onnx", "models/lenet5.onnx", dims={"H": 32})
        def test_it(cnnscope_report):
            assert cnnscope_report.totals.macs.value == 416520

        @pytest.mark.cnnscope("free.onnx", "models/*.onnx", dims={"H": 32, "Hight": 9})
        def test_a_slip(cnnscope_report):
            pass
        """
    )
    result = run(project)
    result.assert_outcomes(passed=2, errors=3)
    result.stdout.fnmatch_lines(
        ["*no model has a free dimension 'Hight'; free are: H (of the 3 that the marker names)*"]
    )


def test_a_range_of_sizes_is_asked_of_a_report(project: pytest.Pytester) -> None:
    """Of these the fully connected layer takes 32 alone: 416,520 multiply-accumulates."""
    project.makepyfile(
        """
        import pytest
        from cnnscope.testing import assert_within

        @pytest.mark.cnnscope("free.onnx")
        def test_a_range(cnnscope_report):
            assert_within(cnnscope_report, macs=416520, dims={"H": range(28, 33)})

        @pytest.mark.cnnscope("free.onnx")
        def test_a_range_that_is_too_much(cnnscope_report):
            assert_within(cnnscope_report, macs=416519, dims={"H": range(28, 33)})

        @pytest.mark.cnnscope("free.onnx", dims={"H": range(28, 33)})
        def test_none_of_the_marker(cnnscope_report):
            pass
        """
    )
    result = run(project)
    result.assert_outcomes(passed=1, failed=1, errors=1)
    result.stdout.fnmatch_lines_random(
        ["*416,520 (at H = 32)*", "*the marker gives a dimension one length*"]
    )


def test_a_test_may_choose_itself(project: pytest.Pytester) -> None:
    chosen = "@pytest.mark.parametrize('cnnscope_report', ['models/lenet5.onnx'], indirect=True)"
    project.makepyfile(f"import pytest\n{chosen}\n{ASKS}")
    run(project, "--cnnscope-model=models/*.onnx").assert_outcomes(passed=1)


def test_the_command_line_goes_before_the_configuration(project: pytest.Pytester) -> None:
    project.makepyfile(ASKS)
    project.makeini("[pytest]\ncnnscope_model = models/alexnet.onnx\n")
    run(project).assert_outcomes(failed=1)
    run(project, "--cnnscope-model", "models/lenet5.onnx").assert_outcomes(passed=1)


def test_a_file_is_analysed_once(project: pytest.Pytester) -> None:
    project.makepyfile(
        """
        import pytest
        seen = []

        @pytest.mark.cnnscope("models/lenet5.onnx")
        @pytest.mark.parametrize("again", range(2))
        def test_it(cnnscope_report, cnnscope_analyze, again):
            seen.append(cnnscope_report)
            assert cnnscope_analyze("models/lenet5.onnx") is cnnscope_report
            first = cnnscope_analyze("free.onnx", dims={"H": 32})
            assert cnnscope_analyze("free.onnx", dims={"H": 32}) is first
            assert cnnscope_analyze("free.onnx", shapes={"input": [1, 1, 35, 32]}) is not first
            assert all(one is cnnscope_report for one in seen)
            with open("models/lenet5.onnx", "rb") as file:
                assert cnnscope_analyze(file.read()).totals.params.value == 61706
        """
    )
    run(project).assert_outcomes(passed=2)


def test_another_file_of_the_same_name_is_another(project: pytest.Pytester) -> None:
    project.makepyfile(
        """
        import shutil

        def test_it(cnnscope_analyze):
            before = cnnscope_analyze("models/lenet5.onnx")
            shutil.copy("models/alexnet.onnx", "models/lenet5.onnx")
            assert cnnscope_analyze("models/lenet5.onnx").totals.params.value > 60e6
        """
    )
    run(project).assert_outcomes(passed=1)


@pytest.mark.parametrize(
    ("mark", "said"),
    [
        ("", "*cnnscope_report: which model?*"),
        (
            "@pytest.mark.cnnscope('models/none.onnx')",
            "*'models/none.onnx': there is no such file*",
        ),
        ("@pytest.mark.cnnscope('none/*.onnx')", "*no file matches 'none/[*].onnx'*"),
        ("@pytest.mark.cnnscope('models')", "*'models': is a folder*"),
        ("@pytest.mark.cnnscope(3)", "*3 is no path of a model*"),
        ("@pytest.mark.cnnscope('models/lenet5.onnx', size=3)", "*takes models, shapes and dims*"),
        ("@pytest.mark.cnnscope('models/lenet5.onnx', dims={'H': 3})", "*models/lenet5.onnx*H*"),
        ("@pytest.mark.cnnscope('test_it.py')", "*test_it.py*"),
    ],
)
def test_a_missing_model_is_said_in_one_line(
    project: pytest.Pytester, mark: str, said: str
) -> None:
    project.makepyfile(test_it=f"import pytest\n{mark}\n{ASKS}")
    result = run(project)
    result.assert_outcomes(errors=1)
    result.stdout.fnmatch_lines([said])
    result.stdout.no_fnmatch_line("*Traceback*")
    result.stdout.no_fnmatch_line("*pytest_plugin.py:*")


def test_a_model_missing_on_the_command_line_ends_the_run(project: pytest.Pytester) -> None:
    result = run(project, "--cnnscope-model=models/none.onnx")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(["ERROR: --cnnscope-model: 'models/none.onnx': there is no such*"])


def test_a_failure_shows_the_worst_layers_and_no_inner_frames(project: pytest.Pytester) -> None:
    project.makepyfile(
        """
        import pytest
        from cnnscope.testing import assert_within

        @pytest.mark.cnnscope("models/lenet5.onnx")
        def test_budget(cnnscope_report):
            assert_within(cnnscope_report, params="60 k")
        """
    )
    result = run(project)
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(
        [
            "E * AssertionError: models/lenet5.onnx: 1 exceeded of 1 limit",
            "E * EXCEEDS  params is 61.71 k, limit <= 60.00 k*",
            "E * /fc1/Gemm *48.12 k *78 % *fully connected*",
        ]
    )
    result.stdout.no_fnmatch_line("*runtime/public/testing.py:*")


def test_the_marker_is_documented(project: pytest.Pytester) -> None:
    run(project, "--markers").stdout.fnmatch_lines(["@pytest.mark.cnnscope(?models, shapes=*"])
    run(project, "--help").stdout.fnmatch_lines(["*--cnnscope-model=FILE*", "*cnnscope_model *"])
    run(project, "--fixtures").stdout.fnmatch_lines(["cnnscope_analyze *", "cnnscope_report *"])


def test_workers_hand_over_what_they_analysed(project: pytest.Pytester) -> None:
    pytest.importorskip("xdist", reason="pytest-xdist isn't installed")
    project.makepyfile(f"import pytest\n@pytest.mark.cnnscope('models/lenet5.onnx')\n{ASKS}")
    result = project.runpytest_subprocess(*PLUGIN, "-p", "xdist", "-n2")
    result.assert_outcomes(passed=1)
    result.stdout.fnmatch_lines(["models/lenet5.onnx: 61.71 k parameters*"])


def test_a_run_without_models_loads_nothing_heavy(tmp_path: Path) -> None:
    (tmp_path / "test_it.py").write_text(
        "import sys\n"
        "def test_it():\n"
        "    heavy = {'onnx', 'numpy', 'networkx', 'rich', 'typer', 'onnxruntime', 'cnnscope.analyzer'}\n"
        "    assert 'cnnscope.pytest_plugin' in sys.modules\n"
        "    assert not heavy & sys.modules.keys()\n"
    )
    # Without the other plugins that happen to be installed: they may load what they like.
    done = subprocess.run(
        [sys.executable, "-m", "pytest", *PLUGIN],
        cwd=tmp_path,
        env={**os.environ, "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
