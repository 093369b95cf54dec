"""When does Python's cycle collector rest? While much is made that stays."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager

#: what passes for old isn't looked at until there is a quarter more of it: whoever analyses model after model
#: would keep what of them is garbage. So it is looked for here, after so many objects or that share of all
_MANY, _SHARE = 1 << 18, 4
_unseen = _settled = 0


@contextmanager
def collector_resting() -> Iterator[None]:
    """Without Python's cycle collector, which would look again and again at all that is kept.

    A report is made of objects that stay, and few of them in cycles; looking for garbage among them
    takes a third of the time, and more per layer the larger the model is.
    """
    global _unseen, _settled
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            if not gc.get_freeze_count():
                # All that was made is kept, so it may pass for old at once: the collector's first
                # look after its rest would be at every object of the report.
                _unseen += gc.get_count()[0]
                gc.freeze()
                gc.unfreeze()
                if _unseen > max(_MANY, _settled // _SHARE):
                    gc.collect()
                    gc.freeze()
                    _unseen, _settled = 0, gc.get_freeze_count()
                    gc.unfreeze()
            gc.enable()
