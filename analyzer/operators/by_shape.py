"""Whose floats don't matter to any figure, so that models that differ in them alone are analysed once?"""

from __future__ import annotations

from typing import Final

from cnnscope.analyzer.operators.definition import OURS, Family, definitions

#: families no rule of which asks for the numbers of floats: what comes out, its work and its reads hang on
#: their shapes. Whole numbers may be lengths and paddings there, too.
_FAMILIES: Final[frozenset[Family]] = frozenset({
    "convolution", "transposed convolution", "deformable convolution", "matrix product", "attention",
    "recurrent", "normalization", "activation", "elementwise arithmetic", "quantization",
})  # fmt: skip


def asks_no_floats(domain: str, name: str) -> bool:
    """Does no rule of an operator, at any version, ask for the numbers of floats that it is given?

    What it gives may hang on them all the same, where all that it is given is known: then it is worked out
    beforehand, by no rule of the operator's.

    >>> asks_no_floats("", "Conv"), asks_no_floats("", "Resize"), asks_no_floats("", "NoSuch")
    (True, False, False)
    """
    known = definitions(domain, name)
    return bool(known) and all(x.kind in _FAMILIES and x.source == OURS for x in known)
