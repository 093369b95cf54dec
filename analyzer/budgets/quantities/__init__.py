"""Everything that can be limited, a file for each sort of it: a new file needs no entry."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Mapping
from typing import Final

from cnnscope.analyzer.budgets.quantity import Quantity, defined_quantities

for _module in pkgutil.iter_modules(__path__):
    importlib.import_module(f"{__name__}.{_module.name}")

#: the order in which they are listed; what isn't named here follows, by name
_ORDER: Final = (
    "params", "buffers", "macs", "int_macs", "float_macs", "flops", "layers", "weights",
    "peak_activation", "traffic", "file_size", "receptive_field", "effective_field",
    "effective_field_80", "effective_field_50", "lookahead", "opset", "max_partial",
    "errors",
)  # fmt: skip


def _place(key: str) -> tuple[int, str]:
    return (_ORDER.index(key) if key in _ORDER else len(_ORDER)), key


QUANTITIES: Final[Mapping[str, Quantity]] = {
    key: defined_quantities()[key] for key in sorted(defined_quantities(), key=_place)
}
