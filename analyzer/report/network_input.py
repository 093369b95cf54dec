"""What is said of a network's input or output: as bound, and as the file declares it?"""

from __future__ import annotations

from cnnscope.analyzer.values.dimension import Dim
from cnnscope.analyzer.values.plain_class import dataclass
from cnnscope.analyzer.values.tensor import Tensor, plain_shape


@dataclass(frozen=True, slots=True)
class Input:
    """A network input: as bound, and as the file declares it."""

    name: str
    tensor: Tensor
    declared: Tensor

    @property
    def dtype(self) -> str | None:
        return self.tensor.dtype

    @property
    def shape(self) -> tuple[Dim, ...] | None:
        return self.tensor.shape

    def to_dict(self) -> dict[str, object]:
        found: dict[str, object] = {
            "name": self.name,
            "dtype": self.dtype,
            "shape": plain_shape(self.shape),
            "declared": plain_shape(self.declared.shape),
        }
        value = self.tensor.value
        if value is not None and value.dtype != object and not self.tensor.constant:
            found["value"] = value.tolist()  # assumed: it was given
        return found
