"""What else does a reader of a profile have to know?"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

from cnnscope.analyzer.report.latency import Latency
from cnnscope.analyzer.report.machine import Residue

if TYPE_CHECKING:
    from cnnscope.runtime.engine.providers import Provider

#: beyond this share of a run, the residue is remarked upon
_AMISS: Final = 0.25


def ended_early(seconds: float, cut: Sequence[str]) -> tuple[str, ...]:
    """What the seconds that were given didn't suffice for."""
    if not cut:
        return ()
    return (f"{seconds:g} s are few for this model (--seconds): {'; '.join(cut)}",)


def notes(
    latencies: Sequence[Latency], residue: Residue | None, provider: Provider, why: str
) -> tuple[str, ...]:
    """What else a reader has to know.

    Args:
        latencies: whole runs.
        residue: what rows leave of a run; None where rows aren't meant to add up to one.
        provider: what ran the model.
        why: there are no records of a device that should have some; ``""`` where there are.
    """
    from cnnscope.runtime.profile.event_meaning import meaning, waits

    found = []
    if why:
        found.append(
            f"the rows' times are upper bounds, launches included, and nothing is derived from them: {why}"
        )
    said = meaning(provider)
    if said is not None:
        found.append(said)
    share = residue.share if residue is not None and waits(provider) else None
    if share is not None and abs(share) > _AMISS:
        found.append(
            "the kernels' times don't add up to a whole run: the machine's load changed between the "
            "two measurements, or kernels are so short that the profiler can't tell them from itself"
        )
    if not all(latency.io_bound for latency in latencies):
        found.append(
            "this model's inputs and outputs can't be bound once for all runs: handing them over is "
            "part of each run"
        )
    return tuple(found)
