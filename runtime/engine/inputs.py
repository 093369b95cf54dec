"""What is a model run on when nobody says what?

Seeded random numbers by the input's dtype and role. Floats lie between 0 and 1 (what images are,
and nothing a root or logarithm minds), bytes over their whole range, booleans are either. An input
that is used as an index, an axis, a length or the like is in the range that the operator takes
(`input_ranges`); other integers are 1 to 3, small enough for a size. Strings are one letter.
"""

from __future__ import annotations

import math
import os
import zlib
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Final

import numpy as np
from onnx import helper

from cnnscope.analyzer.model.regular_file import open_regular
from cnnscope.analyzer.values.diagnostics import RunError
from cnnscope.analyzer.values.tensor import DTYPES, Tensor
from cnnscope.runtime.engine.input_ports import Exactly, Range, WantedNumbers
from cnnscope.runtime.engine.input_ranges import find_wanted

if TYPE_CHECKING:
    from cnnscope.analyzer.report.examination import Analysis


_CODES: Final = {name: code for code, name in DTYPES.items()}
_UNFIT: Final = ("float4", "int4", "uint4", "int2", "uint2", "complex")


def make_inputs(
    analysis: Analysis, seed: int = 0, given: Mapping[str, np.ndarray] | None = None
) -> dict[str, object]:
    """An array for every input (a list of arrays for a sequence).

    Args:
        analysis: of the model; its inputs have to have known lengths.
        seed: of the random numbers.
        given: arrays to be taken as they are, by input name.

    Raises:
        RunError: a length is free, a given array does not fit, or nothing can be made up.
    """
    given = dict(given or {})
    inputs = {name: analysis.shapes.tensors[name] for name in analysis.graph.inputs}
    for name in given:
        if name not in inputs:
            raise RunError(f"--input {name}: the model's inputs are {', '.join(inputs)}")
    for name, tensor in inputs.items():
        if tensor.value is not None:  # it was given for the analysis
            given.setdefault(name, tensor.value)
    _demand_lengths(inputs)
    wanted = find_wanted(analysis)
    return {
        name: _fitting(name, given[name], tensor)
        if name in given
        else _random(name, tensor, wanted.get(name), seed)
        for name, tensor in inputs.items()
    }


def load_inputs(files: Mapping[str, str | os.PathLike[str]]) -> dict[str, np.ndarray]:
    """The arrays in files that ``numpy.save`` wrote, by input name.

    Raises:
        RunError: a file can't be read or is none of those.
    """
    found = {}
    for name, path in files.items():
        try:
            with open_regular(Path(path)) as file:
                found[name] = np.load(file, allow_pickle=False)
        except OSError as error:
            said = error.strerror or str(error)
            raise RunError(f"--input {name}={path}: no array can be read: {said}") from None
        except (ValueError, EOFError):  # of what numpy says, some is advice to unpickle it
            raise RunError(
                f"--input {name}={path}: no array can be read: give a file that numpy.save wrote, "
                "of numbers"
            ) from None
        if not isinstance(found[name], np.ndarray):
            raise RunError(f"--input {name}={path}: this is an archive; give one array (.npy)")
    return found


def _demand_lengths(inputs: Mapping[str, Tensor]) -> None:
    for name, tensor in inputs.items():
        if tensor.kind != "tensor":
            continue
        if tensor.shape is None:
            raise RunError(f"input {name!r} has no known rank: bind it with --shape {name}=...")
        free = {n: None for d in tensor.shape if not isinstance(d, int) for n in sorted(d.names)}
        if free or any(not isinstance(d, int) for d in tensor.shape):
            shown = "x".join(str(d) if isinstance(d, int) else "?" for d in tensor.shape)
            named = [n for n in free if n.isidentifier()]
            how = (
                " ".join(f"--dim {n}=LENGTH" for n in named)
                if len(named) == len(free) and free
                else ""
            )
            raise RunError(
                f"input {name!r} has free dimensions ({', '.join(free) or shown}): to run the model, "
                f"bind them with {how or f'--shape {name}={shown}'}"
            )


def _fitting(name: str, array: np.ndarray, tensor: Tensor) -> np.ndarray:
    if str(array.dtype) != tensor.dtype and not (
        tensor.dtype == "string" and array.dtype.kind in "OU"
    ):
        raise RunError(f"--input {name}: it holds {array.dtype}, the model takes {tensor.dtype}")
    if array.shape != tensor.shape:
        shown = "x".join(map(str, array.shape)) or "scalar"
        wanted = "x".join(map(str, tensor.shape or ())) or "scalar"
        raise RunError(f"--input {name}: its shape is {shown}, the model takes {wanted}")
    return np.asarray(array, order="C")  # `ascontiguousarray` gives a scalar an axis


def _random(name: str, tensor: Tensor, wanted: WantedNumbers | None, seed: int) -> object:
    if (
        tensor.kind == "sequence"
        and tensor.element is not None
        and tensor.element.shape is not None
    ):
        _demand_lengths({name: tensor.element})
        return [_random(name, tensor.element, wanted, seed)]
    if tensor.kind != "tensor" or tensor.dtype is None:
        raise RunError(f"input {name!r} is a {tensor.kind} of which no value can be made up")
    if tensor.dtype.startswith(_UNFIT):
        raise RunError(f"input {name!r} holds {tensor.dtype}, which can't be given from Python")
    shape = tuple(d for d in tensor.shape or () if isinstance(d, int))
    random = np.random.default_rng((seed, zlib.crc32(name.encode())))
    if tensor.dtype == "string":
        return np.full(shape, "a", dtype=object)
    # numpy alone doesn't have them all (bfloat16): onnx brings the package that does.
    dtype = np.dtype(helper.tensor_dtype_to_np_dtype(_CODES[tensor.dtype]))
    if wanted is not None and dtype.kind != "b":
        made = _within(wanted, shape, tensor.is_float, dtype, random)
    elif tensor.is_float:
        made = np.asarray(random.random(shape, np.float64 if dtype.itemsize == 8 else np.float32))
    elif dtype.kind == "b":
        made = random.random(shape) < 0.5
    elif dtype.itemsize == 1:
        limits = np.iinfo(dtype)
        made = random.integers(limits.min, int(limits.max) + 1, shape)
    else:
        made = random.integers(1, 4, shape)
    return np.asarray(made).astype(dtype)


def _within(
    wanted: WantedNumbers, shape: tuple[int, ...], is_float: bool, dtype: np.dtype,
    random: np.random.Generator,
) -> np.ndarray:  # fmt: skip
    """Numbers as they are wanted; where they can't be, as near as that."""
    count = math.prod(shape)
    if isinstance(wanted, Exactly):
        if len(wanted.numbers) == count:
            return np.array(wanted.numbers).reshape(shape)
        wanted = wanted.otherwise or Range(1, 1)
    low, high = wanted.low, wanted.high
    if is_float:
        return low + random.random(shape) * (high - low)
    limits = np.iinfo(dtype)
    low, high = max(low, int(limits.min)), min(high, int(limits.max))
    if wanted.distinct and count <= high - low + 1:
        return np.sort(random.permutation(high - low + 1)[:count]).reshape(shape) + low
    return random.integers(low, max(low, high) + 1, shape)
