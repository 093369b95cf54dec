"""What do operators demand of a node whose schemas `onnx` doesn't have?

One row per operator, plain texts that nobody reads before a node of it is met
(`cnnscope.analyzer.passes.demands` does)::

    ("Name", "real real? byte.a byte.b?", "axis:int! alpha:float")

*Inputs*: each a dtype or the name of a set of dtypes; ``?``: it may be omitted; ``*``, the last:
any number of them but none, each of a dtype of its own. Inputs with the same word are of one dtype; what
stands behind a dot tells apart those that needn't be. *Attributes*: name and kind, ``!`` where it is
required; all there are, unless the last word is ``...``.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from cnnscope.analyzer.operators.homes import load_home

#: operators of which it is kept what schemas say of them: more than there are, but files may name any
ASKED_FOR = 2048

Row = tuple[str, str, str]  # operator, inputs, attributes
_ROWS: dict[tuple[str, str], tuple[Row, Mapping[str, str]]] = {}


def schema_rows(domain: str, rows: Sequence[Row], sets: Mapping[str, str]) -> None:
    """Register what operators of a domain demand.

    Args:
        domain: ``""`` for ai.onnx.
        rows: as the module says.
        sets: by the name that rows use, dtypes with spaces between them.

    Raises:
        ValueError: an operator has a row already.
    """
    for row in rows:
        if (domain, row[0]) in _ROWS:
            raise ValueError(f"{domain}::{row[0]} has two schema rows")
        _ROWS[domain, row[0]] = row, sets


def schema_row(domain: str, name: str) -> tuple[Row, Mapping[str, str]] | None:
    """An operator's row and the sets of dtypes it speaks of; None: it has none."""
    load_home("schema_rows", domain, name)
    return _ROWS.get((domain, name))
