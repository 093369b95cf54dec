"""What may a machine do, as its data sheet says: how is "10TFLOPS,900GB/s" read?

Such ceilings stand in for those that a profile measures: with them each layer has a least time,
max(FLOPs / FLOP/s, bytes / B/s), and a bound (Williams, Waterman & Patterson, CACM 52(4), 2009).
"""

from __future__ import annotations

import re
from typing import Final

from cnnscope.analyzer.report.layer import Layer
from cnnscope.analyzer.report.machine import Ceilings
from cnnscope.analyzer.values.amounts import parse_amount, quoted
from cnnscope.analyzer.values.plain_class import dataclass

#: what the stated arithmetic is of, where measured ceilings have a dtype
STATED: Final = "stated"
_FLOPS: Final = re.compile(r"(.*?)\s*FLOP(?:S|/s|s/s)", re.IGNORECASE)
_BYTES: Final = re.compile(r"(.*B)/s")


@dataclass(frozen=True, slots=True)
class LeastTime:
    """What the ceilings allow a layer.

    Args:
        seconds: no faster than that; None: its work or its bytes aren't known.
        bound: ``"compute"`` or ``"memory"``, whichever takes as long.
    """

    seconds: float | None = None
    bound: str | None = None


def stated_ceilings(text: str) -> Ceilings:
    """Arithmetic and memory as somebody states them.

    Raises:
        ValueError: it isn't a rate of each, with what to write.

    >>> found = stated_ceilings("10TFLOPS,900GB/s")
    >>> found.flop_rate["stated"], found.byte_rate
    (10000000000000.0, 900000000000.0)
    """
    rates: dict[str, float] = {}
    for word in text.split(","):
        flops, moved = _FLOPS.fullmatch(word.strip()), _BYTES.fullmatch(word.strip())
        try:
            if flops is not None:
                rates["flops"] = float(parse_amount(flops[1], "count"))
            elif moved is not None:
                rates["bytes"] = float(parse_amount(moved[1], "bytes"))
        except ValueError:
            rates = {}
            break
    if len(rates) < 2 or text.count(",") != 1 or not all(rates.values()):
        raise ValueError(f"{quoted(text)} aren't ceilings: write 10TFLOPS,900GB/s")
    return Ceilings({STATED: rates["flops"]}, rates["bytes"])


def least_time(ceilings: Ceilings, layer: Layer) -> LeastTime:
    """The least time of a layer by stated ceilings.

    >>> import cnnscope
    >>> (conv, *_) = cnnscope.analyze("sample_models/lenet5.onnx").layers
    >>> least_time(stated_ceilings("1GFLOPS,1GB/s"), conv).bound
    'compute'
    """
    read, written = layer.bytes_read, layer.bytes_written
    if layer.flops is None or not isinstance(read, int) or not isinstance(written, int):
        return LeastTime()
    asked = (STATED, layer.macs or 0, layer.flops, read + written)
    return LeastTime(ceilings.roofline(*asked), ceilings.bound(*asked))
