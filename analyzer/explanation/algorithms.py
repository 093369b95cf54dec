"""How many multiplications does a convolution take, by which algorithm?

For one example, of a layer that multiplies each of its ``c`` pairs of an input and an output channel with a
kernel of ``k_1 x k_2 ...`` at ``n_1 x n_2 ...`` places::

    (1)  direct     n_1 n_2 k_1 k_2 c
    (2)  Winograd   F(m x m, 3 x 3): (m + 2)^2 for each tile of m x m places, where the direct way takes
                    9 m^2; kernels of 3 along every axis, stride and dilation 1
                                                                    Lavin & Gray, CVPR 2016 (Winograd 1980)
    (3)  FFT        4 N c for the products of spectra of N points, and 2 N log2 N for each channel that is
                    transformed, N_i the power of two that holds all that is read along an axis; every place
                    of stride 1 comes out, whatever the stride          Mathieu, Henaff & LeCun, ICLR 2014
    (4)  separable  k_1 products at n_1 x (what is read along the others), then k_2 ... at all places: of
                    kernels that are outer products (which `cnnscope filters` tells)

(2) is without the transforms of tiles, once for each channel and not for each pair, whose products are with
a few constants; (3) is with those of channels, by radix 2 (half of ``N log2 N`` complex products of 4 real
ones). The kernels are transformed before. What takes fewer multiplications needn't be quicker.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Final

from cnnscope.analyzer.layers.kinds import Kind
from cnnscope.analyzer.layers.placing import Placing
from cnnscope.analyzer.operators.formula_text import Formula
from cnnscope.analyzer.values.dimension import Dim
from cnnscope.analyzer.values.plain_class import dataclass

#: outputs of a Winograd tile along an axis, of kernels of 3
_TILES: Final = (2, 4)


@dataclass(frozen=True, slots=True)
class Algorithm:
    """One way of computing a layer.

    Args:
        name: ``"direct"``, ``"Winograd F(2x2, 3x3)"``, ``"FFT"`` or ``"separable"``.
        multiplications: of one example.
        formula: how they come about.
        condition: what has to be so for it, beyond the layer's shape; ``""``: nothing.
    """

    name: str
    multiplications: int
    formula: Formula
    condition: str = ""

    def to_dict(self) -> dict[str, object]:
        return {
            "name": self.name, "multiplications": self.multiplications,
            "condition": self.condition or None, **self.formula.to_dict(),
        }  # fmt: skip


def find_algorithms(placing: Placing | None, kind: Kind, products: int) -> tuple[Algorithm, ...]:
    """The ways of computing a convolution; none where it isn't one, or a kernel is a point.

    Args:
        placing: where its window stands.
        products: those of one example, padded ones too.
    """
    if placing is None or kind.family != "convolution" or len(kind.kernel) != len(placing.windows):
        return ()
    taps, places = math.prod(kind.kernel), placing.positions
    if taps < 2 or not places or products % (taps * places):
        return ()
    return tuple(_ways(placing, kind, products // (taps * places)))


def _ways(placing: Placing, kind: Kind, pairs: int) -> Iterator[Algorithm]:
    kernel, outputs = kind.kernel, placing.outputs
    taps, places = math.prod(kernel), placing.positions
    direct: dict[str, Dim | str] = {"P": places, "k": taps, "c": pairs}
    yield _counted("direct", "P*k*c", direct, places * taps * pairs)
    plain = all(step == 1 for step in (*kind.stride, *kind.dilation))
    if plain and all(k == 3 for k in kernel):
        for m in _TILES:
            tiles = math.prod(-(-n // m) for n in outputs)
            each = (m + 2) ** len(kernel)
            name = f"Winograd F({_by(m, len(kernel))}, {_by(3, len(kernel))})"
            yield _counted(name, "T*a*c", {"T": tiles, "a": each, "c": pairs}, tiles * each * pairs)
    spans = _spans(placing, kind)
    if spans is None:
        return
    logs = [max(0, (n - 1).bit_length()) for n in spans]
    points, log = 1 << sum(logs), sum(logs)
    before, after = placing.channels
    values: dict[str, Dim | str] = {
        "N": points, "L": log, "c": pairs, "C_in": before, "C_out": after,
    }  # fmt: skip
    total = 4 * points * pairs + 2 * points * log * (before + after)
    yield _counted("FFT", "4*N*c + 2*N*L*(C_in + C_out)", values, total)
    rest = taps // kernel[0]
    if min(kernel[0], rest) > 1:
        first = outputs[0] * math.prod(spans[1:])
        values = {"P1": first, "k1": kernel[0], "P": places, "k2": rest, "c": pairs}
        total = (first * kernel[0] + places * rest) * pairs
        condition = "if every kernel is an outer product"
        yield _counted("separable", "(P1*k1 + P*k2)*c", values, total, condition)


def _counted(
    name: str, text: str, values: dict[str, Dim | str], count: int, condition: str = ""
) -> Algorithm:
    return Algorithm(name, count, Formula(text, values, count), condition)


def _by(n: int, rank: int) -> str:
    """A length along each of so many axes: 2x2."""
    return "x".join([str(n)] * rank)


def _spans(placing: Placing, kind: Kind) -> list[int] | None:
    """How much is read along each axis, padding included; None with fractional steps."""
    found = []
    for count, k, step, gap in zip(
        placing.outputs, kind.kernel, kind.stride, kind.dilation, strict=True
    ):
        if not isinstance(step, int) or not isinstance(gap, int):
            return None
        found.append((count - 1) * step + (k - 1) * gap + 1)
    return found
