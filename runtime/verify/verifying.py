"""Does what the analysis says of a model agree with what ONNX Runtime does?

`verify` is the pipeline: choose a provider, write the analysed graph as a model, give it weights
and inputs, run it, and hold shapes, dtypes, memory (`shape_check`, `memory_check`) and receptive
fields (`probe`) against the run. By choice in a child process, so that whatever happens in native
code becomes one line (`child`).
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING

from cnnscope.analyzer.report.verification import Agreement, FieldCheck, MemoryCheck, Verification
from cnnscope.analyzer.values.arguments import checked_progress, checked_seconds
from cnnscope.analyzer.values.diagnostics import RunError
from cnnscope.analyzer.values.plain_class import dataclass
from cnnscope.runtime.engine.child import call_in_child
from cnnscope.runtime.engine.job import (
    ModelJob,
    analysed,
    checked_job,
    runtime_version,
    say_nothing,
    sendable,
)
from cnnscope.runtime.engine.library import ask_for_library, load_library

if TYPE_CHECKING:
    from typing import IO

    import numpy as np
    import onnx

    from cnnscope.analyzer.report.examination import Analysis
    from cnnscope.analyzer.report.report import Report
    from cnnscope.runtime.engine.flat import FlatModel
    from cnnscope.runtime.engine.providers import Provider
    from cnnscope.runtime.engine.trace import Event
    from cnnscope.runtime.verify.shape_check import SeenFacts

    Model = str | os.PathLike[str] | bytes | onnx.ModelProto | IO[bytes] | Report


def verify(
    model: Model,
    *,
    shapes: Mapping[str, Sequence[int | None]] | None = None,
    dims: Mapping[str, int] | None = None,
    values: Mapping[str, object] | None = None,
    provider: str = "auto",
    inputs: Mapping[str, np.ndarray | str | os.PathLike[str]] | None = None,
    seed: int = 0,
    probes: int = 4,
    child: bool = False,
    timeout: float | None = None,
    verbose: bool = False,
    progress: Callable[[str], None] | None = None,
) -> Verification:
    """Run a model and hold its analysis against the run.

    Args:
        model: a path, bytes, a binary file, an `onnx.ModelProto`, or a report of `analyze`, whose
            shapes are then used.
        shapes: input name to its shape; None leaves a dimension as it is.
        dims: length of each free dimension, by name.
        values: of inputs that sizes hang on, as `analyze` takes them; the model is run with them.
        provider: ``"auto"`` (CUDA if it runs, else the CPU), or one that has to run.
        inputs: arrays, or paths of ``.npy`` files, by input name; others are random.
        seed: of the random inputs, weights and probes.
        probes: how many points of each input are probed for receptive fields; 0 for none.
        child: run in a process of its own, which a crash in native code can't harm.
        timeout: seconds until a child is given up.
        verbose: let ONNX Runtime's own log through.
        progress: told what is being done.

    Raises:
        ModelFileError, GraphError, BindingError: as `analyze`.
        RunError: ONNX Runtime isn't installed, or the model can't be run here, with the node where it
            can be known.
        ArgumentError: an argument isn't what it has to be.

    >>> import cnnscope
    >>> found = cnnscope.verify("sample_models/lenet5.onnx", provider="cpu")  # doctest: +SKIP
    >>> found.ok, found.shapes.compared  # doctest: +SKIP
    (True, 12)
    """
    checked_progress(progress)
    timeout = checked_seconds(timeout, "timeout")
    request = checked_job(
        model, shapes=shapes, dims=dims, values=values, provider=provider, inputs=inputs, seed=seed,
        probes=probes, verbose=verbose,
    )  # fmt: skip
    if not child:
        return verify_here(request, progress)
    ask_for_library()
    return call_in_child(
        verify_here, sendable(request), timeout=timeout, verbose=verbose, progress=progress
    )


def verify_here(request: ModelJob, progress: Callable[[str], None] | None = None) -> Verification:
    """`verify`, in this process.

    Args:
        request: what to verify.
        progress: told what is being done.
    """
    from cnnscope.runtime.engine.branches import with_decision
    from cnnscope.runtime.engine.departures import explain_refusal, name_departures
    from cnnscope.runtime.engine.flat import flat_model
    from cnnscope.runtime.engine.inputs import load_inputs, make_inputs
    from cnnscope.runtime.engine.providers import choose_provider
    from cnnscope.runtime.engine.weights import find_values
    from cnnscope.runtime.verify.shape_check import all_nodes

    load_library()
    say = progress or say_nothing
    say("analysing")
    files = {n: x for n, x in (request.inputs or {}).items() if isinstance(x, (str, os.PathLike))}
    given = {n: x for n, x in (request.inputs or {}).items() if n not in files}
    arrays: dict[str, np.ndarray] = {**load_inputs(files), **given}  # type: ignore[dict-item]
    analysis = analysed(request, arrays)
    feeds = make_inputs(analysis, request.seed, arrays)
    flat = flat_model(analysis)
    values = find_values(analysis.file, flat, request.seed)
    say("looking for a provider")
    provider = choose_provider(request.provider)
    run = _Run(analysis, flat, provider, values.arrays, feeds, request.verbose, say)
    nodes = list(all_nodes(analysis))
    try:
        shapes, memory, notes = run.checked()
    except RunError as error:
        raise with_decision(explain_refusal(error, nodes), analysis, arrays) from None
    fields = FieldCheck(reason="not asked for")
    if request.probes > 0:
        say("probing receptive fields")
        fields = _check_fields(analysis, request)
    shapes, fields = name_departures(shapes, nodes), name_departures(fields, nodes)
    return Verification(
        model=analysis.file.name,
        provider=provider.name,
        fallback_reason=provider.reason,
        runtime=runtime_version(),
        weights=values.said,
        seed=request.seed,
        inputs={name: tuple(getattr(x, "shape", ())) for name, x in feeds.items()},
        shapes=shapes,
        fields=fields,
        memory=memory,
        notes=notes,
    )


def _check_fields(analysis: Analysis, request: ModelJob) -> FieldCheck:
    from cnnscope.runtime.probe.probe import check_fields

    return check_fields(analysis, probes=request.probes, seed=request.seed)


@dataclass(frozen=True, eq=False)
class _Run:
    """The runs that shapes and memory are read from."""

    analysis: Analysis
    flat: FlatModel
    provider: Provider
    weights: Mapping[str, np.ndarray]
    feeds: Mapping[str, object]
    verbose: bool
    say: Callable[[str], None]

    def checked(self) -> tuple[Agreement, MemoryCheck, tuple[str, ...]]:
        """Shapes and memory, and what there is to note."""
        from cnnscope.runtime.verify.memory_check import check_memory
        from cnnscope.runtime.verify.shape_check import (
            add_witnesses,
            check_shapes,
            find_doubtful,
            find_mistyped,
            read_seen,
        )

        self.say("running it")
        first = add_witnesses(self.flat, self.analysis)
        events, fetched = self.traced(first.proto, first.sequences)
        seen = read_seen(self.analysis, first, events, fetched)
        doubtful = find_doubtful(self.analysis, self.flat, seen)
        second = add_witnesses(self.flat, self.analysis, doubtful)
        if second.places or second.sequences:
            self.say("running it again, for what the first run didn't show")
            again, fetched = self.traced(second.proto, second.sequences)
            found = read_seen(self.analysis, second, again, fetched)
            seen.update({place: found[place] for place in doubtful if place in found})
        mistyped = find_mistyped(self.analysis, seen)
        if mistyped:
            self.retype(mistyped, seen)
        memory = check_memory(self.analysis, events)
        return check_shapes(self.analysis, self.flat, seen), memory, _notes(events)

    def retype(self, mistyped: Mapping[str, tuple[str, int]], seen: SeenFacts) -> None:
        """Put the dtypes that ONNX Runtime inferred in place of those that a kernel ran in."""
        import onnx

        from cnnscope.runtime.engine.sessions import SessionSettings, open_session
        from cnnscope.runtime.engine.trace import dtype_of

        model = onnx.ModelProto()
        model.CopyFrom(self.flat.proto)
        kept = {value.name for value in model.graph.output}
        model.graph.output.extend(onnx.ValueInfoProto(name=n) for n in mistyped if n not in kept)
        # Opened, not run: as outputs they would all be kept.
        session = open_session(
            model, self.provider, SessionSettings(verbose=self.verbose), self.weights
        )
        types = session.output_types
        for name, place in mistyped.items():
            dtype = dtype_of(types.get(name, ""))
            if dtype is not None:
                seen[place] = {(dtype, shape) for _, shape in seen[place]}

    def traced(
        self, model: onnx.ModelProto, wanted: Sequence[str]
    ) -> tuple[list[Event], list[object]]:
        """Run once, with the profile on: what it wrote, and the outputs wanted."""
        from cnnscope.runtime.engine.profiled_run import profiled_run

        outputs = list(wanted) or [value.name for value in model.graph.output][:1]
        events, found = profiled_run(
            model, self.provider, self.weights, self.feeds, outputs or None, verbose=self.verbose
        )
        return events, found if wanted else []


def _notes(events: Sequence[Event]) -> tuple[str, ...]:
    from cnnscope.runtime.engine.trace import WIDENED

    notes = []
    widened = sum(1 for e in events if e.name.startswith(WIDENED))
    if widened:
        notes.append(
            f"{widened} casts to and from float32 were inserted: this provider has no kernels in "
            "half precision for some nodes"
        )
    return tuple(notes)
