"""How long does a run of a model take, and what of it on a GPU, as figures that can be judged?"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from fractions import Fraction
from typing import TYPE_CHECKING, Final

from cnnscope.analyzer.budgets.figure import Figure
from cnnscope.analyzer.budgets.quantity import MEASURED, RECORDED
from cnnscope.analyzer.budgets.settings import (
    LatencySettings,
)
from cnnscope.analyzer.report.measurement import Profile
from cnnscope.analyzer.values.diagnostics import (
    CnnscopeError,
    NoRuntimeError,
)
from cnnscope.analyzer.values.notation import many

if TYPE_CHECKING:
    from cnnscope.analyzer.report.latency import Latency
from cnnscope.runtime.gates.jobs import Job

#: seconds after which a run of a model is given up
_PATIENCE: Final = 600.0
#: so many runs, and the slowest is beyond the 99th percentile with 95 % confidence
_MANY: Final = 299


def without_model(said: str, model: str) -> str:
    return said.removeprefix(f"{model}: ")


def measured_figures(
    job: Job, how: LatencySettings, say: Callable[[str], None], *, allow_unknown: bool = False
) -> dict[str, Figure]:
    """The latencies that a model has limits on; where it can't be run here, why they aren't known.

    Raises:
        NoRuntimeError: there is no ONNX Runtime, and without it nothing asked for can be judged.
    """
    wanted = {limit.quantity for limit in job.limits} & set(MEASURED)
    if not wanted:
        return {}
    if job.sizes.ranges or job.sizes.free:
        why = "it is measured at one size, and at the file's own where that is fixed"
        return dict.fromkeys(wanted, Figure.unknown(why))
    from cnnscope.runtime.engine.child import run_in_child
    from cnnscope.runtime.engine.job import ModelJob
    from cnnscope.runtime.engine.library import ask_for_library
    from cnnscope.runtime.profile.job import ProfileJob, Timed, sendable

    sizes = job.sizes
    base = ModelJob(job.source, sizes.shapes, sizes.dims, how.provider, values=sizes.values)
    asked = ProfileJob(base, threads=how.threads, seconds=how.seconds)
    if "latency_p99" in wanted:  # half of the runs may turn out to be a warm-up
        asked = replace(asked, fewest=2 * _MANY)
    by_device = wanted & set(RECORDED)  # these need a profile, which has the latency, too
    target = "profile_here" if by_device else "latency_here"
    try:
        ask_for_library()
        timed = run_in_child(
            f"cnnscope.runtime.profile.profiling:{target}",
            sendable(asked),
            timeout=_PATIENCE,
            progress=lambda said: say(f"{job.model}: {said}"),
        )
    except NoRuntimeError as error:
        if not allow_unknown and all(
            limit.quantity in MEASURED and not limit.allow_unknown for limit in job.limits
        ):
            raise
        return dict.fromkeys(wanted, Figure.unknown(str(error)))
    except CnnscopeError as error:
        why = f"it can't be run here: {without_model(str(error), job.model)}"
        return dict.fromkeys(wanted, Figure.unknown(why))
    assert isinstance(timed, (Timed, Profile))
    found = {key: latency_figure(timed.latency, key, how.tolerance) for key in wanted - by_device}
    if isinstance(timed, Profile):
        found |= {key: device_figure(timed, key, how.tolerance) for key in by_device}
    return found


def device_figure(found: Profile, key: str, tolerance: Fraction) -> Figure:
    """What a GPU's records say, as an interval.

    The kernels' time is the mean of the recorded runs, within the tolerance. The part in which the
    device waits hangs on the latency besides, which is as uncertain as `latency_figure` has it.

    Args:
        found: the measurement.
        key: ``"device_time"`` or ``"host_bound"``.
        tolerance: a share of a time.
    """
    device = found.device
    if device is None:
        why = next(iter(found.notes), f"it ran on {found.provider}")
        return Figure.unknown(f"a GPU's own records are needed: {why}")
    why = "too close to the limit to be told from noise"
    if key == "device_time":
        value = _nanoseconds(device.seconds)
        return Figure(value * (1 - tolerance), value * (1 + tolerance), why, value)
    busy, run = _nanoseconds(device.busy), latency_figure(found.latency, "latency_p50", tolerance)
    if run.low is None or run.high is None or not run.low:
        return Figure.unknown("how long a run takes isn't known")
    least, most = (max(Fraction(0), 1 - busy / x) for x in (run.low, run.high))
    value = max(Fraction(0), 1 - busy / _nanoseconds(found.latency.p50))
    return Figure(least, most, why, value)


def latency_figure(found: Latency, key: str, tolerance: Fraction) -> Figure:
    """A measured time as an interval.

    The median of steady runs lies within the tolerance, or within the measurement's own uncertainty
    where that is more. Runs that aren't steady say no more than that it lies between the fastest
    and the slowest of them. The 99th percentile lies above the 90th that was measured, and below
    the slowest run once there are so many that one of them is beyond it with 95 % confidence:
    ``0.99**n <= 0.05``, n = 299.

    Args:
        found: the measurement.
        key: ``"latency_p50"`` or ``"latency_p99"``.
        tolerance: a share of the time.
    """
    if (
        found.least is None or found.most is None or found.p90 is None or found.p99 is None
        or found.runs is None
    ):  # fmt: skip
        return Figure.unknown("the runs' times aren't known one by one")
    least, most = _nanoseconds(found.least), _nanoseconds(found.most)
    why = "too close to the limit to be told from noise"
    if found.noise is not None:
        why = f"the runs differ too much to say ({found.noise})"
    if key == "latency_p99":
        value = _nanoseconds(found.p99)
        runs = found.runs - found.warmup
        low = min(_nanoseconds(found.p90), value * (1 - tolerance))
        if runs < _MANY:
            say = "says" if runs == 1 else "say"
            why = f"{many(runs, 'run')} {say} too little of it; {_MANY} would do (seconds, under [latency])"
            return Figure(low, None, why, value)
        return Figure(low, max(most, value * (1 + tolerance)), why, value)
    value = _nanoseconds(found.p50)
    if found.noise is not None:
        return Figure(least, most, why, value)
    share = max(tolerance, Fraction(found.uncertainty or 0) / 2)
    return Figure(value * (1 - share), value * (1 + share), why, value)


def _nanoseconds(seconds: float) -> Fraction:
    """No clock says more."""
    return Fraction(round(seconds * 10**9), 10**9)
