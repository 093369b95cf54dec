"""How fast is cnnscope, how much memory does it take, and beside what? Prints and writes a table.

    python benchmarks/run.py --quick                    # under two minutes, without the large model
    python benchmarks/run.py --corpus path/to/models    # everything

Every figure comes from processes of their own, run in turn with what they are compared with, and
is the median of several; ratios are those of one run of this program. README.md says what is
compared and why it is fair.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import subprocess
import sys
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import measure
import tables
from measure import Command, Run, summary

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent
COMMAND = [sys.executable, "-c", "from cnnscope.cli import main; main()", "analyze"]
BARE = [sys.executable, "-c", "import onnx, networkx, numpy, typer, rich"]
PACKAGES = ("cnnscope", "onnx", "onnx-tool", "onnxsim", "numpy", "networkx", "typer", "rich")
SIZES = (1_000, 10_000, 100_000)


@dataclass(frozen=True)
class Settings:
    """What to measure, and how often."""

    corpus: Path
    work: Path
    environment: Mapping[str, str]
    repeats: int
    quick: bool
    limit: float

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


# -- the four questions ------------------------------------------------------------------------------


def vgg19(settings: Settings, given: Path | None) -> dict[str, object]:
    """1. Whole processes on VGG-19 with its weights inline."""
    path = given or settings.work / "vgg19.onnx"
    if given is None:
        made(settings, "vgg19", 0, path)
    commands: dict[str, Command] = {
        "cnnscope": [*COMMAND, str(path)],
        "onnx-tool": [
            sys.executable, "-c",
            "import onnx_tool, sys; onnx_tool.model_profile(sys.argv[1])", str(path),
        ],
        "onnx.load": [sys.executable, "-c", "import onnx, sys; onnx.load(sys.argv[1])", str(path)],
    }  # fmt: skip
    found = processes(measure.interleaved(commands, settings.repeats, settings.run))
    # Most of a minute each: once, and beside nothing.
    slow = settings.run([sys.executable, "-m", "onnxsim.shape_cost", str(path)])
    found |= processes({"onnxsim.shape_cost": [slow]})
    return {"file_bytes": path.stat().st_size, "tools": found}


def in_process(settings: Settings) -> dict[str, object]:
    """2. From a path to the figures, in a process that has everything loaded."""
    index = shapes_of(settings.corpus)
    sources = sorted(settings.corpus.rglob("*.onnx"))
    if not sources:
        raise SystemExit(f"there is no model below {settings.corpus}")
    if settings.quick:  # every so many, so that all sorts are among them
        sources = sources[:: -(-len(sources) // 15)]
    folder = settings.work / "corpus"
    copying = [sys.executable, str(HERE / "models.py"), "with_weights", str(folder)]
    done = settings.run([*copying, *map(str, sources)])
    if done.error:
        raise SystemExit(f"the models can't be copied: {done.error}")
    copies = {source: folder / source.name for source in sources}
    shapes = {
        str(copy if copy.is_file() else source): index.get(source.name)
        for source, copy in copies.items()
    }
    tools = ["cnnscope", "onnx-tool", "onnx's C++ inference"]
    if not settings.quick and settings.repeats > 1:
        tools += ["cnnscope, printed", "onnx-tool, printed"]
    times: dict[str, dict[str, list[float] | str]] = {tool: {} for tool in tools}
    for _ in range(-(-settings.repeats // 2)):
        for tool in tools:
            one_tool(settings, tool, shapes, times[tool])
    rows = {}
    for path in shapes:
        rows[Path(path).name] = {
            tool: {"error": kept} if isinstance(kept, str) else summary(kept).to_dict()
            for tool in tools
            for kept in (times[tool][path],)
        }
    return {"tools": tools, "models": rows}


def one_tool(
    settings: Settings,
    tool: str,
    shapes: Mapping[str, object],
    kept: dict[str, list[float] | str],
) -> None:
    """Add one tool's seconds, or its failure, on every model; a crash costs it the one model."""
    left = {path: given for path, given in shapes.items() if not isinstance(kept.get(path), str)}
    while left:
        command = [
            sys.executable, str(HERE / "tasks.py"), "time", tool, str(settings.repeats),
            json.dumps(left),
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


def resnet50(settings: Settings) -> dict[str, object]:
    """3. The whole command on ResNet-50, beside nothing but imports."""
    model = str(ROOT / "sample_models" / "resnet50.onnx")
    commands: dict[str, Command] = {"cnnscope": [*COMMAND, model], "imports": BARE}
    runs = measure.interleaved(commands, max(5, 3 * settings.repeats), settings.run)
    return {"tools": processes(runs)}


def growth(settings: Settings) -> dict[str, object]:
    """4. Time and memory per node as graphs grow."""
    sizes = SIZES[:2] if settings.quick else SIZES
    found: dict[str, object] = {}
    small = settings.work / "small.onnx"
    made(settings, "chain", 10, small)
    for kind in ("chain", "ladder"):
        paths = {size: settings.work / f"{kind}{size}.onnx" for size in sizes}
        for size, path in paths.items():
            made(settings, kind, size, path)
        times: dict[str, list[float] | str] = {}
        for _ in range(settings.repeats):
            for path in paths.values():
                one_tool(settings, "cnnscope", {str(path): None}, times)
        once = [sys.executable, str(HERE / "tasks.py"), "once"]
        commands = {str(path): [*once, str(path)] for path in (small, *paths.values())}
        peaks = measure.interleaved(commands, settings.repeats, settings.run)
        whole = measure.interleaved(
            {str(path): [*COMMAND, str(path)] for path in paths.values()}, 1, settings.run
        )
        empty = summary([run.peak for run in peaks[str(small)]]).median
        rows: dict[str, object] = {}
        for size, path in paths.items():
            seconds, runs = times[str(path)], peaks[str(path)]
            failure = seconds if isinstance(seconds, str) else runs[0].error
            if failure is not None or isinstance(seconds, str):
                rows[str(size)] = {"error": failure}
                continue
            rows[str(size)] = {
                "seconds": summary(seconds).to_dict(),
                "bytes": summary([run.peak - empty for run in runs]).to_dict(),
                "command": processes({"cnnscope": whole[str(path)]})["cnnscope"],
            }
        found[kind] = rows
    return found


# -- what they need -----------------------------------------------------------------------------------


def made(settings: Settings, kind: str, nodes: int, path: Path) -> None:
    """Have a model made by another process, so that this one stays small."""
    done = settings.run([sys.executable, str(HERE / "models.py"), kind, str(nodes), str(path)])
    if done.error:
        raise SystemExit(f"{kind} can't be made: {done.error}")


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


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="fewer models, sizes and repeats")
    parser.add_argument(
        "--corpus", type=Path, default=ROOT / "sample_models", metavar="DIR",
        help="where to look for models (default: sample_models)",
    )  # fmt: skip
    parser.add_argument("--vgg19", type=Path, metavar="FILE", help="one made before")
    parser.add_argument(
        "--only", choices=("vgg19", "in_process", "resnet50", "growth"), action="append"
    )
    parser.add_argument("--repeats", type=int, help="how often each is measured")
    parser.add_argument("--output", type=Path, default=HERE / "results", metavar="DIR")
    given = parser.parse_args(arguments)
    # A tool reads a model of half a gigabyte here: a temporary folder in memory won't do.
    with tempfile.TemporaryDirectory(prefix="cnnscope-benchmarks-") as folder:
        work = Path(folder)
        settings = Settings(
            given.corpus.resolve(), work, child_environment(work),
            given.repeats or (2 if given.quick else 5), given.quick, 600.0,
        )  # fmt: skip
        wanted = given.only or ["resnet50", "growth", "in_process"]
        if given.only is None and not given.quick:
            wanted.append("vgg19")
        results: dict[str, object] = {"quick": given.quick, "machine": machine()}
        questions: dict[str, Callable[[], dict[str, object]]] = {
            "resnet50": lambda: resnet50(settings),
            "growth": lambda: growth(settings),
            "vgg19": lambda: vgg19(settings, given.vgg19),
            "in_process": lambda: in_process(settings),
        }
        name = "quick" if given.quick else "latest" if given.only is None else "-".join(given.only)
        text = ""
        for question, answer in questions.items():
            if question not in wanted:
                continue
            results[question] = answer()
            text = tables.markdown(results)  # written each time: a whole run takes its while
            write(given.output, name, results, text)
            print(f"measured: {question}", file=sys.stderr, flush=True)
    print(text)


def write(folder: Path, name: str, results: Mapping[str, object], text: str) -> None:
    """The results for machines and for people."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / f"{name}.json").write_text(json.dumps(results, indent=1) + "\n", "utf-8")
    (folder / f"{name}.md").write_text(text, "utf-8")


if __name__ == "__main__":
    main()
