"""The child's side: one tool, in one process, over some models; a line of JSON for each.

    python benchmarks/tasks.py time cnnscope 5 '{"lenet5.onnx": null}'
    python benchmarks/tasks.py once chain.onnx

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


TOOLS: dict[str, Callable[[], Task]] = {
    "cnnscope": cnnscope,
    "cnnscope, printed": cnnscope_text,
    "onnx-tool": onnx_tool,
    "onnx-tool, printed": onnx_tool_text,
    "onnx's C++ inference": onnx_inference,
}


def timed(
    task: Task,
    path: str,
    shapes: Shapes,
    repeats: int,
    clock: Callable[[], float] = time.perf_counter,
) -> dict[str, object]:
    """The seconds of each time, or why there are none."""
    seconds: list[float] = []
    try:
        for turn in range(repeats + 1):
            gc.collect()
            start = clock()
            # What is printed goes nowhere: a terminal's speed is none of the tool's.
            with contextlib.redirect_stdout(io.StringIO()):
                kept = task(path, shapes)
            end = clock()
            if turn:
                seconds.append(end - start)
            del kept
            if turn and sum(seconds) > ENOUGH:
                break
    except Exception as error:  # noqa: BLE001  # whatever a peer raises is its answer
        said = " ".join(str(error).split())[:160]
        return {"model": path, "error": f"{type(error).__name__}: {said}"}
    return {"model": path, "seconds": seconds}


def main(arguments: Sequence[str]) -> None:
    what, *rest = arguments
    warnings.simplefilter("ignore")
    if what == "once":
        from cnnscope.analyzer import analyze

        report = analyze(rest[0])
        print(len(report.layers))
        return
    tool, repeats, models = rest[0], int(rest[1]), json.loads(rest[2])
    task = TOOLS[tool]()
    # Straight to the descriptor: a line per model, kept even if the next model kills the process.
    for path, shapes in models.items():
        line = json.dumps(timed(task, path, shapes or {}, repeats))
        os.write(1, f"{line}\n".encode())


if __name__ == "__main__":
    main(sys.argv[1:])
