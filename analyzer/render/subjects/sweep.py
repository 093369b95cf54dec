"""What is said of a sweep: what the model costs at each size, and as formulas?"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from cnnscope.analyzer.render.columns import Column
from cnnscope.analyzer.render.document import Document, Note, Pair
from cnnscope.analyzer.render.subjects.answer import answer, model_name, shape_text, size_text
from cnnscope.analyzer.render.subjects.formulas import pretty
from cnnscope.analyzer.render.subjects.free_sizes import shortened
from cnnscope.analyzer.render.tables import table
from cnnscope.analyzer.sizes.sweep import Sweep, SweptTotal
from cnnscope.analyzer.values.dimension import FreeDim
from cnnscope.analyzer.values.notation import count, escape, many, name, nbytes

#: of each total: what it is called, whether it is in bytes, and how important its column is
_TOTALS: Final = {
    "params": ("params", False, 20),
    "buffers": ("buffers", False, 5),
    "constants": ("constants", False, 4),
    "macs": ("MACs", False, 90),
    "float_macs": ("float MACs", False, 3),
    "int_macs": ("int MACs", False, 3),
    "flops": ("FLOPs", False, 80),
    "weight_bytes": ("weights", True, 30),
    "peak_activation_bytes": ("peak act.", True, 85),
    "traffic_bytes": ("traffic", True, 50),
}
#: those that people see
_SHOWN: Final = (
    "params",
    "macs",
    "flops",
    "weight_bytes",
    "peak_activation_bytes",
    "traffic_bytes",
)
#: letters of a formula for people
_LONGEST: Final = 300


def document(found: Sweep) -> Document:
    """The sweep as a document: a row for each size, or for each size and layer."""
    title = f"{model_name(found.model)}: what it costs at {many(len(found), 'size')}"
    if found.choice is None:
        rows = table(_columns(found), range(len(found)), narrow="drop")
    else:
        layers = list(found.layers(found.choice))
        rows = table(_layer_columns(found), layers, narrow="drop")
    return answer(title, _formulas(found), [rows], notes=_notes(found))


def total_formula(total: SweptTotal) -> str:
    """A total in words: its leading term, and the formula itself where that is another and not too long.

    >>> height = FreeDim.named("H")
    >>> total_formula(SweptTotal("macs", (), (588 * (height // 2) + 7,), ""))
    '≈ 294·H; exactly 588·⌊H/2⌋ + 7'
    """
    if total.why:
        return f"not known: {escape(total.why)}"
    write = nbytes if _TOTALS[total.name][1] else count
    free = [x for x in total.moments if isinstance(x, FreeDim)]
    if not free:
        return f"{write(max(x for x in total.moments if isinstance(x, int)))} at every size"
    led = shortened(total.moments, write)
    if len(total.moments) > 1:
        return (
            f"{led}; exactly the largest of {len(total.moments)} formulas (--format json has them)"
        )
    text = pretty(str(free[0]))
    if len(text) > _LONGEST:
        return f"{led}; exactly a formula of {len(text)} letters (--format json has it)"
    return f"{led}; exactly {text}"


def _formulas(found: Sweep) -> Iterator[Pair]:
    for key in _SHOWN:
        if key in found.totals:
            yield Pair(_TOTALS[key][0], total_formula(found.totals[key]))
    if found.bound:
        yield Pair("at", size_text(found.bound))


def _columns(found: Sweep) -> list[Column[int]]:
    columns: list[Column[int]] = [
        Column(label, name(label), lambda i, k=k: str(found.sizes[i][k]),  # type: ignore[misc]
               lambda i, k=k: found.sizes[i][k], right=True, importance=100)  # type: ignore[misc]
        for k, label in enumerate(found.dims)
    ]  # fmt: skip
    columns.append(
        Column(
            "valid",
            "valid",
            lambda i: _answer(found.valid[i]),
            lambda i: found.valid[i],
            importance=95,
        )
    )
    for key, total in found.totals.items():
        title, in_bytes, importance = _TOTALS[key]
        write = nbytes if in_bytes else count

        def text(i: int, total: SweptTotal = total, write: object = write) -> str:
            value = total.values[i]
            return "-" if value is None else write(value)  # type: ignore[operator]

        def exact(i: int, total: SweptTotal = total) -> int | None:
            return total.values[i]

        columns.append(
            Column(
                key, title, text, exact, right=True, importance=importance if key in _SHOWN else 0
            )
        )
    for label, shapes in found.outputs.items():
        columns.append(
            Column(f"output {label}" if len(found.outputs) > 1 else "output",
                   "output" if len(found.outputs) == 1 else name(label),
                   lambda i, shapes=shapes: _shape(shapes[i]) or "-",  # type: ignore[misc]
                   lambda i, shapes=shapes: _shape(shapes[i]),  # type: ignore[misc]
                   importance=70, least=8)
        )  # fmt: skip
    return columns


def _layer_columns(found: Sweep) -> list[Column[dict[str, object]]]:
    def column(
        key: str, title: str, write: object = None, importance: int = 50
    ) -> Column[dict[str, object]]:
        def text(row: dict[str, object]) -> str:
            value = row[key]
            if value is None:
                return "-"
            return write(value) if callable(write) else name(str(value))

        def exact(row: dict[str, object]) -> int | str | None:
            value = row[key]
            return value if isinstance(value, int | str) else None

        return Column(key, title, text, exact, right=write is not None, importance=importance)

    return [
        *(column(label, name(label), str, 100) for label in found.dims),
        column("layer", "layer", None, 95), column("op", "op", None, 20),
        column("output", "output", None, 60), column("params", "params", count, 30),
        column("macs", "MACs", count, 90), column("flops", "FLOPs", count, 80),
        column("weight_bytes", "weights", nbytes, 30), column("bytes_read", "read", nbytes, 50),
        column("bytes_written", "written", nbytes, 50),
    ]  # fmt: skip


def _answer(valid: bool | None) -> str:
    return "?" if valid is None else "yes" if valid else "no"


def _shape(dims: tuple[int | None, ...] | None) -> str | None:
    return None if dims is None else shape_text(dims)


def _notes(found: Sweep) -> Iterator[Note]:
    for note in found.notes:
        yield Note(escape(note), tone="dim")
    if found.asked:
        yield Note(
            f"{many(found.asked, 'size')} analysed one by one, where the network works otherwise",
            tone="dim",
        )
    refused = sum(valid is False for valid in found.valid)
    if refused:
        yield Note(
            f"{many(refused, 'size')} that the model doesn't accept: cnnscope sizes says why",
            tone="dim",
        )
