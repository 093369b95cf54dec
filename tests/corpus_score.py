"""How does cnnscope do on a corpus of real models with independent oracles?

    python tests/corpus_score.py [CORPUS] [--model NAME]

prints one line a model: tensors whose shape and dtype equal those ONNX Runtime gave (at both input
sizes), parameters, multiply-accumulates, receptive fields and clipped border regions measured by
autograd. The corpus's README says where each oracle comes from. Exit status 1 on any difference.
"""

from __future__ import annotations

import argparse
import gzip
import json
import math
import os
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import onnx
from amounts import some

import cnnscope

DEFAULT = Path(__file__).resolve().parent.parent.parent / "shared" / "corpus"
FLOATS = {"FLOAT", "FLOAT16", "BFLOAT16", "DOUBLE"}


@dataclass
class Score:
    """One model's result: right and wrong by question, and what was wrong."""

    model: str
    right: dict[str, int] = field(default_factory=dict)
    wrong: dict[str, int] = field(default_factory=dict)
    misses: list[str] = field(default_factory=list)

    def check(self, question: str, what: str, mine: object, oracle: object) -> None:
        if mine == oracle:
            self.right[question] = self.right.get(question, 0) + 1
        else:
            self.wrong[question] = self.wrong.get(question, 0) + 1
            self.misses.append(f"{question} {what}: {mine} is not {oracle}")

    def __str__(self) -> str:
        parts = []
        for question in ("shapes", "params", "macs", "fields", "borders", "status"):
            right, wrong = self.right.get(question, 0), self.wrong.get(question, 0)
            if right + wrong:
                parts.append(f"{question} {right}/{right + wrong}")
        return f"{'FAIL' if self.misses else 'ok  '} {self.model:45} {'  '.join(parts)}"


def corpus_path() -> Path:
    return Path(os.environ.get("CNNSCOPE_CORPUS", DEFAULT))


def load(path: Path) -> Any:
    if path.suffix == ".gz":
        with gzip.open(path, "rt") as file:
            return json.load(file)
    return json.loads(path.read_text())


def rows(corpus: Path) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = load(corpus / "oracle" / "index.json")["models"]
    return found


def shapes_given(inputs: dict[str, Any]) -> dict[str, list[int]]:
    return {
        name: value[1] if value and isinstance(value[0], str) else value
        for name, value in inputs.items()
    }


def score(corpus: Path, row: dict[str, Any]) -> Score:
    """One model against everything known of it."""
    path = corpus / row["file"]
    stem = path.stem
    result = Score(path.name)
    report = cnnscope.analyze(path, shapes=shapes_given(row["inputs"]))
    _shapes(result, report, corpus / "oracle" / f"shapes_{stem}.json.gz")
    _params(result, report, row)
    _macs(result, report, row)
    if row.get("alt"):
        alt = cnnscope.analyze(path, shapes=shapes_given(row["alt"]["inputs"]))
        _shapes(result, alt, corpus / "oracle" / f"shapes_{stem}.alt.json.gz")
        if row["alt"].get("macs") and not row["macs"].get("float_model"):
            result.check("macs", "at the second size", alt.totals.macs.value, row["alt"]["macs"])
    fields = corpus / "oracle" / f"rf_{stem}.json.gz"
    if fields.exists():
        fixed = all(isinstance(d, int) for x in report.inputs for d in x.declared.shape or (None,))
        # Fields are those of the lengths that the file declares.
        _fields(result, path, report if fixed else cnnscope.analyze(path), load(fields))
    return result


def _shapes(result: Score, report: cnnscope.Report, path: Path) -> None:
    if not path.exists():
        return
    for name, (dtype, shape) in load(path).items():
        mine = report.tensors.get(name)
        if mine is None:
            result.check("shapes", name, None, (dtype, shape))
        else:
            known = (
                None
                if mine.shape is None
                else [d if isinstance(d, int) else str(d) for d in mine.shape]
            )
            result.check("shapes", name, [mine.dtype, known], [dtype, shape])


def _params(result: Score, report: cnnscope.Report, row: dict[str, Any]) -> None:
    counted = row["params"]
    made_inside = row["file"].startswith(("models/light_", "models/q_"))  # not initializers
    if counted is None or made_inside:
        return
    initializers = counted.get("onnx_initializers") or {}
    total = sum(v for k, v in initializers.items() if k in FLOATS)
    buffers = counted.get("onnx_bn_mean_var") or 0
    if not total:
        return
    # A float without axes is a bound or an exponent that the exporter made an initializer.
    file = onnx.load(corpus_path() / row["file"], load_external_data=False)
    total -= sum(1 for t in file.graph.initializer if not t.dims and t.data_type in (1, 10, 11, 16))
    scales = {
        name for n in file.graph.node if n.op_type in ("Resize", "Upsample") for name in n.input[1:]
    }
    total -= sum(
        math.prod(t.dims) for t in file.graph.initializer if t.name in scales and t.data_type == 1
    )
    params, mine = report.totals.params.value, report.totals.buffers.value
    if file.functions:  # the oracle tells statistics apart in the main graph only
        result.check("params", "parameters and buffers", (params or 0) + (mine or 0), total)
        return
    result.check("params", "parameters", params, total - buffers)
    result.check("params", "buffers", mine, buffers)


def _macs(result: Score, report: cnnscope.Report, row: dict[str, Any]) -> None:
    macs = row["macs"]
    oracle = macs.get("float_model") or macs.get("by_hand") or macs.get("runtime_shapes")
    if oracle:
        result.check("macs", "total", report.totals.macs.value, oracle)


def _fields(result: Score, path: Path, report: cnnscope.Report, oracle: dict[str, Any]) -> None:
    for name, endpoint in oracle["endpoints"].items():
        tensor = endpoint["onnx_tensor"]
        label = f"{name} ({tensor})"
        if tensor not in report.tensors:
            result.check("fields", label, None, "a tensor")
            continue
        layer = report[tensor]
        spatial = [f for f in layer.receptive_field if f.axis >= 2]
        for axis, found in enumerate(endpoint["axes"]):
            mine = next((f for f in spatial if f.axis == axis + 2), None)
            if mine is None:
                result.check(
                    "fields", f"{label} axis {axis}", None, found.get("max_size") or found["rf"]
                )
                continue
            result.check(
                "fields",
                f"{label} axis {axis} size",
                mine.size,
                found.get("max_size") or found["rf"],
            )
            if found.get("rf") is not None:
                result.check("fields", f"{label} axis {axis} step", mine.mean_step, found["stride"])
                result.check("fields", f"{label} axis {axis} start", mine.start, -found["padding"])
        _borders(result, label, path, report, endpoint.get("border"))


def _borders(
    result: Score, label: str, path: Path, report: cnnscope.Report, border: dict[str, Any] | None
) -> None:
    if not border:
        return
    tensor = label[label.rindex("(") + 1 : -1]
    layer = report[tensor]
    name = report.inputs[0].name
    if list(report.inputs[0].shape or ()) != border["input_shape"]:
        if any(not isinstance(d, int) for d in report.inputs[0].declared.shape or ()):
            report = cnnscope.analyze(path, shapes={name: border["input_shape"]})
            layer = report[tensor]
        else:
            return
    rank = len(layer.output_shape or ())
    for axis, units in enumerate(border["units_clipped_per_axis"]):
        # Each is worked out by itself, and most are the same story at another place.
        for unit, (lo, hi) in some(units.items(), 2):
            where: list[int | None] = [None] * rank
            where[axis + rank - len(border["units_clipped_per_axis"])] = int(unit)
            ranges = layer.region(where).get(name)
            mine = None if ranges is None else (ranges[axis + 2][0][0], ranges[axis + 2][-1][1])
            result.check("borders", f"{label} axis {axis} unit {unit}", mine, (lo, hi))


def scores(corpus: Path, wanted: str | None = None) -> Iterator[Score]:
    for row in rows(corpus):
        if wanted is None or wanted in row["file"]:
            try:
                yield score(corpus, row)
            except Exception as error:  # noqa: BLE001  (a crash is a score too)
                failed = Score(Path(row["file"]).name)
                failed.check("status", "analysis", f"{type(error).__name__}: {error}", "a report")
                yield failed


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("corpus", nargs="?", type=Path, default=corpus_path())
    parser.add_argument("--model", help="only models whose file name contains this")
    parser.add_argument("--misses", type=int, default=5, help="differences shown per model")
    arguments = parser.parse_args()
    failed = total = 0
    for result in scores(arguments.corpus, arguments.model):
        total += 1
        failed += bool(result.misses)
        print(result)  # noqa: T201  (a script)
        for miss in result.misses[: arguments.misses]:
            print("       ", miss)  # noqa: T201
    print(f"{total - failed} of {total} models agree in everything")  # noqa: T201
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
