"""What do rows put out that are picked from a table quantised by blocks, and what work are they?"""

from __future__ import annotations

from cnnscope.analyzer.operators.definition import MICROSOFT, constants, define
from cnnscope.analyzer.operators.families.index_tables import demand_places
from cnnscope.analyzer.operators.families.quantization import blocks
from cnnscope.analyzer.operators.reading import Along, AxisRead, OutputReads, Whole, each_whole
from cnnscope.analyzer.operators.rules import in_range
from cnnscope.analyzer.operators.work import Work
from cnnscope.analyzer.values.tensor import Tensor


def per_byte(data: Tensor, bits: int) -> int:
    """How many elements one of `data` holds: bytes are packed along the last axis."""
    return 8 // bits if data.dtype == "uint8" else 1


def gather_output(
    data: Tensor,
    indices: Tensor,
    scales: Tensor,
    zero: Tensor | None = None,
    *,
    gather_axis: int = 0,
    bits: int = 4,
) -> Tensor:
    if data.shape is None or indices.shape is None:
        return scales.of(None)
    place = in_range(gather_axis, data.rank)
    dims = (*data.dims[:-1], data.dims[-1] * per_byte(data, bits))
    demand_places(indices, dims[place])
    return scales.of((*dims[:place], *indices.dims, *dims[place + 1 :]))


def gather_work(
    outputs: tuple[Tensor, ...],
    data: Tensor,
    indices: Tensor,
    scales: Tensor,
    zero: Tensor | None = None,
) -> Work:
    # bytes have a zero point of half the range where none is given
    shifted = zero is not None or data.dtype == "uint8"
    return Work(mul=1, add=int(shifted)) * outputs[0].size


def gather_reads(
    outputs: tuple[Tensor, ...],
    data: Tensor,
    indices: Tensor,
    scales: Tensor,
    zero: Tensor | None = None,
    *,
    gather_axis: int = 0,
) -> OutputReads:
    # Which row is data, so that the row's axis and what hangs on it are read whole.
    place = in_range(gather_axis, data.rank)
    selected = tuple(Along(place + i) for i in range(indices.rank))
    rows: tuple[AxisRead, ...] = tuple(
        Along(i if i < place else i - 1 + indices.rank) for i in range(data.rank)
    )
    rows = tuple(Whole() if i == place else read for i, read in enumerate(rows))
    if data.dims[-1] != outputs[0].dims[-1] and place != data.rank - 1:
        count = outputs[0].dims[-1] // data.dims[-1]
        packed = blocks(count) if isinstance(count, int) else None
        rows = (*rows[:-1], Whole() if packed is None else Along(outputs[0].rank - 1, packed))
    return rows, selected, *each_whole(scales, zero)


define("GatherBlockQuantized", scheme="weights", kind="indexing", domain=MICROSOFT,
       infer=gather_output, work=gather_work, reads=gather_reads,
       roles=constants(1, 2, 3))  # fmt: skip
