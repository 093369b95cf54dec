"""How fast is cnnscope, how much memory does it take, and beside what? Prints and writes a table.

    python benchmarks/run.py --quick                    # under three minutes, without the large model
    python benchmarks/run.py --corpus path/to/models    # everything

Every question is a file in `questions/`; README.md says what is compared and why it is fair.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from importlib import import_module
from pathlib import Path

import tables
from setting import HERE, SAMPLES, Settings, child_environment, machine

#: in this order, the dearest last
QUESTIONS = ("command", "ranges", "units", "sizes", "growth", "in_process", "running", "vgg19")


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="fewer models, sizes and repeats")
    parser.add_argument(
        "--corpus", type=Path, default=SAMPLES, metavar="DIR",
        help="where to look for models (default: sample_models)",
    )  # fmt: skip
    parser.add_argument("--vgg19", type=Path, metavar="FILE", help="one made before")
    parser.add_argument("--only", choices=QUESTIONS, action="append")
    parser.add_argument("--repeats", type=int, help="how often each is measured")
    parser.add_argument("--output", type=Path, default=HERE / "results", metavar="DIR")
    given = parser.parse_args(arguments)
    wanted = given.only or [x for x in QUESTIONS if not (given.quick and x == "vgg19")]
    name = "quick" if given.quick else "latest" if given.only is None else "-".join(given.only)
    # A tool reads a model of half a gigabyte here: a temporary folder in memory won't do.
    with tempfile.TemporaryDirectory(prefix="cnnscope-benchmarks-") as folder:
        work = Path(folder)
        settings = Settings(
            given.corpus.resolve(), work, child_environment(work),
            given.repeats or (2 if given.quick else 5), given.quick, 600.0, given.vgg19,
        )  # fmt: skip
        results: dict[str, object] = {"quick": given.quick, "machine": machine()}
        parts = []
        for question in wanted:
            module = import_module(f"questions.{question}")
            began = time.perf_counter()
            found = results[question] = module.measured(settings)
            taken = time.perf_counter() - began
            parts.append((module.__doc__.strip().splitlines()[0], module.text(found),
                          module.targets(found)))  # fmt: skip
            # Written each time: a whole run takes its while.
            write(given.output, name, results, tables.page(results, parts))
            print(f"{question}: {taken:.0f} s", file=sys.stderr, flush=True)
    print(tables.page(results, parts))


def write(folder: Path, name: str, results: Mapping[str, object], text: str) -> None:
    """The results for machines and for people."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / f"{name}.json").write_text(json.dumps(results, indent=1) + "\n", "utf-8")
    (folder / f"{name}.md").write_text(text, "utf-8")


if __name__ == "__main__":
    main()
