"""What differs in the attributes, constants and weights of two layers?"""

from __future__ import annotations

import math

import numpy as np

from cnnscope.analyzer.difference.change import Aspect, Change, Plain
from cnnscope.analyzer.difference.constants import Constant
from cnnscope.analyzer.difference.lengths import Renaming, hangs_on_data, same_dim, same_shape
from cnnscope.analyzer.difference.numbers import largest_difference
from cnnscope.analyzer.difference.settings import Node as Settings
from cnnscope.analyzer.difference.settings import Setting, same_constants, same_setting
from cnnscope.analyzer.difference.stages import Stage, TensorAttribute
from cnnscope.analyzer.values.tensor import Shape, Tensor, plain_shape

#: what attributes spell a window with
_SPELL_WINDOWS = frozenset({
    "kernel_shape", "strides", "dilations", "pads", "auto_pad", "output_padding", "output_shape",
})  # fmt: skip


class Compared:
    """Attributes, constants and weights of two layers while they are compared."""

    def __init__(
        self, stages: tuple[Stage, Stage], places: tuple[int, int],
        nodes: tuple[Settings, Settings], names: Renaming, windows: bool,
    ) -> None:  # fmt: skip
        self.stages, self.places, self.nodes = stages, places, nodes
        self.names, self.windows = names, windows
        self.changes: list[Change] = []
        #: None: not known
        self.weights: bool | None = False
        self.largest: float | None = None
        self.gained: list[Constant] = []
        self.lost: list[Constant] = []
        #: of either layer, operands that say what the other's attributes say, or its defaults
        self.spelled: tuple[list[Constant], list[Constant]] = ([], [])

    def by_name(self) -> None:
        """Settings of the same name, of layers of the same operator."""
        one, other = self.nodes
        known = [self.aligned(node) for node in self.nodes]
        for name in sorted({*known[0], *known[1]}):
            if name in one.reads or name in other.reads:
                if name in known[0] or name in known[1]:
                    self.changes.append(Change(
                        "operands", self.shown(0, name, known), self.shown(1, name, known),
                        next(x[name].name or name for x in known if name in x),
                    ))  # fmt: skip
                continue
            if self.windows and name in _SPELL_WINDOWS:
                continue  # how the window is spelled
            a, b = (known[k].get(name) for k in (0, 1))
            changes = len(self.changes)
            same = self.same_outputs() if name in one.spelling.shaping else False
            if same is None and (a is not None or b is not None):
                said = [None if x is None else shown_setting(x) for x in (a, b)]
                title = next(x.name for x in (b, a) if x is not None)
                self.changes.append(Change("constants", said[0], said[1], title or name))
            elif not same and (a is None or b is None):
                self.one_sided(name, a, b)
            elif not same and a is not None and b is not None:
                self.both(name, a, b)
            if len(self.changes) == changes:
                for k, (x, y) in enumerate(((a, b), (b, a))):
                    if x is not None and x.constant is not None and (y is None or not y.constant):
                        self.spelled[k].append(x.constant)

    def aligned(self, node: Settings) -> dict[str, Setting]:
        """By name; where the order of operands is nothing, constant ones by their place among them."""
        if not node.spelling.commutes:
            return dict(node.settings)
        plain = {name: x for name, x in node.settings.items() if x.constant is None}
        held = [x for x in node.settings.values() if x.constant is not None]
        if len(held) > 1:
            held.sort(key=lambda x: str(x.constant and x.constant.digest.text))
        return plain | {f"operand {k}": x for k, x in enumerate(held)}

    def same_outputs(self) -> bool | None:
        """The same shapes come out, hanging on nothing but sizes; None where they are the same
        only at the lengths that were given to what is declared free."""
        outputs = [
            [value.shape for value in stage.layers[i].outputs]
            for stage, i in zip(self.stages, self.places, strict=True)
        ]
        if not self.told_same(outputs[0], outputs[1]):
            return False
        free = [s.free_shapes(i) for s, i in zip(self.stages, self.places, strict=True)]
        if free == [None, None]:
            return True
        one, other = (known or bound for known, bound in zip(free, outputs, strict=True))
        if any(hangs_on_data(shape) for shape in (*one, *other)):
            return True  # how it hangs on what is free isn't followed
        return True if self.told_same(one, other) else None

    def told_same(self, one: list[Shape | None], other: list[Shape | None]) -> bool:
        if len(one) != len(other) or any(map(hangs_on_data, (*one, *other))):
            return False
        return all(same_shape(a, b, self.names) for a, b in zip(one, other, strict=True))

    def shown(self, k: int, name: str, known: list[dict[str, Setting]]) -> Plain:
        setting = known[k].get(name)
        if setting is not None:
            return shown_setting(setting)
        place = self.nodes[k].reads.get(name)
        return None if place is None else self.stages[k].layers[self.places[k]].inputs[place]

    def both(self, name: str, a: Setting, b: Setting) -> None:
        held = a.constant, b.constant
        if held[0] is not None and held[1] is not None and held[0].learned and held[1].learned:
            self.learned(held[0], held[1])
            return
        same = same_setting(a, b, self.same_constants)
        if same is None and ((held[0] and held[0].learned) or (held[1] and held[1].learned)):
            self.unknown()
        elif not same:
            aspect: Aspect = "attributes" if held == (None, None) else "constants"
            largest = None if None in held else largest_difference(*held)  # type: ignore[arg-type]
            self.changes.append(
                Change(aspect, shown_setting(a), shown_setting(b), b.name or name, largest)
            )

    def same_constants(self, a: Constant, b: Constant) -> bool | None:
        one, other = a.tensor.value, b.tensor.value
        if one is not None and other is not None and object in (one.dtype, other.dtype):
            return one.shape == other.shape and all(
                same_dim(x, y, self.names)
                for x, y in zip(one.ravel().tolist(), other.ravel().tolist(), strict=True)
            )
        same = same_constants(a, b)
        if same and (a.stored is None or b.stored is None):
            # Computed from lengths: the same at those given, and wherever the file leaves them free?
            free = [s.free_value(x) for s, x in zip(self.stages, (a, b), strict=True)]
            if free[0] is not None and free[1] is not None:
                return free[0].shape == free[1].shape and all(
                    same_dim(x, y, self.names)
                    for x, y in zip(free[0].ravel().tolist(), free[1].ravel().tolist(), strict=True)
                )
        return same

    def one_sided(self, name: str, a: Setting | None, b: Setting | None) -> None:
        """What only one of them has is compared with what holds without it."""
        node = self.nodes[0] if a is None else self.nodes[1]
        there = a if a is not None else b
        assert there is not None
        held = there.constant
        default = node.fallback(name)
        if held is None and there.value in (None, "", ()):
            return
        if default is not None and same_setting(Setting(default), there, self.same_constants):
            return
        if default is None and held is None and there.given is None:
            return  # a default, of something that the other can't be told to do otherwise
        if held is not None and held.learned:
            if held.digest.text is None:
                self.unknown()
            if not held.digest.zeros:
                (self.gained if a is None else self.lost).append(held)
            name = self.role(name, 0 if b is None else 1)
        name = there.name if name == there.name.lower() else name
        shown = shown_setting(there)
        aspect: Aspect = "attributes" if held is None else "operands"
        one, other = (None, shown) if a is None else (shown, None)
        self.changes.append(Change(aspect, one, other, name))

    def role(self, name: str, k: int) -> str:
        """An operand's name in words: the bias of a layer that adds one."""
        layer = self.stages[k].layers[self.places[k]]
        adds = layer.work is not None and layer.work.bias != 0
        return "bias" if adds and name in ("b", "c", "bias") else name

    def learned(self, a: Constant, b: Constant) -> None:
        same = same_constants(a, b)
        if same is None:
            self.unknown()
        elif not same:
            self.weights = True
            apart = largest_difference(a, b)
            if apart is not None:
                self.largest = max(apart, self.largest or 0.0)

    def unknown(self) -> None:
        if not self.weights:
            self.weights = None

    def by_numbers(self) -> None:
        """Learned operands of layers of different operators: the largest of each, then equal ones."""
        sides = [
            sorted(
                [x.constant for x in node.settings.values() if x.constant and x.constant.learned],
                key=lambda held: -held.elements,
            )
            for node in self.nodes
        ]
        if sides[0] and sides[1] and sides[0][0].elements == sides[1][0].elements:
            a, b = sides[0].pop(0), sides[1].pop(0)
            same = self.same_matrix(a, b)
            if same is None:
                self.unknown()
            elif not same:
                self.weights = True
        for a in list(sides[0]):
            twin = next((b for b in sides[1] if same_constants(a, b)), None)
            if twin is not None:
                sides[0].remove(a)
                sides[1].remove(twin)
        for k, (left, kept) in enumerate(((sides[0], self.lost), (sides[1], self.gained))):
            for held in left:
                if held.digest.text is None:
                    self.unknown()
                if not held.digest.zeros:
                    kept.append(held)
                name = next(n for n, x in self.nodes[k].settings.items() if x.constant is held)
                said = shown_setting(Setting(None, held))
                one, other = (None, said) if k else (said, None)
                self.changes.append(Change("operands", one, other, self.role(name, k)))

    def same_matrix(self, a: Constant, b: Constant) -> bool | None:
        """Equal once either is laid out the same way: outputs by inputs."""
        if None in (a.digest.text, b.digest.text):
            return None
        laid_out = []
        for held, stage, i in zip((a, b), self.stages, self.places, strict=True):
            numbers, axes = held.numbers(), stage.axes_by_use(i, held.name)
            if numbers is None or axes is None or len(axes) != numbers.ndim:
                return same_constants(a, b)
            laid_out.append(np.squeeze(numbers.transpose(axes)))
        return laid_out[0].shape == laid_out[1].shape and bool(
            np.array_equal(laid_out[0], laid_out[1])
        )


def shown_setting(setting: Setting) -> Plain:
    """A setting for people and machines: the first of some numbers."""
    held = setting.constant
    if held is None:
        return _plain(setting.value if setting.given is None else setting.given)
    value = held.tensor.value
    if held.digest.zeros and held.elements > 1:
        return "zeros"
    if value is not None and value.dtype != object:
        few = [_plain(x) for x in value.ravel()[:16].tolist()]
        return few if value.shape or held.elements != 1 else few[0]
    return f"a tensor of {held.tensor.dtype} {plain_shape(held.tensor.shape)}"


def _plain(value: object) -> Plain:
    if isinstance(value, bytes):
        return value.decode("utf-8", "backslashreplace")
    if isinstance(value, float) and not math.isfinite(value):
        return str(value)  # JSON has no such number
    if value is None or isinstance(value, (int, float, str)):
        return value
    if isinstance(value, (tuple, list)):
        return [_plain(item) for item in value]
    if isinstance(value, TensorAttribute):
        return _plain(value.tensor)
    if isinstance(value, Tensor):
        held = value.value
        if held is not None and held.size == 1 and held.dtype != object:
            return _plain(held.ravel().tolist()[0])
        return f"a tensor of {value.dtype} {plain_shape(value.shape)}"
    return type(value).__name__
