"""Which names may have been meant by one that isn't there? The end of a sentence that refuses it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

#: characters of a name, and names, that are compared
_LONGEST, _MOST = 200, 5000


def near_names(wanted: str, known: Iterable[str], most: int = 2) -> list[str]:
    """The names that are like one: those that it begins, or else those spelt much like it.

    >>> near_names("latency", ["latency_p50", "latency_p99", "layers"])
    ['latency_p50', 'latency_p99']
    >>> near_names("Weight-Bytes", ["weight_bytes", "bytes"])
    ['weight_bytes']
    """
    plain = {_plain(name): name for name in list(known)[:_MOST]}
    given = _plain(wanted[:_LONGEST])
    if given in plain:
        return [plain[given]]
    begun = [name for key, name in plain.items() if len(given) > 2 and key.startswith(given)]
    if begun:
        return begun[:most]
    import difflib  # here: only a slip asks for it

    return [plain[key] for key in difflib.get_close_matches(given, plain, 1)]


def what_there_is(wanted: str, known: Iterable[str] | Mapping[str, str]) -> str:
    """What is said behind the name that isn't there: what was meant, or else all that there is.

    Args:
        wanted: the name.
        known: the names that there are; of a mapping, each with a few words about it.

    >>> what_there_is("mac", ["macs", "flops"]), what_there_is("zzz", {"macs": "products", "flops": "all"})
    ('; did you mean macs?', '; there are: macs (products), flops (all)')
    """
    close = near_names(wanted, known)
    if close:
        return f"; did you mean {' or '.join(close)}?"
    listed = (
        [f"{name} ({said})" for name, said in known.items()]
        if isinstance(known, Mapping)
        else known
    )
    return f"; there are: {', '.join(listed)}"


def _plain(name: str) -> str:
    return name.strip().lower().replace("-", "_")
