"""What does a node of the file say? Only what is set, as asking for more takes room for good."""

from __future__ import annotations

from typing import Any, Final

import onnx

_FIELDS: Final = onnx.NodeProto.DESCRIPTOR.fields_by_name
INPUT, OUTPUT, NAME, OP_TYPE, DOMAIN, ATTRIBUTE = (
    _FIELDS[name] for name in ("input", "output", "name", "op_type", "domain", "attribute")
)
#: not in every version of onnx: then no field is this one
METADATA: Final[object] = _FIELDS.get("metadata_props")


def set_fields(proto: onnx.NodeProto) -> dict[object, Any]:
    """A node's fields that are set.

    protobuf makes an empty list, of a hundred bytes, the first time that a repeated field is asked for which
    isn't there, and keeps it as long as the model.
    """
    return dict(proto.ListFields())
