"""Which modules does an exporter say that a node belongs to?

torch.onnx writes them into a node's metadata, as lists in Python's spelling; others into its name.
"""

from __future__ import annotations

import onnx

#: the most characters of a list of names in a node's metadata: parsing takes 300 bytes for each
NOTE_LIMIT = 20_000

#: not in every version of onnx
_HAS_METADATA = "metadata_props" in onnx.NodeProto.DESCRIPTOR.fields_by_name

SCOPES = "pkg.torch.onnx.name_scopes"
CLASSES = "pkg.torch.onnx.class_hierarchy"


def noted_scope(proto: onnx.NodeProto, name: str) -> str:
    """The module path an exporter left: metadata of torch.onnx, or the path in the name."""
    scopes = noted_list(proto, SCOPES)
    if scopes:
        modules = [scope for scope in scopes[:-1] if scope]
        return modules[-1].replace(".", "/") if modules else ""
    return name.strip("/").rpartition("/")[0]


def noted_list(proto: onnx.NodeProto, key: str) -> list[str]:
    """A list of names among a node's metadata, written as Python writes it."""
    entries = proto.metadata_props if _HAS_METADATA else None
    if not entries:
        return []
    for entry in entries:
        if entry.key == key:
            if len(entry.value) > NOTE_LIMIT:
                return []
            import ast

            try:
                found = ast.literal_eval(entry.value)
            except (ValueError, TypeError, SyntaxError, RecursionError, MemoryError):
                return []
            return [str(name) for name in found] if isinstance(found, list) else []
    return []
