"""What is a profile asked for, and what of it can a process of its own be sent?"""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from cnnscope.analyzer.report.latency import Latency
from cnnscope.analyzer.values.plain_class import dataclass
from cnnscope.runtime.engine.job import ModelJob

#: seconds that whole runs may take when nobody says
SECONDS: Final = 3.0


@dataclass(frozen=True, slots=True)
class ProfileJob:
    """What to profile and how; plain data, so that a child process can be sent it.

    Args:
        base: the model, its sizes, provider, inputs and seed.
        batches: lengths of the batch dimension; empty for the model as it is.
        threads: of one operator; 0 for ONNX Runtime's choice.
        seconds: of whole runs; all else takes as long again (`planning`).
        fewest: runs that are timed, as far as the seconds go, even if the median is known before.
        recording: the path of a recording to make the profile from; None to run the model.
        dtype: what float32 is replaced by in a copy of the model; None for nothing.
        tf32: let float32 products be rounded to TF32, on CUDA.
        record: where to write a recording of what the device does; None for nowhere.
    """

    base: ModelJob
    batches: tuple[int, ...] = ()
    threads: int = 0
    seconds: float = SECONDS
    fewest: int = 10
    recording: str | None = None
    record: str | None = None
    dtype: str | None = None
    tf32: bool = False


@dataclass(frozen=True, slots=True)
class Timed:
    """A latency, and the provider that it is of."""

    provider: str
    latency: Latency


def sendable(request: ProfileJob) -> ProfileJob:
    """The request with everything in it that a process can be sent."""
    from cnnscope.runtime.engine import job

    return replace(request, base=job.sendable(request.base))
