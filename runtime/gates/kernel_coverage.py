"""Which operators does an execution provider of the installed ONNX Runtime have kernels for?

ONNX Runtime knows: each kernel is registered with its operator, a range of opset versions, and per
type parameter (``T``) the types it takes. A node's kernel is looked up as ONNX Runtime does it
(`KernelRegistry::VerifyKernelDef`): with the version since which the operator is what it is, a range
that begins there fits, or a closed one around it. Operators that are functions are put in terms of
others where there is no kernel, and pass.

Providers that compile whole subgraphs (TensorRT, OpenVINO, CoreML, QNN, ...) register no kernels: of
these nothing can be said without a session.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import cache
from typing import Final, cast

import onnx

from cnnscope.analyzer.values.diagnostics import NoRuntimeError, RunError
from cnnscope.analyzer.values.plain_class import dataclass
from cnnscope.runtime.engine.child import run_in_child
from cnnscope.runtime.engine.library import ask_for_library, load_library

_SUFFIX: Final = "ExecutionProvider"
_OPEN: Final = 2**31 - 1
#: what ONNX Runtime calls the types that cnnscope and numpy call otherwise
_TYPES: Final[Mapping[str, str]] = {
    "float32": "float", "float64": "double", "float8_e4m3fn": "float8e4m3fn",
    "float8_e4m3fnuz": "float8e4m3fnuz", "float8_e5m2": "float8e5m2",
    "float8_e5m2fnuz": "float8e5m2fnuz", "float4_e2m1fn": "float4e2m1",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class _Kernel:
    first: int
    last: int
    types: Mapping[str, frozenset[str]]

    def fits(self, since: int) -> bool:
        """It is for an operator that is what it is since that version."""
        return self.first == since or (self.first < since <= self.last != _OPEN)


@dataclass(frozen=True, slots=True)
class _Schema:
    since: int
    function: bool
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]


class KernelCoverage:
    """The kernels of the installed ONNX Runtime.

    Raises:
        NoRuntimeError: there is no ONNX Runtime to ask.
        RunError: of one of the providers nothing can be said; with the ones that can be asked.
    """

    def __init__(self, providers: Sequence[str]) -> None:
        ask_for_library()
        kernels = _kernels()
        known = {full.removesuffix(_SUFFIX).lower(): full for full in kernels}
        self._names: dict[str, str] = {}
        for provider in providers:
            short = provider.lower().removesuffix(_SUFFIX.lower())
            if short not in known:
                raise RunError(
                    f"the installed ONNX Runtime lists no kernels of a provider {provider!r} (it "
                    f"isn't built in, or compiles whole subgraphs); of these it does: "
                    f"{', '.join(sorted(known))}"
                )
            self._names[provider] = known[short]
        self._kernels = kernels

    def missing(
        self,
        provider: str,
        domain: str,
        operator: str,
        version: int,
        inputs: Sequence[str | None],
        outputs: Sequence[str | None],
    ) -> str | None:
        """Why no kernel fits, or None where one does.

        Args:
            provider: one of those that were named.
            domain, operator, version: the operator, and its domain's opset version.
            inputs, outputs: dtypes, None where there is none or it isn't known.

        >>> cpu = KernelCoverage(["cpu"])  # doctest: +SKIP
        >>> cpu.missing("cpu", "", "Conv", 17, ["bool"], ["bool"])  # doctest: +SKIP
        'Conv for bool'
        """
        title = f"{domain}::{operator}" if domain else operator
        schema = _schema(domain, operator, version)
        own = self._kernels[self._names[provider]].get((domain, operator), ())
        if schema is None:
            return None if own else f"{title}, which ONNX Runtime doesn't know"
        fitting = [kernel for kernel in own if kernel.fits(schema.since)]
        if not fitting:
            if schema.function:
                return None
            if own:
                return f"{title} of opset {version}"
            return title
        given = [*zip(_names(schema.inputs, len(inputs)), inputs, strict=True),
                 *zip(_names(schema.outputs, len(outputs)), outputs, strict=True)]  # fmt: skip
        wrong: list[str] = []
        for kernel in fitting:
            wrong = [
                dtype
                for parameter, dtype in given
                if dtype is not None
                and parameter in kernel.types
                and f"tensor({_TYPES.get(dtype, dtype)})" not in kernel.types[parameter]
            ]
            if not wrong:
                return None
        if schema.function:
            return None
        return f"{title} for {', '.join(dict.fromkeys(wrong))}"


def _names(parameters: tuple[str, ...], count: int) -> Iterator[str]:
    """A type parameter's name for each argument; the last one stands for all that follow."""
    for i in range(count):
        yield parameters[min(i, len(parameters) - 1)] if parameters else ""


_Listed = Mapping[str, Mapping[tuple[str, str], tuple[_Kernel, ...]]]


@cache
def _kernels() -> _Listed:
    """Provider to operator to kernels.

    Asked for in a process of its own: a build for a device lists that device's kernels too, and
    where its library can't be loaded some releases die of that.
    """
    try:
        found = run_in_child("cnnscope.runtime.gates.kernel_coverage:listed", None, timeout=120)
    except NoRuntimeError:
        raise
    except RunError as error:
        raise RunError(
            f"the installed ONNX Runtime can't list its kernels here: {error}; a build for a GPU needs "
            "that GPU's libraries for it, the package onnxruntime doesn't"
        ) from error
    return cast("_Listed", found)


def listed(_: object, progress: Callable[[str], None]) -> _Listed:
    """The same, in this process.

    Raises:
        RunError: ONNX Runtime can't say.
    """
    load_library()
    from onnxruntime.capi import _pybind_state as state

    if not hasattr(state, "get_all_opkernel_def"):
        raise RunError("it has no list of them")
    try:
        kernels = state.get_all_opkernel_def()
    except Exception as error:  # ONNX Runtime's errors share no narrower base
        raise RunError(str(error).partition("\n")[0] or type(error).__name__) from error
    found: dict[str, dict[tuple[str, str], list[_Kernel]]] = {}
    for kernel in kernels:
        first, last = kernel.version_range
        domain = "" if kernel.domain == "ai.onnx" else kernel.domain
        types = {name: frozenset(given) for name, given in kernel.type_constraints.items()}
        found.setdefault(kernel.provider, {}).setdefault((domain, kernel.op_name), []).append(
            _Kernel(int(first), int(last), types)
        )
    return {p: {k: tuple(v) for k, v in own.items()} for p, own in found.items()}


@cache
def _schemas() -> Mapping[tuple[str, str], tuple[_Schema, ...]]:
    """Of the operators that are ONNX Runtime's own: every version."""
    from onnxruntime.capi import _pybind_state as state

    found: dict[tuple[str, str], list[_Schema]] = {}
    for schema in state.get_all_operator_schema():
        domain = "" if schema.domain == "ai.onnx" else schema.domain
        found.setdefault((domain, schema.name), []).append(
            _Schema(
                int(schema.since_version), False,
                tuple(x.typeStr for x in schema.inputs), tuple(x.typeStr for x in schema.outputs),
            )
        )  # fmt: skip
    return {key: tuple(sorted(v, key=lambda s: s.since)) for key, v in found.items()}


@cache
def _schema(domain: str, operator: str, version: int) -> _Schema | None:
    try:
        found = onnx.defs.get_schema(operator, version, domain)
    except onnx.defs.SchemaError:
        own = [x for x in _schemas().get((domain, operator), ()) if x.since <= version]
        return own[-1] if own else None
    return _Schema(
        int(found.since_version),
        bool(
            getattr(found, "has_function", False)
            or getattr(found, "has_context_dependent_function", False)
        ),
        tuple(x.type_str for x in found.inputs),
        tuple(x.type_str for x in found.outputs),
    )
