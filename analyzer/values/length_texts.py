"""How are several lengths of a dimension written: ``224,256``, ``224..1024:32``, ``224..640``?"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final, TypeAlias

from cnnscope.analyzer.values.plain_class import dataclass

#: lengths of a dimension
MOST_LENGTHS: Final = 1 << 20

#: what a dimension gets: one length, or several
Lengths: TypeAlias = int | range | tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Between:
    """All lengths from one to another, both included, of which not each is wanted by itself."""

    least: int
    most: int

    @property
    def each(self) -> range:
        """These lengths.

        >>> Between(224, 640).each
        range(224, 641)
        """
        return range(self.least, self.most + 1)


class TooManyLengthsError(ValueError):
    """A range of more lengths than can be taken."""


def parse_lengths(text: str) -> int | range | tuple[int, ...] | Between:
    """The lengths that a text says: one, several, at equal distances, or all between two.

    Raises:
        TooManyLengthsError: there are too many.
        ValueError: it says none.

    >>> parse_lengths("224"), parse_lengths("224,256"), parse_lengths("224..288:32")
    (224, (224, 256), range(224, 289, 32))
    >>> parse_lengths("224..640")
    Between(least=224, most=640)
    """
    ends, colon, by = text.partition(":")
    least, dots, most = ends.partition("..")
    if not dots:
        if colon:
            raise ValueError
        lengths = tuple(parse_length(part) for part in text.split(","))
        return lengths[0] if len(lengths) == 1 else lengths
    low, high, step = parse_length(least), parse_length(most), parse_length(by) if colon else 1
    if low > high or not step:
        raise ValueError
    if (high - low) // step >= MOST_LENGTHS:
        raise TooManyLengthsError(f"a range of at most {MOST_LENGTHS} lengths can be taken")
    return range(low, high + 1, step) if colon else Between(low, high)


def parse_length(text: str) -> int:
    """A length.

    Raises:
        ValueError: it is none.
    """
    text = text.strip()
    if not (text.isascii() and text.isdigit() and len(text) < 19):
        raise ValueError
    return int(text)


def lengths_text(given: int | Sequence[int]) -> str:
    """Lengths as they are written.

    >>> lengths_text(224), lengths_text((224, 256)), lengths_text(range(224, 289, 32))
    ('224', '224,256', '224..288:32')
    >>> lengths_text(range(224, 641))
    '224..640'
    """
    if isinstance(given, int):
        return str(given)
    if isinstance(given, range) and len(given) > 1 and given.step > 0:
        return f"{given[0]}..{given[-1]}" + (f":{given.step}" if given.step > 1 else "")
    return ",".join(map(str, given))


def own_names(key: str) -> list[str]:
    """The dimensions that a key names: one, or several that move together.

    >>> own_names("H,W")
    ['H', 'W']
    """
    return key.split(",")


def ranges_of(dims: Mapping[str, int | Sequence[int]]) -> dict[str, Sequence[int]]:
    """Of dimensions and their lengths those that have several."""
    return {key: given for key, given in dims.items() if not isinstance(given, int)}
