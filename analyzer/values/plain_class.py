"""How is a class of plain facts made, where a command has a hundred of them and ends in no time?

`dataclass` here is to the letter what the standard library's is; type checkers see that one. That one writes
and compiles six methods for each frozen class, which took a fifth of a command's time. Here only `__init__`,
which has to be fast, is compiled; the others are functions over the fields' names.
"""

from __future__ import annotations

import dataclasses
import operator
import reprlib
from collections.abc import Callable, Sequence
from dataclasses import MISSING, Field, FrozenInstanceError
from types import MemberDescriptorType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from dataclasses import dataclass as dataclass
else:

    def dataclass(
        cls: type | None = None,
        /,
        *,
        frozen: bool = False,
        slots: bool = False,
        eq: bool = True,
        repr: bool = True,  # noqa: A002  # the standard library's word
    ) -> type | Callable[[type], type]:
        """A class of the fields that are annotated in it, as `dataclasses.dataclass` makes it."""

        def made(cls: type) -> type:
            return _with_methods(cls, frozen, slots, eq, repr)

        return made if cls is None else made(cls)


class _Anew:
    """Stands for a default that is made anew for each object."""

    def __repr__(self) -> str:
        return "<factory>"


def _with_methods(cls: type, frozen: bool, slots: bool, eq: bool, shown: bool) -> type:
    own = {name for name, x in vars(cls).items() if (name, x) != ("__hash__", None)}  # which stays
    cls.__doc__ = cls.__doc__ or ""  # else the standard library writes one from the signature
    cls = dataclasses.dataclass(init=False, repr=False, eq=False, slots=slots)(cls)
    every = dataclasses.fields(cls)
    methods: dict[str, Callable[..., object] | None] = {"__init__": _init(cls, every, frozen)}
    if shown:
        methods["__repr__"] = _repr([x.name for x in every if x.repr])
    if eq:
        methods["__eq__"] = _eq(_values_of([x.name for x in every if x.compare]))
        hashed = [x.name for x in every if (x.compare if x.hash is None else x.hash)]
        methods["__hash__"] = _hash(_values_of(hashed)) if frozen else None
    if frozen:
        methods |= _frozen(cls, frozenset(x.name for x in every))
    if frozen and slots:
        methods |= _pickled([x.name for x in every])
    for name, method in methods.items():
        if name in own:
            continue
        if method is not None:
            method.__name__, method.__qualname__ = name, f"{cls.__qualname__}.{name}"
        setattr(cls, name, method)
    return cls


def _init(cls: type, every: Sequence[Field[object]], frozen: bool) -> Callable[..., None]:
    """The only method that is written and compiled."""
    known: dict[str, object] = {"_set": object.__setattr__, "_anew": _Anew()}
    slots = _slots(cls) if frozen else {}
    places: dict[bool, list[str]] = {False: [], True: []}
    lines = []
    for x in every:
        value = x.name
        if x.default_factory is not MISSING:
            known[f"_made_{x.name}"] = x.default_factory
            value = f"_made_{x.name}()"
        elif x.default is not MISSING:
            known[f"_default_{x.name}"] = x.default
        if x.init:
            default = "" if x.default is MISSING else f"=_default_{x.name}"
            if x.default_factory is not MISSING:
                default, value = "=_anew", f"{value} if {x.name} is _anew else {x.name}"
            places[bool(x.kw_only)].append(x.name + default)
        elif x.default_factory is MISSING:
            if x.default is MISSING:
                continue  # the class sets it itself
            value = f"_default_{x.name}"
        if x.name in slots:
            known[f"_set_{x.name}"] = slots[x.name]
            lines.append(f" _set_{x.name}(self, {value})")
        else:
            lines.append(
                f" _set(self, {x.name!r}, {value})" if frozen else f" self.{x.name} = {value}"
            )
    if hasattr(cls, "__post_init__"):
        lines.append(" self.__post_init__()")
    taken = ", ".join(["self", *places[False], *(["*"] if places[True] else []), *places[True]])
    exec("\n".join([f"def __init__({taken}):", *(lines or [" pass"])]), known)
    init: Callable[..., None] = known["__init__"]  # type: ignore[assignment]
    init.__module__ = cls.__module__
    init.__annotations__ = {**{x.name: x.type for x in every if x.init}, "return": None}
    return init


def _slots(cls: type) -> dict[str, Callable[[object, object], None]]:
    """What sets each slot, without looking for it by its name: objects are made by the hundred thousand."""
    every = (pair for base in reversed(cls.__mro__) for pair in vars(base).items())
    return {name: x.__set__ for name, x in every if isinstance(x, MemberDescriptorType)}


def _values_of(names: Sequence[str]) -> Callable[[object], tuple[object, ...]]:
    """Of an object its fields as a tuple."""
    if len(names) > 1:
        return operator.attrgetter(*names)
    return lambda x: tuple([getattr(x, name) for name in names])


def _repr(names: Sequence[str]) -> Callable[[object], str]:
    @reprlib.recursive_repr()
    def shown(self: object) -> str:
        said = ", ".join([f"{name}={getattr(self, name)!r}" for name in names])
        return f"{type(self).__qualname__}({said})"

    return shown


def _eq(values: Callable[[object], tuple[object, ...]]) -> Callable[[object, object], object]:
    def same(self: object, other: object) -> object:
        if other.__class__ is self.__class__:
            return values(self) == values(other)
        return NotImplemented

    return same


def _hash(values: Callable[[object], tuple[object, ...]]) -> Callable[[object], int]:
    def hashed(self: object) -> int:
        return hash(values(self))

    return hashed


def _frozen(cls: type, names: frozenset[str]) -> dict[str, Callable[..., object]]:
    def assign(self: object, name: str, value: object) -> None:
        if type(self) is cls or name in names:
            raise FrozenInstanceError(f"cannot assign to field {name!r}")
        object.__setattr__(self, name, value)

    def delete(self: object, name: str) -> None:
        if type(self) is cls or name in names:
            raise FrozenInstanceError(f"cannot delete field {name!r}")
        object.__delattr__(self, name)

    return {"__setattr__": assign, "__delattr__": delete}


def _pickled(names: Sequence[str]) -> dict[str, Callable[..., object]]:
    """Of a class with slots that can't be set, its state as a list."""

    def state_of(self: object) -> list[object]:
        return [getattr(self, name) for name in names]

    def restore(self: object, state: Sequence[object]) -> None:
        for name, value in zip(names, state, strict=True):
            object.__setattr__(self, name, value)

    return {"__getstate__": state_of, "__setstate__": restore}
