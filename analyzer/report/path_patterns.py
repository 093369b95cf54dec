"""Does a path fit a pattern, and which paths come near one that nothing fits?

A pattern is a path of its own: steps between ``/``, of which ``*`` stands for anything within one step and
``**`` for any number of steps. It means everything below, too: ``layer3`` is ``layer3/**``.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from fnmatch import fnmatchcase
from itertools import islice

Steps = tuple[str, ...]
#: paths that are compared with one that nothing fits
_COMPARED = 4000
#: characters of such a path; the names in a file may have millions
_WRITTEN = 500


def steps_of(path: str) -> Steps:
    """The steps of a path or a pattern; a ``/`` at its ends changes nothing.

    >>> steps_of("/layer1/0/conv1/Conv")
    ('layer1', '0', 'conv1', 'Conv')
    """
    return tuple(step for step in path.split("/") if step)


def fits(path: Sequence[str], pattern: Sequence[str]) -> bool:
    """The path begins with what the pattern stands for.

    >>> fits(steps_of("layer3/0/conv1"), steps_of("layer3")), fits(("a", "b"), ("**", "b"))
    (True, True)
    >>> fits(steps_of("layer3/0/conv1"), steps_of("layer3/*/conv2"))
    False
    """
    # Which positions of the pattern can be reached: no more of them than it has steps.
    reached = _passing({0}, pattern)
    for step in path:
        if len(pattern) in reached:
            return True
        onward = {at for at in reached if pattern[at] == "**"}
        onward |= {at + 1 for at in reached if _same(step, pattern[at])}
        reached = _passing(onward, pattern)
        if not reached:
            return False
    return len(pattern) in reached


def _passing(reached: set[int], pattern: Sequence[str]) -> set[int]:
    """With the positions behind each ``**``, which may stand for no step at all."""
    found = set(reached)
    for at in sorted(reached):
        while at < len(pattern) and pattern[at] == "**":
            at += 1
            found.add(at)
    return found


def _same(step: str, pattern: str) -> bool:
    return step == pattern or (pattern != "**" and fnmatchcase(step, pattern))


def nearest(pattern: str, paths: Iterable[Steps], most: int = 3) -> list[str]:
    """The paths that somebody may have meant who wrote a pattern that none of these fits.

    First those that it would fit further down, or with its dots for slashes; then those spelt much like it.

    >>> nearest("layer3.0", [("model", "layer3", "0", "conv1")]), nearest("haed", [("head", "fc")])
    (['model/layer3/0'], ['head'])
    """
    known = [tuple(_readable(path)) for path in islice(dict.fromkeys(paths), _COMPARED)]
    found: dict[str, None] = {}
    for wanted in dict.fromkeys((steps_of(pattern), steps_of(pattern.replace(".", "/")))):
        for path in known:
            for end in range(len(wanted) or len(path) + 1, len(path) + 1):
                if len(found) < most and _ends(path[:end], wanted):
                    found["/".join(path[:end])] = None
    if not found:
        parts = ("/".join(path[:n]) for path in known for n in range(1, len(path) + 1))
        below = list(islice(dict.fromkeys(parts), _COMPARED))
        plain = "/".join(steps_of(pattern.replace("*", "")))
        # A name of the last step alone is taken for a slip of that step.
        import difflib  # here: only a slip asks for it

        found.update(dict.fromkeys(difflib.get_close_matches(plain[:200], below, most)))
    return list(found)


def _readable(path: Steps) -> Iterator[str]:
    """The steps of a path as far as somebody would write them."""
    left = _WRITTEN
    for step in path[:_WRITTEN]:
        left -= len(step) + 1
        if left < 0:
            break
        yield step


def _ends(path: Steps, pattern: Steps) -> bool:
    """The pattern stands for the path's last steps, and not for what is below them."""
    if "**" in pattern:
        return False
    last = path[-len(pattern) :]
    return len(last) == len(pattern) and all(map(_same, last, pattern))
