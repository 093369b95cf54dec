"""Which numbers does ONNX Runtime get for the stored tensors of a model?

Those of the file, mapped and never copied by us. Where the file lacks them (external data that is
missing, a skeleton published without weights), seeded random ones: for a tensor of rank two and
more normal with variance ``2 / fan_in`` (He et al., *Delving deep into rectifiers*, 2015), so that
signals keep their size through layers, ``fan_in`` being the product of all lengths but the first;
between 0.5 and 1.5 for vectors, which are scales, variances (positive) and biases. Integers are
uniform over a small range. Beyond 65,536 elements the numbers repeat: they are there for shapes,
dependencies and times, which no repetition changes, and drawing them would take longer than a run.
"""

from __future__ import annotations

import math
import zlib
from collections.abc import Mapping
from typing import TYPE_CHECKING, Final

import numpy as np
from onnx import TensorProto, helper

from cnnscope.analyzer.values.diagnostics import ModelFileError
from cnnscope.analyzer.values.plain_class import dataclass

if TYPE_CHECKING:
    from cnnscope.analyzer.model.file import ModelFile
    from cnnscope.runtime.engine.flat import FlatModel

_DRAWN: Final = 1 << 16


@dataclass(frozen=True, eq=False)
class WeightValues:
    """The numbers of a copy's stored tensors.

    Args:
        arrays: by the tensor's name in the copy.
        random: how many of them are random.
    """

    arrays: Mapping[str, np.ndarray]
    random: int

    @property
    def said(self) -> str:
        """Where the weights are from, in a word or two."""
        if not self.random:
            return "stored" if self.arrays else "in the graph"
        if self.random == len(self.arrays):
            return "random (He-scaled)"
        return f"stored, {self.random} of {len(self.arrays)} tensors random (He-scaled)"


def find_values(file: ModelFile, flat: FlatModel, seed: int = 0) -> WeightValues:
    """The stored numbers where they are, seeded random ones where they aren't."""
    arrays: dict[str, np.ndarray] = {}
    missing = 0
    for name, tensor in flat.tensors.items():
        try:
            arrays[name] = file.read(tensor)
        except ModelFileError:
            arrays[name] = random_values(tensor, name, seed)
            missing += 1
    return WeightValues(arrays, missing)


def random_values(tensor: TensorProto, name: str, seed: int) -> np.ndarray:
    """Random numbers of a tensor's type and shape; the same for the same name and seed."""
    dims = tuple(int(d) for d in tensor.dims)
    dtype = helper.tensor_dtype_to_np_dtype(tensor.data_type)
    count = math.prod(dims)
    random = np.random.default_rng((seed, zlib.crc32(name.encode())))
    drawn = min(count, _DRAWN)
    numbers: np.ndarray
    if dtype.kind == "f":
        if len(dims) < 2:
            numbers = random.random(drawn, np.float32) + np.float32(0.5)
        else:
            scale = math.sqrt(2 / max(1, math.prod(dims[1:])))
            numbers = random.standard_normal(drawn, np.float32) * np.float32(scale)
    elif dtype.kind == "b":
        numbers = random.random(drawn) < 0.5
    elif dtype.itemsize == 1:
        lowest = -64 if dtype.kind == "i" else 64
        numbers = random.integers(lowest, lowest + 128, drawn)
    else:
        numbers = random.integers(0, 2, drawn)
    return _repeated(numbers.astype(dtype, copy=False), count).reshape(dims)


def _repeated(numbers: np.ndarray, count: int) -> np.ndarray:
    """As many numbers as that, over and over the same (`np.resize` copies them twice)."""
    if len(numbers) == count:
        return numbers
    found = np.empty(count, numbers.dtype)
    whole = count // len(numbers) * len(numbers)
    found[:whole].reshape(-1, len(numbers))[:] = numbers
    found[whole:] = numbers[: count - whole]
    return found
