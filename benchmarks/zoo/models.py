"""Which model is number i of a fleet? Made anew from the seed and the number, whenever it is asked for.

    python benchmarks/zoo/models.py FOLDER --models 1000     write them, with external weights beside them

One in five has the graph of another and its own weights; one in a hundred is broken.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from random import Random

if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from zoo.broken import BROKEN
from zoo.exporters import drawn_exporter
from zoo.families import FAMILIES
from zoo.net import Conditions, Net
from zoo.wire import FLOAT, FLOAT16

TWINS, ODD = 0.2, 0.01
_FAMILIES = list(FAMILIES)
_OFTEN = [FAMILIES[family][0] for family in _FAMILIES]


@dataclass(frozen=True)
class Made:
    """A model, and what its maker knows of it.

    Args:
        data: the file.
        graph: the number of the graph that it has; two models of one number differ in their weights alone.
        broken: what is wrong with it; empty where nothing is.
        external: the name of the file of its weights; empty where they are inside.
        external_bytes: how large that is; 0 where it is lost.
        params, macs: by the textbook; None where that isn't known (a broken model, free sizes).
    """

    data: bytes
    graph: int
    family: str
    exporter: str
    broken: str = ""
    external: str = ""
    external_bytes: int = 0
    params: int | None = None
    macs: int | None = None


def place(i: int) -> str:
    """Where number i lies, below the fleet's folder or address."""
    return f"{i // 1000:03d}/m{i:06d}.onnx"


def number(place: str) -> int | None:
    """
    >>> number("/012/m012345.onnx"), number("m012345.weights"), number("x.onnx")
    (12345, 12345, None)
    """
    digits = place.rpartition("/")[2].partition(".")[0][1:]
    return int(digits) if digits.isdecimal() else None


def made(seed: int, i: int) -> Made:
    """Number i of the fleet of that seed."""
    own = Random(f"{seed} {i}")
    graph = own.randrange(i) if i and own.random() < TWINS else i
    kind = own.choice(list(BROKEN)) if own.random() < ODD else ""
    net, family = _grown(Random(f"{seed} graph {graph}"), own, i)
    data, where = net.bytes(), net.conditions
    if kind:
        return Made(BROKEN[kind](own, data), graph, family, net.exporter.name, kind)
    beside = net.external_bytes > 0
    return Made(
        data, graph, family, net.exporter.name,
        external=where.file if beside else "",
        external_bytes=net.external_bytes if where.storage == "external" else 0,
        params=net.params, macs=None if where.free_sizes else net.macs,
    )  # fmt: skip


def _grown(random: Random, own: Random, i: int) -> tuple[Net, str]:
    exporter = drawn_exporter(random)
    opset = random.choice(exporter.opsets)
    family = random.choices(_FAMILIES, _OFTEN)[0]
    rank = random.choice(FAMILIES[family][1])
    storage = random.choices(("inside", "external", "missing"), exporter.weight_share)[0]
    quantised = opset >= 13 and random.random() < 0.08
    conditions = Conditions(
        exporter, opset,
        FLOAT16 if not quantised and random.random() < 0.05 else FLOAT,
        random.choice((0, 0, 1, 1, 1, 1, 4, 8)),
        random.random() < 0.1,
        quantised,
        opset >= 15 and random.random() < 0.1,
        storage if opset > 8 else "inside",
        f"m{i:06d}.weights",
    )  # fmt: skip
    net = Net(random, conditions, own.randrange(1 << 12) * 8)
    size = min(180, max(5, int(random.lognormvariate(3.3, 0.8)))) // (4 if quantised else 1)
    side = random.choice((32, 64, 64, 96, 128, 224)) if rank == 2 else random.choice((16, 32))
    x = net.input(random.choice((1, 3, 3, 3)), (side * (16 if rank == 1 else 1),) * rank)
    family(net, x, size)
    return net, family.__name__


def every(seed: int, models: int) -> Iterator[tuple[str, Made]]:
    for i in range(models):
        yield place(i), made(seed, i)


def written(folder: Path, seed: int, models: int) -> None:
    """The first so many of the fleet, as files."""
    for where, model in every(seed, models):
        path = folder / where
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(model.data)
        if model.external_bytes:
            with (path.parent / model.external).open("wb") as weights:
                weights.truncate(model.external_bytes)


def main() -> None:
    asked = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    asked.add_argument("folder", type=Path)
    asked.add_argument("--models", type=int, default=1000)
    asked.add_argument("--seed", type=int, default=1)
    chosen = asked.parse_args()
    written(chosen.folder, chosen.seed, chosen.models)


if __name__ == "__main__":
    main()
