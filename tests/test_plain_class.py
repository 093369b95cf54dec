"""`plain_class.dataclass` makes what the standard library's makes: all that can be asked is asked of both."""

from __future__ import annotations

import copy
import dataclasses
import inspect
import itertools
import pickle
import sys
import types
from collections.abc import Callable
from dataclasses import field
from typing import Any, ClassVar

import pytest

from cnnscope.analyzer.values import plain_class

#: what is told of a class, in all ways in which cnnscope's are
OPTIONS = [
    {"frozen": frozen, "slots": slots, "eq": eq, "repr": shown}
    for frozen, slots, eq, shown in itertools.product((True, False), repeat=4)
]


def empty() -> type:
    class Empty:
        """Nothing."""

    return Empty


def one() -> type:
    class One:
        """A field."""

        x: float

    return One


def several() -> type:
    class Several:
        """Some of every kind."""

        kind: ClassVar[str] = "a class's"
        x: int
        y: str = "why"
        made: list[int] = field(default_factory=list)
        unseen: int = field(default=3, repr=False)
        aside: float = field(default=0.5, compare=False)
        unhashed: tuple[int, ...] = field(default=(), hash=False)
        named: int = field(default=7, kw_only=True)
        needed: int = field(kw_only=True)

        def twice(self) -> int:
            return 2 * self.x

    return Several


def derived() -> type:
    class Derived:
        """A field that the class works out."""

        x: int
        twice: int = field(init=False, default=0)
        both: dict[str, int] = field(init=False, repr=False)

        def __post_init__(self) -> None:
            object.__setattr__(self, "twice", 2 * self.x)
            object.__setattr__(self, "both", {"x": self.x})

    return Derived


def own_words() -> type:
    class OwnWords:
        """One that says some itself."""

        x: int
        y: int = 1

        def __repr__(self) -> str:
            return "mine"

        def __eq__(self, other: object) -> bool:
            return isinstance(other, type(self)) and self.x == other.x

    return OwnWords


def own_hash() -> type:
    class OwnHash:
        """One that hashes itself."""

        x: Any

        def __hash__(self) -> int:
            return 5

    return OwnHash


#: classes, and what objects of them are made of
CASES: list[tuple[Callable[[], type], list[tuple[tuple[object, ...], dict[str, object]]]]] = [
    (empty, [((), {}), ((1,), {})]),
    (one, [((1.0,), {}), ((2.0,), {}), ((), {"x": 1.0}), ((), {}), ((), {"y": 1})]),
    (several, [((1,), {"needed": 2}), ((1, "a", [1], 2, 0.25, (1,)), {"needed": 2, "named": 9}),
               ((1,), {"needed": 2, "aside": 9.0}), ((1,), {}), ((1, 2, 3, 4, 5, 6, 7), {"needed": 1})]),
    (derived, [((1,), {}), ((2,), {}), ((1, 2), {})]),
    (own_words, [((1,), {}), ((1, 2), {}), ((2, 2), {})]),
    (own_hash, [((1,), {}), (([],), {})]),
]  # fmt: skip


def said(ask: Callable[[], object]) -> object:
    """What comes of it: a value, or an error's kind and words."""
    try:
        return ask()
    except (TypeError, AttributeError) as error:
        # With slots, Python 3.11's own stumbles over the class that it replaced.
        stumbled = "obj must be an instance or subtype of type" in str(error)
        return (
            "frozen"
            if stumbled or isinstance(error, dataclasses.FrozenInstanceError)
            else str(error)
        )


def facts(cls: type, given: list[tuple[tuple[object, ...], dict[str, object]]]) -> list[object]:
    """All that can be told of a class and of objects of it, without the objects themselves."""
    found: list[object] = [
        cls.__doc__, cls.__name__, cls.__qualname__, getattr(cls, "__slots__", None),
        getattr(cls, "__match_args__", None), str(inspect.signature(cls)), cls.__hash__ is None,
        [(x.name, x.init, x.repr, x.compare, x.hash, x.kw_only, x.type) for x in dataclasses.fields(cls)],
        vars(cls)["__init__"].__qualname__,
    ]  # fmt: skip
    objects = []
    for values, named in given:
        try:
            objects.append(cls(*values, **named))
        except TypeError as error:
            found.append(str(error))
    for x in objects:
        found += [
            repr(x).partition(" object at ")[0],
            said(lambda x=x: hash(x) == hash(copy.copy(x))),
            [(x == y, x != y) for y in objects],
            x == 1,
            said(lambda x=x: setattr(copy.copy(x), "x", 7)),
            said(lambda x=x: setattr(copy.copy(x), "stranger", 7)),
            said(lambda x=x: delattr(copy.copy(x), "x")),
            said(lambda x=x: repr(dataclasses.replace(x, x=9)).partition(" object at ")[0]),
            said(lambda x=x: dataclasses.asdict(x)),
            said(lambda x=x: dataclasses.asdict(copy.deepcopy(x))),
            said(lambda x=x: dataclasses.asdict(pickle.loads(pickle.dumps(x)))),
        ]
    return found


@pytest.mark.parametrize("options", OPTIONS, ids=str)
@pytest.mark.parametrize(("source", "given"), CASES, ids=lambda x: getattr(x, "__name__", ""))
def test_a_class_is_what_the_standard_library_makes_of_it(
    source: Callable[[], type],
    given: list[tuple[tuple[object, ...], dict[str, object]]],
    options: dict[str, bool],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    found = []
    for make in (dataclasses.dataclass, plain_class.dataclass):
        cls: type = make(**options)(source())  # type: ignore[call-overload]
        # pickle finds a class by its name in a module
        home = types.ModuleType("home_of_a_class")
        monkeypatch.setitem(sys.modules, "home_of_a_class", home)
        cls.__module__ = "home_of_a_class"
        cls.__qualname__ = cls.__name__
        setattr(home, cls.__name__, cls)
        found.append(facts(cls, given))
    assert found[0] == found[1]


def test_a_class_below_another_has_the_fields_of_both() -> None:
    for make in (dataclasses.dataclass, plain_class.dataclass):

        @make(frozen=True)
        class Above:
            """One field."""

            x: int
            y: int = 2

        @make(frozen=True)
        class Below(Above):
            """Another."""

            z: int = 3

        assert repr(Below(1)).endswith("Below(x=1, y=2, z=3)")
        assert Below(1) == Below(1, 2, 3) != Above(1)
        assert isinstance(hash(Below(1)), int)
        with pytest.raises(dataclasses.FrozenInstanceError, match="cannot assign to field 'x'"):
            Below(1).x = 2  # type: ignore[misc]
        with pytest.raises(ValueError, match="mutable default"):
            make(type("Wrong", (), {"__annotations__": {"x": "list"}, "x": [], "__doc__": ""}))


def test_without_brackets_and_with_itself_inside() -> None:
    @plain_class.dataclass
    class Knot:
        """It may hold itself."""

        inner: list[Any]

    knot = Knot([])
    knot.inner.append(knot)
    assert repr(knot).endswith("Knot(inner=[...])")
