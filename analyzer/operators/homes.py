"""Which family's file says what an operator is, so that only those are loaded that a graph has?

`family_index` lists it; what isn't listed (a file that was just put there, an operator that nobody has)
is looked for by loading them all.
"""

from __future__ import annotations

import importlib
from typing import get_args

from cnnscope.analyzer.operators.family_index import FAMILIES, What

Key = tuple[str, str]  # an operator: domain and name

_PACKAGE = "cnnscope.analyzer.operators.families"
#: by what is asked, of each operator the file that says it and isn't loaded yet
waiting: dict[What, dict[Key, str]] = {what: {} for what in get_args(What)}
for _family, _said in FAMILIES.items():
    for (_what, _domain), _names in _said.items():
        waiting[_what].update({(_domain, name): _family for name in _names.split()})
_whole = False


def load_home(what: What, domain: str, name: str) -> None:
    """Load the family that says this of an operator, if it isn't yet."""
    family = waiting[what].get((domain, name))
    if family is not None:
        importlib.import_module(f"{_PACKAGE}.{family}")
        # Not before: another thread that asks meanwhile has to wait for the import, too.
        waiting[what].pop((domain, name), None)


def load_families() -> None:
    """Load every family: for what goes through all operators, or meets one that isn't listed."""
    global _whole
    if not _whole:
        import pkgutil  # here: few graphs need them all

        for module in pkgutil.iter_modules(importlib.import_module(_PACKAGE).__path__):
            importlib.import_module(f"{_PACKAGE}.{module.name}")
        for unread in waiting.values():
            unread.clear()
        _whole = True
