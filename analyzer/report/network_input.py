"""What is said of a network's input or output: as bound, and as the file declares it?"""

from __future__ import annotations

from cnnscope.analyzer.report.fact_source import Value
from cnnscope.analyzer.values.plain_class import dataclass
from cnnscope.analyzer.values.tensor import Tensor, plain_shape


@dataclass(frozen=True, slots=True)
class Input(Value):
    """A network input: as bound, and as the file declares it."""

    declared: Tensor

    def to_dict(self) -> dict[str, object]:
        found = Value.to_dict(self) | {"declared": plain_shape(self.declared.shape)}
        value = self.tensor.value
        if value is not None and value.dtype != object and not self.tensor.constant:
            found["value"] = value.tolist()  # assumed: it was given
        return found
