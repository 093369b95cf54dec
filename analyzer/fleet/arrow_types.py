"""Which types have a table's columns in Arrow, and so in Parquet?"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from cnnscope.analyzer.fleet.columns import Column

if TYPE_CHECKING:
    import pyarrow


def arrow_schema(columns: Sequence[Column]) -> pyarrow.Schema:
    """The columns as Arrow has them, each of which may be null.

    Raises:
        ImportError: pyarrow isn't installed.
    """
    import pyarrow

    number, text = pyarrow.int64(), pyarrow.string()
    shape = pyarrow.list_(number)
    tensor = pyarrow.struct([("name", text), ("dtype", text), ("shape", shape)])
    count = pyarrow.struct([("name", text), ("count", number)])
    types = {
        "text": text, "int": number, "float": pyarrow.float64(), "flag": pyarrow.bool_(),
        "texts": pyarrow.list_(text), "shape": shape, "tensors": pyarrow.list_(tensor),
        "counts": pyarrow.list_(count),
    }  # fmt: skip
    return pyarrow.schema([pyarrow.field(x.name, types[x.kind]) for x in columns])
