"""CNS608 and CNS609: what do the weights hold?"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, TypeAlias

import numpy as np

from cnnscope.analyzer.lint.rule import Hit, Page, Subject, rule
from cnnscope.analyzer.values.notation import count, name, percent

#: an array of any floating-point dtype, which hangs on the file
_Numbers: TypeAlias = np.ndarray[Any, Any]
_PIECE = 1 << 22
_IEEE = "IEEE 754-2019, Standard for Floating-Point Arithmetic"


@rule(
    "CNS608",
    "non-finite-weights",
    "error",
    Page(
        what="With `--weights`: weights that are NaN or infinite.",
        why="Every output that depends on one is NaN or infinite, too. A conversion to float16 "
        "makes infinities of what is larger than 65,504.",
        how="Every stored floating-point tensor is read once: initializers and Constant nodes, in "
        "subgraphs and functions too, of every format that has such numbers. What holds nothing "
        "but 0 and minus "
        "infinity is a mask, and meant.",
        example="A weight of 70,000 in a model converted to float16.",
        todo="Find the training step or conversion that made it; clip, or keep the layer in "
        "float32.",
        references=(_IEEE,),
    ),
)
def non_finite_weights(subject: Subject) -> Iterator[Hit]:
    for tensor, layers, numbers in _floats(subject, lambda dtype: "float" in dtype):
        bad = 0
        mask = True
        for piece in _pieces(numbers):
            finite = np.isfinite(piece)
            bad += piece.size - int(np.count_nonzero(finite))
            mask = mask and not piece[finite].any() and bool((piece[~finite] == -np.inf).all())
        if bad and not mask:
            yield Hit(
                layers,
                f"{count(bad)} of {count(numbers.size)} numbers of {name(tensor)} aren't finite",
                {"params": bad},
                subject=tensor,
            )


#: the smallest normal number, by dtype (IEEE 754; bfloat16 has the exponents of float32)
_LEAST = {"float16": 2.0**-14, "bfloat16": 2.0**-126, "float32": 2.0**-126, "float64": 2.0**-1022}


@rule(
    "CNS609",
    "denormal-weights",
    "info",
    Page(
        what="With `--weights`: weights so small that they are subnormal numbers.",
        why="CPUs take up to a hundred times as long for them unless told to flush them to zero, and "
        "they are nothing but rounding: in float16 everything below 0.00006.",
        how="Every stored tensor in float16, bfloat16, float32 and float64 is read once (in 8 bits "
        "and fewer subnormal numbers are ordinary ones): numbers that aren't 0 and whose magnitude is "
        "below the dtype's smallest normal number. Reported from 0.1 % of a tensor "
        "on, one finding for the model.",
        example="Weights decayed to 1e-40 by strong L2 regularisation.",
        todo="Set them to 0, and `session.set_denormal_as_zero` to 1 in ONNX Runtime.",
        references=(
            _IEEE,
            "ONNX Runtime: Session options, session.set_denormal_as_zero. "
            "https://onnxruntime.ai/docs/performance/tune-performance/threading.html",
        ),
    ),
)
def denormal_weights(subject: Subject) -> Iterator[Hit]:
    found: dict[str, None] = {}
    tiny = size = 0
    for _, layers, numbers in _floats(subject, _LEAST.__contains__):
        least = numbers.dtype.type(_LEAST[numbers.dtype.name])
        small = 0
        for piece in _pieces(numbers):
            with np.errstate(invalid="ignore"):  # a NaN is smaller than nothing
                small += int(np.count_nonzero((piece != 0) & (np.abs(piece) < least)))
        if small * 1000 >= numbers.size and small:
            found.update(dict.fromkeys(layers))
            tiny, size = tiny + small, size + numbers.size
    if tiny:
        yield Hit(
            tuple(found),
            f"{count(tiny)} weights are subnormal, {percent(tiny / size)} of their tensors",
            {"params": tiny},
        )


def _pieces(numbers: _Numbers) -> Iterator[_Numbers]:
    """An array a few megabytes at a time."""
    flat = numbers.reshape(-1)
    for first in range(0, flat.size, _PIECE):
        yield flat[first : first + _PIECE]


def _floats(
    subject: Subject, wanted: Callable[[str], bool]
) -> Iterator[tuple[str, tuple[str, ...], _Numbers]]:
    """The stored floating-point tensors of the dtypes wanted, where weights may be read."""
    if not subject.options.weights:
        return
    for name_, layers, numbers in subject.particulars.arrays(wanted):
        if numbers.size:
            yield name_, layers, numbers
