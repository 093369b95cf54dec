"""What do Fourier transforms put out, what work are they, and what do they read?

The work of a transform of n numbers to m frequencies (m < n if one-sided) is the textbook's::

    (1)   n a power of two: radix 2, n/2 * log2(n) butterflies of one complex product and two
          complex sums, 4 multiplications and 6 additions; whatever m is, and also for real numbers
    (2)   otherwise: the definition, m*n products with roots of unity; complex numbers 4
          multiplications and 2 additions each, real ones 2 and 0; and m*(n-1) complex sums
    (3)   inverse: two multiplications by 1/n per frequency (one where only the real part is kept)

The roots themselves are tables and not counted. A signal is padded with zeros, or cut, to the
transform's length.

Reads: a transform looks along its whole axis; a frame of STFT through a window of `frame_length` at
a stride of `frame_step`.
"""

from __future__ import annotations

from cnnscope.analyzer.operators.definition import MICROSOFT, define
from cnnscope.analyzer.operators.reading import (
    NOTHING,
    Along,
    AxisRead,
    InputRead,
    Only,
    OutputReads,
    Whole,
    everything,
)
from cnnscope.analyzer.operators.rules import demand, demand_rank
from cnnscope.analyzer.operators.work import Work
from cnnscope.analyzer.values.conditions import reaches
from cnnscope.analyzer.values.dimension import Dim, FreeDim, Undetermined, product
from cnnscope.analyzer.values.tensor import Tensor
from cnnscope.analyzer.values.window import Window


def transform(length: Dim, outputs: Dim, *, is_real: bool) -> Work:
    """(1) or (2), for one row."""
    if isinstance(length, FreeDim):
        raise Undetermined("whether a length is a power of two", length.names, length.data)
    if length & (length - 1) == 0:
        butterflies = length // 2 * (length.bit_length() - 1)
        return Work(mul=4, add=6) * butterflies
    terms = Work(mul=2) if is_real else Work(mul=4, add=2)
    return terms * (outputs * length) + Work(add=2) * (outputs * (length - 1))


def parts(x: Tensor, least: int) -> Dim:
    """How many numbers an element of a signal is: 1 where it is real, 2 where it is complex.

    The last axis says so; a signal of `least` axes has no such axis, and is real.
    """
    if x.rank == least:
        return 1
    if isinstance(x.dims[-1], int) and x.dims[-1] not in (1, 2):
        raise ValueError(
            f"the last axis holds {x.dims[-1]} numbers, 1 (real) or 2 (complex) are wanted"
        )
    return x.dims[-1]


# -- DFT ---------------------------------------------------------------------------------------


def place(x: Tensor, axis_input: Tensor | None, axis: int, opset: int) -> int:
    """Opset 17 has the axis as an attribute, 20 as an input; their defaults differ."""
    if opset >= 20:
        axis = -2 if axis_input is None else axis_input.only_number
    if not -x.rank <= axis < x.rank or axis % x.rank == x.rank - 1:
        raise ValueError(f"no transform along axis {axis} of {x.rank}, the last being re and im")
    return axis % x.rank


def transform_length(
    x: Tensor, dft_length: Tensor | None, axis: int, halved: bool, node_name: str = ""
) -> Dim:
    if dft_length is None:
        return 2 * (x.dims[axis] - 1) if halved else x.dims[axis]
    if dft_length.value is None:
        return FreeDim.from_data(f"{node_name} transform length")
    return dft_length.only_length


def dft_output(
    x: Tensor,
    dft_length: Tensor | None = None,
    axis_input: Tensor | None = None,
    *,
    axis: int = 1,
    inverse: int = 0,
    onesided: int = 0,
    opset: int,
    node_name: str = "",
) -> Tensor:
    if x.shape is None:
        return x.of(None)
    back = bool(inverse and onesided)
    last = 1 if back else 2
    try:
        along = place(x, axis_input, axis, opset)
    except Undetermined:
        unknown = (FreeDim.from_data(f"{node_name} axis {i}") for i in range(x.rank - 1))
        return x.of((*unknown, last))
    parts(x, 1)
    length = transform_length(x, dft_length, along, back, node_name)
    dims = list(x.dims)
    dims[along] = length // 2 + 1 if onesided and not inverse else length
    dims[-1] = last
    return x.of(tuple(dims))


def dft_work(
    outputs: tuple[Tensor, ...],
    x: Tensor,
    dft_length: Tensor | None = None,
    axis_input: Tensor | None = None,
    *,
    axis: int = 1,
    inverse: int = 0,
    onesided: int = 0,
    opset: int,
    node_name: str = "",
) -> Work:
    along = place(x, axis_input, axis, opset)
    back = bool(inverse and onesided)
    length = transform_length(x, dft_length, along, back, node_name)
    frequencies = outputs[0].dims[along]
    rows = product(dim for i, dim in enumerate(x.dims[:-1]) if i != along)
    scaled = Work(mul=outputs[0].size if inverse else 0)
    # A rank of 1 would be a transform along the axis of re and im: `place` has refused it.
    return transform(length, frequencies, is_real=parts(x, 1) == 1) * rows + scaled


def dft_reads(
    outputs: tuple[Tensor, ...],
    x: Tensor,
    dft_length: Tensor | None = None,
    axis_input: Tensor | None = None,
    *,
    axis: int = 1,
    inverse: int = 0,
    onesided: int = 0,
    opset: int,
) -> OutputReads:
    along = place(x, axis_input, axis, opset)
    reads: list[AxisRead] = [Along(i) for i in range(x.rank)]
    reads[-1] = Whole()
    reads[along] = Whole(spatial=True)
    length = transform_length(x, dft_length, along, bool(inverse and onesided))
    if inverse and onesided:  # the other half mirrors this one
        length = length // 2 + 1
    given = x.dims[along]
    if isinstance(length, int) and isinstance(given, int) and length < given:
        reads[along] = Only(0, length - 1)
    return tuple(reads), NOTHING, NOTHING


# -- STFT --------------------------------------------------------------------------------------


def frame(
    x: Tensor,
    frame_step: Tensor,
    window: Tensor | None,
    frame_length: Tensor | None,
    node_name: str = "",
) -> tuple[Dim, Dim]:
    """The step and the length of a frame."""
    if x.rank < 2:
        raise ValueError(f"a signal of {x.rank} axes, 2 or 3 are wanted")
    step = scalar(frame_step, f"{node_name} frame step")
    if isinstance(step, int) and step < 1:
        raise ValueError(f"the frame step is {step}, at least 1 is wanted")
    demand_rank(window, "window", 1)
    if frame_length is not None:
        length = scalar(frame_length, f"{node_name} frame length")
        demand(window, "window", length)
    elif window is not None:
        length = window.dims[0]
    else:
        raise ValueError("neither window nor frame_length says how long a frame is")
    if not reaches(length, 1):
        raise ValueError(f"a frame is {length} long, at least 1 is wanted")
    if not reaches(x.dims[1], length):
        raise ValueError(f"a frame of {length} is longer than the signal, which has {x.dims[1]}")
    return step, length


def scalar(t: Tensor, what: str) -> Dim:
    if t.value is None:
        return FreeDim.from_data(what)
    if len(t.lengths) != 1:
        raise ValueError(f"{what.strip()} holds {len(t.lengths)} numbers, 1 is wanted")
    return t.only_length


def stft_output(
    x: Tensor,
    frame_step: Tensor,
    window: Tensor | None = None,
    frame_length: Tensor | None = None,
    *,
    onesided: int = 1,
    node_name: str = "",
) -> Tensor:
    if x.shape is None:
        return x.of(None)
    if x.rank not in (2, 3):
        raise ValueError(f"a signal of {x.rank} axes, 2 (batch, time) or 3 (and re, im) are wanted")
    parts(x, 2)
    step, length = frame(x, frame_step, window, frame_length, node_name)
    frames = (x.dims[1] - length) // step + 1
    return x.of((x.dims[0], frames, length // 2 + 1 if onesided else length, 2))


def stft_work(
    outputs: tuple[Tensor, ...],
    x: Tensor,
    frame_step: Tensor,
    window: Tensor | None = None,
    frame_length: Tensor | None = None,
) -> Work:
    """Each frame times the window, then transformed."""
    _, length = frame(x, frame_step, window, frame_length)
    batch, frames, frequencies, _ = outputs[0].dims
    each = parts(x, 2)
    windowed = Work(mul=0 if window is None else length * each)
    return (windowed + transform(length, frequencies, is_real=each == 1)) * (batch * frames)


def stft_reads(
    outputs: tuple[Tensor, ...],
    x: Tensor,
    frame_step: Tensor,
    window: Tensor | None = None,
    frame_length: Tensor | None = None,
) -> OutputReads:
    step, length = frame(x, frame_step, window, frame_length)
    time: AxisRead = Whole(spatial=True)
    if isinstance(step, int) and isinstance(length, int):
        time = Along(1, Window(length, stride=step))
    table: InputRead = None if window is None else everything(window)
    signal: tuple[AxisRead, ...] = (Along(0), time, Whole())
    return signal[: x.rank], NOTHING, table, NOTHING


# -- ONNX Runtime's own, along the last axis ----------------------------------------------------


def rfft_output(x: Tensor) -> Tensor:
    return x.of(None if x.shape is None else (*x.shape[:-1], x.shape[-1] // 2 + 1, 2))


def rfft_work(outputs: tuple[Tensor, ...], x: Tensor) -> Work:
    length = x.dims[-1]
    return transform(length, length // 2 + 1, is_real=True) * product(x.dims[:-1])


def rfft_reads(outputs: tuple[Tensor, ...], x: Tensor) -> OutputReads:
    return ((*(Along(i) for i in range(x.rank - 1)), Whole(spatial=True)),)


def irfft_output(x: Tensor) -> Tensor:
    return x.of(None if x.shape is None else (*x.shape[:-2], 2 * (x.shape[-2] - 1)))


def irfft_work(outputs: tuple[Tensor, ...], x: Tensor) -> Work:
    length = outputs[0].dims[-1]
    return transform(length, length, is_real=False) * product(x.dims[:-2])


def irfft_reads(outputs: tuple[Tensor, ...], x: Tensor) -> OutputReads:
    return ((*(Along(i) for i in range(x.rank - 2)), Whole(spatial=True), Whole()),)


define("DFT", kind="signal transform", infer=dft_output, work=dft_work, reads=dft_reads)
define("STFT", kind="signal transform", infer=stft_output, work=stft_work, reads=stft_reads)

define(
    "Rfft",
    kind="signal transform",
    domain=MICROSOFT,
    infer=rfft_output,
    work=rfft_work,
    reads=rfft_reads,
)
define(
    "Irfft",
    kind="signal transform",
    domain=MICROSOFT,
    infer=irfft_output,
    work=irfft_work,
    reads=irfft_reads,
)
