"""What do all questions need: the machine, the processes that are measured, the models?"""

from __future__ import annotations

import json
import os
import platform
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import measure
from measure import Command, Run, summary

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent
SAMPLES = ROOT / "sample_models"
CNNSCOPE = [sys.executable, "-c", "from cnnscope.cli import main; main()"]
ANALYZE = [*CNNSCOPE, "analyze"]
BARE = [sys.executable, "-c", "import onnx, networkx, numpy, typer, rich"]
ONNX_TOOL = [
    sys.executable, "-c", "import onnx_tool, sys; onnx_tool.model_profile(sys.argv[1])",
]  # fmt: skip
TIGRIS = [sys.executable, "-c", "from tigris.cli import main; main()", "analyze"]
PACKAGES = (
    "cnnscope", "onnx", "onnx-tool", "onnxsim", "tigris-ml", "onnxruntime-gpu", "numpy", "networkx",
    "typer", "rich",
)  # fmt: skip


@dataclass(frozen=True)
class Settings:
    """What to measure, and how often."""

    corpus: Path
    work: Path
    environment: Mapping[str, str]
    repeats: int
    quick: bool
    limit: float
    vgg19: Path | None = None

    def run(self, command: Command) -> Run:
        return measure.run(command, self.environment, limit=self.limit)


def child_environment(work: Path) -> dict[str, str]:
    """This process's, with bytecode kept, as of an installed package, but not in anybody's tree."""
    found = dict(os.environ)
    found.pop("PYTHONDONTWRITEBYTECODE", None)
    found["PYTHONPYCACHEPREFIX"] = str(work / "bytecode")
    probe = [sys.executable, "-c", "import cnnscope.cli"]
    if subprocess.run(probe, env=found, capture_output=True, check=False).returncode:
        # Not installed: the checkout is the package, under another name.
        (work / "path").mkdir()
        (work / "path" / "cnnscope").symlink_to(ROOT, target_is_directory=True)
        paths = [str(work / "path"), found.get("PYTHONPATH", "")]
        found["PYTHONPATH"] = os.pathsep.join(p for p in paths if p)
    return found


def made(settings: Settings, kind: str, *arguments: object) -> None:
    """Have a model made by another process, so that this one stays small."""
    command = [sys.executable, str(HERE / "models.py"), kind, *map(str, arguments)]
    done = settings.run(command)
    if done.error:
        raise SystemExit(f"{kind} can't be made: {done.error}")


def vgg19_inline(settings: Settings) -> Path:
    """VGG-19 with its weights in the file."""
    path = settings.vgg19 or settings.work / "vgg19.onnx"
    if not path.is_file():
        made(settings, "vgg19", 0, path)
    return path


def with_weights(settings: Settings, *sources: Path) -> list[Path]:
    """The models, or copies with zeros for weights that they lack."""
    folder = settings.work / "corpus"
    made(settings, "with_weights", folder, *sources)
    copies = [folder / source.name for source in sources]
    return [
        copy if copy.is_file() else source for copy, source in zip(copies, sources, strict=True)
    ]


def processes(runs: Mapping[str, Sequence[Run]]) -> dict[str, dict[str, object]]:
    """Each tool's seconds and peak bytes, or why there are none."""
    found: dict[str, dict[str, object]] = {}
    for name, several in runs.items():
        if several[0].error is not None:
            found[name] = {"error": several[0].error}
            continue
        found[name] = {
            what: summary([getattr(run, what) for run in several]).to_dict()
            for what in ("seconds", "cpu", "peak")
        }
    return found


def one_task(
    settings: Settings,
    task: str,
    shapes: Mapping[str, object],
    kept: dict[str, list[float] | str],
    repeats: int | None = None,
) -> None:
    """Add one task's seconds, or its failure, on every model; a crash costs it the one model."""
    left = {path: given for path, given in shapes.items() if not isinstance(kept.get(path), str)}
    while left:
        command = [
            sys.executable, str(HERE / "tasks.py"), "time", task,
            str(repeats or settings.repeats), json.dumps(left),
        ]  # fmt: skip
        done = measure.run(command, settings.environment, limit=settings.limit, keep_output=True)
        for line in done.output.splitlines():
            answer = json.loads(line)
            left.pop(answer["model"])
            if "error" in answer:
                kept[answer["model"]] = answer["error"]
            else:
                before = kept.setdefault(answer["model"], [])
                assert isinstance(before, list)
                before.extend(answer["seconds"])
        if left:
            path = next(iter(left))
            missing = "No module named" in (done.error or "")
            for each in list(left) if missing else [path]:
                kept[each] = done.error or "the process ended before its answer"
                left.pop(each)


def figures(kept: list[float] | str) -> dict[str, object]:
    """What several seconds come to, or why there are none."""
    return {"error": kept} if isinstance(kept, str) else dict(summary(kept).to_dict())


def shapes_of(corpus: Path) -> dict[str, dict[str, list[int]]]:
    """Shapes for inputs that models leave free, by file name, where the corpus says them.

    `oracle/index.json`: ``{"models": [{"file", "inputs": {name: [dtype, shape]}}, ...]}``.
    """
    for folder in (corpus, corpus.parent):
        index = folder / "oracle" / "index.json"
        if index.is_file():
            rows = json.loads(index.read_text(encoding="utf-8"))["models"]
            return {
                Path(row["file"]).name: {name: given[1] for name, given in row["inputs"].items()}
                for row in rows
                if all(isinstance(given, list) for given in row.get("inputs", {}).values())
            }
    return {}


def machine() -> dict[str, object]:
    """What it all ran on."""
    from importlib.metadata import PackageNotFoundError, version

    versions = {}
    for name in PACKAGES:
        try:
            versions[name] = version(name)
        except PackageNotFoundError:
            versions[name] = "this checkout" if name == "cnnscope" else "not installed"
    processor = platform.processor() or platform.machine()
    information = Path("/proc/cpuinfo")
    if information.is_file():
        lines = information.read_text(encoding="utf-8").splitlines()
        models = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
        processor = models[0] if models else processor
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    load = os.getloadavg()[0]
    return {
        "processor": processor, "cores": os.cpu_count(), "memory_bytes": memory,
        "system": platform.platform(), "python": platform.python_version(), "versions": versions,
        "load_before": round(load, 2),
    }  # fmt: skip
