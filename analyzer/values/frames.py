"""How do records become a DataFrame: a fact a column, numbers as numbers, nothing nested in a cell?"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from fractions import Fraction
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pandas

#: what a cell holds
Cell = int | float | str | bool | None

_MOST = 2**63  # what an integer column holds is below
_LARGEST = 2**1023  # and any float


def data_frame(
    records: Iterable[Mapping[str, object]], columns: Sequence[str] = ()
) -> pandas.DataFrame:
    """Records as a pandas DataFrame, a row each.

    A column of integers is ``int64``, or pandas' nullable ``Int64`` where some aren't known; of other
    numbers ``float64``, of answers ``bool`` or ``boolean``, of texts ``object``, and of integers beyond
    every float. What is nested becomes columns (see `flat`).

    Args:
        records: one for each row.
        columns: those there are even without a row; further ones follow in the order they are met.

    Raises:
        ImportError: pandas isn't installed.

    >>> data_frame([{"a": 1, "b": None}, {"a": 2, "b": 3}]).dtypes.astype(str).to_dict()
    {'a': 'int64', 'b': 'Int64'}
    """
    try:
        import pandas
    except ImportError as error:
        raise ImportError(
            "a DataFrame needs pandas, which can't be imported: pip install pandas"
        ) from error
    rows = [flat(record) for record in records]
    names = dict.fromkeys([*columns, *(name for row in rows for name in row)])
    found = {}
    for name in names:
        cells = [row.get(name) for row in rows]
        found[name] = pandas.Series(cells, dtype=_dtype(cells))
    return pandas.DataFrame(found, columns=pandas.Index(list(names)))


def flat(record: Mapping[str, object], prefix: str = "") -> dict[str, Cell]:
    """A record without what is nested.

    A table in it gives a column for each of its entries, named after both; of a total, ``value`` has
    the total's own name. A list of plain values is one text; one of tables is left out.

    >>> flat({"layer": "a", "macs": {"value": 3, "status": "complete"}, "aspects": ["x", "y"]})
    {'layer': 'a', 'macs': 3, 'macs_status': 'complete', 'aspects': 'x, y'}
    """
    found: dict[str, Cell] = {}
    for key, value in record.items():
        name = f"{prefix}_{key}" if prefix and key != "value" else prefix or key
        if isinstance(value, Mapping):
            found.update(flat(value, name))
        elif value is None or isinstance(value, bool | int | float | str):
            found[name] = value
        elif isinstance(value, Fraction):
            found[name] = float(value) if abs(value) < _LARGEST else int(value)
        elif isinstance(value, Sequence) and not any(_nested(part) for part in value):
            found[name] = ", ".join("?" if part is None else str(part) for part in value)
    return found


def _nested(part: object) -> bool:
    return isinstance(part, Mapping | list | tuple)


def _dtype(cells: Sequence[Cell]) -> str:
    known = [cell for cell in cells if cell is not None]
    whole = len(known) == len(cells)
    if not known:
        return "float64" if cells else "object"  # missing, whatever it would be
    if all(isinstance(cell, bool) for cell in known):
        return "bool" if whole else "boolean"
    if any(isinstance(cell, str | bool) for cell in known):
        return "object"
    if all(isinstance(cell, int) and -_MOST <= cell < _MOST for cell in known):
        return "int64" if whole else "Int64"
    if any(isinstance(cell, int) and abs(cell) >= _LARGEST for cell in known):
        return "object"
    return "float64"
