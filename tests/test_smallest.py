"""The smallest field and where each unit looks, against every single path of small random nets.

Each operator's reading is written out here anew, as what one unit reads of an axis without ends.
Along each of a net's paths, one by one, what units see is put together from these; the smallest of
the paths' sizes is what a report has to say. Beside it what holds for any model:
1 <= smallest <= local, smallest <= size, and `explain` walks a path of that size.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from random import Random
from typing import Any

import numpy as np
import onnx
import pytest
from amounts import amount
from networks import network, node

from cnnscope.analyzer.analysis import analyze
from cnnscope.analyzer.fields.extreme_paths import ExtremePaths
from cnnscope.analyzer.fields.steps import Alone
from cnnscope.analyzer.report.examination import examine
from cnnscope.analyzer.report.report import Report

Span = tuple[int, int] | None
Reads = Callable[[int], list[int]]
MODELS = Path(__file__).parents[1] / "sample_models"


@dataclass
class Grown:
    """A net of one axis as it grows: nodes, stored tensors, and what reads what in which way."""

    random: Random
    length: int
    nodes: list[onnx.NodeProto] = field(default_factory=list)
    stored: dict[str, Any] = field(default_factory=dict)
    lengths: dict[str, int] = field(default_factory=dict)
    ways: dict[str, list[tuple[str, Reads | None]]] = field(default_factory=dict)

    def add(
        self, op: str, inputs: str, length: int, *ways: tuple[str, Reads | None], **a: Any
    ) -> str:
        name = f"t{len(self.nodes)}"
        self.nodes.append(node(op, inputs, name, **a))
        self.lengths[name], self.ways[name] = length, list(ways)
        return name

    @property
    def narrow(self) -> list[str]:
        """The tensors with an axis to look along and two channels, unlike what a Concat gives."""
        wide = {n.output[0] for n in self.nodes if n.op_type == "Concat"}
        return [name for name, length in self.lengths.items() if length > 1 and name not in wide]

    def keep(self, value: Any) -> str:
        name = f"w{len(self.stored)}"
        self.stored[name] = value
        return name


def same(u: int) -> list[int]:
    return [u]


def conv(g: Grown, x: str) -> str:
    k, s, d = (
        g.random.choice([1, 2, 3, 4]),
        g.random.choice([1, 1, 2, 3]),
        g.random.choice([1, 1, 2]),
    )
    p = g.random.randrange(k)
    length = (g.lengths[x] + 2 * p - d * (k - 1) - 1) // s + 1
    if length < 2:
        return x
    return g.add(
        "Conv", f"{x} {g.keep((2, 2, k))}", length,
        (x, lambda u: [u * s - p + j * d for j in range(k)]),
        strides=[s], dilations=[d], pads=[p, p],
    )  # fmt: skip


def pool(g: Grown, x: str) -> str:
    k, s = g.random.choice([(2, 2), (3, 2), (2, 1)])
    length = (g.lengths[x] - k) // s + 1
    if length < 2:
        return x
    return g.add("MaxPool", x, length, (x, lambda u: [u * s + j for j in range(k)]),
                 kernel_shape=[k], strides=[s])  # fmt: skip


def crop(g: Grown, x: str) -> str:
    start, step = g.random.randrange(3), g.random.choice([1, 1, 2])
    length = -(-(g.lengths[x] - start) // step)
    if length < 2:
        return x
    ends = (g.keep(np.array([v])) for v in (start, 1 << 30, 2, step))
    return g.add("Slice", f"{x} {' '.join(ends)}", length, (x, lambda u: [start + u * step]))


def up(g: Grown, x: str) -> str:
    """Output ``i*s - p + j`` takes input i."""
    k, s = g.random.choice([(2, 2), (3, 2), (4, 2), (3, 3)])
    p = g.random.randrange(2)
    return g.add(
        "ConvTranspose", f"{x} {g.keep((2, 2, k))}", (g.lengths[x] - 1) * s + k - 2 * p,
        (x, lambda u: [(u + p - j) // s for j in range(k) if (u + p - j) % s == 0]),
        strides=[s], pads=[p, p],
    )  # fmt: skip


def cut(g: Grown, x: str, length: int) -> str:
    if g.lengths[x] == length:
        return x
    ends = (g.keep(np.array([v])) for v in (0, length, 2))
    return g.add("Slice", f"{x} {' '.join(ends)}", length, (x, same))


def join(g: Grown, x: str) -> str:
    y = g.random.choice(g.narrow)
    length = min(g.lengths[x], g.lengths[y])
    a, b = cut(g, x, length), cut(g, y, length)
    if g.random.random() < 0.5:
        return g.add("Add", f"{a} {b}", length, (a, same), (b, same))
    c = g.add("Concat", f"{a} {b}", length, (a, same), (b, same), axis=1)
    return g.add("Conv", f"{c} {g.keep((2, 4, 1))}", length, (c, same))


def gate(g: Grown, x: str) -> str:
    """Squeeze-and-excitation."""
    mean = g.add("GlobalAveragePool", x, 1, (x, None))
    return g.add("Mul", f"{x} {mean}", g.lengths[x], (x, same), (mean, same))


GROW = (conv, conv, pool, crop, up, join, join, join, gate)


def grown(seed: int) -> Grown:
    random = Random(seed)
    g = Grown(random, random.randrange(24, 60))
    g.lengths["x"], g.ways["x"] = g.length, []
    last = "x"
    for _ in range(random.randrange(3, 10)):
        x = last if random.random() < 0.7 else random.choice(g.narrow)
        if g.lengths[x] > 3:
            last = random.choice(GROW)(g, x)
    return g


def paths(g: Grown, name: str) -> Iterator[list[tuple[str, Reads | None]]]:
    """Every single path from the input to a tensor: the tensors on it, and how each is read."""
    if name == "x":
        yield []
    for before, reads in g.ways[name]:
        for path in paths(g, before):
            yield [*path, (before, reads)]


def size(g: Grown, path: list[tuple[str, Reads | None]]) -> int:
    """How much units see along one path, at most, without ends; collapsed: what of it is there."""
    spans: Callable[[int], Span] = lambda u: (u, u)  # noqa: E731  # the input sees itself
    collapsed = False
    for before, reads in path:
        if reads is None:
            seen = [s for u in range(g.lengths[before]) if (s := spans(u)) is not None]
            whole = max(min(s[0] for s in seen), 0), min(max(s[1] for s in seen), g.length - 1)
            spans, collapsed = (lambda u, whole=whole: whole), True
        elif not collapsed:
            spans = through(spans, reads)
    widths = [s[1] - s[0] + 1 for u in range(54) if (s := spans(u)) is not None]
    return max(widths)


def together(
    g: Grown, name: str, ways: list[list[tuple[str, Reads | None]]], found: Report
) -> None:
    """Where every unit looks along all paths together is what is reported, unit by unit."""
    if any(reads is None for way in ways for _, reads in way):
        return
    f = next((f for f in found[name].receptive_field if f.axis == 2), None)
    if f is None:  # no layer looks along the axis
        return
    if f.phases is None:  # paths of different steps: no period, and too many to list
        assert g.lengths[name] > 64
        return
    free, there = (
        [seen_along(g, way, ends) for way in ways] for ends in (False, True)
    )  # without ends, and with those of every tensor
    # Where paths of different steps meet, units are listed, and a list knows where its axis ends.
    ends = [(spans(0), spans(1296)) for spans in free]  # whole periods of whatever was drawn
    one_step = len({b[0] - a[0] if a and b else 0 for a, b in ends}) == 1
    for u in range(g.lengths[name]):
        most, least = hull(free, u), hull(there, u)
        assert within(least, f.span(u)), (name, u, least, f)
        assert within(f.span(u), most), (name, u, most, f)
        assert not one_step or f.span(u) == most, (name, u, most, f)
        if f.step is not None and f.start is not None:
            assert f.span(u) == (f.start + u * f.step, f.start + u * f.step + (f.size or 0) - 1)


def seen_along(g: Grown, way: list[tuple[str, Reads | None]], ends: bool) -> Callable[[int], Span]:
    spans: Callable[[int], Span] = lambda u: (u, u)  # noqa: E731  # the input sees itself
    for before, reads in way:
        assert reads is not None
        spans = through(spans, reads, g.lengths[before] if ends else None)
    return spans


def hull(along: list[Callable[[int], Span]], u: int) -> Span:
    seen = [s for spans in along if (s := spans(u)) is not None]
    return (min(s[0] for s in seen), max(s[1] for s in seen)) if seen else None


def within(inner: Span, outer: Span) -> bool:
    if inner is None or outer is None:
        return inner is None
    return outer[0] <= inner[0] and inner[1] <= outer[1]


def through(
    spans: Callable[[int], Span], reads: Reads, length: int | None = None
) -> Callable[[int], Span]:
    @cache
    def behind(u: int) -> Span:
        read = [v for v in reads(u) if length is None or 0 <= v < length]
        seen = [s for v in read if (s := spans(v)) is not None]
        return (min(s[0] for s in seen), max(s[1] for s in seen)) if seen else None

    return behind


@pytest.mark.parametrize("part", range(4))
def test_every_path_of_random_nets(part: int) -> None:
    compared = joined = 0
    for seed in range(part, amount(40, 2000), 4):
        g = grown(seed)
        if not g.nodes:
            continue
        made = network(*g.nodes, **g.stored, x=(1, 2, g.length), outputs=g.nodes[-1].output[0])
        found = analyze(made.SerializeToString())
        for one in g.nodes:
            (name,) = one.output
            ways = list(paths(g, name))
            if len(ways) > 200:
                continue
            sizes = [size(g, way) for way in ways]
            together(g, name, ways, found)
            seen = {f.axis: f for f in found[name].receptive_field}
            if 2 in seen:
                assert seen[2].smallest_size == min(sizes), (seed, name, sorted(sizes), seen[2])
                compared, joined = compared + 1, joined + (len(set(sizes)) > 1)
        holds(found)
    assert compared > 40
    assert joined > 8


def holds(found: Report) -> None:
    for layer in found.layers:
        for f in layer.receptive_field:
            if f.smallest_size is not None:
                assert f.smallest_size >= 1, (layer.name, f)
                assert f.local_size is None or f.smallest_size <= f.local_size, (layer.name, f)
                assert f.size is None or f.smallest_size <= f.size, (layer.name, f)
            if f.local_size is not None and f.size is not None and not f.global_:
                assert f.local_size <= f.size, (layer.name, f)


@pytest.mark.parametrize(
    "name",
    [f.stem for f in sorted(MODELS.glob("*.onnx"))] or [pytest.param("", marks=pytest.mark.skip)],
)
def test_whatever_the_model(name: str) -> None:
    holds(analyze(MODELS / f"{name}.onnx"))


@pytest.mark.parametrize("seed", range(12))
def test_explain_walks_the_smallest_path(seed: int) -> None:
    g = grown(7000 + seed)
    made = network(*g.nodes, **g.stored, x=(1, 2, g.length), outputs=g.nodes[-1].output[0])
    analysis, found = examine(made.SerializeToString()), analyze(made.SerializeToString())
    for one in g.nodes:
        (name,) = one.output
        walked = ExtremePaths(Alone(analysis.graph, analysis.shapes, analysis.fields)).of(name)
        smallest = {p.axis: p.size for p in walked if p.which == "smallest"}
        assert smallest == {f.axis: f.smallest_size for f in found[name].receptive_field}


@pytest.mark.parametrize(("layer", "smallest"), [("t3", 1), ("t8", 3), ("t10", 6), ("t12", 7)])
def test_the_path_with_the_smaller_step_wins_in_the_end(
    cases: Path, layer: str, smallest: int
) -> None:
    # Of x a convolution takes every third, a slice each; they are added. Then 3, 4 wide, and a
    # pooling of 2: along the slice 1 + 2 + 3 + 1 = 7, along the convolution 1 + 3*(2 + 3 + 1) = 19.
    (f,) = analyze(cases / "strip_91.onnx")[layer].receptive_field
    assert f.smallest_size == smallest


def test_a_class_token_sees_along_attention_alone() -> None:
    # 3 wide, 8 tokens behind one that is stored; then an attention that adds all to each, and the
    # first token. Along the residual path it would see nothing.
    made = network(
        node("Conv", "x w", "c", pads=[1, 1]), node("Transpose", "c", "t", perm=[0, 2, 1]),
        node("Concat", "token t", "a", axis=1), node("Transpose", "a", "b", perm=[0, 2, 1]),
        node("MatMul", "a b", "s"), node("MatMul", "s a", "m"), node("Add", "a m", "r"),
        node("Gather", "r first", "y", axis=1),
        x=(1, 2, 8), w=(2, 2, 3), token=(1, 1, 2), first=np.array(0),
    )  # fmt: skip
    found = analyze(made.SerializeToString())
    assert {n: f.smallest_size for n in "cary" for f in found[n].receptive_field if f.axis == 2} == {
        "c": 3, "a": 3, "r": 3, "y": 8,
    }  # fmt: skip


def test_a_reshape_that_joined_paths_dont_survive_shortens_none() -> None:
    # Steps 1 and 2 are added, so that no line is left; cutting that into pairs isn't followed. The
    # single paths are: 1 + 2 = 3 wide the wider of them, 1 the other.
    made = network(
        node("Conv", "x k", "a", strides=[2], pads=[1, 1]), node("Slice", "x b e ax", "c"),
        node("Add", "a c", "s"), node("Reshape", "s sh", "r"), node("Conv", "a k", "y", pads=[1, 1]),
        node("Reshape", "y sh", "z"),
        x=(1, 2, 16), k=(2, 2, 3), b=np.array([0]), e=np.array([8]), ax=np.array([2]),
        sh=np.array([1, 2, 4, 2]), outputs="r z",
    )  # fmt: skip
    found = analyze(made.SerializeToString())
    (r,), (z,) = (found[n].receptive_field for n in "rz")
    assert (r.smallest_size, z.smallest_size) == (1, 7)
