"""What work is it, per element, to bring a number to few bits and back?

::

    (1)   quantise:    y = saturate(round(x / scale) + zero)  a division, an addition, 3 comparisons
                       (rounding, and one for each end of the range)
    (2)   dequantise:  x = (y - zero) * scale                  an addition, a multiplication

without the addition where no zero point is given.
"""

from __future__ import annotations

from cnnscope.analyzer.operators.work import Work
from cnnscope.analyzer.values.tensor import Tensor

#: to an integer type: scaled, rounded, saturated at both ends, shifted by the zero point
REQUANTIZE = Work(mul=1, compare=3, add=1)
#: to 8 bits with a scale found first: minimum, maximum, division, rounding, saturation, zero point
QUANTIZE_DYNAMICALLY = Work(div=1, compare=5, add=1)


def quantized(zero: Tensor | None) -> Work:
    """(1)."""
    return Work(div=1, add=0 if zero is None else 1, compare=3)


def dequantized(zero: Tensor | None) -> Work:
    """(2)."""
    return Work(mul=1, add=0 if zero is None else 1)
