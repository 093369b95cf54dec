"""The child's side: how much processor time does one tool take for each of some models, warm?

    python benchmarks/scan_questions/reading.py TOOL REPEATS < paths      a line of JSON for each path

All models once for nothing, then `REPEATS` times over; of each the median counts. A model that a tool can't
read has its error in place of seconds.
"""

from __future__ import annotations

import contextlib
import gc
import io
import json
import statistics
import sys
import time
import warnings
from collections.abc import Callable

Tool = Callable[[str], object]


def cnnscope() -> Tool:
    """All that a scan's worker does for a model whose graph is new, up to its row as JSON."""
    from cnnscope.analyzer.fleet.row_request import RowRequest
    from cnnscope.runtime.fleet.model_reader import Opened, ReaderSettings, begin

    step = begin(ReaderSettings(RowRequest(), None))

    def tool(path: str) -> object:
        opened = step(("open", path))
        return step(("analyse", None)) if isinstance(opened, Opened) else opened

    return tool


def onnx() -> Tool:
    """onnx's own shape inference, in C++, of the graph without external weights: shapes and no more."""
    import onnx
    from onnx import shape_inference

    return lambda path: shape_inference.infer_shapes(onnx.load(path, load_external_data=False))


def onnx_tool() -> Tool:
    """onnx-tool's shapes, MACs and memory: what `model_profile` does, up to printing them."""
    import onnx_tool

    def tool(path: str) -> object:
        model = onnx_tool.Model(path)
        model.graph.graph_reorder_nodes()
        model.graph.shape_infer(None)
        model.graph.profile()
        return model

    return tool


TOOLS: dict[str, Callable[[], Tool]] = {
    "cnnscope": cnnscope,
    "onnx": onnx,
    "onnx-tool": onnx_tool,
}


def timed(
    tool: Tool, paths: list[str], repeats: int, clock: Callable[[], float] = time.process_time
) -> list[dict[str, object]]:
    """Of each path its seconds of processor time, or its error."""
    seconds: dict[str, list[float]] = {path: [] for path in paths}
    errors: dict[str, str] = {}
    for turn in range(repeats + 1):
        gc.collect()
        for path in paths:
            if path in errors:
                continue
            began = clock()
            try:
                with contextlib.redirect_stdout(io.StringIO()):
                    tool(path)
            except Exception as error:  # noqa: BLE001  # what a tool raises is its answer
                errors[path] = " ".join(f"{type(error).__name__}: {error}".split())[:120]
                continue
            if turn:
                seconds[path].append(clock() - began)
    return [
        {"model": path, "error": errors[path]}
        if path in errors
        else {"model": path, "seconds": statistics.median(seconds[path])}
        for path in paths
    ]


def main() -> None:
    name, repeats = sys.argv[1], int(sys.argv[2])
    warnings.simplefilter("ignore")
    paths = sys.stdin.read().splitlines()
    for row in timed(TOOLS[name](), paths, repeats):
        print(json.dumps(row))


if __name__ == "__main__":
    main()
