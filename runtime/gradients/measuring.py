"""How much does a unit hang on each input position, by the weights that a model has?

Luo et al. (*Understanding the effective receptive field in deep convolutional neural networks*, NeurIPS 2016)
send a gradient of 1 back from the central unit and look at what arrives, averaged over channels and
random inputs. Here it is the square of the gradient that is averaged, as theirs and the maps without
weights have it, summed over the unit's channels (all that the unit leaves open) and the input's: the
seed is 1 or -1 at random in each channel, so that in the mean over draws only squares are left.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from cnnscope.analyzer.values.arguments import checked_count, checked_progress, checked_seconds
from cnnscope.analyzer.values.diagnostics import ArgumentError, RunError
from cnnscope.analyzer.values.notation import name as shown_name
from cnnscope.runtime.engine.child import call_in_child
from cnnscope.runtime.engine.inputs import load_inputs, make_inputs
from cnnscope.runtime.engine.job import analysed, checked_job, say_nothing, sendable
from cnnscope.runtime.engine.library import ask_for_library, load_library
from cnnscope.runtime.gradients.job import DRAWS, GradientJob, GradientMap

if TYPE_CHECKING:
    from cnnscope.analyzer.report.effective_field import EffectiveField
    from cnnscope.analyzer.report.examination import Analysis
    from cnnscope.analyzer.report.layer import Layer
    from cnnscope.runtime.engine.job import Model
    from cnnscope.runtime.engine.sessions import Session

Array = np.ndarray


def measured_effective_field(
    model: Model, layer: Layer | str | int, unit: Sequence[int | None] | None = None, *,
    input: str | None = None,  # noqa: A002
    shapes: Mapping[str, Sequence[int | None]] | None = None, dims: Mapping[str, int] | None = None,
    values: Mapping[str, object] | None = None,
    inputs: Mapping[str, Array | str | os.PathLike[str]] | None = None, draws: int | None = None,
    seed: int = 0, provider: str = "auto", child: bool = False, timeout: float | None = None,
    progress: Callable[[str], None] | None = None,
) -> EffectiveField:  # fmt: skip
    """How much of what a unit could see it hangs on, by the model's weights.

    The mean over draws of the squared gradient of the unit by each input element, summed over the input's
    other axes and over what the unit leaves open.

    Args:
        model: as for `verify`.
        layer: the layer, or its name, path, index, or a tensor that it gives.
        unit, input: as `Report.effective_field` takes them.
        shapes, dims, values: as for `analyze`; all lengths have to be known.
        inputs: examples, one or several along the first axis, as arrays or paths of ``.npy`` files, by
            input name; others are random, between 0 and 1.
        draws: how many gradients; by default 32, or as many as there are examples.
        seed: of random inputs, and of the signs by which channels are told apart.
        provider, child, timeout, progress: as for `verify`.

    Returns:
        The `EffectiveField`, its `counting` ``"gradient"``.

    Raises:
        ModelFileError: as `analyze`; or weights aren't there.
        GraphError, BindingError: as `analyze`.
        KeyError: there is no such layer.
        ValueError: there is no such unit or input.
        RunError: it can't be run, or gradients don't go through an operator on the way, which is named.
        ArgumentError: an argument isn't what it has to be.

    >>> import cnnscope
    >>> model = "sample_models/lenet5.onnx"
    >>> found = cnnscope.measured_effective_field(model, "conv2", provider="cpu")  # doctest: +SKIP
    >>> found.counting, found.theoretical, found.side(0.95)  # doctest: +SKIP
    ('gradient', (14, 14), 12)
    """
    from cnnscope.analyzer.report.examination import examining
    from cnnscope.analyzer.report.gathering import report_of

    checked_progress(progress)
    timeout = checked_seconds(timeout, "timeout")
    base = checked_job(
        model, shapes=shapes, dims=dims, values=values, provider=provider, inputs=inputs, seed=seed
    )
    count = None if draws is None else checked_draws(draws)
    ask_for_library()
    with examining():
        report = report_of(analysed(base, {}))
    meant = report.layers.find(layer) if isinstance(layer, str) else report.layers[_index(layer)]
    asked = meant.effective_unit(unit, input)
    job = GradientJob(base, asked.tensor, asked.unit, asked.input, asked.axes, count)
    if child:
        sent = GradientJob(
            sendable(base), asked.tensor, asked.unit, asked.input, asked.axes, count
        )  # fmt: skip
        found = call_in_child(measure_here, sent, timeout=timeout, progress=progress)
    else:
        found = measure_here(job, progress)
    return asked.measured(found.squares, found.draws)


def _index(layer: Layer | int) -> int:
    return layer if isinstance(layer, int) else layer.index


def checked_draws(draws: object) -> int:
    """How many draws, at least one.

    Raises:
        ArgumentError: it isn't a number of draws.
    """
    count = checked_count(draws, "draws")
    if count < 1:
        raise ArgumentError("draws: give at least 1")
    return count


def measure_here(
    request: GradientJob, progress: Callable[[str], None] | None = None
) -> GradientMap:
    """The mean squared gradient, in this process."""
    from cnnscope.runtime.engine.providers import choose_provider
    from cnnscope.runtime.engine.sessions import SessionSettings, open_session
    from cnnscope.runtime.gradients.adjoint import write_gradient

    load_library()
    say = progress or say_nothing
    say("analysing")
    base = request.base
    analysis = analysed(base, {})
    given = _examples(analysis, base.inputs or {})
    make_inputs(analysis, base.seed)  # says what lengths are to be given
    written = write_gradient(analysis, request.tensor, request.source)
    weights = {name: analysis.file.read(tensor) for name, tensor in written.tensors.items()}
    say("opening it")
    settings = SessionSettings(optimised=True, verbose=base.verbose)
    session = open_session(written.proto, choose_provider(base.provider), settings, weights)
    drawing = Drawing(request, analysis, given, written.dtype)
    return drawing.measure(session, say)


def _examples(analysis: Analysis, inputs: Mapping[str, object]) -> dict[str, Array]:
    """What is given for inputs, whole batches one after another."""
    files = {n: x for n, x in inputs.items() if isinstance(x, str | os.PathLike)}
    arrays = {n: np.asarray(x) for n, x in inputs.items() if n not in files}
    found = {**load_inputs(files), **arrays}
    for name, array in found.items():
        if name not in analysis.graph.inputs:
            there = ", ".join(map(shown_name, analysis.graph.inputs))
            raise RunError(f"--input {shown_name(name)}: the model's inputs are {there}")
        x = analysis.shapes.tensors[name]
        wanted = tuple(d for d in x.dims if isinstance(d, int))
        if (
            array.ndim != len(x.dims)
            or array.shape[1:] != wanted[1:]
            or not array.size
            or (wanted and array.shape[0] % wanted[0])
        ):
            shown = "x".join(map(str, array.shape)) or "scalar"
            takes = "x".join(map(str, wanted)) or "scalar"
            raise RunError(
                f"--input {shown_name(name)}: its shape is {shown}, the model takes {takes}, or several of"
                " them along the first axis"
            )
        if x.is_float and array.dtype.kind in "fiu":
            found[name] = array.astype(x.dtype)
    return found


class Drawing:
    """Gradients of one unit, for one input after another.

    Args:
        request: what is asked for.
        analysis: of the model.
        given: examples, by input name.
        dtype: of the seed.
    """

    def __init__(
        self, request: GradientJob, analysis: Analysis, given: Mapping[str, Array], dtype: str
    ) -> None:
        self.request, self.analysis, self.given, self.dtype = request, analysis, given, dtype
        self.lengths = {n: _lengths(analysis, n) for n in (request.tensor, *given)}
        batches = [len(x) // self.lengths[n][0] for n, x in given.items() if self.lengths[n]]
        self.draws = request.draws or max([DRAWS, *batches])

    def measure(self, session: Session, say: Callable[[str], None]) -> GradientMap:
        """The mean of the squares of what the session gives.

        Raises:
            RunError: a kernel failed, or the gradients are all 0, or not finite.
        """
        total: Array | None = None
        for k, feeds in enumerate(self.feeds(session.inputs)):
            say(f"draw {k + 1} of {self.draws}")
            (gradient,) = session.run(None, feeds)
            rest = tuple(a for a in range(gradient.ndim) if a not in self.request.axes)
            squares = np.square(gradient.astype(np.float64)).sum(axis=rest)
            total = squares if total is None else total + squares
        assert total is not None
        what = f"the gradient of {shown_name(self.request.tensor)}"
        if not np.isfinite(total).all():
            raise RunError(f"{what} isn't finite: the model's numbers grow beyond their type's")
        if not total.any():
            raise RunError(
                f"{what} is 0 at every position, on {self.draws} draws: rectifiers or maxima let nothing"
                " through; give examples with --input"
            )
        return GradientMap(total / self.draws, self.draws)

    def feeds(self, wanted: Sequence[str]) -> Iterator[dict[str, object]]:
        """What each draw is run on: the seed and the model's inputs."""
        from cnnscope.runtime.gradients.adjoint import SEED

        base = self.request.base
        for k in range(self.draws):
            now = {name: self._example(name, k) for name in self.given}
            made = make_inputs(self.analysis, base.seed + k, now)
            random = np.random.default_rng((base.seed, k))
            made[SEED] = self._signs(random)
            yield {name: made[name] for name in wanted}

    def _example(self, name: str, k: int) -> Array:
        lengths, array = self.lengths[name], self.given[name]
        if not lengths:
            return array
        at = k * lengths[0] % len(array)
        return array[at : at + lengths[0]]

    def _signs(self, random: np.random.Generator) -> Array:
        """1 or -1 at random at the unit; 0 elsewhere."""
        lengths = self.lengths[self.request.tensor]
        place = tuple(slice(None) if i is None else slice(i, i + 1) for i in self.request.unit)
        seed = np.zeros(lengths, self.dtype)
        seed[place] = random.choice((-1.0, 1.0), seed[place].shape)
        return seed


def _lengths(analysis: Analysis, name: str) -> tuple[int, ...]:
    shape = analysis.shapes.tensors[name].dims
    if not all(isinstance(d, int) for d in shape):
        raise RunError(f"a length of {shown_name(name)} isn't known before it is run")
    return tuple(d for d in shape if isinstance(d, int))
