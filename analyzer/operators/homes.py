"""Which family's file says what an operator is, so that only those are loaded that a graph has?

`family_index` lists it; what isn't listed (a file that was just put there, an operator that nobody has)
is looked for by loading them all.
"""

from __future__ import annotations

import importlib
from typing import Literal

from cnnscope.analyzer.operators.family_index import FAMILIES

#: what a family's file says of an operator: its rules (`define`), how it works with lengths (`reckons`)
#: and numbers (`calculates`), what it demands (`schema_rows`), how it may be spelled (`spell`)
What = Literal["define", "reckons", "calculates", "schema_rows", "spell"]
Key = tuple[str, str, str]  # what, and of which operator: domain and name

_PACKAGE = "cnnscope.analyzer.operators.families"
#: by what is asked of which operator, the file that says it and isn't loaded yet
_waiting: dict[Key, str] = {
    (what, domain, name): family
    for family, said in FAMILIES.items()
    for (what, domain), names in said.items()
    for name in names.split()
}
_whole = False


def load_home(what: What, domain: str, name: str) -> None:
    """Load the family that says this of an operator, if it isn't yet."""
    key = what, domain, name
    family = _waiting.get(key)
    if family is not None:
        importlib.import_module(f"{_PACKAGE}.{family}")
        # Not before: another thread that asks meanwhile has to wait for the import, too.
        _waiting.pop(key, None)


def load_families() -> None:
    """Load every family: for what goes through all operators, or meets one that isn't listed."""
    global _whole
    if not _whole:
        import pkgutil  # here: few graphs need them all

        for module in pkgutil.iter_modules(importlib.import_module(_PACKAGE).__path__):
            importlib.import_module(f"{_PACKAGE}.{module.name}")
        _waiting.clear()
        _whole = True
