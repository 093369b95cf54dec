"""Which models are meant by what was given: files, folders, globs, lists, places far away?"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path

from cnnscope.analyzer.values.plain_class import dataclass


@dataclass(frozen=True, slots=True)
class Unlisted:
    """What can't be listed: a folder that may not be read, a hub that doesn't answer. A row of its own.

    Args:
        place: raw, as a model's place is; secrets are still in it.
        said: why, in one line, without what is secret.
    """

    place: str
    said: str


def places_of(where: Iterable[str]) -> Iterator[str | Unlisted]:
    """The models' places, each once, as `analyze` takes them; secrets are still in them.

    Args:
        where: files, folders (all that lies in them and is named as a model), globs, places far away.
    """
    seen: set[str] = set()
    for word in where:
        here = Path(word)
        found = sorted(map(str, here.rglob("*.onnx"))) if here.is_dir() else [word]
        for place in found:
            if place not in seen:
                seen.add(place)
                yield place
