"""What does a model look like as figures? What ``report.plot`` is.

The data is the report's, as tidy rows; matplotlib is loaded when a figure is drawn, and not before.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Final

from cnnscope.analyzer.charts import cost, effective, field, filters, memory, region, roofline
from cnnscope.analyzer.charts.chart import Chart
from cnnscope.analyzer.values.near_names import what_there_is
from cnnscope.analyzer.values.plain_class import dataclass

if TYPE_CHECKING:
    import numpy as np
    import pandas
    from matplotlib.axes import Axes
    from numpy.typing import NDArray

    from cnnscope.analyzer.charts.cost import By
    from cnnscope.analyzer.fields.effective import Counting
    from cnnscope.analyzer.report.effective_field import EffectiveField
    from cnnscope.analyzer.report.layer import Layer
    from cnnscope.analyzer.report.measurement import Profile
    from cnnscope.analyzer.report.report import Report

#: the kinds of figures, with a few words about each
KINDS: Final[Mapping[str, str]] = {
    "cost": "what each layer costs",
    "field": "how far each layer sees",
    "memory": "activations alive while layers run",
    "roofline": "work against bytes, under the machine's roof",
    "sizes": "what it costs at other sizes of its input",
    "region": "which positions a unit sees",
    "effective": "how much a unit hangs on each of them",
    "filters": "a layer's kernels as images",
}


@dataclass(frozen=True, eq=False, repr=False)
class Plots:
    """The figures of a report; what ``report.plot`` is.

    Each method draws on the axes it is given, or on a new figure of pyplot's, and returns the axes. What
    it draws is `data`'s. What isn't known isn't drawn, or is marked as that.

    Args:
        report: whose figures they are.

    Raises:
        ImportError: of every method: matplotlib isn't installed.

    >>> import cnnscope
    >>> report = cnnscope.analyze("sample_models/lenet5.onnx")
    >>> int(report.plot.data("cost")["macs"].sum())
    416520
    >>> report.plot.field().get_title()  # doctest: +SKIP
    'Receptive field by layer: lenet5.onnx'
    """

    report: Report

    def cost(self, metric: str = "macs", *, by: By = "layer", ax: Axes | None = None) -> Axes:
        """What each layer costs, in running order; or each group of layers.

        Args:
            metric: ``"macs"``, ``"flops"``, ``"params"``, ``"weight_bytes"`` or ``"traffic_bytes"``;
                ``"seconds"`` where the report has a profile.
            by: ``"layer"``, or a bar for each ``"op"``, ``"kind"``, ``"module"`` or ``"block"``.
            ax: where to draw.

        Raises:
            ValueError: there is no such metric or grouping.
        """
        return _drawn("cost", self.chart("cost", metric, by=by), ax)

    def field(self, *, ax: Axes | None = None) -> Axes:
        """How far each layer sees, along all paths, those that collapse no axis, and the smallest.

        Args:
            ax: where to draw.

        Raises:
            ValueError: no layer looks along an axis of an input.
        """
        return _drawn("field", self.chart("field"), ax)

    def memory(self, *, ax: Axes | None = None) -> Axes:
        """How many bytes of activations are alive while each layer runs, and the tensors of the peak.

        Args:
            ax: where to draw.

        Raises:
            ValueError: of no layer they are known, since lengths are free.
        """
        return _drawn("memory", self.chart("memory"), ax)

    def roofline(
        self, ceilings: str | None = None, *, profile: Profile | None = None, ax: Axes | None = None
    ) -> Axes:
        """Work against bytes, under what the machine can do.

        Args:
            ceilings: as a data sheet has them: ``"10TFLOPS,900GB/s"``.
            profile: what ``cnnscope.profile`` gave of the model; else the report's own, if it has one.
                Without any, each layer stands at the best that the ceilings allow.
            ax: where to draw.

        Raises:
            ValueError: there is neither a profile nor ceilings, or these can't be read.
        """
        return _drawn("roofline", self.chart("roofline", ceilings, profile=profile), ax)

    def sizes(self, metric: str = "macs", *, ax: Axes | None = None) -> Axes:
        """What the model costs at other sizes of its input: valid ones from a quarter to four times its own.

        Args:
            metric: ``"macs"``, ``"flops"``, ``"params"``, ``"weight_bytes"``, ``"peak_activation_bytes"``
                or ``"traffic_bytes"``.
            ax: where to draw.

        Raises:
            ValueError: the report was read from data, or the model accepts no other size.
        """
        return _drawn("sizes", self.chart("sizes", metric), ax)

    def region(
        self, layer: Layer | str | int, *, unit: Sequence[int | None] | None = None,
        image: str | os.PathLike[str] | NDArray[np.generic] | None = None,
        input: str | None = None, ax: Axes | None = None,  # noqa: A002
    ) -> Axes:  # fmt: skip
        """Which positions of an input a unit sees, exactly.

        Args:
            layer: the layer; of a word that fits several, such as a module's name, the last.
            unit: an index per axis of the layer's output, or per spatial axis; None: the central one.
            image: shown in the input's place: a file, or an array (height, width[, 3 or 4 colours]).
            input: which network input; else the first that the unit sees an axis of.
            ax: where to draw.

        Raises:
            KeyError: there is no such layer.
            ValueError: there is no such unit, input or image, or regions can't be told.
        """
        found = self.chart("region", layer, unit=unit, image=image, input=input)
        return _drawn("region", found, ax)

    def effective(
        self, layer: Layer | str | int | EffectiveField, *, unit: Sequence[int | None] | None = None,
        input: str | None = None, counting: Counting = "uniform",  # noqa: A002
        ax: Axes | None = None,
    ) -> Axes:  # fmt: skip
        """How much a unit hangs on each position that it sees.

        Args:
            layer: as for `region`; or an effective field, such as a measured one.
            unit, input, counting: as ``report.effective_field`` takes them.
            ax: where to draw.

        Raises:
            KeyError: there is no such layer.
            ValueError: there is no such unit or input, or it can't be told.
        """
        found = self.chart("effective", layer, unit=unit, input=input, counting=counting)
        return _drawn("effective", found, ax)

    def filters(
        self, layer: Layer | str | int, *, channel: int | None = None, together: bool = False,
        most: int = filters.MOST, ax: Axes | None = None,
    ) -> Axes:  # fmt: skip
        """A layer's kernels as images.

        Args:
            layer: as ``report.filters`` takes it.
            channel: which input channel; None: all where they are one or three, else the first.
            together: one scale for all filters; else each has its own.
            most: so many filters at most.
            ax: where to draw.

        Raises:
            KeyError: there is no such layer, or several fit.
            ValueError: it has no kernels, there is no such channel, or `most` is no number from 1 on.
            ModelFileError: the weights can't be read.
        """
        found = self.chart("filters", layer, channel=channel, together=together, most=most)
        return _drawn("filters", found, ax)

    def data(self, kind: str, *asked: object, **named: object) -> pandas.DataFrame:
        """What a figure shows, as a tidy DataFrame: a row a mark, a fact a column.

        Args:
            kind: the method's name.
            asked, named: what that method takes, apart from `ax`.

        Raises:
            ValueError: there is no such kind; and as that method.
            ImportError: pandas isn't installed.

        >>> import cnnscope
        >>> report = cnnscope.analyze("sample_models/lenet5.onnx")
        >>> report.plot.data("region", "conv2", unit=(9, 9)).columns.tolist()
        ['input', 'axis', 'first', 'last']
        """
        return self.chart(kind, *asked, **named).to_dataframe()

    def chart(self, kind: str, *asked: object, **named: object) -> Chart:
        """What a figure shows, as it is drawn; arguments as for `data`."""
        if kind not in KINDS:
            raise ValueError(f"there is no figure {kind!r}{what_there_is(kind, KINDS)}")
        return _CHARTS[kind](self.report, *asked, **named)


def _sizes(report: Report, metric: str = "macs") -> Chart:
    from cnnscope.analyzer.charts import sizes
    from cnnscope.analyzer.paging import usual_sweep
    from cnnscope.analyzer.report.file_nodes import analysis_of

    file = analysis_of(report).file
    found = usual_sweep(file.model if file.path is None else file.path)
    if found is None:
        raise ValueError("it accepts no other size of its inputs: there is nothing to draw")
    return sizes.chart(report, *found, metric)


_CHARTS: Final[Mapping[str, Callable[..., Chart]]] = {
    "cost": cost.chart, "field": field.chart, "memory": memory.chart, "roofline": roofline.chart,
    "sizes": _sizes, "region": region.chart, "effective": effective.chart, "filters": filters.chart,
}  # fmt: skip


def _drawn(kind: str, chart: Chart, axes: Axes | None) -> Axes:
    ask_for_matplotlib()
    from cnnscope.analyzer.render.plots.canvas import draw

    return draw(kind, chart, axes)


def picture(kind: str, chart: Chart, form: str) -> bytes:
    """A chart as the bytes of a file.

    Args:
        kind: the chart's, of `KINDS`.
        form: ``"svg"``, ``"png"`` or ``"pdf"``.

    Raises:
        ImportError: matplotlib isn't installed.
    """
    ask_for_matplotlib()
    from cnnscope.analyzer.render.plots import canvas

    return canvas.picture(kind, chart, form)


def ask_for_matplotlib() -> None:
    """Before anything is drawn.

    Raises:
        ImportError: it isn't installed, with how to do that.
    """
    try:
        import matplotlib  # noqa: F401
    except ImportError as error:
        raise ImportError(
            "figures need matplotlib, which can't be imported: pip install 'cnnscope[plot]'"
        ) from error
