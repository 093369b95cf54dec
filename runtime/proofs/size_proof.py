"""Does ONNX Runtime accept the sizes that a model is said to accept, and no others?

The model is opened once with its lengths free, and run at sizes on both sides of every boundary. ONNX
Runtime departs from what is said in one way: where a kernel doesn't fit into its input, some of its operators
give a map without elements, and go on with that. The network then computes nothing; such a size isn't
called valid, and the trial says so.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Final, cast

from cnnscope.analyzer.model.file import open_model
from cnnscope.analyzer.model.graph_reading import read_graph
from cnnscope.analyzer.report.examination import opening_of
from cnnscope.analyzer.sizes.asking import sizes_of
from cnnscope.analyzer.sizes.proof import SizeProof, SizeTrial
from cnnscope.analyzer.sizes.trial_sizes import sizes_to_try
from cnnscope.analyzer.sizes.valid_sizes import ValidSizes
from cnnscope.analyzer.values.diagnostics import RunError, one_line
from cnnscope.runtime.engine.job import runtime_version, say_nothing
from cnnscope.runtime.engine.library import load_library
from cnnscope.runtime.engine.providers import choose_provider
from cnnscope.runtime.proofs.open_run import OpenRun, is_empty, open_run
from cnnscope.runtime.proofs.size_job import SizeJob

if TYPE_CHECKING:
    from cnnscope.analyzer.report.examination import Source

#: what ONNX Runtime does otherwise
EMPTY_MAPS: Final = "ONNX Runtime goes on with a map that has no elements"


def prove_sizes(
    found: ValidSizes, run: OpenRun, sizes: list[dict[str, int]], say: Callable[[str], None]
) -> tuple[SizeTrial, ...]:
    """Run a model at sizes, and hold what is said of them against that."""
    trials = []
    for at, lengths in enumerate(sizes):
        say(f"running size {at + 1} of {len(sizes)}")
        trials.append(_tried(found, run, lengths))
    return tuple(trials)


def _tried(found: ValidSizes, run: OpenRun, lengths: Mapping[str, int]) -> SizeTrial:
    said = found.admits(**lengths)
    shapes = {
        name: [n if isinstance(n, int) else lengths[n] for n in shape]
        for name, shape in found.inputs.items()
    }
    try:
        outputs = run.run(run.feeds(shapes))
    except RunError as error:
        return SizeTrial(lengths, said, False, one_line(str(error), 200))
    empty = not said and (any(map(is_empty, outputs)) or found.runs_empty(**lengths))
    return SizeTrial(lengths, said, True, departure=EMPTY_MAPS if empty else "")


def prove_sizes_here(request: SizeJob, progress: Callable[[str], None] | None = None) -> SizeProof:
    """A model's valid sizes held against runs, in this process."""
    load_library()
    say = progress or say_nothing
    say("analysing")
    base = request.base
    ranges = {name: x for name, x in request.dims.items() if isinstance(x, range)}
    bound = {name: x for name, x in request.dims.items() if not isinstance(x, range)}
    model = cast("Source", base.model)
    found = sizes_of(model, request.free, bound, ranges)
    provider = choose_provider(base.provider)
    say("opening it")
    graph = read_graph(open_model(model).model)
    run = open_run(
        model, opening_of(graph, request.free), provider, base.seed, verbose=base.verbose
    )
    sizes = sizes_to_try(found, request.count, ranges, base.seed)
    trials = prove_sizes(found, run, sizes, say)
    return SizeProof(trials, runtime_version(), provider.name)
