"""What does a node of the file say? Only what is set, as asking for more takes room for good."""

from __future__ import annotations

from typing import Any, Final

import onnx

_NUMBERS: Final = {x.name: int(x.number) for x in onnx.NodeProto.DESCRIPTOR.fields}
INPUT, OUTPUT, NAME, OP_TYPE, DOMAIN, ATTRIBUTE = (
    _NUMBERS[name] for name in ("input", "output", "name", "op_type", "domain", "attribute")
)
#: not in every version of onnx: then no field has this number
METADATA: Final = _NUMBERS.get("metadata_props", -1)


def set_fields(proto: onnx.NodeProto) -> dict[int, Any]:
    """A node's fields that are set, by their numbers.

    protobuf makes an empty list, of a hundred bytes, the first time that a repeated field is asked for which
    isn't there, and keeps it as long as the model.
    """
    return {field.number: value for field, value in proto.ListFields()}
