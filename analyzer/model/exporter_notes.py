"""Which modules does an exporter say that a node belongs to?

torch.onnx writes them into a node's metadata, as lists in Python's spelling; others into its name.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

import onnx

#: the most characters of a list of names in a node's metadata: parsing takes 300 bytes for each
NOTE_LIMIT = 20_000

SCOPES = "pkg.torch.onnx.name_scopes"
CLASSES = "pkg.torch.onnx.class_hierarchy"


#: the usual spelling of a list: of names without quotes, escapes or line breaks
_USUAL = re.compile(r"\['[^'\\\n\r\0]*'(?:, '[^'\\\n\r\0]*')*\]")


def noted_module(scopes: list[str]) -> str:
    """The path of the module that scopes lead to; of these, the last is the call itself."""
    for scope in reversed(scopes[:-1]):
        if scope:
            return scope.replace(".", "/")
    return ""


def noted_list(entries: Iterable[onnx.StringStringEntryProto], key: str) -> list[str]:
    """A list of names among the entries of a node's metadata, written as Python writes it."""
    for entry in entries:
        if entry.key == key:
            return _names(entry.value)
    return []


def _names(text: str) -> list[str]:
    if len(text) > NOTE_LIMIT:
        return []
    if _USUAL.fullmatch(text):  # some twenty times as fast
        return text[2:-2].split("', '")
    import ast

    try:
        found = ast.literal_eval(text)
    except (ValueError, TypeError, SyntaxError, RecursionError, MemoryError):
        return []
    return [str(name) for name in found] if isinstance(found, list) else []
