"""What is a node set to, however its opset spells it?

Attributes and constant operands are *settings* by one name: what one version has as an attribute
another has as an input (Clip's bounds, Squeeze's axes). Names are those of ONNX's schemas in lower
case, the newest version's where one was renamed; what isn't said takes its schema's default; where
that version had no such attribute, another version's default, which is how ONNX adds attributes.
Axes are counted from the front. What schemas don't say is in `operators.spellings`.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence

import numpy as np

from cnnscope.analyzer.difference.constants import Constant
from cnnscope.analyzer.difference.numbers import same_numbers
from cnnscope.analyzer.difference.signatures import Signature, signature
from cnnscope.analyzer.operators.spelling import Spelling, spelling
from cnnscope.analyzer.values.plain_class import dataclass
from cnnscope.analyzer.values.tensor import Tensor


@dataclass(frozen=True, slots=True)
class Setting:
    """What is set: a plain value, or a constant, or both where a constant is small.

    Args:
        value: plain Python; None where only the constant has it.
        constant: of an operand, what holds it.
        given: as the node says it, for people; None where a default holds.
        name: as its schema writes it.
    """

    value: object
    constant: Constant | None = None
    given: object = None
    name: str = ""


@dataclass(frozen=True, slots=True)
class Node:
    """A node's part in a comparison.

    Args:
        op: its operator's title, of its newest name.
        spelling: what of it means the same.
        settings: by name.
        reads: by name, the operands that hang on the inputs: their places.
        shaping: what says nothing but the outputs' shapes.
        signature: what ONNX says of it.
    """

    op: str
    spelling: Spelling
    settings: Mapping[str, Setting]
    reads: Mapping[str, int]
    signature: Signature

    def fallback(self, name: str) -> object:
        """What holds of something that this version doesn't know, or that is left out."""
        if name in self.spelling.implied:
            return self.spelling.implied[name]
        return self.signature.elsewhere.get(name)


def settings_of(
    title: str,
    version: int,
    inputs: Sequence[str],
    tensors: Sequence[Tensor | None],
    outputs: Sequence[Tensor],
    attributes: Mapping[str, object],
    constant: Callable[[str], Constant | None],
) -> Node:
    """A node's settings.

    Args:
        title: its operator, with its domain.
        version: the opset's.
        inputs, tensors: what it reads: names, and facts; None where omitted.
        outputs: facts of what it gives.
        attributes: as it has them.
        constant: a tensor's name to the constant, None where it hangs on the inputs.
    """
    domain, _, op = title.rpartition("::")
    said, spelled = signature(domain, op, version), spelling(domain, op)
    settings: dict[str, Setting] = {}
    for name, value in said.defaults.items():
        if name not in attributes:
            key = said.renamed.get(name.lower(), name.lower())
            settings[key] = Setting(value, name=name)
    for name, value in attributes.items():
        key = said.renamed.get(name.lower(), name.lower())
        settings[key] = Setting(value, None, value, name)
    reads: dict[str, int] = {}
    for k, (name, _) in enumerate(zip(inputs, tensors, strict=True)):
        if not name:
            continue
        held, key = constant(name), said.operand(k)
        if held is None:
            reads[key] = k
        elif not held.empty:
            settings[key] = Setting(_small(held), held, held, said.title(k))
    for name, value in spelled.implied.items():
        if name not in settings and name not in reads:
            settings[name] = Setting(value, name=name)
    if spelled.settings is not None:
        given = {name: setting.value for name, setting in settings.items()}
        for name, value in spelled.settings(given, tensors, version).items():
            if name in reads:
                continue
            known = settings.get(name)
            settings[name] = (
                Setting(value, name=name) if known is None
                else Setting(value, known.constant, known.given, known.name)
            )  # fmt: skip
    rank = _rank(outputs) if spelled.axes_of_output else _rank(tensors)
    for name in ("axis", "axes"):
        setting = settings.get(name)
        if setting is not None and rank:
            counted = _counted(setting.value, rank)
            settings[name] = Setting(counted, setting.constant, setting.given, setting.name)
    title = spelled.successor or title
    return Node(title, spelled, settings, reads, said)


def _rank(tensors: Sequence[Tensor | None]) -> int | None:
    first = tensors[0] if tensors else None
    return None if first is None or first.shape is None else len(first.shape)


def _counted(value: object, rank: int) -> object:
    """Axes counted from the front."""
    if isinstance(value, int):
        return value % rank if -rank <= value < 0 else value
    if isinstance(value, tuple):
        return tuple([_counted(axis, rank) for axis in value])
    return value


def _small(held: Constant) -> object:
    """A small constant's numbers as an attribute would have them."""
    value = held.tensor.value
    if value is None or value.dtype == object or value.size > 64 or held.learned:
        return None
    numbers = value.tolist()
    return tuple(value.ravel().tolist()) if isinstance(numbers, list) else numbers


def same_setting(
    a: Setting, b: Setting, constants: Callable[[Constant, Constant], bool | None]
) -> bool | None:
    """Whether two settings are the same; None where that can't be told.

    Args:
        constants: whether two constants are.
    """
    if a.constant is not None and b.constant is not None:
        if a.value is not None and b.value is not None and _alike(a, b):
            return True
        return constants(a.constant, b.constant)
    for one, other in ((a, b), (b, a)):
        if one.constant is not None and one.value is None:
            return _filled(one.constant, other.value)
    return same_value(a.value, b.value)


def _alike(a: Setting, b: Setting) -> bool:
    """Two small constants that come to the same: axes counted from either end."""
    assert a.constant is not None
    assert b.constant is not None
    shapes = a.constant.tensor.shape, b.constant.tensor.shape
    return shapes[0] == shapes[1] and same_value(a.value, b.value)


def _filled(held: Constant, value: object) -> bool:
    """Does a constant hold one number, or these, throughout?"""
    numbers = held.numbers()
    if numbers is None or numbers.dtype == object:
        return False
    listed = list(value) if isinstance(value, tuple) else [value]
    if not all(isinstance(x, int | float) for x in listed):
        return False
    if len(listed) not in (1, numbers.size):
        return False
    return bool(np.allclose(numbers.ravel(), np.asarray(listed), rtol=1e-6, atol=0, equal_nan=True))


def same_value(a: object, b: object) -> bool:
    """Whether two plain values are the same number, or the same numbers.

    >>> same_value(0.01, np.float32(0.01).item()), same_value((1,), 1), same_value((1, 2), (1, 3))
    (True, True, False)
    """
    if isinstance(a, tuple) != isinstance(b, tuple):
        one, other = (a, b) if isinstance(a, tuple) else (b, a)
        assert isinstance(one, tuple)
        # One number stands for as many as there are: a step of 1 along each axis.
        return bool(one) and all(same_value(x, other) for x in one)
    if isinstance(a, tuple) and isinstance(b, tuple):
        return len(a) == len(b) and all(map(same_value, a, b))
    if isinstance(a, float | int) and isinstance(b, float | int):
        if isinstance(a, int) and isinstance(b, int):
            return a == b
        # An epsilon of 1e-5 is written in several ways, a last bit of float32 apart.
        return math.isclose(a, b, rel_tol=1e-6) or (math.isnan(a) and math.isnan(b))
    return frozen(a) == frozen(b)


def frozen(value: object) -> object:
    """An attribute's value as something that can be compared, hashed and put in order by its repr."""
    if isinstance(value, Tensor):
        held = None if value.value is None else repr(value.value.tolist())
        return ("tensor", value.dtype, str(value.shape), held, value.kind, str(value.element))
    if isinstance(value, (tuple, list)):
        return tuple(map(frozen, value))
    if value is None or isinstance(value, (int, float, str, bytes)):
        return value
    digest = getattr(value, "digest", None)  # of an attribute that holds a tensor
    return ("tensor", digest) if isinstance(digest, str) else type(value).__name__


def same_constants(a: Constant, b: Constant) -> bool | None:
    """Whether two constants are the same: numbers, or made in the same way of the same ones where
    nobody can compute them; None where that can't be told."""
    same = same_numbers(a, b)
    if same is not False or a.tensor.shape != b.tensor.shape or a.tensor.dtype != b.tensor.dtype:
        return same
    told = a.numbers() is not None and b.numbers() is not None
    if told or a.making is None or b.making is None:
        return same
    one, other = _made(a), _made(b)
    if one.op != other.op or one.reads or other.reads:
        return False
    for name in one.settings.keys() | other.settings.keys():
        x, y = one.settings.get(name), other.settings.get(name)
        x = Setting(one.fallback(name)) if x is None else x
        y = Setting(other.fallback(name)) if y is None else y
        if same_setting(x, y, same_constants) is False:
            return False
    return True


def _made(held: Constant) -> Node:
    """The settings of the node that computes a constant."""
    making = held.making
    assert making is not None
    node, shapes, constant = making
    return settings_of(
        node.title, node.version, node.inputs, shapes.inputs(node), shapes.outputs(node),
        node.attributes, constant,
    )  # fmt: skip
