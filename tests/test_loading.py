"""What does a command's process load? What isn't on the way of an answer isn't loaded for it."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

import pytest

CHILD = """
import os, sys
from cnnscope.cli import main
sys.argv = ["cnnscope", *sys.argv[1:]]
try:
    main()
except SystemExit as left:
    code = left.code
threads = len(os.listdir("/proc/self/task")) if os.path.isdir("/proc/self/task") else 1
sys.stderr.write(f"\\n{code or 0} {threads} {os.environ.get('OPENBLAS_NUM_THREADS')} {' '.join(sys.modules)}")
"""


class Process(NamedTuple):
    code: int
    threads: int
    told: str
    modules: set[str]

    def of(self, *names: str) -> set[str]:
        """What is loaded of packages or modules, and of what is in them."""
        return {
            x for x in self.modules if x.startswith(tuple(f"{n}." for n in names)) or x in names
        }


def process(*words: object, **environment: str) -> Process:
    """A process of its own that runs the command: its exit code and threads, and what it has loaded."""
    around = {
        k: v for k, v in os.environ.items() if k not in ("OPENBLAS_NUM_THREADS", "FORCE_COLOR")
    }
    done = subprocess.run(
        [sys.executable, "-c", CHILD, *map(str, words)], capture_output=True, text=True, check=True,
        timeout=300, env={**around, **environment},
    )  # fmt: skip
    code, threads, told, *modules = done.stderr.splitlines()[-1].split(" ")
    return Process(int(code), int(threads), told, set(modules))


@pytest.fixture(scope="module")
def of_analyze(request: pytest.FixtureRequest) -> Process:
    samples: Path = request.getfixturevalue("samples")
    return process("analyze", samples / "resnet50.onnx")


#: what `analyze` does without, and what it is there for
NOT_FOR_ANALYZE = {
    "help pages and wrong lines": (
        "typer",
        "click",
        "pydantic",
        "cnnscope.runtime.commands.typer_command",
    ),
    "a terminal's colours": ("rich.console", "rich.segment", "rich.style"),
    "report.graph": ("networkx",),
    "what nothing here says by a table": ("onnx.reference",),
    "what few models need of onnx": (
        "onnx.helper",
        "onnx.numpy_helper",
        "onnx.checker",
        "ml_dtypes",
    ),
    "installed packages": ("importlib.metadata",),
    "slips and what is rarely written": (
        "difflib",
        "importlib.resources",
        "json",
        "logging",
        "shlex",
        "tempfile",
    ),
    "other commands": (
        "cnnscope.analyzer.budgets",
        "cnnscope.analyzer.counters",
        "cnnscope.analyzer.difference",
        "cnnscope.analyzer.explanation",
        "cnnscope.analyzer.lint",
        "cnnscope.analyzer.sizes",
    ),
    "what a run showed": (
        "cnnscope.analyzer.report.measurement",
        "cnnscope.analyzer.report.verification",
    ),
    "running models": ("onnxruntime", "cnnscope.runtime.engine"),
}


@pytest.mark.parametrize("whose", NOT_FOR_ANALYZE)
def test_analyze_loads_nothing_that_is_there_for(whose: str, of_analyze: Process) -> None:
    assert of_analyze.code == 0
    assert of_analyze.of("onnx", "numpy"), "this test would notice"
    assert of_analyze.of(*NOT_FOR_ANALYZE[whose]) == set()


def test_the_families_of_the_graph_are_loaded_and_those_that_they_are_made_of(
    of_analyze: Process,
) -> None:
    """Of ninety files; `test_family_index.py` holds that each operator is found in its own."""
    families = of_analyze.of("cnnscope.analyzer.operators.families")
    assert {name.rpartition(".")[2] for name in families} == {
        *("families", "activation", "batch_normalization", "conv", "elementwise", "gemm", "pool"),
        *("reshape", "fused_activations", "matrix_product", "spatial", "standardizing"),
        "lengths",
    }


def test_a_command_has_one_thread_and_leaves_no_trace_of_it(of_analyze: Process) -> None:
    """OpenBLAS would start one per core; a child that runs a model is to have them."""
    assert (of_analyze.threads, of_analyze.told) == (1, "None")


def test_how_many_threads_the_user_says(samples: Path) -> None:
    found = process("lint", samples / "lenet5.onnx", OPENBLAS_NUM_THREADS="2")
    assert found.told == "2"
    assert found.of("typer", "rich.console", "networkx") == set()


def test_a_help_page_loads_no_analyser() -> None:
    found = process("analyze", "--help")
    assert found.of("typer")
    assert found.of("numpy", "onnx", "networkx") == set()


# -- onnx, of which a command loads a part ------------------------------------------------------------

STATE = """
import onnx, sys
apart = [name for name, module in sys.modules.items()
         if name.startswith("onnx.") and name.count(".") == 1 and getattr(onnx, name[5:]) is not module]
inner = [name for name in vars(onnx.helper) if name.endswith("Proto")]
other = [name for name in inner if getattr(onnx.helper, name) is not getattr(onnx, name)]
print(type(onnx).__name__, apart, other, onnx.__version__, sorted(vars(onnx)))
print(sorted(name for name in sys.modules if name.startswith("onnx.")))
"""
PART = "from cnnscope.analyzer.values.part_of_onnx import load_part_of_onnx as load; load()"


def state_of_onnx(*lines: str) -> str:
    """What there is of onnx, and whether it is all of one piece, once a process has run these lines."""
    done = subprocess.run(
        [sys.executable, "-c", "\n".join([*lines, STATE])],
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_the_rest_of_onnx_follows_when_it_is_asked_for() -> None:
    whole = state_of_onnx("import onnx")
    assert whole.startswith("module [] [] ")
    for asked in (
        "onnx.helper",
        "import onnx.helper",
        "from onnx import numpy_helper as x; del x",
        "onnx.__version__",
    ):
        assert state_of_onnx(PART, "import onnx; onnx.ModelProto", asked) == whole, asked
    assert state_of_onnx(PART, "import onnx.reference") == state_of_onnx("import onnx.reference")


def test_what_is_loaded_of_onnx_is_there_at_once() -> None:
    state_of_onnx(
        PART,
        "import onnx, sys",
        "from onnx import TensorProto",
        "onnx.ModelProto(); onnx.defs.get_schema('Conv'); onnx.shape_inference.InferenceError",
        "assert 'onnx.helper' not in sys.modules",
        "load(); assert onnx is sys.modules['onnx']",
    )
