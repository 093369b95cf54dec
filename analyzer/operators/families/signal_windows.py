"""What do the windows of a signal put out, and what work is it to make them?

A Hann, Hamming or Blackman window has a term per cosine, ``a - b*cos(2*pi*n/N) + c*cos(4*pi*n/N)``;
MelWeightMatrix makes the bands of the mel scale.
"""

from __future__ import annotations

from cnnscope.analyzer.operators.definition import define
from cnnscope.analyzer.operators.families.signal import scalar
from cnnscope.analyzer.operators.reading import nothing_read
from cnnscope.analyzer.operators.rules import Rule
from cnnscope.analyzer.operators.work import Work
from cnnscope.analyzer.values.tensor import Tensor, dtype_of


def window_output(size: Tensor, *, output_datatype: int = 1, node_name: str = "") -> Tensor:
    return Tensor(dtype_of(output_datatype), (scalar(size, f"{node_name} size"),))


def window_work(terms: int) -> Rule:
    """An angle, a cosine, a factor and a sum for each."""

    def work(outputs: tuple[Tensor, ...], size: Tensor) -> Work:
        return Work(mul=2, exp=1, add=1) * (terms * outputs[0].size)

    return work


def mel_output(
    bands: Tensor,
    dft_length: Tensor,
    sample_rate: Tensor,
    lower: Tensor,
    upper: Tensor,
    *,
    output_datatype: int = 1,
    node_name: str = "",
) -> Tensor:
    rows = scalar(dft_length, f"{node_name} transform length") // 2 + 1
    return Tensor(dtype_of(output_datatype), (rows, scalar(bands, f"{node_name} bands")))


def mel_work(
    outputs: tuple[Tensor, ...],
    bands: Tensor,
    dft_length: Tensor,
    sample_rate: Tensor,
    lower: Tensor,
    upper: Tensor,
) -> Work:
    """Two edges to mel (a division, a sum, a logarithm, a factor); B+2 points between them (a
    factor and a sum), back to hertz (a division, a power, a difference, a factor) and to a bin (a
    factor, a division, rounding); the triangles, as if all of the matrix were on them, a difference
    and a division each."""
    points = outputs[0].dims[1] + 2
    edges = Work(div=1, add=1, exp=1, mul=1) * 2
    between = Work(mul=3, add=2, div=2, exp=1, compare=1) * points
    return edges + between + Work(add=1, div=1) * outputs[0].size


define(
    "HannWindow",
    "HammingWindow",
    kind="constant",
    infer=window_output,
    work=window_work(1),
    reads=nothing_read,
)
define(
    "BlackmanWindow", kind="constant", infer=window_output, work=window_work(2), reads=nothing_read
)
define("MelWeightMatrix", kind="constant", infer=mel_output, work=mel_work, reads=nothing_read)
