"""What do the units of a layer see along one axis of an input?"""

from __future__ import annotations

from fractions import Fraction

from cnnscope.analyzer.values.dimension import Dim
from cnnscope.analyzer.values.phases import Phases, phases_dict
from cnnscope.analyzer.values.plain_class import dataclass
from cnnscope.analyzer.values.spans import Span

#: for one unit: network input -> per axis, the input indices it sees, as inclusive ranges
Region = dict[str, tuple[tuple[tuple[int, int], ...], ...]]


@dataclass(frozen=True, slots=True)
class ReceptiveField:
    """What a unit of a layer sees along one axis of a network input (Distill 2019).

    Args:
        input: the network input.
        axis: its axis, counted from 0.
        output_axis: the layer's axis that moves along it; None where none does.
        size: input elements from the first to the last seen, the maximum over units, before
            clipping at the border; of a global field, the input's whole length. None: not known.
        step: input elements from one unit to the next, where that is one figure for all units:
            unit u then sees from ``start + u*step`` on. None elsewhere, as behind upsampling by a
            transposed convolution.
        start: where unit 0's window begins, i.e. minus the effective padding; None without a step.
        center: the middle of unit 0's window.
        global_: every unit sees the whole axis on some path.
        global_by: the layer that made it so.
        aligned: all paths have the same step and centre, on average over a period; None where the
            units don't move on evenly.
        local_size: the size along paths that don't collapse the axis (leaving out, e.g.,
            squeeze-and-excitation); None where there are none.
        smallest_size: the smallest field over single paths from the input to the layer (Richter et
            al. 2021), each measured as `size` is: before clipping, and where the axis is collapsed
            on the path, what of the input that covers. 1 <= smallest_size <= local_size, and
            <= size. None where a path that may be the smallest can't be followed.
        at_least: where the size isn't known, how much some unit sees at least.
        coverage: the share of the input axis that the size spans, 0 to 1.
        outside_share: the share of units along the axis whose field leaves the input, 0 to 1; None
            where not known.
        mean_step: input elements from one unit to the next on average, a `Fraction` after
            upsampling; None where the units don't move on.
        phases: where each unit along `output_axis` looks on paths that don't collapse the input's
            axis, before clipping: unit ``q*period + r`` sees ``spans[r]`` moved on by ``q*advance``.
            With a `period` of None `spans` has every unit. None where that hangs on several axes
            of the layer, isn't known, or would be a long list without a period. See `span`.
    """

    input: str
    axis: int
    output_axis: int | None
    size: int | None
    step: int | None
    start: int | None
    center: Fraction | None
    global_: bool
    global_by: str | None
    aligned: bool | None
    local_size: int | None
    smallest_size: int | None
    coverage: float | None
    outside_share: float | None = None
    mean_step: int | Fraction | None = None
    phases: Phases | None = None
    at_least: int | None = None

    def span(self, unit: int) -> Span | None:
        """The first and the last input position that a unit along `output_axis` sees, before
        clipping, on paths that don't collapse the input's axis; None: it sees nothing.

        Raises:
            ValueError: where each unit looks isn't said (`phases` is None).

        >>> import cnnscope
        >>> report = cnnscope.analyze("sample_models/lenet5.onnx")
        >>> report.layers[0].receptive_field[0].span(3)
        (3, 7)
        """
        if self.phases is None:
            raise ValueError("where each unit looks along this axis isn't known or no short list")
        return self.phases.span(unit)

    def to_dict(self) -> dict[str, object]:
        return {
            "input": self.input,
            "axis": self.axis,
            "output_axis": self.output_axis,
            "size": self.size,
            "step": self.step,
            "start": self.start,
            **phases_dict(self.phases),
            "center": None if self.center is None else _real(self.center),
            "global": self.global_,
            "global_by": self.global_by,
            "aligned": self.aligned,
            "local_size": self.local_size,
            "smallest_size": self.smallest_size,
            "at_least": self.at_least,
            "coverage": self.coverage,
            "outside_share": self.outside_share,
        }


def _real(value: Fraction) -> float | int:
    """As JSON writes it: beyond what a float holds, halves don't matter."""
    try:
        return float(value)
    except OverflowError:
        return round(value)


def plain_number(value: Dim | None) -> int | None:
    return value if isinstance(value, int) else None
