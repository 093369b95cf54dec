"""Which layers belong together: a weight layer with the normalisation and activation around it?

A block starts at a layer that multiplies stored weights. Layers that work element by element follow
it as long as all they read is made inside the block or stored, so that ``x * sigmoid(x)`` or a bias
of its own is taken in and a residual addition is not. A block has one way out: it ends where
nothing but its last layer's result is read from outside.

What is left over and leads to one weight layer only (normalisation and activation before the
convolution: DenseNet, ResNet v2) joins that layer's block. Any other layer is a block of its own.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence

from cnnscope.analyzer.values.plain_class import dataclass

#: families of layers that may follow a weight layer, or lead to one
_COMPANIONS = frozenset({
    "normalization", "activation", "elementwise arithmetic", "logic", "quantization", "conversion",
    "identity", "dropout",
})  # fmt: skip


@dataclass(frozen=True, slots=True)
class Step:
    """A layer as far as blocks are concerned.

    Args:
        inputs, outputs: names of tensors; what isn't stored, of the inputs.
        family: what its operator is.
        weighted: it multiplies stored weights.
    """

    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    family: str
    weighted: bool


@dataclass(frozen=True, slots=True)
class Block:
    """Layers that belong together, by index; `main` is the one that they are named after."""

    main: int
    members: tuple[int, ...]


def find_blocks(steps: Sequence[Step], outputs: Collection[str]) -> list[Block]:
    """The blocks, in the order of their first layer; each layer is in exactly one.

    Args:
        steps: the layers in running order.
        outputs: tensors that are read from outside.

    >>> conv = Step(("x",), ("y",), "convolution", True)
    >>> relu = Step(("y",), ("z",), "activation", False)
    >>> find_blocks([conv, relu], ["z"])
    [Block(main=0, members=(0, 1))]
    """
    readers: dict[str, list[int]] = {}
    for i, step in enumerate(steps):
        for name in dict.fromkeys(step.inputs):
            readers.setdefault(name, []).append(i)
    outside = frozenset(outputs)
    members: dict[int, list[int]] = {}
    home: dict[int, int] = {}
    for main, chain in _followed(steps).items():
        members[main] = chain[: _end(chain, steps, readers, outside)]
        home.update(dict.fromkeys(members[main], main))
    for i in range(len(steps) - 1, -1, -1):
        if i in home:
            continue
        reached = _leads_to(i, steps, readers, outside, home)
        home[i] = i if reached is None else reached
        members.setdefault(home[i], []).append(i)
    found = [Block(main, tuple(sorted(chain))) for main, chain in members.items()]
    return sorted(found, key=lambda block: block.members)


def _followed(steps: Sequence[Step]) -> dict[int, list[int]]:
    """By weight layer, itself and what reads only what it, or what follows it, gives."""
    chains: dict[int, list[int]] = {}
    source: dict[str, int] = {}
    for i, step in enumerate(steps):
        main: int | None = None
        if step.weighted:
            main = i
        elif step.family in _COMPANIONS and step.inputs:
            sources = {source.get(name) for name in step.inputs}
            main = sources.pop() if len(sources) == 1 else None
        if main is not None:
            chains.setdefault(main, []).append(i)
            source.update(dict.fromkeys(step.outputs, main))
    return chains


def _end(
    chain: Sequence[int],
    steps: Sequence[Step],
    readers: dict[str, list[int]],
    outside: Collection[str],
) -> int:
    """How many layers of a chain make a block with one way out: as many as can."""
    place = {layer: position for position, layer in enumerate(chain)}
    never = len(chain)
    best, latest = 1, 0
    for position, layer in enumerate(chain):
        # Everything before this one must be read by nothing behind it.
        if latest <= position:
            best = position + 1
        for name in steps[layer].outputs:
            uses = [place.get(reader, never) for reader in readers.get(name, ())]
            if name in outside:
                uses.append(never)
            latest = max([latest, *uses])
    return best


def _leads_to(
    layer: int,
    steps: Sequence[Step],
    readers: dict[str, list[int]],
    outside: Collection[str],
    home: dict[int, int],
) -> int | None:
    """The weight layer whose block a layer leads to, and to nothing else."""
    step = steps[layer]
    if step.family not in _COMPANIONS or len(set(step.inputs)) != 1:
        return None
    found: set[int] = set()
    for name in step.outputs:
        if name in outside:
            return None
        found.update(readers.get(name, ()))
    if len(found) != 1:
        return None
    reader = found.pop()
    main = home.get(reader)
    if main is None or not steps[main].weighted or reader > main:
        return None
    return main
