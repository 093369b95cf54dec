"""From a model to the sizes it accepts: read it, open what the file fixes, bind what is given."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from cnnscope.analyzer.model.binding import bind_inputs
from cnnscope.analyzer.model.file import open_model
from cnnscope.analyzer.model.graph_reading import read_graph
from cnnscope.analyzer.model.opening import opened
from cnnscope.analyzer.report.examination import Source, opening_of
from cnnscope.analyzer.sizes.finding import find_valid_sizes
from cnnscope.analyzer.sizes.grid import Given, grid, read_axes
from cnnscope.analyzer.sizes.network_lengths import NetworkLengths
from cnnscope.analyzer.sizes.open_costs import OpenCosts
from cnnscope.analyzer.sizes.sweep import Sweep, find_sweep
from cnnscope.analyzer.sizes.valid_sizes import ValidSizes
from cnnscope.analyzer.values.diagnostics import BindingError


def sizes_of(
    model: Source, free: Sequence[str], dims: Mapping[str, int], ranges: Mapping[str, range]
) -> ValidSizes:
    """The sizes that a model accepts, its arguments and errors those of `cnnscope.sizes`."""
    file = open_model(model)
    graph = read_graph(file.model)
    found = opened(graph, opening_of(graph, free))
    graph, fixed = found.graph, found.fixed
    inputs, _ = bind_inputs(graph.inputs, {}, dims, {})
    network = NetworkLengths.of(graph, inputs, fixed)
    if not network.places:
        raise BindingError(
            "all sizes of its inputs are fixed: give --free HxW to open their spatial axes, or --free"
            f" {next(iter(graph.inputs), 'input')}:0=N for an axis"
        )
    unknown = ranges.keys() - network.places.keys()
    if unknown:
        raise BindingError(
            f"no input has a free dimension {min(unknown)!r}; free are: {', '.join(network.places)}"
        )
    return find_valid_sizes(network, file.path).over(ranges)


def sweep_of(
    model: Source, free: Sequence[str], dims: Mapping[str | tuple[str, ...], Given]
) -> Sweep:
    """What a model costs at many sizes, its arguments and errors those of `cnnscope.sweep`."""
    bound, axes = read_axes(dims)
    if not axes:
        raise BindingError("no dimension has several lengths: give them, such as {'H': [224, 256]}")
    lengths = grid(axes)
    return find_sweep(OpenCosts(model, free, bound, list(lengths)), lengths)
