"""What has to hold of free lengths, so that what was worked out with them holds?

A rule that compares lengths refuses what can't be: two parts of different heights aren't joined. Of free
lengths it often can't be told, ``H`` and ``8*floor(H/8)``: the rule goes on as if they agreed, and what it
took for granted is kept as a `Condition`. Its questions are asked here::

    agree(n, m)          n = m
    fits_onto(n, m)      n = m, or n = 1
    reaches(n, 3)        n >= 3
    divides(8, n)        n is a multiple of 8
    presume(n, 3)        n >= 3; where it isn't, the rule answers otherwise

Each gives False only of plain numbers. `noting` collects what was taken for granted.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Literal

from cnnscope.analyzer.values.dimension import Dim, FreeDim, Undetermined
from cnnscope.analyzer.values.plain_class import dataclass

#: ``"zero"``: the length is 0; ``"positive"``: it is 0 or more
Kind = Literal["zero", "positive"]


@dataclass(frozen=True, slots=True)
class Claim:
    """One thing that may hold of a difference of lengths.

    Args:
        left, right: two lengths.
        kind: ``"zero"``: they are equal; ``"positive"``: the left one is at least the right one.
    """

    left: Dim
    right: Dim
    kind: Kind

    @property
    def difference(self) -> Dim:
        """Left less right."""
        return self.left - self.right

    def holds_of(self, difference: int) -> bool:
        """Does it hold where the difference comes to that?"""
        return difference == 0 if self.kind == "zero" else difference >= 0

    def __str__(self) -> str:
        return f"{self.left} {'=' if self.kind == 'zero' else '>='} {self.right}"


@dataclass(frozen=True, slots=True)
class Condition:
    """What has to hold: one of several claims.

    Args:
        either: the claims. The first is what was taken for granted; where another one holds in its
            place, the node works as well.
        otherwise: where one of these holds, the node works too, but gives other lengths than were
            worked out.
    """

    either: tuple[Claim, ...]
    otherwise: tuple[Claim, ...] = ()

    @property
    def names(self) -> frozenset[str]:
        """The free dimensions that it is about."""
        return frozenset(n for claim in self.either for n in _names(claim.difference))

    @property
    def data(self) -> frozenset[str]:
        """What only a run can tell."""
        return frozenset(
            what for claim in self.either for what in getattr(claim.difference, "data", ())
        )

    def __str__(self) -> str:
        return " or ".join(map(str, self.either))


def _names(value: Dim) -> frozenset[str]:
    return value.names if isinstance(value, FreeDim) else frozenset()


class Noted:
    """What was taken for granted, each condition once, with who did first.

    Args:
        by: the node whose rule is asked; None: none.
        inside: how many subgraphs it is in, which may not run at all.
    """

    def __init__(self) -> None:
        self.by: str | None = None
        self.inside = 0
        self.conditions: dict[Condition, str | None] = {}
        #: those of subgraphs
        self.doubtful: dict[Condition, str | None] = {}
        #: what wasn't followed
        self.unfollowed: dict[str, str | None] = {}
        #: claims about plain numbers that don't hold, in order
        self.broken: list[Claim] = []

    def take(self, condition: Condition) -> None:
        """Keep a condition."""
        (self.doubtful if self.inside else self.conditions).setdefault(condition, self.by)


noted: ContextVar[Noted | None] = ContextVar("noted", default=None)


@contextmanager
def noting() -> Iterator[Noted]:
    """Collect what is taken for granted meanwhile.

    >>> with noting() as found:
    ...     agree(FreeDim.named("H"), 8)
    True
    >>> print(*found.conditions)
    H = 8
    """
    found = Noted()
    token = noted.set(found)
    try:
        yield found
    finally:
        noted.reset(token)


@contextmanager
def inside_subgraph() -> Iterator[None]:
    """What is taken for granted meanwhile is of a subgraph, which may not run at all."""
    found = noted.get()
    if found is None:
        yield
        return
    found.inside += 1
    try:
        yield
    finally:
        found.inside -= 1


def _taken(*claims: Claim, otherwise: Claim | None = None) -> bool:
    """Taken for granted, and noted where anybody collects what is: true."""
    found = noted.get()
    if found is not None:
        told = [_told(claim) for claim in claims]
        if True not in told:
            left = [x for x, known in zip(claims, told, strict=True) if known is None]
            other = otherwise is not None and _told(otherwise) is not False
            found.take(Condition(tuple(left or claims[:1]), (otherwise,) if other else ()))  # type: ignore[arg-type]  # not None
    return True


def _plainly(claim: Claim) -> bool:
    """Does it hold of plain numbers? Noted where it doesn't, and anybody collects that."""
    holds = _told(claim) is True
    found = noted.get()
    if not holds and found is not None:
        found.broken.append(claim)
    return holds


def _told(claim: Claim) -> bool | None:
    """Does it hold for every length, for none, or does it depend?"""
    difference = claim.difference
    if isinstance(difference, int):
        return claim.holds_of(difference)
    try:
        if claim.kind == "positive":
            return bool(difference >= 0)
        if difference > 0 or difference < 0:
            return False
    except Undetermined:
        pass
    return None


def agree(left: Dim, right: Dim) -> bool:
    """Are two lengths the same?

    >>> agree(3, 4), agree(FreeDim.named("H"), 4)
    (False, True)
    """
    if left == right:
        return True
    if isinstance(left, int) and isinstance(right, int):
        return _plainly(Claim(left, right, "zero"))
    return _taken(Claim(left, right, "zero"))


def fits_onto(length: Dim, onto: Dim) -> bool:
    """Can an axis be broadcast onto another: is it as long, or 1?

    >>> fits_onto(1, 4), fits_onto(3, 4), fits_onto(FreeDim.named("H"), 4)
    (True, False, True)
    """
    if length == onto:
        return True
    if isinstance(length, int) and (isinstance(onto, int) or length == 1):
        return length == 1
    # Where the other one is 1, and this isn't, it is the other that is stretched.
    stretched = None if isinstance(onto, int) else Claim(onto, 1, "zero")
    return _taken(Claim(length, onto, "zero"), Claim(length, 1, "zero"), otherwise=stretched)


def reaches(length: Dim, least: Dim, unless: Claim | None = None) -> bool:
    """Is a length no less than that?

    Args:
        unless: where this holds it needn't be.

    >>> reaches(0, 1), reaches(FreeDim.named("H") - 2, 1)
    (False, True)
    """
    claim = Claim(length, least, "positive")
    others = () if unless is None or _told(unless) is False else (unless,)
    if isinstance(length, int) and isinstance(least, int) and not others:
        return length >= least or _plainly(claim)
    return _taken(claim, *others)


def reaches_surely(length: Dim, least: Dim) -> bool:
    """Is a length no less than that, whatever is free in it? Nothing is taken for granted."""
    return _told(Claim(length, least, "positive")) is True


def not_followed(what: str) -> None:
    """Sizes may be ruled out by what isn't followed: noted."""
    found = noted.get()
    if found is not None:
        found.unfollowed.setdefault(what, found.by)


def divides(part: Dim, length: Dim) -> bool:
    """Is a length a multiple of that, which is at least 1?

    >>> divides(2, 5), divides(2, FreeDim.named("H"))
    (False, True)
    """
    if isinstance(length, int) and isinstance(part, int):
        return length % part == 0
    return _taken(Claim(length, length // part * part, "zero"))


def presume(length: Dim, least: Dim) -> None:
    """The rule's answer is worked out for a length that is no less than that; another is no fault.

    >>> with noting() as found:
    ...     presume(FreeDim.named("H"), 3)
    >>> condition = next(iter(found.conditions))
    >>> str(condition), str(condition.otherwise[0])
    ('H >= 3', '2 >= H')
    """
    if not (isinstance(length, int) and isinstance(least, int)):
        _taken(Claim(length, least, "positive"), otherwise=Claim(least - 1, length, "positive"))


def equal_always(left: Dim, right: Dim) -> bool:
    """Are two lengths the same, whatever is free in them? Where they may be, but needn't, it is noted that
    the answer is worked out for two that differ.

    >>> with noting() as found:
    ...     equal_always(FreeDim.named("H"), 3)
    False
    >>> str(next(iter(found.conditions)).otherwise[0])
    'H = 3'
    """
    if left == right:
        return True
    found = noted.get()
    claim = Claim(left, right, "zero")
    if found is not None and _told(claim) is None:
        found.take(Condition((Claim(0, 0, "zero"),), (claim,)))
    return False
