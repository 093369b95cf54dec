"""How does a gradient go back through matrix products?"""

from __future__ import annotations

from collections.abc import Sequence
from math import prod

import numpy as np

from cnnscope.runtime.gradients.rule import GradientSite, NoGradient, declare
from cnnscope.runtime.gradients.values import Value


def _swapped(x: Value, rank: int) -> Value:
    """With the last two axes swapped."""
    return x.transpose([*range(rank - 2), rank - 1, rank - 2])


def product(site: GradientSite) -> None:
    """MatMul: rows by columns, as numpy's, with vectors and batches."""
    a, b = site.shape(0), site.shape(1)
    wide_a = a if len(a) > 1 else (1, *a)
    wide_b = b if len(b) > 1 else (*b, 1)
    batch = np.broadcast_shapes(wide_a[:-2], wide_b[:-2])
    rows, inner, columns = wide_a[-2], wide_a[-1], wide_b[-1]
    g = site.only.reshape([*batch, rows, columns])
    if site.hangs(0):
        lengths = [*batch, rows, inner]
        if site.all_taps:
            found = g.sum([len(batch) + 1]).expand(lengths)
        else:
            found = g @ _swapped(site.x(1).reshape(wide_b), len(wide_b))
        site.give(0, site.writer.folded(found, lengths, wide_a).reshape(a))
    if site.hangs(1):
        lengths = [*batch, inner, columns]
        if site.all_taps:
            found = g.sum([len(batch)]).expand(lengths)
        else:
            found = _swapped(site.x(0).reshape(wide_a), len(wide_a)) @ g
        site.give(1, site.writer.folded(found, lengths, wide_b).reshape(b))


def general_product(site: GradientSite) -> None:
    """Gemm: alpha times a product of matrices or their transposes, and beta times an addend."""
    g, alpha = site.only, site.real("alpha", 1.0)
    turned = [bool(site.number("transA", 0)), bool(site.number("transB", 0))]
    for i in (0, 1):
        if not site.hangs(i):
            continue
        shape = site.shape(i)[::-1] if turned[i] else site.shape(i)
        if site.all_taps:
            found = g.sum([1 - i]).expand(shape)
        else:
            other = site.x(1 - i)
            other = other if turned[1 - i] else other.transpose([1, 0])
            found = (g @ other if i == 0 else other @ g) * alpha
        site.give(i, found.transpose([1, 0]) if turned[i] else found)
    if site.hangs(2):
        found = site.writer.folded(g, site.output_shape(), site.shape(2))
        site.give(2, site.times(found, lambda: site.writer.ones() * site.real("beta", 1.0)))


def summation(site: GradientSite) -> None:
    """Einsum: another one, in which the gradient takes the operand's place."""
    equation = str(site.attribute("equation", "")).replace(" ", "")
    left, arrow, out = equation.partition("->")
    terms = left.split(",")
    if not arrow:
        letters = sorted(set(left) - {","})
        out = "".join(c for c in letters if left.count(c) == 1)
    if "." in equation or any(len(set(term)) < len(term) for term in terms):
        raise NoGradient("its equation has an ellipsis or a diagonal")
    lengths = {
        c: n for i, term in enumerate(terms) for c, n in zip(term, site.shape(i), strict=True)
    }
    for i, term in enumerate(terms):
        if site.hangs(i):
            site.give(i, _operand(site, terms, i, term, out, lengths))


def _operand(
    site: GradientSite, terms: Sequence[str], i: int, term: str, out: str, lengths: dict[str, int]
) -> Value:
    """What is summed over in one operand alone is repeated."""
    others = [] if site.all_taps else [k for k in range(len(terms)) if k != i]
    found = set(out).union(*(terms[k] for k in others))
    there = "".join(c for c in term if c in found)
    equation = ",".join([out, *(terms[k] for k in others)]) + "->" + there
    names = [site.only.name, *(site.x(k).name for k in others)]
    summed = site.writer.value(site.writer.add("Einsum", names, equation=equation))
    shape = [lengths[c] if c in there else 1 for c in term]
    full = [lengths[c] for c in term]
    return summed.reshape(shape).expand(full) if prod(full) != prod(shape) else summed.reshape(full)


declare(product, "MatMul")
declare(general_product, "Gemm")
declare(summation, "Einsum")
