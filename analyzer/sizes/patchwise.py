"""What does a network cost whose first stage is run patch by patch?"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import ClassVar

from cnnscope.analyzer.sizes.proof import PatchProof
from cnnscope.analyzer.values.notation import nbytes
from cnnscope.analyzer.values.plain_class import dataclass
from cnnscope.analyzer.values.shown import Answer


@dataclass(frozen=True, slots=True)
class Peak:
    """The most bytes of activations alive at once, by one convention.

    Args:
        convention: its name.
        said: in words, what writes into whose memory.
        before, after: of the network as it is, and with its first stage run patch by patch.
    """

    convention: str
    said: str
    before: int
    after: int

    def to_dict(self) -> dict[str, object]:
        return {"before": self.before, "after": self.after}


@dataclass(frozen=True, slots=True)
class FirstStage:
    """The layers that are run patch by patch.

    Args:
        until: the last of them.
        tensor: its map, which the patches are put together to.
        shape: of that.
        layers: how many there are.
        patches: by axis of the map, into how many it is cut.
    """

    until: str
    tensor: str
    shape: tuple[int, ...]
    layers: int
    patches: Mapping[int, int]

    def to_dict(self) -> dict[str, object]:
        return {
            "until": self.until,
            "tensor": self.tensor,
            "shape": list(self.shape),
            "layers": self.layers,
            "patches": {str(axis): count for axis, count in self.patches.items()},
        }


@dataclass(frozen=True, slots=True)
class StageLimit:
    """A layer that no stage reaches beyond.

    Args:
        layer: which.
        why: as an end of "it ...".
    """

    layer: str
    why: str

    def to_dict(self) -> dict[str, object]:
        return {"layer": self.layer, "why": self.why}


@dataclass(frozen=True, slots=True, repr=False, eq=False)
class Patchwise(Answer):
    """A network whose first stage is run patch by patch; what `cnnscope.patchwise` gives.

    Args:
        model: its path; None for one in memory.
        inputs: input name to its shape.
        stage: the layers that are run so; None: no stage lowers the peak.
        peaks: by each convention; ``in_place`` is what ONNX Runtime's arena has alive.
        macs: multiply-accumulates of the network as it is, and so; those of the halos are counted as often
            as they are computed.
        limit: the layer that no stage reaches beyond; None where none was met.
        why: in words, why there is no stage.
        output: the file that was written; None: none was.
        proof: what came of running both; None: they weren't run.
    """

    COLUMNS: ClassVar = ("convention", "before", "after", "ratio")

    model: str | None
    inputs: Mapping[str, tuple[int, ...]]
    stage: FirstStage | None
    peaks: tuple[Peak, ...] = ()
    macs: tuple[int, int] | None = None
    limit: StageLimit | None = None
    why: str | None = None
    output: str | None = None
    proof: PatchProof | None = None

    @property
    def ok(self) -> bool:
        """There is a stage."""
        return self.stage is not None

    @property
    def recomputed_share(self) -> float | None:
        """The share of the multiply-accumulates that are computed again: halos that patches share.

        0 where there are fewer than before: rows that nobody reads aren't computed.
        """
        if self.macs is None or not self.macs[1]:
            return None
        return max(0.0, 1 - self.macs[0] / self.macs[1])

    def peak(self, convention: str = "in_place") -> Peak:
        """The peak by a convention: ``unshared``, ``in_place`` or ``mcunetv2``.

        Raises:
            KeyError: there is no such convention, or no stage.
        """
        for found in self.peaks:
            if found.convention == convention:
                return found
        raise KeyError(convention)

    def to_dict(self) -> dict[str, object]:
        """The JSON of ``cnnscope tile --rewrite``."""
        macs = None
        if self.macs is not None:
            before, after = self.macs
            macs = {"before": before, "after": after, "recomputed_share": self.recomputed_share}
        found: dict[str, object] = {
            "schema_version": 1,
            "model": self.model,
            "inputs": {name: list(x) for name, x in self.inputs.items()},
            "stage": None if self.stage is None else self.stage.to_dict(),
            "peak_bytes": {x.convention: x.to_dict() for x in self.peaks},
            "macs": macs,
            "limit": None if self.limit is None else self.limit.to_dict(),
            "why": self.why,
            "output": self.output,
        }
        if self.proof is not None:
            found["proof"] = self.proof.to_dict()
        return found

    def records(self) -> Iterable[dict[str, object]]:
        """One for each convention."""
        for x in self.peaks:
            ratio = x.after / x.before if x.before else None
            yield {
                "convention": x.convention, "before": x.before, "after": x.after, "ratio": ratio
            }  # fmt: skip

    def summary(self) -> str:
        if self.stage is None:
            return self.why or "no stage lowers the peak"
        peak = self.peak()
        return f"patch by patch until {self.stage.until}: {nbytes(peak.before)} -> {nbytes(peak.after)}"
