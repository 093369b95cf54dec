"""Which models are meant by what was given: files, folders, globs, lists, places far away?"""

from __future__ import annotations

import os
from collections.abc import Iterable
from itertools import chain, islice

from cnnscope.analyzer.model.remote_names import is_far
from cnnscope.runtime.fleet.local_places import places_here
from cnnscope.runtime.fleet.unlisted import Found, Unlisted

__all__ = ["Found", "Unlisted", "places_of"]


def places_of(where: Iterable[str | Unlisted]) -> Found:
    """The models' places, each once, as `analyze` takes them; secrets are still in them.

    They come in an order that hangs on nothing but names, as they are found: at no time are all of them held.

    Args:
        where: files, folders (all that lies in them and is named as a model), globs, places far away; what a
            list names (`place_lists`) among them.
    """
    words = iter(where)
    first = list(islice(words, 2))
    found = chain.from_iterable(map(_meant, chain(first, words)))
    # One folder, one glob, one bucket names nothing twice.
    return found if len(first) < 2 else _once(found)


def _meant(word: str | Unlisted) -> Found:
    if isinstance(word, Unlisted):
        return iter([word])
    bare = word.strip()
    if bare != word and is_far(bare) and not os.path.lexists(word):
        word = bare  # of a list that somebody indented
    if not is_far(word):
        return places_here(word)
    # Loaded where something far away is asked for.
    from cnnscope.runtime.fleet.far_listing import places_there

    return places_there(word)


def _once(found: Found) -> Found:
    from cnnscope.runtime.fleet.distinct import Distinct

    seen = Distinct()
    for each in found:
        if isinstance(each, Unlisted) or seen.adds(each):
            yield each
