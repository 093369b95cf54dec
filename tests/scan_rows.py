"""Rows of scans that never were: random figures, some unknown, some models that failed."""

from __future__ import annotations

import random
from collections.abc import Iterable, Iterator, Mapping, Sequence
from hashlib import sha256

from cnnscope.analyzer.fleet.columns import MODEL_COLUMNS

Row = dict[str, object]
ERRORS = {
    "unreadable": "{path}: byte {n} is no field's tag",
    "timeout": "took longer than 60 s",
    "crash": "its process ended with signal 11 at node 'n{n}'",
}


class Rows:
    """Rows that are there, as a scan gives them."""

    def __init__(self, rows: Iterable[Row]) -> None:
        self.all = list(rows)

    def rows(self, columns: Sequence[str] | None = None) -> Iterator[Mapping[str, object]]:
        for row in self.all:
            yield row if columns is None else {key: row.get(key) for key in columns}


def row(path: str, **known: object) -> Row:
    """A row of which only this is known."""
    empty: Row = {column.name: None for column in MODEL_COLUMNS}
    assert not set(known) - set(empty), set(known) - set(empty)
    return {**empty, "path": path, "status": "ok", "cnnscope_version": "1.0", **known}


def random_rows(count: int, seed: int) -> list[Row]:
    """So many, the same for the same seed."""
    chosen = random.Random(seed)
    return [_random_row(chosen, n) for n in range(count)]


def _random_row(chosen: random.Random, n: int) -> Row:
    path = f"zoo/m{n}.onnx"
    if chosen.random() < 0.1:
        kind = chosen.choice(list(ERRORS))
        said = ERRORS[kind].format(path=path, n=chosen.randrange(10**6))
        return row(path, status="error", error_kind=kind, error=said)
    params = int(10 ** chosen.uniform(2, 9))
    macs = None if chosen.random() < 0.1 else params * chosen.randrange(0, 300)
    return row(
        path, status="ok" if macs is not None else "partial", params=params, macs=macs,
        flops=None if macs is None else 2 * macs + 1, weight_bytes=4 * params, int_macs=0,
        peak_activation_bytes=chosen.choice([0, 1, 4096, 10**7]), file_bytes=4 * params + 77,
        graph_digest=sha256(b"%d" % chosen.randrange(4 * n + 4)).hexdigest(),
        opset=chosen.choice([9, 13, 17, 21]),
        producer=chosen.choice(["pytorch 2.1", None]),
        operators=[{"name": op, "count": chosen.randrange(1, 9)}
                   for op in ("Conv", "Relu", "Loop") if chosen.random() < 0.6],
        body_operators=[], uncounted=[] if macs is not None else [{"name": "com.acme::Odd", "count": 2}],
        weight_dtypes=[{"name": "float32", "count": 4 * params}], lint_codes=["CNS101"],
        rf_h=chosen.choice([None, 31, 427]),
    )  # fmt: skip
