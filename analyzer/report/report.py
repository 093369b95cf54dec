"""What does cnnscope say of a model? The facts per layer, the totals, and what is not known.

`Report` is plain data with the questions people ask of it. ``to_dict()`` is the JSON schema
(``schema_version`` 1). Nothing here computes a shape, a cost or a field, and nothing formats.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import field
from typing import TYPE_CHECKING, cast

from cnnscope.analyzer.report.free_lengths import lengths_of
from cnnscope.analyzer.report.layer import Layer
from cnnscope.analyzer.report.layer_questions import LayerQuestions
from cnnscope.analyzer.report.layers import Layers
from cnnscope.analyzer.report.metric import Totals
from cnnscope.analyzer.report.model_info import ModelInfo
from cnnscope.analyzer.report.network_input import Input
from cnnscope.analyzer.values.diagnostics import Diagnostic
from cnnscope.analyzer.values.dimension import FreeDim
from cnnscope.analyzer.values.formula_table import FormulaTable
from cnnscope.analyzer.values.node_name import NodeName
from cnnscope.analyzer.values.notation import many, name
from cnnscope.analyzer.values.plain_class import dataclass
from cnnscope.analyzer.values.shown import Answer
from cnnscope.analyzer.values.tensor import Tensor, plain_shape

if TYPE_CHECKING:
    import networkx
    import pandas

    from cnnscope.analyzer.paging import Page
    from cnnscope.analyzer.plotting import Plots
    from cnnscope.analyzer.report.activations import Activations
    from cnnscope.analyzer.report.examination import Analysis
    from cnnscope.analyzer.report.execution import Execution
    from cnnscope.analyzer.report.grouping import Groups

SCHEMA_VERSION = 1


@dataclass(frozen=True, eq=False, repr=False)
class Report(LayerQuestions, Answer):
    """Everything known of a model.

    Args:
        model: what the file says of itself.
        inputs, outputs: of the main graph; weights also listed as inputs aren't inputs.
        layers: in running order; nodes whose result is constant aren't layers.
        totals: the figures.
        diagnostics: what was noticed.
        tensors: every input and every node output of the main graph, by name.

    >>> import cnnscope
    >>> report = cnnscope.analyze("sample_models/lenet5.onnx")  # doctest: +SKIP
    >>> report.totals.params.value  # doctest: +SKIP
    61706
    """

    model: ModelInfo
    inputs: tuple[Input, ...]
    outputs: tuple[Input, ...]
    layers: Layers
    totals: Totals
    diagnostics: tuple[Diagnostic, ...]
    tensors: Mapping[str, Tensor]
    _graph: Callable[[Report], networkx.DiGraph[str]] = field(repr=False, kw_only=True)
    #: free dimensions that were taken for the batch, and for 1; whether each was shown to be it
    batch: Mapping[str, bool] = field(default_factory=dict, kw_only=True)
    #: what running the model showed, where it was run
    execution: Execution | None = field(default=None, repr=False, kw_only=True)
    #: the passes' results it was made from, for `runtime`
    _analysis: object = field(default=None, repr=False, kw_only=True)

    def __getitem__(self, key: str | int) -> Layer:
        """A layer by name, by the name of a tensor it gives, or by index."""
        return self.layers[key]

    @property
    def graph(self) -> networkx.DiGraph[str]:
        """The layers as a networkx DiGraph: nodes are the layers' names, ``report[node]`` is the layer.

        Node attributes are what `to_dataframe` has of a layer, as far as it is known, with its output's
        ``shape`` as text; network inputs and outputs are nodes, too, as ``kind`` tells (what a layer is
        stands in ``layer_kind``). An edge's ``tensors`` are the names of what flows along it. All are plain
        numbers and texts, so that networkx's writers take the graph; control characters are escaped.

        >>> import cnnscope
        >>> graph = cnnscope.analyze("sample_models/lenet5.onnx").graph
        >>> graph.nodes["/conv2/Conv"]["macs"], graph.nodes["/conv2/Conv"]["rf_h"]
        (240000, 14)
        """
        return self._graph(self)

    @property
    def errors(self) -> tuple[Diagnostic, ...]:
        """Where the model contradicts itself, so that no runtime can run it as it is.

        >>> import cnnscope
        >>> cnnscope.analyze("sample_models/lenet5.onnx").errors
        ()
        """
        return tuple(d for d in self.diagnostics if d.severity == "error")

    @property
    def batch_axes(self) -> Mapping[str, int]:
        """By input, the axis of its free batch dimension; inputs without one are left out."""
        return {
            x.name: axis
            for x in self.inputs
            for axis, dim in enumerate(x.declared.shape or ())
            if isinstance(dim, FreeDim)
            and not self.batch.keys().isdisjoint((str(dim), f"{x.name}:{axis}"))
        }

    @property
    def complete(self) -> bool:
        """Every total is complete, and there is no error."""
        return not self.errors and all(
            m.status == "complete" for m in self.totals.metrics().values()
        )

    def activations(self) -> Activations:
        """Which tensors are alive while each layer runs, and how many bytes that is.

        In a report that was read from data this isn't known up to the last layer with a subgraph.

        >>> import cnnscope
        >>> found = cnnscope.analyze("sample_models/lenet5.onnx").activations()
        >>> found.alive_bytes()[:4]
        [22912, 37632, 23520, 11104]
        """
        from cnnscope.analyzer.report.activations import activations_of

        ends = [x.name for x in self.inputs], [x.name for x in self.outputs]
        analysis = cast("Analysis | None", self._analysis)
        return activations_of(self.model.path, self.layers, ends, self.tensors, analysis)

    @property
    def plot(self) -> Plots:
        """Its figures: ``report.plot.field()`` draws one with matplotlib, ``report.plot.data("field")`` is
        what that shows as a DataFrame.

        >>> import cnnscope
        >>> int(cnnscope.analyze("sample_models/lenet5.onnx").plot.data("field")["size"].max())
        32
        """
        from cnnscope.analyzer.plotting import Plots

        return Plots(self)

    def page(self) -> Page:
        """Its page, all of it to be looked at: ``report.page().save("report.html")`` writes it as one file; a
        notebook shows a card that opens into it.

        >>> import cnnscope
        >>> cnnscope.analyze("sample_models/lenet5.onnx").page()
        <cnnscope.Page of sample_models/lenet5.onnx: 12 layers>
        """
        from cnnscope.analyzer.paging import Page

        return Page(self)

    def by_op(self) -> Groups:
        """Totals by operator, the one with the most FLOPs first."""
        from cnnscope.analyzer.report.grouping import Groups

        return Groups.of(self, "op")

    def by_kind(self) -> Groups:
        """Totals by what a layer is in the field's words, the one with the most FLOPs first."""
        from cnnscope.analyzer.report.grouping import Groups

        return Groups.of(self, "kind")

    def by_module(self, depth: int | None = None) -> Groups:
        """Totals by module of the model's source, in running order.

        Args:
            depth: how many steps below the path that all layers share; by default 1.

        Raises:
            ValueError: the depth isn't positive.
        """
        from cnnscope.analyzer.report.grouping import Groups

        return Groups.of(self, "module", depth)

    def by_block(self) -> Groups:
        """Totals by block, in running order: a weight layer, its normalisation and activation."""
        from cnnscope.analyzer.report.grouping import Groups

        return Groups.of(self, "block")

    def to_dict(self, *, tensors: bool = False) -> dict[str, object]:
        """The report as JSON-ready data, ``schema_version`` 1.

        Args:
            tensors: also list every tensor of the main graph.
        """
        return self._record([layer.to_dict() for layer in self.layers], tensors)

    def stream(self, *, tensors: bool = False) -> dict[str, object]:
        """The same, but its layers an iterator, each of which is made when it is asked for: for what is
        written as it goes. Formulas that stand behind them are known before."""
        return self._record((layer.to_dict() for layer in self.layers), tensors)

    def _record(self, layers: Iterable[object], tensors: bool) -> dict[str, object]:
        found: dict[str, object] = {
            "schema_version": SCHEMA_VERSION,
            "model": self.model.to_dict(),
            "inputs": [x.to_dict() for x in self.inputs],
            "outputs": [x.to_dict() for x in self.outputs],
            "totals": self.totals.to_dict(),
            "by_op": [row.to_dict() for row in self.by_op()],
            "layers": layers,
            "diagnostics": [
                {
                    "code": d.code,
                    "severity": d.severity,
                    "layer": d.layer,
                    "message": d.message,
                    "hint": d.hint,
                    **({"path": d.layer.path} if isinstance(d.layer, NodeName) else {}),
                }
                for d in self.diagnostics
            ],
        }
        if self.batch:
            found["batch"] = dict(self.batch)
        formulas = FormulaTable.of(
            lengths_of(
                (*self.inputs, *self.outputs),
                self.layers,
                self.totals,
                self.tensors if tensors else {},
            )
        )
        if formulas.formulas:
            found["formulas"] = formulas.to_dict()
        if self.execution is not None:
            found["run"] = self.execution.to_dict()
        if tensors:
            found["tensors"] = {
                name: {
                    "dtype": t.dtype,
                    "shape": plain_shape(t.shape),
                    "constant": t.constant,
                }
                for name, t in self.tensors.items()
            }
        return found

    def records(self) -> Iterator[dict[str, object]]:
        """One for each layer; what is said along an axis of an input stands in entries of its own."""
        return self.layers.records()

    def to_dataframe(self) -> pandas.DataFrame:
        """One row per layer: its facts, numbers in columns of numbers.

        Of each axis that layers see along there are the length of their output (``out_h``), the field's
        size (``rf_h``), that along paths which don't collapse the axis (``local_h``), the smallest over
        single paths (``smallest_h``), step, average step and start (``step_h``, ``mean_step_h``,
        ``start_h``) and the share of units that see beyond the border (``outside_h``): ``h`` and ``w`` of
        images, ``l`` of sequences, ``d``, ``h`` and ``w`` of volumes; of a further input with its name,
        ``rf_h@mask``. What isn't known is missing; what hangs on free sizes is missing, too, and stands in
        ``macs_formula`` and the like.

        Raises:
            ImportError: pandas isn't installed.

        >>> import cnnscope
        >>> frame = cnnscope.analyze("sample_models/lenet5.onnx").to_dataframe()  # doctest: +SKIP
        >>> frame.plot(y=["rf_h", "macs"])  # doctest: +SKIP
        """
        return super().to_dataframe()

    def summary(self) -> str:
        path = name(self.model.path or "a model in memory", 120)
        return f"of {path}: {many(len(self.layers), 'layer')}"
