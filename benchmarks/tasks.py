"""The child's side: one tool, in one process, over some models; a line of JSON for each.

    python benchmarks/tasks.py time cnnscope 5 '{"lenet5.onnx": null}'
    python benchmarks/tasks.py run lenet5.onnx
    python benchmarks/tasks.py ranges lenet5.onnx

*run* says what a session and one unoptimised run take; *ranges* what is asked of a reader of ranges.
*time* imports the tool, does each model once for nothing (imports and caches), and then `repeats`
times by the clock, from the path to the figures. The heap is collected before each time, so that no
tool pays for what another run left; during it Python's collector is as the tool leaves it.
"""

from __future__ import annotations

import contextlib
import gc
import io
import json
import os
import sys
import time
import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from counting import Counting, Plain

#: a task isn't repeated further once its times add up to so many seconds
ENOUGH = 3.0

Shapes = Mapping[str, Sequence[int]]
#: from a path and the shapes of its inputs (only where it leaves them free) to figures
Task = Callable[[str, Shapes], object]


def cnnscope() -> Task:
    """Shapes, work, memory and receptive fields of every layer, as a `Report`."""
    from cnnscope.analyzer import analyze

    return lambda path, shapes: analyze(path, shapes=shapes)


def cnnscope_text() -> Task:
    """The same, and the table that is printed."""
    from cnnscope.analyzer import analyze

    return lambda path, shapes: str(analyze(path, shapes=shapes))


def onnx_tool() -> Task:
    """onnx-tool's shapes, MACs and memory: what `model_profile` does, up to printing them."""
    import numpy
    import onnx_tool

    def task(path: str, shapes: Shapes) -> object:
        model = onnx_tool.Model(path)
        given = {name: numpy.zeros(shape, numpy.float32) for name, shape in shapes.items()}
        model.graph.graph_reorder_nodes()
        model.graph.shape_infer(given or None)
        model.graph.profile()
        return model

    return task


def onnx_tool_text() -> Task:
    """The same, and the table that is printed: onnx-tool's one call for it."""
    import numpy
    import onnx_tool

    def task(path: str, shapes: Shapes) -> object:
        given = {name: numpy.zeros(shape, numpy.float32) for name, shape in shapes.items()}
        return onnx_tool.model_profile(path, given or None)

    return task


def onnx_inference() -> Task:
    """onnx's own shape inference, in C++, of the graph without its weights: shapes and no more."""
    import onnx
    from onnx import shape_inference

    def task(path: str, shapes: Shapes) -> object:
        return shape_inference.infer_shapes(onnx.load(path, load_external_data=False))

    return task


@dataclass(frozen=True)
class Afterwards:
    """What is asked once a model is analysed: a fresh report each time, of which making it isn't timed.

    Args:
        ask: the question, of the report; it may give the divisor of the time, such as a number of layers.
        ready: what of the report is made before, when it isn't the report itself.
    """

    ask: Callable[[Any], object]
    ready: Callable[[Any, str, Shapes], object] = lambda report, path, shapes: report

    def prepared(self, path: str, shapes: Shapes) -> object:
        from cnnscope.analyzer import analyze

        return self.ready(analyze(path, shapes=shapes), path, shapes)


def json_text() -> Afterwards:
    return Afterwards(lambda report: json.dumps(report.to_dict()))


def csv_text() -> Afterwards:
    from cnnscope.analyzer.render.formats import Result, written
    from cnnscope.analyzer.render.subjects.report import document

    return Afterwards(
        lambda report: written(Result(lambda: [document(report)], dict, rows=True), "csv")
    )


def lint() -> Afterwards:
    import cnnscope

    return Afterwards(lambda report: str(cnnscope.lint(report)))


def diff() -> Afterwards:
    """Against itself, read once more: every layer finds its counterpart and is compared with it."""
    import cnnscope

    return Afterwards(
        lambda pair: str(cnnscope.diff(*pair)),
        lambda report, path, shapes: (report, cnnscope.analyze(path, shapes=shapes)),
    )


def check() -> Afterwards:
    import cnnscope

    limits = {"macs": "< 1P", "params": "< 1T", "peak_activation": "< 1TB", "errors": "0"}
    return Afterwards(lambda report: str(cnnscope.check(report, limits)))


def explain_one() -> Afterwards:
    return Afterwards(lambda report: str(report.layers[len(report.layers) // 2].explain()))


def explain_all() -> Afterwards:
    """Gives the seconds a layer."""

    def ask(report: Any) -> int:
        for layer in report.layers:
            layer.explain()
        return len(report.layers)

    return Afterwards(ask)


def units_of(part: str, count: int = 1_000) -> Afterwards:
    """What that many units of the last layer see whose path holds the text."""
    import random

    def ready(report: Any, path: str, shapes: Shapes) -> object:
        layer = [x for x in report.layers if part in x.path and len(x.output_shape or ()) == 4][-1]
        drawn = random.Random(0)
        lengths = layer.output_shape
        return report, layer, [[drawn.randrange(n) for n in lengths] for _ in range(count)]

    return Afterwards(lambda asked: list(asked[0].regions(asked[1], asked[2])), ready)


AFTERWARDS: dict[str, Callable[[], Afterwards]] = {
    "JSON": json_text, "CSV": csv_text, "lint": lint, "diff": diff, "check": check,
    "explain one layer": explain_one, "explain all layers": explain_all,
    "units of resnet50's layer3.5": lambda: units_of("/layer3/5/"),
    "units of densenet121's block 4": lambda: units_of("/block4/"),
    "units of the last layer": lambda: units_of("", 100),
}  # fmt: skip
TOOLS: dict[str, Callable[[], Task]] = {
    "cnnscope": cnnscope,
    "cnnscope, printed": cnnscope_text,
    "onnx-tool": onnx_tool,
    "onnx-tool, printed": onnx_tool_text,
    "onnx's C++ inference": onnx_inference,
}


def timed(
    task: Task | Afterwards,
    path: str,
    shapes: Shapes,
    repeats: int,
    clock: Callable[[], float] = time.perf_counter,
) -> dict[str, object]:
    """The seconds of each time, or why there are none."""
    seconds: list[float] = []
    spent = 0.0
    try:
        for turn in range(repeats + 1):
            ready = task.prepared(path, shapes) if isinstance(task, Afterwards) else None
            gc.collect()
            start = clock()
            # What is printed goes nowhere: a terminal's speed is none of the tool's.
            with contextlib.redirect_stdout(io.StringIO()):
                kept = task.ask(ready) if isinstance(task, Afterwards) else task(path, shapes)
            end = clock()
            divisor = kept if isinstance(kept, int) and kept else 1
            # The first time counts for nothing, unless it's so long that warming up is no part of it.
            long = isinstance(task, Afterwards) and end - start > ENOUGH
            if turn or long:
                seconds.append((end - start) / divisor)
                spent += end - start
            del kept, ready
            if spent > ENOUGH:
                break
    except Exception as error:  # noqa: BLE001  # whatever a peer raises is its answer
        said = " ".join(str(error).split())[:160]
        return {"model": path, "error": f"{type(error).__name__}: {said}"}
    return {"model": path, "seconds": seconds}


def one_run(path: str) -> dict[str, float]:
    """Seconds of a session without optimisations, and of one run of it, made-up weights and inputs."""
    from cnnscope.analyzer.report.examination import examine
    from cnnscope.runtime.engine.flat import flat_model
    from cnnscope.runtime.engine.inputs import make_inputs
    from cnnscope.runtime.engine.providers import CPU_PROVIDER
    from cnnscope.runtime.engine.sessions import open_session
    from cnnscope.runtime.engine.weights import find_values

    analysis = examine(path)
    flat = flat_model(analysis)
    feeds, values = make_inputs(analysis), find_values(analysis.file, flat)
    start = time.perf_counter()
    session = open_session(flat.proto, CPU_PROVIDER, weights=values.arrays)
    opened = time.perf_counter()
    session.run(None, feeds)
    return {"session": opened - start, "run": time.perf_counter() - opened}


def in_ranges(path: str) -> dict[str, int]:
    """What analysing a model asks of such files."""
    from cnnscope.analyzer import analyze

    file, plain = Counting(path), Plain(path)
    for each in (file, plain):
        analyze(each)  # type: ignore[arg-type]  # as much of a file as is needed
    return {
        "requests": file.requests, "bytes": file.bytes, "size": file.size,
        "plain_requests": plain.requests, "plain_bytes": plain.bytes,
    }  # fmt: skip


def main(arguments: Sequence[str]) -> None:
    what, *rest = arguments
    warnings.simplefilter("ignore")
    if what != "time":
        print(json.dumps({"run": one_run, "ranges": in_ranges}[what](rest[0])))
        return
    tool, repeats, models = rest[0], int(rest[1]), json.loads(rest[2])
    task = {**TOOLS, **AFTERWARDS}[tool]()
    # Straight to the descriptor: a line per model, kept even if the next model kills the process.
    for path, shapes in models.items():
        line = json.dumps(timed(task, path, shapes or {}, repeats))
        os.write(1, f"{line}\n".encode())


if __name__ == "__main__":
    main(sys.argv[1:])
