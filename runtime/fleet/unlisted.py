"""What is said of a place that can't be listed, and by which names is a file a model's?"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import chain
from typing import Final, TypeAlias

from cnnscope.analyzer.model.path_pattern import ANY_DEPTH, PathPattern
from cnnscope.analyzer.values.plain_class import dataclass

#: endings that say ONNX: protobuf, and the texts that nobody else has
ENDINGS: Final = (".onnx", ".onnxtxt", ".onnxtext", ".onnxjson")
#: and the one that is read far away
FAR_ENDINGS: Final = (".onnx",)


@dataclass(frozen=True, slots=True)
class Unlisted:
    """What can't be listed: a folder that may not be read, a hub that doesn't answer. A row of its own.

    Args:
        place: raw, as a model's place is; secrets are still in it.
        said: why, in one line, without what is secret.
    """

    place: str
    said: str


Found: TypeAlias = Iterator[str | Unlisted]


def names_a_model(name: str, endings: tuple[str, ...] = ENDINGS) -> bool:
    """Whether a file is taken for a model where a folder is given.

    >>> names_a_model("a/M.ONNX"), names_a_model("m.onnx.gz"), names_a_model("config.json")
    (True, False, False)
    """
    return name.lower().endswith(endings)


class Wanted:
    """Which files below a folder are meant.

    A pattern that ends in a bare ``*`` or ``**`` means models; one that says more of the name means what
    has it.

    Args:
        parts: a pattern's names; none: all models in the folder.
        endings: what makes a model of a file.
    """

    def __init__(self, parts: list[str], endings: tuple[str, ...] = ENDINGS) -> None:
        self.pattern = PathPattern([x for x in parts if x] or [ANY_DEPTH])
        self._endings = endings if self.pattern.parts[-1] == "*" else ()

    def takes(self, name: str) -> bool:
        """Whether a file that the pattern means is one by its own name."""
        return not self._endings or names_a_model(name, self._endings)

    def fits(self, path: str) -> bool:
        """Whether a file is meant, by its path from the folder."""
        return self.takes(path) and self.pattern.fits(path.split("/"))


def or_this(found: Found, otherwise: str | Unlisted) -> Found:
    """What was found, or, if that is nothing, something else."""
    first = next(found, None)
    return chain([otherwise if first is None else first], found)


def placed(before: str, found: Iterable[str | Unlisted], behind: str = "") -> Found:
    """Paths as places: with what stands before and behind each."""
    for each in found:
        if isinstance(each, Unlisted):
            here = before if each.place else before.removesuffix("/") or before
            yield Unlisted(f"{here}{each.place}{behind}", each.said)
        else:
            yield f"{before}{each}{behind}"
