"""Random graphs, unit by unit: what changes when one input element changes, and what was said.

ONNX Runtime runs each graph once per input element, that element doubled; which units of every tensor
move is the truth. Against it stand, for every tensor:

- a unit's *region*: along each axis, exactly the indices of the elements that move it (a region is told
  axis by axis: the projection of what is seen). Where `touched` says that a tensor's sets are rough, the
  region may hold more;
- the units that one element *touches* (the reads run forwards): the same units, or more where rough;
- its *field*: the span of a unit along an axis holds what moves it.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import onnx
import pytest
from amounts import amount
from one_unit import find_region
from random_graphs import (
    LOOKING,
    MOVING,
    PICKING,
    SHUFFLING,
    Drawn,
    random_graph,
    session,
    text,
)

from cnnscope.analyzer.fields.touched import Touched, find_touched
from cnnscope.analyzer.report.examination import Analysis, examine

#: relative change that counts: single precision's rounding stays below it, every weight above
MOVED = 2e-5
#: and relative to the largest of a tensor: a weight that is 0, worked out in single precision
ROUNDING = 2e-6


def moved(g: Drawn) -> dict[str, np.ndarray]:
    """By tensor: [unit..., input element...] moves."""
    model = g.model()
    ran = session(model)
    names = [output.name for output in ran.get_outputs()]
    x = np.random.default_rng(1).uniform(1, 2, g.shape).astype(np.float32)
    before = ran.run(names, {"x": x})
    found = {n: np.zeros((*v.shape, *g.shape), bool) for n, v in zip(names, before, strict=True)}
    for element in itertools.product(*map(range, g.shape)):
        changed = x.copy()
        changed[element] *= 3
        after = ran.run(names, {"x": changed})
        for name, old, new in zip(names, before, after, strict=True):
            # A unit that is nothing but rounding of its neighbours is measured by the whole tensor.
            rounding = ROUNDING * abs(old).max(initial=0)
            found[name][(..., *element)] = abs(new - old) > MOVED * abs(old) + rounding + 1e-9
    return found


def _mask(touched: Touched, name: str, shape: tuple[int, ...]) -> np.ndarray:
    result = np.zeros(shape, bool)
    for box in touched.boxes.get(name, ()):
        result[np.ix_(*box)] = True
    return result


def disagreements(g: Drawn) -> Iterator[str]:
    """In words; a word at the beginning says of what kind."""
    analysis = examine(g.model().SerializeToString())
    seen = moved(g)
    rough: set[str] = set()
    for element in itertools.product(*map(range, g.shape)):
        box = tuple(np.arange(n) == i for n, i in zip(g.shape, element, strict=True))
        touched = find_touched(analysis.graph, analysis.shapes, {"x": [box]})
        rough |= {*touched.rough, *touched.unknown}
        for name, relation in seen.items():
            actual = relation[(..., *element)]
            mine = _mask(touched, name, actual.shape)
            if (actual & ~mine).any() or (name not in touched.rough and (mine & ~actual).any()):
                yield f"touched {name} by {element}: {mine.astype(int)} is not {actual.astype(int)}"
    for name, relation in seen.items():
        shape = relation.shape[: -len(g.shape)]
        for unit in itertools.product(*map(range, shape)):
            yield from _of_unit(g, analysis, name, unit, relation[unit], name in rough)


def _of_unit(
    g: Drawn, analysis: Analysis, name: str, unit: tuple[int, ...], actual: np.ndarray, rough: bool
) -> Iterator[str]:
    region = find_region(analysis.graph, analysis.shapes, name, unit).get("x")
    for axis in range(len(g.shape)):
        others = tuple(a for a in range(len(g.shape)) if a != axis)
        truth = set(np.flatnonzero(actual.any(axis=others)).tolist())
        mine = {i for lo, hi in region[axis] for i in range(lo, hi + 1)} if region else set()
        if not truth <= mine or (not rough and truth != mine):
            yield f"region {name} {unit} axis {axis}: {sorted(mine)} is not {sorted(truth)}"
        if truth and not _within(analysis, name, unit, axis, truth):
            yield f"field {name} {unit} axis {axis} misses some of {sorted(truth)}"


def _within(
    analysis: Analysis, name: str, unit: tuple[int, ...], axis: int, truth: set[int]
) -> bool:
    """Does some term of the field hold each of these positions, echoes at borders apart?"""
    paths = analysis.fields.states.get(name, {}).get(("x", axis))
    if paths is None:
        return False
    if not paths.known:
        return True
    left = set(truth)
    for term in paths.terms:
        if not term.digits:
            fixed = term.fixed
            left -= {p for p in left if not isinstance(fixed, tuple) or fixed[0] <= p <= fixed[1]}
            continue
        lo = hi = 0
        for digit in term.digits:
            value = unit[digit.axis] // digit.div
            span = digit.field.span(value if digit.mod is None else value % digit.mod)
            if span is None:
                break
            lo, hi = lo + span[0], hi + span[1]
        else:
            left -= {p for p in left if lo <= p <= hi}
    return not left


def unfolded(g: Drawn) -> bool:
    """No border that repeats, mirrors or wraps: a field doesn't tell of what these bring in."""
    return not any(
        n.op_type in ("Pad", "Resize", "GridSample", "Concat", "Gather") for n in g.nodes
    )


EXACT = LOOKING + MOVING + PICKING + SHUFFLING


@pytest.mark.parametrize("seed", range(amount(5, 2000)))
def test_random_graphs(seed: int) -> None:
    g = random_graph(seed, makers=EXACT)
    fields = unfolded(g)
    wrong = [w for w in disagreements(g) if fields or not w.startswith("field")]
    assert not wrong, text(g) + "\n" + "\n".join(wrong[:5])


@pytest.mark.parametrize("name", ["gathernd_batchdims", "rf_reversesequence"])
def test_constant_indices_name_what_is_read(name: str, cases: Path) -> None:
    """One number of its own at each place of the input: what comes out says where it was read."""
    found = examine(cases / f"{name}.onnx")
    shape = tuple(int(d) for d in found.shapes.tensors["x"].dims)  # type: ignore[arg-type]
    x = np.arange(np.prod(shape), dtype=np.float32).reshape(shape)
    (y,) = session(onnx.load(cases / f"{name}.onnx")).run(None, {"x": x})
    output = found.graph.outputs[0]
    for unit in list(itertools.product(*map(range, y.shape)))[:400]:
        place = np.unravel_index(int(y[unit]), shape)
        assert find_region(found.graph, found.shapes, output, unit)["x"] == tuple(
            ((int(i), int(i)),) for i in place
        )
