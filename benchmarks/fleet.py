"""How many models a second does a scan read, what does it ask of a server, and does it lose or repeat any?

    python benchmarks/fleet.py --models 1000                    a look at all of it, in a few minutes
    python benchmarks/fleet.py --models 100000 --corpus DIR     all of it
    python benchmarks/fleet.py --only corpus --only peers       some of it: the rest stays as it was measured

Models are made by number (`zoo/`) and served by this machine itself. Each question's figures are written to
``results/fleet.json`` as soon as they are there, with what the machine was and did at that time, and
``results/fleet.md`` is written anew from all that are there.
"""

from __future__ import annotations

import argparse
import json
import tempfile
import time
from collections.abc import Mapping, Sequence
from importlib import import_module
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import tables
from scan_questions.asking import Asked, said
from setting import HERE, SAMPLES, child_environment, machine

#: in the order in which they are asked and told
QUESTIONS = ("corpus", "peers", "generated", "over_http", "memory", "resume", "engines")
PACKAGES = ("pyarrow", "fsspec", "aiohttp", "distributed", "ray", "protobuf")


def main(arguments: Sequence[str] | None = None) -> int:
    asked = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    asked.add_argument("--models", type=int, default=1000, help="of the generated fleet")
    asked.add_argument("--only", action="append", choices=QUESTIONS)
    asked.add_argument("--corpus", type=Path, default=SAMPLES, help="a folder of real models")
    asked.add_argument("--workers", type=int, help="as the command has it, where not given")
    asked.add_argument("--seed", type=int, default=1)
    asked.add_argument(
        "--minutes", type=float, default=120.0, help="what isn't begun by then isn't"
    )
    asked.add_argument(
        "--work", type=Path, help="a folder for what is made; its space: 2 MB for ten models"
    )
    asked.add_argument("--output", type=Path, default=HERE / "results" / "fleet.json")
    asked.add_argument("--show", action="store_true", help="measure nothing")
    given = asked.parse_args(arguments)
    results = json.loads(given.output.read_text("utf-8")) if given.output.is_file() else {}
    end = time.monotonic() + 60 * given.minutes
    with tempfile.TemporaryDirectory(prefix="fleet-", dir=given.work) as work:
        environment = child_environment(Path(work))
        for question in [] if given.show else given.only or QUESTIONS:
            left = end - time.monotonic()
            if left < 1:
                said(f"{question}: no time is left for it")
                continue
            settings = Asked(
                given.models, given.seed, given.corpus.resolve(), Path(work), environment,
                given.workers, left,
            )  # fmt: skip
            results[question] = answer(question, settings)
            given.output.write_text(json.dumps(results, indent=1) + "\n", "utf-8")
    text = page(results)
    given.output.with_suffix(".md").write_text(text, "utf-8")
    print(text)
    every = [x.verdict for name, row in results.items() for x in module(name).targets(row["found"])]
    return 0 if all(verdict == "met" for verdict in every) else 1


def module(question: str) -> Any:
    return import_module(f"scan_questions.{question}")


def answer(question: str, settings: Asked) -> dict[str, Any]:
    """What a question comes to, and what it was asked on."""
    on = machine()
    on["versions"] = {**on["versions"], **installed()}  # type: ignore[dict-item]  # a mapping
    on["date"] = time.strftime("%Y-%m-%d", time.gmtime())
    began = time.perf_counter()
    found = module(question).measured(settings)
    taken = time.perf_counter() - began
    said(f"{question}: {taken:.0f} s")
    return {"machine": on, "took": taken, "found": found}


def installed() -> dict[str, str]:
    found = {}
    for name in PACKAGES:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            found[name] = "not installed"
    return found


def page(results: Mapping[str, Any]) -> str:
    """All that has been asked: first the machine and the targets, then each question's table."""
    there = [name for name in QUESTIONS if name in results]
    if not there:
        return "nothing has been measured\n"
    told = [(name, module(name), results[name]["found"]) for name in there]
    targets = [target.cells for _, each, found in told for target in each.targets(found)]
    on = results[there[-1]]["machine"]
    versions = ", ".join(
        f"{name} {number}" for name, number in on["versions"].items() if number != "not installed"
    )
    loads = ", ".join(f"{name} {results[name]['machine']['load_before']:g}" for name in there)
    dates = sorted({results[name]["machine"]["date"] for name in there})
    return "\n\n".join([
        f"{on['processor']}, {on['cores']} cores, {on['memory_bytes'] / 2**30:.0f} GiB; {on['system']};"
        f" Python {on['python']}; {versions}. Measured {' and '.join(dates)}; load before: {loads}."
        " The server and whoever measures share the cores.",
        tables.table(["target", "figure", "at most", ""], targets),
        *(f"### {_title(each)}\n\n{each.text(found)}" for _, each, found in told),
    ]) + "\n"  # fmt: skip


def _title(question: Any) -> str:
    return str(question.__doc__).strip().splitlines()[0]


if __name__ == "__main__":
    raise SystemExit(main())
