"""How near does each kernel come to what the machine can do; or what is a layer's best, by its ceilings?"""

from __future__ import annotations

from typing import TYPE_CHECKING

from cnnscope.analyzer.charts.chart import Chart, Row, model_name, shown_name
from cnnscope.analyzer.values.plain_class import dataclass

if TYPE_CHECKING:
    from cnnscope.analyzer.report.machine import Ceilings
    from cnnscope.analyzer.report.measurement import Profile
    from cnnscope.analyzer.report.report import Report


@dataclass(frozen=True, eq=False, repr=False)
class RooflineChart(Chart):
    """Rows: ``name``, ``flops``, ``bytes``, ``intensity`` in FLOP/byte, ``seconds`` (measured, or the least
    that the ceilings allow), ``flop_rate`` that this is, ``bound``.

    Args:
        measured: the times are measured.
        flop_rates: FLOP/s by what they are of.
        byte_rate: bytes per second.
    """

    measured: bool
    flop_rates: dict[str, float]
    byte_rate: float


def chart(
    report: Report | None, ceilings: str | None = None, *, profile: Profile | None = None
) -> RooflineChart:
    """A model under its machine's roof.

    Args:
        ceilings: as a data sheet has them: ``"10TFLOPS,900GB/s"``; beside a profile instead of measured ones.
        profile: of the model; by default the one that the report has, if any.

    Raises:
        ValueError: there is neither a profile nor ceilings; the ceilings can't be read, or weren't measured.

    >>> import cnnscope
    >>> found = chart(cnnscope.analyze("sample_models/lenet5.onnx"), "10TFLOPS,900GB/s")
    >>> found.byte_rate, found.rows[0]["bound"]
    (900000000000.0, 'memory')
    """
    from cnnscope.analyzer.report.stated_ceilings import stated_ceilings

    if profile is None and report is not None and report.execution is not None:
        profile = report.execution.profile
    stated = None if ceilings is None else stated_ceilings(ceilings)
    roof = stated or (None if profile is None else profile.ceilings)
    if roof is None:
        raise ValueError(
            "a roofline needs a profile, or ceilings as a data sheet has them such as 10TFLOPS,900GB/s"
        )
    if roof.byte_rate is None or not roof.flop_rate:
        raise ValueError(
            "the machine's ceilings weren't measured in this profile: state them such as 10TFLOPS,900GB/s"
        )
    if profile is not None:
        rows, title = _kernels(profile), f"Roofline, measured: {shown_name(profile.model)}"
    else:
        assert report is not None
        rows = _layers(report, roof)
        title = f"Roofline, by stated ceilings: {model_name(report)}"
    return RooflineChart(title, rows, profile is not None, dict(roof.flop_rate), roof.byte_rate)


def _kernels(profile: Profile) -> tuple[Row, ...]:
    return tuple(
        {
            "name": row.layers[0] if row.layers else row.name, "flops": row.flops, "bytes": row.bytes,
            "intensity": row.intensity, "seconds": row.seconds, "flop_rate": row.flop_rate,
            "bound": row.bound,
        }
        for row in profile.outer
    )  # fmt: skip


def _layers(report: Report, roof: Ceilings) -> tuple[Row, ...]:
    from cnnscope.analyzer.report.stated_ceilings import least_time

    rows: list[Row] = []
    for layer in report.layers:
        least = least_time(roof, layer)
        flops = layer.flops
        rate = flops / least.seconds if flops is not None and least.seconds else None
        rows.append(
            {
                "name": layer.path, "flops": flops, "bytes": layer.traffic_bytes,
                "intensity": layer.intensity, "seconds": least.seconds, "flop_rate": rate,
                "bound": least.bound,
            }
        )  # fmt: skip
    return tuple(rows)
