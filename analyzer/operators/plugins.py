"""Which plugins define operators?

Those packages with an entry point of the group ``cnnscope.operators``: a function, which is called
without arguments, or a module, which is imported; either calls `register`. They are loaded once, and
only when an operator without rules is met, so that a model that needs none pays for none. One that
is broken is a diagnostic, whatever it raises.
"""

from __future__ import annotations

import inspect
import threading
from collections.abc import Iterator
from typing import TYPE_CHECKING

from cnnscope.analyzer.operators.custom import current_plugin
from cnnscope.analyzer.operators.guests import Written, is_the_programs, kept_quiet, wrote
from cnnscope.analyzer.values.diagnostics import Diagnostic

if TYPE_CHECKING:
    from importlib.metadata import EntryPoint

#: the group of entry points through which plugins are found
GROUP = "cnnscope.operators"

_lock = threading.RLock()
_found: list[Diagnostic] | None = None


def load_plugins() -> tuple[Diagnostic, ...]:
    """Have every installed plugin register its operators, once; what was noticed on the way."""
    global _found  # once per process is what this is about
    with _lock:
        if _found is None:
            _found = []  # a plugin that analyses a model while it is loaded doesn't start over
            for source, entry in _entries():
                _load(source, entry, _found)
        return tuple(_found)


def _entries() -> Iterator[tuple[str, EntryPoint]]:
    """The entry points with the distributions they belong to, in an order that doesn't change."""
    from importlib.metadata import entry_points  # here: most runs never look for plugins

    found = [
        (entry.dist.name if entry.dist is not None else entry.name, entry)
        for entry in entry_points(group=GROUP)
    ]
    yield from sorted(found, key=lambda pair: (pair[0].lower(), pair[1].name, pair[1].value))


def _load(source: str, entry: EntryPoint, notes: list[Diagnostic]) -> None:
    token = current_plugin.set((source, notes))
    written = Written()
    try:
        with kept_quiet() as written:
            loaded = entry.load()
            if callable(loaded):
                loaded()
            elif not inspect.ismodule(loaded):
                raise TypeError(f"it is {type(loaded).__name__}, neither a function nor a module")
    except BaseException as error:  # a plugin may raise anything
        if is_the_programs(error):
            raise
        import logging  # here: hardly anything is ever logged

        logging.getLogger("cnnscope").debug("plugin %s failed", source, exc_info=error)
        said = " ".join(f"{type(error).__name__}: {error}".split()).removesuffix(":")
        notes.append(
            Diagnostic("plugin-failed", "warning", None,
                       f"the plugin {source} ({entry.name} = {entry.value}) can't be loaded: "
                       f"{said[:300]}",
                       "operators that it had not registered by then have no rules")
        )  # fmt: skip
    finally:
        current_plugin.reset(token)
    if written.anything:
        notes.append(wrote(source))
