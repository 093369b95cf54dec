"""What is wrong with one model in a hundred? What lies in real buckets, and what is meant ill."""

from __future__ import annotations

from collections.abc import Callable
from random import Random

from zoo import wire
from zoo.wire import FLOAT, attribute

_PAGE = b"<!DOCTYPE html>\n<html><head><title>404 Not Found</title></head><body>no such model</body></html>\n"
_POINTER = b"version https://git-lfs.github.com/spec/v1\noid sha256:%s\nsize 102400000\n"
_IMPORTS = [("", 17)]


def _small(
    nodes: list[bytes], shape: tuple[wire.Length, ...] = (1, 4, 8, 8), output: str = "y",
    said: tuple[wire.Length, ...] | None = None, imports: list[tuple[str, int]] = _IMPORTS,
    tensors: tuple[bytes, ...] = (),
) -> bytes:  # fmt: skip
    inputs = [wire.value("x", FLOAT, shape)]
    outputs = [wire.value(output, FLOAT, said or shape)]
    return wire.model(wire.graph("g", nodes, inputs, outputs, tensors), imports)


def _weights(*dims: int) -> bytes:
    return wire.tensor("w", FLOAT, dims, b"")


def _cycle(random: Random, good: bytes) -> bytes:
    return _small([wire.node("Add", ["x", "y"], ["a"], "a"), wire.node("Relu", ["a"], ["y"], "b")])


def _nothing_gives_it(random: Random, good: bytes) -> bytes:
    return _small([wire.node("Add", ["x", "nowhere"], ["y"], "add")])


def _shapes_that_dont_fit(random: Random, good: bytes) -> bytes:
    held = wire.tensor("w", FLOAT, (1, 5, 7, 7), bytes(980))
    return _small([wire.node("Add", ["x", "w"], ["y"], "add")], tensors=(held,))


def _shape_that_isnt(random: Random, good: bytes) -> bytes:
    return _small([wire.node("Relu", ["x"], ["y"], "relu")], said=(1, 4, 9, 9))


def _kernel_of_another(random: Random, good: bytes) -> bytes:
    held = wire.tensor("w", FLOAT, (8, 3, 3, 3), bytes(864))
    return _small(
        [wire.node("Conv", ["x", "w"], ["y"], "conv")], said=(1, 8, 6, 6), tensors=(held,)
    )


def _unknown_operator(random: Random, good: bytes) -> bytes:
    op = random.choice(("Frobnicate", "EfficientNMS_TRT", "DCNv2", "x" * 300))
    domain = random.choice(("", "custom", "com.example"))
    return _small(
        [wire.node(op, ["x"], ["y"], "odd", domain=domain)], imports=[*_IMPORTS, (domain, 1)]
    )


def _huge(random: Random, good: bytes) -> bytes:
    n = 1 << random.choice((31, 40, 55, 62))
    conv = wire.node("Conv", ["x", "w"], ["y"], "conv", attribute("kernel_shape", (1, 1)))
    return _small([conv], (1, 4, n, n), said=(1, 4, n, n), tensors=(_weights(4, 4, 1, 1),))


def _negative(random: Random, good: bytes) -> bytes:
    return _small([wire.node("Relu", ["x"], ["y"], "relu")], (1, -4, 8, 8))


def _deep(random: Random, good: bytes) -> bytes:
    """An If in an If in an If."""
    node = wire.node("Relu", ["x"], ["y0"], "leaf")
    for i in range(random.choice((20, 60, 1500))):
        branch = wire.graph(f"g{i}", [node], [], [wire.value(f"y{i}", FLOAT, (1, 4, 8, 8))])
        said = wire.graph_attribute("then_branch", branch) + wire.graph_attribute("else_branch", wire.graph(
            "e", [wire.node("Relu", ["x"], [f"e{i}"])], [], [wire.value(f"e{i}", FLOAT, (1, 4, 8, 8))]
        ))  # fmt: skip
        node = wire.node("If", ["c"], [f"y{i + 1}"], f"if{i}", said)
    held = wire.tensor("c", wire.BOOL, (), b"\1")
    return _small([node], output=f"y{i + 1}", tensors=(held,))


def _twice(random: Random, good: bytes) -> bytes:
    return _small([wire.node(op, ["x"], ["y"], op) for op in ("Relu", "Tanh")])


def _no_such_version(random: Random, good: bytes) -> bytes:
    imports = random.choice(([("", 999)], [("", 0)], [], [("", 17), ("", 9)]))
    return _small([wire.node("Relu", ["x"], ["y"], "relu")], imports=imports)


def _kernel_larger(random: Random, good: bytes) -> bytes:
    conv = wire.node("Conv", ["x", "w"], ["y"], "conv", attribute("kernel_shape", (11, 11)))
    return _small(
        [conv], said=(1, 4, 1, 1), tensors=(wire.tensor("w", FLOAT, (4, 4, 11, 11), bytes(7744)),)
    )


def _flipped(random: Random, good: bytes) -> bytes:
    """A few bits wrong, as after a bad download."""
    held = bytearray(good)
    for _ in range(8):
        held[random.randrange(len(held))] ^= 1 << random.randrange(8)
    return bytes(held)


BROKEN: dict[str, Callable[[Random, bytes], bytes]] = {
    "truncated": lambda random, good: good[: random.randrange(1, len(good))],
    "garbage": lambda random, good: random.randbytes(random.randrange(1, 5000)),
    "empty": lambda random, good: b"",
    "web-page": lambda random, good: _PAGE,
    "pointer": lambda random, good: _POINTER % random.randbytes(32).hex().encode(),
    "zip": lambda random, good: b"PK\3\4" + random.randbytes(400),
    "zeros": lambda random, good: bytes(4096),
    "no-graph": lambda random, good: wire.whole(1, 8) + wire.opsets(8, _IMPORTS),
    "flipped": _flipped,
    "cycle": _cycle,
    "dangling": _nothing_gives_it,
    "shapes": _shapes_that_dont_fit,
    "declared": _shape_that_isnt,
    "kernel": _kernel_of_another,
    "kernel-larger": _kernel_larger,
    "unknown-operator": _unknown_operator,
    "huge": _huge,
    "negative": _negative,
    "deep": _deep,
    "twice": _twice,
    "version": _no_such_version,
}
"""What is done to a model, by what it is called afterwards."""
