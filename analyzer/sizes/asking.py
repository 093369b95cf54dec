"""From a model to the sizes it accepts: read it, open what the file fixes, bind what is given."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from cnnscope.analyzer.model.binding import bind_inputs
from cnnscope.analyzer.model.file import ModelFile, open_model
from cnnscope.analyzer.model.graph_reading import read_graph
from cnnscope.analyzer.model.opening import opened
from cnnscope.analyzer.report.examination import Source, examine, opening_of
from cnnscope.analyzer.sizes.costs_over import CostsOver
from cnnscope.analyzer.sizes.finding import find_valid_sizes
from cnnscope.analyzer.sizes.grid import Given, grid, read_axes
from cnnscope.analyzer.sizes.intervals import Intervals, find_intervals
from cnnscope.analyzer.sizes.network_lengths import NetworkLengths
from cnnscope.analyzer.sizes.open_costs import OpenCosts
from cnnscope.analyzer.sizes.solution import Solution, solve
from cnnscope.analyzer.sizes.sweep import Sweep
from cnnscope.analyzer.sizes.sweep_finding import find_sweep
from cnnscope.analyzer.sizes.valid_sizes import ValidSizes
from cnnscope.analyzer.sizes.wish import parse_wish
from cnnscope.analyzer.values.diagnostics import BindingError


def sizes_of(
    model: Source, free: Sequence[str], dims: Mapping[str, int], ranges: Mapping[str, range]
) -> ValidSizes:
    """The sizes that a model accepts, its arguments and errors those of `cnnscope.sizes`."""
    file = open_model(model)
    graph = read_graph(file.model)
    openings = opened(graph, opening_of(graph, free))
    graph, fixed = openings.graph, openings.fixed
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
    found = find_valid_sizes(network, file.path).over(ranges)

    def solving(wishes: Sequence[str], over: Sequence[str]) -> Solution:
        return _solved(file, free, dims, tuple(network.places), wishes, over)

    return replace(found, _solve=solving)


def _solved(
    file: ModelFile, free: Sequence[str], dims: Mapping[str, int], places: Sequence[str],
    wishes: Sequence[str], over: Sequence[str],
) -> Solution:  # fmt: skip
    """The size that fulfils wishes, all dimensions that aren't the batch moving together."""
    try:
        wanted = [parse_wish(text) for text in wishes]
    except ValueError as error:
        raise BindingError(str(error)) from None
    if not wanted:
        raise BindingError("nothing is asked of the size: give a wish such as macs<=4G")
    names = list(over)
    if not names:
        batch = examine(file, free=free, dims=dims).batch
        carried = {label for label, x in batch.items() if x.state != "refuted"}
        names = [name for name in places if name not in carried]
    if not names:
        raise BindingError(f"only the batch is free: give --over {places[0]}")
    return solve(OpenCosts(file, free, dims, names), wanted)


def sweep_of(
    model: Source, free: Sequence[str], dims: Mapping[str | tuple[str, ...], Given]
) -> Sweep:
    """What a model costs at many sizes, its arguments and errors those of `cnnscope.sweep`."""
    bound, axes = read_axes(dims)
    if not axes:
        raise BindingError("no dimension has several lengths: give them, such as {'H': [224, 256]}")
    lengths = grid(axes)
    return find_sweep(OpenCosts(model, free, bound, list(lengths)), lengths)


def intervals_of(
    model: Source, free: Sequence[str], dims: Mapping[str | tuple[str, ...], Given]
) -> Intervals:
    """Between which figures costs lie, its arguments and errors those of `cnnscope.intervals`."""
    return find_intervals(costs_over(model, free, dims))


def costs_over(
    model: Source | ModelFile, free: Sequence[str], dims: Mapping[str | tuple[str, ...], Given]
) -> CostsOver:
    """A model's costs over all valid sizes in ranges, the arguments and errors likewise."""
    bound, axes = read_axes(dims)
    if not axes:
        raise BindingError("no dimension has a range: give one, such as {'H': range(224, 641)}")
    names = [name for axis in axes for name in axis.names]
    return CostsOver(OpenCosts(model, free, bound, names), axes)
