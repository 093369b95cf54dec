"""What are the values that the user gives for inputs, in the inputs' own dtypes and shapes?"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from cnnscope.analyzer.model.binding import meant_name, show
from cnnscope.analyzer.values.diagnostics import BindingError
from cnnscope.analyzer.values.dimension import Dim
from cnnscope.analyzer.values.tensor import Tensor

if TYPE_CHECKING:
    import numpy as np


def fitted_values(
    declared: Mapping[str, Tensor],
    values: Mapping[str, np.ndarray],
    shapes: Mapping[str, Sequence[int | None]],
    most: int,
) -> dict[str, np.ndarray]:
    """Values given for inputs, in the inputs' dtypes and shapes; of at most so many elements.

    Raises:
        BindingError: an unknown name, numbers that the input can't hold, another shape, or more of
            them than sizes hang on.
    """
    found = {}
    for name, given in values.items():
        if name not in declared:
            raise BindingError(f"there is no input {name!r}{meant_name(name, declared)}")
        tensor = declared[name]
        what = f"the value of input {name!r}"
        if given.size > most:
            raise BindingError(
                f"{what} has {given.size} elements; {most} are the most: it is for inputs that"
                " sizes hang on"
            )
        array = _cast(given, tensor, what)
        lengths: Sequence[Dim | None] | None = shapes.get(name, tensor.shape)
        if lengths is not None:
            single = all(not isinstance(n, int) or n == 1 for n in lengths)
            if not array.shape and single:
                array = array.reshape((1,) * len(lengths))
            if len(array.shape) != len(lengths) or any(
                isinstance(n, int) and n != m for n, m in zip(lengths, array.shape, strict=True)
            ):
                wanted = "x".join("?" if n is None else str(n) for n in lengths) or "a scalar"
                raise BindingError(f"{what} is {show(array.shape)}, the model takes {wanted}")
        found[name] = array
    return found


def _cast(given: np.ndarray, tensor: Tensor, what: str) -> np.ndarray:
    """The same numbers in the input's dtype."""
    import numpy as np

    dtype = tensor.dtype or str(given.dtype)
    try:
        wanted = np.dtype(dtype) if tensor.kind == "tensor" and dtype != "string" else None
    except TypeError:  # bfloat16 and the like aren't numpy's
        wanted = None
    if wanted is None or wanted.kind not in "biuf":
        held = dtype if tensor.kind == "tensor" else f"a {tensor.kind}"
        raise BindingError(f"{what} can't be given: the model takes {held}")
    with np.errstate(all="ignore"):
        array = given.astype(wanted)
        same = wanted.kind == "f" or bool((array == given).all())
    if wanted.kind == "f" and given.size:
        same = bool((np.isfinite(array) == np.isfinite(given)).all())
    if not same:
        raise BindingError(f"{what} is no {dtype}, which the model takes")
    return array
