"""What does a fleet's page hold of each model? Its row, in columns in which what many share stands once."""

from __future__ import annotations

from array import array
from collections.abc import Callable, Iterable, Mapping
from functools import cache, lru_cache, partial
from typing import Final

from cnnscope.analyzer.render.page.fleet.figures import FIGURES, whole
from cnnscope.analyzer.render.page.fleet.fleet_contents import Row
from cnnscope.analyzer.values.notation import middle, shape

_NUMBERS: Final = (
    "file_bytes", "batch", "ir_version", "opset", "nodes", "layers", "params", "buffers", "macs", "flops",
    "weight_bytes", "peak_activation_bytes", "traffic_bytes", "rf_d", "rf_h", "rf_w", "rf_l",
    "lint_errors", "lint_warnings", "lint_infos",
)  # fmt: skip
#: characters of a name; some are long formulas
_LONG: Final = 120
#: ends of a network that are written out
_ENDS: Final = 6


def text(row: Row, column: str) -> str | None:
    """A column's text; None where it isn't known."""
    found = row.get(column)
    return found if isinstance(found, str) else None


def flag(row: Row, column: str) -> bool | None:
    """A column's yes or no; None where it isn't known."""
    found = row.get(column)
    return found if isinstance(found, bool) else None


def texts(row: Row, column: str) -> tuple[str, ...] | None:
    """A column's texts; None where they aren't known."""
    found = row.get(column)
    return tuple(short(str(x)) for x in found) if isinstance(found, list) else None


def counted(row: Row, column: str) -> dict[str, int] | None:
    """A column's counts by name; None where they aren't known.

    >>> counted({"operators": [{"name": "Conv", "count": 3}]}, "operators")
    {'Conv': 3}
    """
    given = row.get(column)
    if not isinstance(given, list):
        return None
    return {short(x["name"]): x["count"] for x in given if x["count"] is not None}


@cache
def short(text: str) -> str:
    """A name as the page has it, wherever it is chosen by: some are long formulas."""
    return middle(text, _LONG)


def _named(row: Row, column: str) -> str | None:
    found = counted(row, column)
    pairs = (f"{name or 'ai.onnx'} {n}" for name, n in (found or {}).items())
    return None if found is None else ", ".join(pairs)


def _ends(row: Row, column: str) -> str | None:
    """Inputs or outputs in one line: their shapes, which many models share, without names."""
    ends = row.get(column)
    if not isinstance(ends, list):
        return None
    left = [f"{len(ends) - _ENDS} more"] if len(ends) > _ENDS else []
    shapes = ((None if x["shape"] is None else tuple(x["shape"]), x["dtype"]) for x in ends[:_ENDS])
    return ", ".join([*(_end(*x) for x in shapes), *left])


@lru_cache(1 << 16)
def _end(dims: tuple[int | None, ...] | None, dtype: str | None) -> str:
    known = None if dims is None else ["?" if n is None else n for n in dims]
    return f"{shape(known)} {dtype or '?'}"


def _readers() -> dict[str, Callable[[Row], object]]:
    """How the columns whose values repeat are read."""
    kinds: tuple[tuple[Callable[[Row, str], object], str], ...] = (
        (text, "path status error error_kind weights producer quantised"),
        (flag, "rf_covers_input rf_global within_limits"),
        (texts, "free_dims lint_codes diagnostics exceeded unknown_limits"),
        (_named, "domains"),
        (_ends, "inputs outputs"),
    )
    return {name: _reader(read, name) for read, names in kinds for name in names.split()}


def _reader(read: Callable[[Row, str], object], column: str) -> Callable[[Row], object]:
    return lambda row: read(row, column)


_READ: Final = _readers()
_COUNTED: Final[Mapping[str, Callable[[Row], int | None]]] = {
    **{name: partial(whole, column=name) for name in _NUMBERS},
    **{figure.name: figure.value for figure in FIGURES},
}
#: what follows from a row, see `ModelColumns.add`
_FOUND: Final = ("operators", "uncounted", "family", "why", "page")
#: of a scan's columns, those that the page asks for
NEEDED: Final = (*_READ, *_NUMBERS, "operators", "uncounted", "graph_digest")


class _Words:
    """A column of values that repeat."""

    def __init__(self) -> None:
        self._words: dict[object, int] = {}
        self._at = array("L")

    def add(self, value: object) -> None:
        self._at.append(self._words.setdefault(value, len(self._words)))

    def part(self, name: str) -> dict[str, object]:
        """As the page's script reads it: words once, where that is shorter."""
        words = list(self._words)
        if 2 * len(words) > len(self._at):
            return {"name": name, "values": [words[i] for i in self._at]}
        return {"name": name, "words": words, "values": self._at.tolist()}

    def __bool__(self) -> bool:
        return bool(self._words.keys() - {None})


class ModelColumns:
    """The columns of the models that are on the page one by one.

    >>> columns = ModelColumns()
    >>> columns.add(0, {"path": "a.onnx", "macs": 5}, {"family": "convolutions"})
    >>> [x["name"] for x in columns.part([0])["columns"]]
    ['path', 'family', 'macs', 'row', 'graph']
    """

    def __init__(self) -> None:
        self.rows: list[int] = []
        self._numbers: dict[str, list[int | None]] = {name: [] for name in _COUNTED}
        self._words = {name: _Words() for name in (*_READ, *_FOUND)}
        self._counting = [(self._numbers[name].append, count) for name, count in _COUNTED.items()]
        self._reading = [(self._words[name].add, read) for name, read in _READ.items()]

    def add(self, number: int, row: Row, found: Mapping[str, object]) -> None:
        """One more model.

        Args:
            number: its place in the scan.
            row: as the scan has it.
            found: what follows from it: the names of its `operators` and of what is `uncounted`, the
                `family` that these are of, `why` there is no report, its own `page`.
        """
        self.rows.append(number)
        for append, count in self._counting:
            append(count(row))
        for add, read in self._reading:
            add(read(row))
        for name in _FOUND:
            self._words[name].add(found.get(name))

    def part(self, groups: Iterable[int]) -> dict[str, object]:
        """As the page's script reads it.

        Args:
            groups: of each model, a number that those with an equal graph share; 0: no other has it.
        """
        numbers = {k: v for k, v in self._numbers.items() if any(n is not None for n in v)}
        numbers |= {"row": list(self.rows), "graph": list(groups)}
        return {
            "length": len(self.rows),
            "columns": [
                *(words.part(name) for name, words in self._words.items() if words),
                *({"name": name, "values": values} for name, values in numbers.items()),
            ],
        }
