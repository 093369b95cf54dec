"""The peak where lengths are free: bound, its formula gives what the bound model's peak is."""

from __future__ import annotations

import random

import pytest
from amounts import amount

from cnnscope.analyzer.report.examination import examine
from cnnscope.analyzer.values.dimension import FreeDim
from cnnscope.analyzer.values.formula_order import never_more
from cnnscope.analyzer.values.substitution import substituted

SAMPLES = 3


def as_assumed(free, bound, dims):
    """Whether every shape is what its formula says: two lengths of an Add that are taken for equal
    aren't where the model is given a size it isn't made for, and one of them comes to 1."""
    return all(
        x.shape is None
        or tuple(substituted(d, dims) for d in x.shape) == bound.shapes.tensors[name].shape
        for name, x in free.shapes.tensors.items()
        if name in bound.shapes.tensors
    )


def held(path, seed, samples):
    """How many bindings of a model's free lengths were compared."""
    model = str(path)
    known = examine(model, dims={})
    free = known.liveness
    if not free.largest:
        return 0
    dice = random.Random(seed)
    compared = 0
    for _ in range(samples):
        scale = dice.choice([1, 7, 32, 64, 224])
        dims = {name: scale * dice.choice([1, 1, 2, 3]) for name in sorted(free.free)}
        found = examine(model, dims=dims)
        bound = found.liveness
        if bound.free or bound.unsized or not as_assumed(known, found, dims):
            continue
        moments = [substituted(m, dims) for m in free.largest]
        assert max(moments) == bound.peak, (path.name, dims)
        if free.upper is not None:
            assert free.formula is None
        compared += 1
    return compared


def test_formulas_of_the_corpus_bound(corpus):
    paths = sorted((corpus / "models").glob("*.onnx"))
    small = [p for p in paths if p.stat().st_size < 400_000]
    chosen = paths if amount(0, 1) else random.Random(1).sample(small, min(14, len(small)))
    assert sum(held(p, p.name, amount(SAMPLES, 8)) for p in chosen) > amount(3, 100)


@pytest.mark.parametrize(
    ("a", "b", "surely"),
    [
        (lambda h, w: h * w, lambda h, w: 2 * h * w, True),
        (lambda h, w: h, lambda h, w: h * w, True),
        (lambda h, w: h * w, lambda h, w: h + w, False),
        (lambda h, w: 64 * (h // 2) * (w // 2), lambda h, w: 16 * h * w, True),
        (lambda h, w: 65 * (h // 2) * (w // 2), lambda h, w: 16 * h * w, False),
        (lambda h, w: 12 * h * w, lambda h, w: 256 * ((h + 1) // 2) * ((w + 1) // 2), True),
        (lambda h, w: 12 * h * w, lambda h, w: 256 * (h // 2) * (w // 2), False),  # of 1x1: 12 and 0
        (lambda h, w: h, lambda h, w: 100, False),
    ],
)  # fmt: skip
def test_what_is_never_more(a, b, surely):
    h, w = FreeDim.named("H"), FreeDim.named("W")
    assert never_more(a(h, w), b(h, w)) is surely
    below = all(a(i, j) <= b(i, j) for i in range(1, 300, 7) for j in range(1, 300, 7))
    assert below or not surely
