"""What does the file say of itself?"""

from __future__ import annotations

from collections.abc import Mapping

from cnnscope.analyzer.values.plain_class import dataclass


@dataclass(frozen=True, slots=True)
class ModelInfo:
    """What the file says of itself."""

    path: str | None
    producer: str
    ir_version: int
    opsets: Mapping[str, int]
    file_bytes: int | None
    weights: str
    nodes: int = 0
    folded: int = 0

    def to_dict(self) -> dict[str, object]:
        return {
            "path": self.path,
            "producer": self.producer,
            "ir_version": self.ir_version,
            "opsets": {name or "ai.onnx": version for name, version in self.opsets.items()},
            "file_bytes": self.file_bytes,
            "weights": self.weights,
            "nodes": self.nodes,
            "folded_nodes": self.folded,
        }


def file_name(path: str | None) -> str:
    """A model's file without its folders, be they another system's; ``""`` of one in memory.

    >>> file_name("models/resnet50.onnx"), file_name("C:\\\\models\\\\x.onnx"), file_name(None)
    ('resnet50.onnx', 'x.onnx', '')
    """
    return (path or "").replace("\\", "/").rpartition("/")[2]
