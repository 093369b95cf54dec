"""What came of running a model at sizes of which something was said?"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from cnnscope.analyzer.values.notation import many
from cnnscope.analyzer.values.plain_class import dataclass
from cnnscope.analyzer.values.shown import Answer


@dataclass(frozen=True, slots=True)
class SizeTrial:
    """One size, and what ONNX Runtime did with it.

    Args:
        lengths: a length for each free dimension.
        said: it is accepted, by the analysis.
        ran: ONNX Runtime ran it.
        why: what ONNX Runtime said where it didn't.
        departure: why that is no contradiction, where the two differ; ``""`` where it is one.
    """

    lengths: Mapping[str, int]
    said: bool
    ran: bool
    why: str = ""
    departure: str = ""

    @property
    def agrees(self) -> bool:
        """What was said is what happened, or a known departure of ONNX Runtime's."""
        return self.said == self.ran or bool(self.departure)

    def to_dict(self) -> dict[str, object]:
        return {
            "lengths": dict(self.lengths), "said": self.said, "ran": self.ran, "why": self.why,
            "departure": self.departure, "agrees": self.agrees,
        }  # fmt: skip


@dataclass(frozen=True, slots=True, repr=False)
class SizeProof(Answer):
    """Sizes that were run, and whether what was said of them is so.

    Args:
        trials: in the order they ran in.
        runtime: ONNX Runtime's version.
        provider: what ran them.
    """

    trials: tuple[SizeTrial, ...]
    runtime: str
    provider: str

    @property
    def ok(self) -> bool:
        """All agree."""
        return all(trial.agrees for trial in self.trials)

    @property
    def wrong(self) -> tuple[SizeTrial, ...]:
        """Those that don't."""
        return tuple(trial for trial in self.trials if not trial.agrees)

    def to_dict(self) -> dict[str, object]:
        """As JSON has it."""
        return {
            "ok": self.ok, "runtime": self.runtime, "provider": self.provider,
            "trials": [trial.to_dict() for trial in self.trials],
        }  # fmt: skip

    def records(self) -> Iterable[dict[str, object]]:
        """One for each size."""
        for trial in self.trials:
            yield {**trial.lengths, "said": trial.said, "ran": trial.ran, "agrees": trial.agrees}

    def summary(self) -> str:
        return f"{many(len(self.trials), 'size')}, {len(self.wrong)} otherwise than said"
