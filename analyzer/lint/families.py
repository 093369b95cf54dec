"""What do layers do with a map, by their family: look about, keep places, or fold?"""

from __future__ import annotations

#: layers that look at neighbours and whose job that is
LOOKING = frozenset({
    "convolution", "max pooling", "average pooling", "Lp pooling", "deformable convolution",
})  # fmt: skip
#: layers whose units take what is at their own place
POINTWISE = frozenset({
    "normalization", "activation", "elementwise arithmetic", "logic", "conversion", "identity",
    "dropout", "quantization", "data movement",
})  # fmt: skip
#: layers that are one linear map, into which an affine map behind them can be folded
LINEAR = frozenset({"convolution", "transposed convolution", "matrix product"})
#: layers whose weights multiply the zeros of the padding
WEIGHTED = frozenset({"convolution", "deformable convolution"})
