"""The command verify: the analysis held against a run."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated

from cnnscope.analyzer.render.formats import Result
from cnnscope.analyzer.values.plain_class import dataclass
from cnnscope.runtime.commands.asked import (
    PATIENCE,
    VERIFY,
    DimOption,
    InputOption,
    ModelArgument,
    NoTable,
    Output,
    ProviderOption,
    Running,
    Seed,
    ShapeOption,
    Timeout,
    ValueOption,
    Verbose,
)
from cnnscope.runtime.commands.declared import option
from cnnscope.runtime.commands.messages import BAD, FAILED, FINE
from cnnscope.runtime.commands.output import emit
from cnnscope.runtime.commands.reading import ask_for_runtime, run_in_own_child
from cnnscope.runtime.commands.sources import source_of
from cnnscope.runtime.commands.texts import files_of, lengths_of, shapes_of, values_of
from cnnscope.runtime.commands.usual import sized
from cnnscope.runtime.commands.writing import check_output


@dataclass(frozen=True)
class Verifying(Running):
    """What `cnnscope verify` was asked for."""

    probes: int


def verify_model(request: Verifying) -> int:
    check_output(request.output, [request.model])
    # Nothing heavy is imported here: the child process does the work.
    from cnnscope.analyzer.render.subjects import verification as render
    from cnnscope.analyzer.report.verification import Verification
    from cnnscope.runtime.engine.job import ModelJob

    ask_for_runtime()
    source = source_of(request.model)
    job = ModelJob(
        source, *sized(source, request.shapes, request.dims), request.provider, request.inputs,
        request.seed, request.probes, request.verbose, request.values,
    )  # fmt: skip
    found = run_in_own_child(
        Verification, source, VERIFY, job, request.timeout, verbose=request.verbose
    )
    if found is None:
        return BAD
    result = Result(lambda: [render.document(found)], found.to_dict)
    emit(result, request.format, request.output)
    return FINE if found.ok else FAILED


EPILOG = """\b
Example: cnnscope verify model.onnx --shape input=1x3x224x224
         cnnscope verify model.onnx --input input=image.npy --provider cpu"""


def verify(
    model: ModelArgument,
    shape: ShapeOption = None,
    dim: DimOption = None,
    value: ValueOption = None,
    provider: ProviderOption = "auto",
    input: InputOption = None,  # noqa: A002  # the option's name
    seed: Seed = 0,
    probes: Annotated[
        int, option(min=0, metavar="N", help="Points of each input to probe; 0: none.")
    ] = 4,
    timeout: Timeout = PATIENCE,
    format: NoTable = "table",  # noqa: A002
    output: Output = None,
    verbose: Verbose = False,
) -> Callable[[], int]:
    """Hold shapes, fields and memory against a run.

    The model is run with ONNX Runtime; exits with 1 on any mismatch.
    """
    return lambda: verify_model(
        Verifying(
            model, shapes_of(shape), lengths_of(dim), values_of(value), provider, files_of(input), seed,
            timeout or None, format, output, verbose, probes,
        )
    )  # fmt: skip
