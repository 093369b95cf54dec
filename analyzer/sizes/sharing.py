"""How many bytes of activations are alive at once where layers write into the memory of what they read?

Each convention says which layers do. A tensor that is written into another's memory shares its buffer,
which is as large as the largest of them and lives from the first one's birth to the last one's death;
else all is as `cnnscope.analyzer.passes.memory` has it: a tensor lives from the step that gives it to the
last one that reads it, and while a step runs, what it reads and what it gives are both there.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import field
from typing import Final, Literal

from cnnscope.analyzer.values.plain_class import dataclass

#: what a step does: an activation, or the same numbers in another shape; sums and products, number by
#: number; the same with stored scales (normalisation by statistics, quantisation); a convolution of each
#: channel by itself; parts cut out of a map, and put together to one; anything else
Manner = Literal[
    "activation", "arithmetic", "scaled", "depthwise", "cut", "assembled", "other"
]  # fmt: skip


@dataclass(frozen=True, slots=True)
class Step:
    """One step of a run.

    Args:
        reads: the tensors that it reads, weights left out.
        gives: the tensors that it gives.
        manner: see `Manner`.
        inside: bytes that its subgraphs need on top.
    """

    reads: tuple[str, ...]
    gives: tuple[str, ...]
    manner: Manner = "other"
    inside: int = 0


@dataclass(frozen=True, slots=True)
class Convention:
    """Who writes into whose memory.

    Args:
        name: what it is called in JSON.
        said: the same for people.
        in_place: what writes into the memory of something that it reads, that nobody reads after it and
            that is large enough.
        inputs_too: also into a network input's.
        accumulates: a layer whose result is only added to a tensor adds to it at once, in that one's memory.
        assembles: parts are written to where they belong in the whole, which is there from the first one on.
        by_parts: a network input that is only cut into parts isn't there as a whole: each part is made when
            it is wanted.
        element_bytes: bytes of each number; None: those of its type.
    """

    name: str
    said: str
    in_place: frozenset[Manner] = frozenset()
    inputs_too: bool = False
    accumulates: bool = False
    assembles: bool = False
    by_parts: bool = False
    element_bytes: int | None = None


#: as `analyze` has it
UNSHARED: Final = Convention("unshared", "nothing shared")
#: as ONNX Runtime's arena is seen to have it (1.31, CPU): sums and products take memory, activations don't
IN_PLACE: Final = Convention("in_place", "activations in place", frozenset({"activation"}))
#: of Lin, Chen, Cai, Gan and Han, *MCUNetV2* (NeurIPS 2021): int8; normalisations and activations are part
#: of the layer before; depthwise convolutions in place; "we allocate the buffer to host the final output",
#: and the image "can be partially decoded from a compressed format". That a residual's sum needs no memory
#: beside it is what the authors' `count_peak_activation_size` takes for granted.
MCUNETV2: Final = Convention(
    "mcunetv2", "MCUNetV2's (int8, depthwise in place)",
    frozenset({"activation", "arithmetic", "scaled", "depthwise"}), True, True, True, True, 1,
)  # fmt: skip
CONVENTIONS: Final = (UNSHARED, IN_PLACE, MCUNETV2)


@dataclass(eq=False)
class _Buffer:
    """Memory that tensors share."""

    size: int
    birth: int
    death: int


@dataclass(frozen=True, eq=False)
class _Run:
    """A run, step by step, and the buffers of its tensors so far."""

    steps: Sequence[Step]
    sizes: Mapping[str, int]
    convention: Convention
    last: dict[str, int]
    inputs: frozenset[str]
    producer: dict[str, int]
    parent: dict[str, str] = field(default_factory=dict)
    buffers: dict[str, _Buffer] = field(default_factory=dict)

    def root(self, name: str) -> str:
        while self.parent.get(name, name) != name:
            name = self.parent[name]
        return name

    def begin(self, name: str, at: int) -> None:
        self.buffers[name] = _Buffer(self.sizes.get(name, 0), at, self.last.get(name, at))

    def join(self, into: str, name: str) -> None:
        """One tensor's memory is another's."""
        mine, other = self.root(into), self.root(name)
        if mine == other:
            return
        a, b = self.buffers[mine], self.buffers.pop(other)
        a.size = max(a.size, b.size)
        a.birth, a.death = min(a.birth, b.birth), max(a.death, b.death)
        self.parent[other] = mine

    def step(self, at: int) -> None:
        step, rules = self.steps[at], self.convention
        for name in step.gives:
            self.begin(name, at)
        if not step.gives:
            return
        given = step.gives[0]
        if step.manner == "assembled" and rules.assembles:
            for name in step.reads:
                if self.last[name] == at:
                    self.join(given, name)
            return
        if step.manner not in rules.in_place:
            return
        fit = [
            name
            for name in step.reads
            if self.last[name] == at
            and self.sizes.get(name, 0) >= self.sizes.get(given, 0)
            and (rules.inputs_too or name not in self.inputs)
            and self.buffers[self.root(name)].death == at
        ]
        if not fit:
            return
        self.join(fit[0], given)
        if rules.accumulates and step.manner == "arithmetic" and len(fit) > 1:
            self.accumulate(fit, at)

    def accumulate(self, addends: Sequence[str], at: int) -> None:
        """The addend that was made last is added to the other as it is made."""
        older, younger = sorted(addends[:2], key=lambda name: self.made(name))
        made = self.made(younger)
        if made < 0 or self.steps[made].manner in ("activation", "arithmetic"):
            return
        readers = (
            i
            for i in range(made, at)
            if any(self.root(x) == self.root(older) for x in self.steps[i].reads)
        )
        if next(readers, None) is None:
            self.join(older, younger)

    def made(self, name: str) -> int:
        """The step in which a tensor's numbers came about, before what was done to each in place."""
        at = self.producer.get(name, -1)
        while at >= 0 and self.steps[at].manner in ("activation", "arithmetic", "scaled"):
            reads = [x for x in self.steps[at].reads if self.sizes.get(x) == self.sizes.get(name)]
            if len(reads) != 1:
                break
            name = reads[0]
            at = self.producer.get(name, -1)
        return at


def alive_bytes(
    steps: Sequence[Step], sizes: Mapping[str, int], inputs: Sequence[str], outputs: Sequence[str],
    convention: Convention,
) -> list[int]:  # fmt: skip
    """The bytes of activations alive while each step runs.

    Args:
        steps: in running order.
        sizes: of each tensor, its bytes by this convention.
        inputs, outputs: of the network.
        convention: who writes into whose memory.

    >>> steps = [Step(("x",), ("y",)), Step(("y",), ("z",), "activation")]
    >>> [alive_bytes(steps, {"x": 1, "y": 9, "z": 9}, ["x"], ["z"], c) for c in (UNSHARED, IN_PLACE)]
    [[10, 18], [10, 9]]
    """
    last = {name: at for at, step in enumerate(steps) for name in step.reads}
    last.update(dict.fromkeys(outputs, len(steps)))
    producer = {name: at for at, step in enumerate(steps) for name in step.gives}
    run = _Run(steps, sizes, convention, last, frozenset(inputs), producer)
    whole = {name for step in steps if step.manner != "cut" for name in step.reads}
    for name in inputs:
        if not (convention.by_parts and name in last and name not in whole):
            run.begin(name, -1)
            run.buffers[name].death = last.get(name, -1)
    for at in range(len(steps)):
        run.step(at)
    change = [0] * (len(steps) + 2)
    for buffer in run.buffers.values():
        change[max(buffer.birth, 0)] += buffer.size
        change[min(buffer.death, len(steps)) + 1] -= buffer.size
    alive, found = 0, []
    for at, step in enumerate(steps):
        alive += change[at]
        found.append(alive + step.inside)
    return found
