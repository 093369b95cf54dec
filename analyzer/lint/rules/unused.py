"""CNS503 to CNS505: what is stored or computed and used by nothing, or stored twice?"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator

from cnnscope.analyzer.lint.holdings import Holding
from cnnscope.analyzer.lint.rule import Hit, Page, Subject, rule, total, traffic
from cnnscope.analyzer.report.layer import Layer
from cnnscope.analyzer.values.notation import count, many, name, nbytes

_IR = "ONNX: Open Neural Network Exchange Intermediate Representation. https://onnx.ai/onnx/repo-docs/IR.html"
#: bytes up to which a leftover isn't worth a word
_CRUMBS = 1024


@rule(
    "CNS503",
    "dead-layers",
    "warning",
    Page(
        what="Finds layers whose results lead to no output.",
        why="They are computed for nothing where the runtime doesn't remove them, and are counted "
        "in every figure. Often an auxiliary head or a loss that was left in the export.",
        how="Everything that an output, or a subgraph, depends on is found by walking back from "
        "them; what is left over is dead. Without MACs and parameters it is information, and so is "
        "a layer of whose result only the shape is used.",
        example="GoogLeNet exported with its auxiliary classifiers, whose outputs aren't outputs "
        "of the model.",
        todo="Remove them, or make their results outputs.",
        references=(_IR,),
    ),
)
def dead_layers(subject: Subject) -> Iterator[Hit]:
    wanted = set(subject.ends)
    dead: list[Layer] = []
    for layer in reversed(subject.layers):
        if any(value.name in wanted for value in layer.outputs):
            wanted.update(layer.inputs)
        else:
            dead.append(layer)
    dead.reverse()
    shapes = [layer for layer in dead if layer.name in subject.particulars.leading]
    if shapes:
        yield Hit(
            tuple(layer.name for layer in shapes),
            f"of the results of {many(len(shapes), 'layer')} only the shape is used",
            {"bytes": sum(traffic(x) for x in shapes)},
            "take the shape from what is before them, or simplify the graph",
            "info",
            "shapes",
        )
    dead = [layer for layer in dead if layer.name not in subject.particulars.leading]
    if dead:
        macs, params = total(x.macs for x in dead), total(x.params for x in dead)
        yield Hit(
            tuple(layer.name for layer in dead),
            f"no output of the model depends on {many(len(dead), 'layer')}",
            {"macs": macs, "params": params, "bytes": sum(traffic(x) for x in dead)},
            severity=None if macs or params else "info",
        )


@rule(
    "CNS504",
    "unused-weights",
    "warning",
    Page(
        what="Finds tensors stored in the file that nothing reads.",
        why="They are shipped, loaded and kept in memory for nothing.",
        how="Initializers of the main graph that are no node's input, no subgraph's, and no output; "
        "together at least 1 KiB.",
        example="A head that was cut off with the graph's nodes, its weights left behind.",
        todo="Remove them: `onnx.utils.extract_model`, or a simplifier, does.",
        references=(_IR,),
    ),
)
def unused_weights(subject: Subject) -> Iterator[Hit]:
    unused = [x for x in subject.particulars.holdings if not x.read]
    size = total(x.nbytes for x in unused)
    if unused and size >= _CRUMBS:
        yield Hit(
            (),
            f"nothing reads {many(len(unused), 'stored tensor')}, {nbytes(size)}: "
            f"{_names([x.name for x in unused])}",
            {"bytes": size},
        )


@rule(
    "CNS505",
    "duplicated-weights",
    "warning",
    Page(
        what="Finds weights that are stored more than once, bit for bit.",
        why="Weights that layers share, a tied embedding for one, are often written once per use: "
        "the file and the memory hold them several times.",
        how="With `--weights`: stored tensors of 1 KiB or more with equal dtype and shape are "
        "compared by a hash of their bytes. Bytes at stake: all copies but the first. Tensors "
        "filled with one number are left out.",
        example="A language model whose embedding and output projection are tied, exported as two "
        "tensors.",
        todo="Let both layers name one initializer.",
        references=("Press, Wolf: Using the Output Embedding to Improve Language Models. EACL "
                    "2017. arXiv:1608.05859",),
    ),
)  # fmt: skip
def duplicated_weights(subject: Subject) -> Iterator[Hit]:
    if not subject.options.weights:
        return
    alike: dict[tuple[object, object], list[Holding]] = {}
    for holding in subject.particulars.holdings:
        if holding.read and (holding.nbytes or 0) >= _CRUMBS:
            key = holding.tensor.dtype, holding.tensor.shape
            alike.setdefault(key, []).append(holding)
    for group in alike.values():
        if len(group) < 2:
            continue
        same: dict[bytes, list[Holding]] = {}
        for holding in group:
            digest = _digest(subject, holding.name)
            if digest is not None:
                same.setdefault(digest, []).append(holding)
        for copies in same.values():
            if len(copies) > 1:
                size = total(x.nbytes for x in copies[1:])
                yield Hit(
                    tuple(dict.fromkeys(layer for x in copies for layer in x.layers)),
                    f"{len(copies)} stored tensors hold the same numbers: "
                    f"{_names([x.name for x in copies])}",
                    {"bytes": size},
                    subject=copies[0].name,
                )


def _digest(subject: Subject, tensor: str) -> bytes | None:
    """A hash of a tensor's bytes, None where they can't be read or are one number over and over."""
    numbers = subject.particulars.numbers(tensor)
    if numbers is None or not numbers.size:
        return None
    flat = numbers.reshape(-1)
    if (flat[: 1 << 20] == flat[0]).all() and (flat == flat[0]).all():
        return None
    hashed = hashlib.blake2b(digest_size=16)
    for first in range(0, flat.size, 1 << 20):
        hashed.update(flat[first : first + (1 << 20)].tobytes())
    return hashed.digest()


def _names(names: list[str]) -> str:
    shown = ", ".join(name(text, 60) for text in names[:3])
    return shown + (f" and {count(len(names) - 3)} more" if len(names) > 3 else "")
