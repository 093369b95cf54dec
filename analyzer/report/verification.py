"""What came out when a model was run to check what was said of it without running it?

`Verification` is plain data: `Agreement` for the tensors' shapes and dtypes, `FieldCheck` for what their
units see, `MemoryCheck` for the peak of live activations. A tensor is *compared* (and then agrees
or is a `Mismatch`) or *unchecked* with the reason; one of which part could be compared is compared.
``to_dict()`` is the JSON of ``cnnscope verify``. Nothing here runs, computes or formats.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import field
from typing import ClassVar

from cnnscope.analyzer.report.told import told
from cnnscope.analyzer.values.notation import name
from cnnscope.analyzer.values.plain_class import dataclass
from cnnscope.analyzer.values.shown import Answer

VERIFICATION_SCHEMA_VERSION = 1


@dataclass(frozen=True, slots=True)
class Mismatch:
    """One tensor of which the prediction and the execution disagree.

    Args:
        tensor: its name.
        layer: the node that gives it, named as in the report; ``""`` for a network input.
        op: that node's operator.
        what: ``"shape"``, ``"dtype"``, ``"length"``, ``"field"``, ...
        predicted, actual: plain JSON data (numbers, text, lists).
        cause: no earlier mismatch explains this one: all that its node reads agreed.
        departure: where it is ONNX Runtime that departs from ONNX's text, which the prediction
            follows: what each does, with the operator's document.
    """

    tensor: str
    layer: str
    op: str
    what: str
    predicted: object
    actual: object
    cause: bool = True
    departure: str | None = None

    def to_dict(self) -> dict[str, object]:
        """As JSON has it."""
        return {name: plain(getattr(self, name)) for name in self.__dataclass_fields__}


@dataclass(frozen=True, slots=True)
class Unchecked:
    """One tensor that could not be compared, and why."""

    tensor: str
    reason: str

    def to_dict(self) -> dict[str, object]:
        """As JSON has it."""
        return {"tensor": self.tensor, "reason": self.reason}


@dataclass(frozen=True, slots=True)
class Agreement:
    """Tensors held against an execution.

    Args:
        compared: how many tensors were.
        agreeing: how many of those agree.
        mismatches: the others, in running order; one tensor may differ in more than one respect.
        unchecked: the tensors that could not be compared, each with the reason.
        reason: why nothing was compared at all, if so.
    """

    compared: int = 0
    agreeing: int = 0
    mismatches: tuple[Mismatch, ...] = ()
    unchecked: tuple[Unchecked, ...] = ()
    reason: str | None = None

    @property
    def ok(self) -> bool:
        """Nothing disagrees."""
        return not self.mismatches

    def to_dict(self) -> dict[str, object]:
        """As JSON has it."""
        found: dict[str, object] = {
            "compared": self.compared,
            "agreeing": self.agreeing,
            "mismatches": [m.to_dict() for m in self.mismatches],
            "unchecked": [u.to_dict() for u in self.unchecked],
        }
        if self.reason is not None:
            found["reason"] = self.reason
        return found


@dataclass(frozen=True, slots=True)
class Probe:
    """One point of an input whose traces were followed: an index of each of some axes."""

    input: str
    axes: tuple[int, ...]
    index: tuple[int, ...]

    def to_dict(self) -> dict[str, object]:
        """As JSON has it."""
        return {"input": self.input, "axes": list(self.axes), "index": list(self.index)}


@dataclass(frozen=True, slots=True)
class FieldCheck(Agreement):
    """What units see, held against which of them a changed input row reaches.

    A tensor is compared when at least one probe compared it, and agrees when all those do.

    Args:
        probes: the points of the inputs that were changed.
    """

    probes: tuple[Probe, ...] = ()

    def to_dict(self) -> dict[str, object]:
        """As JSON has it."""
        # `super()` without arguments does not work in a dataclass with slots before Python 3.14.
        found = Agreement.to_dict(self)
        found["probes"] = [probe.to_dict() for probe in self.probes]
        return found


@dataclass(frozen=True, slots=True)
class MemoryCheck:
    """The peak of live activations, held against what ONNX Runtime reports of its allocator.

    Args:
        predicted_bytes: as analysed; None when not known.
        predicted_layer: the layer at which it is reached.
        measured_bytes: as reported; None where there is no figure.
        measured_layer: the node at which that is reached.
        reason: what explains a difference, or why there is no figure.
        in_place: how many outputs were seen to share an input's memory.
        constants: how many constants the run computed, which the analysis counts as weights.
        explained_bytes: the predicted peak with those shared and those alive.
    """

    predicted_bytes: int | None = None
    predicted_layer: str | None = None
    measured_bytes: int | None = None
    measured_layer: str | None = None
    reason: str | None = None
    in_place: int = 0
    constants: int = 0
    explained_bytes: int | None = None

    @property
    def ratio(self) -> float | None:
        """Measured over predicted; None when either is unknown or the prediction is 0."""
        if not self.predicted_bytes or self.measured_bytes is None:
            return None
        return self.measured_bytes / self.predicted_bytes

    @property
    def explained_ratio(self) -> float | None:
        """Measured over what is predicted once the run is known."""
        if not self.explained_bytes or self.measured_bytes is None:
            return None
        return self.measured_bytes / self.explained_bytes

    def to_dict(self) -> dict[str, object]:
        """As JSON has it."""
        return {
            "predicted_bytes": self.predicted_bytes,
            "predicted_layer": self.predicted_layer,
            "measured_bytes": self.measured_bytes,
            "measured_layer": self.measured_layer,
            "ratio": self.ratio,
            "in_place": self.in_place,
            "constants": self.constants,
            "explained_bytes": self.explained_bytes,
            "explained_ratio": self.explained_ratio,
            "reason": self.reason,
        }


@dataclass(frozen=True, slots=True, repr=False)
class Verification(Answer):
    """A model's analysis held against its execution.

    Args:
        model: the model's path; None for one in memory.
        provider: what ran it: ``"cpu"``, ``"cuda"``, ...
        fallback_reason: why not a better one, when it was left to choose.
        runtime: ONNX Runtime's version.
        weights: ``"stored"``, ``"random"``, or ``"stored, N random"``.
        seed: of the random inputs and weights.
        inputs: shapes of the inputs it ran with, by name.
        shapes: shapes and dtypes of all tensors.
        fields: receptive fields.
        memory: peak of live activations.
        notes: what else a reader has to know of this run.
    """

    model: str | None
    provider: str
    fallback_reason: str | None
    runtime: str
    weights: str
    seed: int
    inputs: Mapping[str, Sequence[int]]
    shapes: Agreement
    fields: FieldCheck
    memory: MemoryCheck
    notes: tuple[str, ...] = field(default=())
    COLUMNS: ClassVar = ("check", "status", *Mismatch.__dataclass_fields__, "reason")

    @property
    def ok(self) -> bool:
        """No shape, dtype or receptive field disagrees. Memory is a ratio: it passes no verdict."""
        return self.shapes.ok and self.fields.ok

    def to_dict(self) -> dict[str, object]:
        """The JSON of ``cnnscope verify --format json``."""
        return {
            "schema_version": VERIFICATION_SCHEMA_VERSION,
            "model": self.model,
            "ok": self.ok,
            "provider": self.provider,
            "fallback_reason": self.fallback_reason,
            "runtime": self.runtime,
            "weights": self.weights,
            "seed": self.seed,
            "inputs": {name: list(shape) for name, shape in self.inputs.items()},
            "shapes": self.shapes.to_dict(),
            "fields": self.fields.to_dict(),
            "memory": self.memory.to_dict(),
            "notes": list(self.notes),
        }

    def records(self) -> Iterator[dict[str, object]]:
        """One for each mismatch and each unchecked tensor; ``layer`` joins it to a report."""
        for kind, check in (("shapes", self.shapes), ("fields", self.fields)):
            for m in check.mismatches:
                row = {"check": kind, "status": "mismatch", **m.to_dict()}
                row["predicted"], row["actual"] = told(m.what, m.predicted, m.actual)
                yield row
            yield from (
                {"check": kind, "status": "unchecked", **u.to_dict()} for u in check.unchecked
            )

    def summary(self) -> str:
        state = "agrees" if self.ok else "DISAGREES"
        return f"of {name(self.model or 'a model in memory', 120)} on {self.provider}: {state}"


def plain(value: object) -> object:
    """A value as JSON has it: tuples as lists, free dimensions as their formula."""
    if isinstance(value, bool | int | float | str) or value is None:
        return value
    if isinstance(value, Mapping):
        return {str(name): plain(item) for name, item in value.items()}
    if isinstance(value, Sequence):
        return [plain(item) for item in value]
    return str(value)
