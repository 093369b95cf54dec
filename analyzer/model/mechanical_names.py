"""Which nodes have a name that no author gave them, and which path are they known by instead?

A name is mechanical when it carries no word of an author's: what is left of it without the operator's own
words, digits, separators and filler words is nothing; or it carries nothing of the path that the exporter
noted beside it. The path is the module's, by the exporter's note or by the names of the node's own weights,
which stay what they were when an exporter folds one module into another.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from functools import lru_cache

from cnnscope.analyzer.values.node_name import NodeName
from cnnscope.analyzer.values.notation import LONGEST
from cnnscope.analyzer.values.plain_class import dataclass

#: letters and words that exporters put around an operator's name: ``node_conv2d_2``, ``n88``, ``p2o.Mul.108``
_FILLER = (
    "node",
    "op",
    "operator",
    "layer",
    "n",
    "d",
    "nd",
    "p",
    "o",
    "id",
    "aten",
    "onnx",
    "torch",
)

#: what frameworks call the operators that hold weights, where that shares no word with ONNX's name
_ALSO = {
    "gemm": ("linear", "addmm", "matmul", "dense", "fc"),
    "matmul": ("linear", "mm", "bmm", "dense"),
    "gather": ("embedding",),
    "add": ("linear", "addmm"),
}

_WORD = re.compile(r"[A-Z]*[a-z]+|[A-Z]+")
_LETTERS = re.compile(r"[^\W\d_]+")


@lru_cache(maxsize=1024)
def _nothing_else(op: str) -> re.Pattern[str]:
    """What matches a name made of an operator's words, filler, digits and separators only."""
    lower = op.lower()[:LONGEST]
    words = {lower, *_ALSO.get(lower, ())}
    for word in _WORD.findall(op[:LONGEST]):
        words |= {word[:end].lower() for end in range(min(3, len(word)), len(word) + 1)}
    known = "|".join(map(re.escape, sorted(words, key=len, reverse=True)))
    filler = "|".join(_FILLER)
    # Possessive: what has matched is never gone over again, however the name goes on.
    return re.compile(rf"(?:[\W\d_]++|(?:(?:{known})++|(?:{filler}))(?![^\W\d_]))*+", re.IGNORECASE)


def is_mechanical(name: str, op: str, notes: Sequence[str]) -> bool:
    """Whether a name carries no word of an author's.

    Args:
        notes: the scopes that the exporter noted: modules from the outside in, then the call itself.

    >>> is_mechanical("node_conv2d_2", "Conv", ()), is_mechanical("stem/Conv_3", "Conv", ())
    (True, False)
    >>> is_mechanical("n4_2", "Clip", ["", "features", "features.0", "hardtanh"])
    True
    """
    if not notes:
        # A path in the name is the exporter's own way of saying where the node is.
        return "/" not in name and len(name) <= LONGEST and _plain(name, op)
    if len(name) > LONGEST or _plain(name, op):
        return len(name) <= LONGEST
    left = name.replace(notes[-1], "") if notes[-1] else name
    steps = {step for note in notes[:-1] for step in note.split(".") if not step.isdecimal()}
    return "/" not in left and all(step not in _tokens(left) for step in steps if step)


def _plain(name: str, op: str) -> bool:
    return _nothing_else(op).fullmatch(name) is not None


def _tokens(name: str) -> set[str]:
    """Every stretch of a name between separators, and those that go on over underscores."""
    parts = name.split("_")[:32]
    runs = {"_".join(parts[i:k]) for i in range(len(parts)) for k in range(i + 1, len(parts) + 1)}
    return runs | set(_LETTERS.findall(name))


@dataclass(frozen=True, slots=True)
class Unnamed:
    """A node whose name is mechanical: what is known of where it belongs.

    Args:
        name: gets its path when the whole model has been read.
        module: the path of its module, ``""`` for the model itself.
        alone: it may be known by the module's path itself: it reads something.
        outputs: the tensors that it gives.
        around: the node in whose subgraph it is, where only that one has a path: `op` is then its own name.
    """

    name: NodeName
    op: str
    module: str
    alone: bool
    outputs: Sequence[str]
    around: NodeName | None = None


def module_of(noted: str | None, weights: Iterable[str]) -> str | None:
    """The module that a node is of, by the exporter's note and the names of its own weights.

    Of two that lie side by side, or where nothing is noted, the weights tell: an exporter that folds a
    BatchNormalization into a convolution notes the former's module.

    >>> module_of("layer3/0/bn1", ["layer3.0.conv1.weight"]), module_of(None, ["fc.weight"])
    ('layer3/0/conv1', 'fc')
    >>> module_of("head", ["layer3.0.conv1.weight"]), module_of(None, ["val_3"])
    ('head', None)
    """
    for weight in weights:
        path, _, last = weight.rpartition(".")
        if not path or not _LETTERS.search(last) or not _LETTERS.search(weight) or "/" in weight:
            continue
        owner = path.replace(".", "/").strip("/")
        if noted is None or owner.rpartition("/")[0] == noted.rpartition("/")[0]:
            return owner
        break
    return noted


def give_paths(unnamed: Sequence[Unnamed], taken: set[str], tensors: Iterable[str]) -> None:
    """Give each name the path that people know its node by: unlike any other name or path.

    A module's only node has the module's path; several have their operators' names below it, counted
    (``layer3/0/relu/Relu_1``), as exporters do that name nodes by path.

    Args:
        taken: the names of all nodes of the model.
        tensors: the names of all tensors: a path may be that of one that its own node gives.
    """
    placed = [x for x in unnamed if len(x.module) + len(x.op) < LONGEST]
    sharing = Counter(x.module for x in placed if x.alone)
    around: set[str] = set()
    for module in sharing.keys() | {x.module for x in placed}:
        above = module.rpartition("/")[0]
        while above and above not in around:
            around.add(above)
            above = above.rpartition("/")[0]
    foreign = set(tensors)
    counts: Counter[str] = Counter()
    used: set[str] = set()

    def free(path: str, node: Unnamed) -> bool:
        if path in taken:
            return path == node.name and path not in used
        return path not in used and (path not in foreign or path in node.outputs)

    for node in placed:
        module = node.module if node.around is None else node.around.path
        if node.around is not None and len(module) + len(node.op) >= LONGEST:
            continue
        path = module
        single = node.alone and sharing[module] == 1 and module not in around
        # A number is the index of a layer.
        if not single or not module or module.lstrip("-").isdecimal() or not free(module, node):
            base = f"{module}/{node.op}" if module else node.op
            path = base
            while not free(path, node):
                counts[base] += 1
                path = f"{base}_{counts[base]}"
        used.add(path)
        node.name.path = path
