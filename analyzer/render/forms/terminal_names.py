"""How are names cut where there's no room for them, so that different ones stay different?

A name is a path: what layers have in common stands in front, what tells them apart at the end. So steps are
left out from the front (``…/conv2/Conv``), as few as need be. Where that makes two names alike, a step in
which they differ is kept, or else the characters in which they do; at last they are numbered.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Hashable, Iterator, Mapping, Sequence

from rich.cells import cell_len

from cnnscope.analyzer.values.notation import middle

#: steps of a name that are looked at
_STEPS = 60

#: what stands for each name that is still open
Texts = Mapping[Hashable, str]


def cells(text: str) -> int:
    """How many cells of a terminal a text takes; most are plain, and need no table of characters."""
    return len(text) if text.isascii() and text.isprintable() else cell_len(text)


def fitted(text: str, width: int) -> str:
    """The text, its middle left out where it takes more cells than there are."""
    if len(text) <= width and text.isascii():
        return text
    longest = width
    short = middle(text, longest)
    while cell_len(short) > width and longest:  # characters two cells wide
        longest -= 1
        short = middle(text, longest)
    return short


def comfortable(texts: Sequence[str], beside: Sequence[str] | None = None) -> int:
    """The fewest cells in which names stay different with whole steps left out.

    Args:
        beside: what stands beside each name, and may be left out at its end.
    """
    distinct = dict(zip(texts, beside or [""] * len(texts), strict=True))
    short = {text: _without(text, said) for text, said in distinct.items()}
    seen = Counter(end for text in distinct for end in _endings(text))
    also = Counter(end for text in short.values() for end in (text, *_endings(text)))
    most = 0
    for text, cut in short.items():
        forms = [text, *(f"…/{end}" for end in _endings(text) if seen[end] == 1)]
        if cut != text:
            forms += [cut] if also[cut] == 1 else []
            forms += [f"…/{end}" for end in _endings(cut) if also[end] == 1]
        most = max(most, min(map(cell_len, forms)))
    return most


def apart(
    texts: Sequence[str],
    keys: Sequence[Hashable],
    width: int,
    *,
    beside: Sequence[str] | None = None,
    paths: bool = True,
) -> list[str]:
    """The texts in so many cells; those of different keys are different as long as there's any way.

    Args:
        keys: what each text stands for.
        beside: what stands beside each, and may be left out at its end.
        paths: what tells them apart stands at their ends; else it is their middles that are left out.

    >>> apart(["net/a/conv/Conv", "net/b/conv/Conv", "fc"], "xyz", 11)
    ['…/a/…/Conv', '…/b/…/Conv', 'fc']
    """
    if all(len(text) <= width and text.isascii() for text in texts) and (
        texts is keys or len(set(texts)) == len(set(keys))
    ):
        return list(texts)
    open_: dict[Hashable, str] = dict(zip(keys, texts, strict=True))
    said = dict(zip(keys, beside or [""] * len(texts), strict=True))

    def cut(way: Callable[[Texts, int], Texts]) -> Callable[[Texts, int], Texts]:
        return lambda texts, width: way(
            {k: _without(text, said[k]) for k, text in texts.items()}, width
        )

    found: dict[Hashable, str] = {}
    used: set[str] = set()
    ways: tuple[Callable[[Texts, int], Texts], ...] = (
        (
            _whole,
            _by_whole_steps,
            cut(_by_whole_steps),
            _by_steps,
            cut(_by_steps),
            _by_endings,
            _by_characters,
        )
        if paths
        else (_whole, _by_middles, _by_characters)
    )
    for way in ways:
        tried = way(open_, width)
        times = Counter(tried.values())
        taken = {
            key: short for key, short in tried.items()
            if times[short] == 1 and short not in used and cell_len(short) <= width
        }  # fmt: skip
        found.update(taken)
        used.update(taken.values())
        open_ = {key: text for key, text in open_.items() if key not in taken}
    number = 0
    for key, text in open_.items():
        short = fitted(text, width)
        for _ in range(len(found) + 1):
            number += 1
            mark = f"~{number}"
            if len(mark) < width:
                short = f"{fitted(text, width - len(mark))}{mark}"
            if short not in used:
                break
        found[key] = short
        used.add(short)
    return [found[key] for key in keys]


# -- ways to cut ------------------------------------------------------------------------------


def _whole(texts: Texts, width: int) -> Texts:
    return {key: text for key, text in texts.items() if cell_len(text) <= width}


def _by_whole_steps(texts: Texts, width: int) -> Texts:
    found: dict[Hashable, str] = {}
    for key, text in texts.items():
        forms = (text, *(f"…/{end}" for end in _endings(text)))
        short = next((form for form in forms if cell_len(form) <= width), None)
        if short is not None:
            found[key] = short
    return found


def _by_endings(texts: Texts, width: int) -> Texts:
    return {key: _ending(text, width) for key, text in texts.items()}


def _by_middles(texts: Texts, width: int) -> Texts:
    return {key: fitted(text, width) for key, text in texts.items()}


def _by_steps(texts: Texts, width: int) -> Texts:
    """The step nearest to the end in which those that end alike differ, and what there's room for behind."""
    found: dict[Hashable, str] = {}
    for group in _alike(texts, width):
        steps = {key: texts[key].split("/") for key in group}
        shortest = min(map(len, steps.values()))
        at = next(
            (i for i in range(1, shortest + 1) if len({s[-i] for s in steps.values()}) > 1), None
        )
        if at is None or at == 1:
            continue
        for key, own in steps.items():
            head = f"{'…/' if len(own) > at else ''}{own[-at]}/"
            rest = "/".join(own[1 - at :])
            ends = (rest, *(f"…/{end}" for end in _endings(rest)))
            room = width - cell_len(head)
            end = next((end for end in ends if cell_len(end) <= room), None)
            if end is not None:
                found[key] = head + end
    return found


def _by_characters(texts: Texts, width: int) -> Texts:
    """The characters from the first on in which those that end alike differ, and their ends."""
    found: dict[Hashable, str] = {}
    for group in _alike(texts, width):
        first, last = min(texts[k] for k in group), max(texts[k] for k in group)
        pairs = enumerate(zip(first, last, strict=False))
        start = next((i for i, (a, b) in pairs if a != b), min(len(first), len(last)))
        for key in group:
            text = texts[key]
            left = _first(text[start:], (width - 2) // 2)
            right = _last(text[start + len(left) :], width - 2 - cell_len(left))
            between = "" if start + len(left) + len(right) == len(text) else "…"
            found[key] = f"{'…' if start else ''}{left}{between}{right}"
    return found


def _alike(texts: Texts, width: int) -> Iterator[list[Hashable]]:
    """Those together that end alike."""
    groups: dict[str, list[Hashable]] = {}
    for key, text in texts.items():
        groups.setdefault(_ending(text, width), []).append(key)
    yield from groups.values()


def _without(text: str, beside: str) -> str:
    """A name without what stands beside it: ``a/conv/Conv_1``, beside Conv, is ``a/conv/…_1``."""
    path, slash, last = text.rpartition("/")
    if not slash or not beside or not last.startswith(beside):
        return text
    return f"{path}/…{last[len(beside) :]}"


# -- parts of a text --------------------------------------------------------------------------


def _endings(text: str) -> list[str]:
    """What is left of a name without its first step, its first two, and so on."""
    found: list[str] = []
    at = text.find("/", 1)
    while 0 < at < len(text) - 1 and len(found) < _STEPS:
        found.append(text[at + 1 :])
        at = text.find("/", at + 1)
    return found


def _ending(text: str, width: int) -> str:
    """As many steps from the end as there's room for, or else characters."""
    if cell_len(text) <= width:
        return text
    fitting = (f"…/{end}" for end in _endings(text) if cell_len(end) + 2 <= width)
    return next(fitting, None) or f"…{_last(text, width - 1)}"


def _first(text: str, room: int) -> str:
    """Characters from the front, in so many cells."""
    end = 0
    while end < len(text) and cell_len(text[: end + 1]) <= room:
        end += 1
    return text[:end]


def _last(text: str, room: int) -> str:
    """Characters from the end, in so many cells."""
    start = len(text)
    while start > 0 and cell_len(text[start - 1 :]) <= room:
        start -= 1
    return text[start:]
