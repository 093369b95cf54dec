"""What did running the model show of each layer?

`Execution` joins a `Profile` and a `Verification` to the layers of a report, either of which may be
missing. A kernel's time belongs to all layers it contains; it stands at the first of them, so that a
column of times adds up, and the others say where.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING

from cnnscope.analyzer.values.plain_class import dataclass

if TYPE_CHECKING:
    from cnnscope.analyzer.report.kernel_row import Row
    from cnnscope.analyzer.report.measurement import Profile
    from cnnscope.analyzer.report.verification import Verification


@dataclass(frozen=True, slots=True)
class Execution:
    """A model's times and checks.

    Args:
        profile: how long it took; None where that wasn't measured.
        verification: whether predictions hold; None where that wasn't checked.
    """

    profile: Profile | None = None
    verification: Verification | None = None

    def rows(self, layers: Iterable[str]) -> dict[str, tuple[Row, str]]:
        """For each layer that ran, its row, and the first of these layers in that row."""
        known = set(layers)
        found: dict[str, tuple[Row, str]] = {}
        for row in self.profile.rows if self.profile is not None else ():
            members = [layer for layer in row.layers if layer in known]
            found.update((layer, (row, members[0])) for layer in members)
        return found

    def seconds(self, layers: Iterable[str]) -> dict[str, float]:
        """What each layer took that ran: a kernel's time stands at the first of these layers in it."""
        return {
            layer: row.seconds
            for layer, (row, first) in self.rows(layers).items()
            if first == layer and row.seconds is not None
        }

    @property
    def whole(self) -> float | None:
        """What all kernels took, those of no layer included; None where none was timed."""
        return None if self.profile is None else self.profile.kernel_seconds

    def judge(self) -> Callable[[str, Sequence[str]], bool | None]:
        """Of a layer and the names of its outputs: does what was predicted of it hold?

        None where that wasn't checked.
        """
        checked = self.verification
        if checked is None or checked.shapes.reason:
            return lambda layer, outputs: None
        wrong = {m.layer for c in (checked.shapes, checked.fields) for m in c.mismatches}
        unchecked = {u.tensor for u in checked.shapes.unchecked}

        def holds(layer: str, outputs: Sequence[str]) -> bool | None:
            if layer in wrong:
                return False
            return None if unchecked.intersection(outputs) else True

        return holds

    def to_dict(self) -> dict[str, object]:
        """As JSON has it."""
        return {
            "profile": None if self.profile is None else self.profile.to_dict(),
            "verification": None if self.verification is None else self.verification.to_dict(),
        }
