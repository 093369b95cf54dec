"""When does Python's cycle collector rest? While much is made that stays."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def collector_resting() -> Iterator[None]:
    """Without Python's cycle collector, which would look again and again at all that is kept.

    A report is made of objects that stay, and few of them in cycles; looking for garbage among them
    takes a third of the time, and more per layer the larger the model is.
    """
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            if not gc.get_freeze_count():
                # All that was made is kept, so it may pass for old at once: the collector's first
                # look after its rest would be at every object of the report.
                gc.freeze()
                gc.unfreeze()
            gc.enable()
