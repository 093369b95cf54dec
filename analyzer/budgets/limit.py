"""What of a model is limited, and how far may it go?"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from cnnscope.analyzer.budgets.bounds import Bound
from cnnscope.analyzer.values.amounts import Measure

#: a limit on the whole model, or on the layers of a kind, of a module, or on each layer of a name
ScopeKind = Literal["model", "kind", "module", "layer"]


@dataclass(frozen=True, slots=True)
class Scope:
    """What of a model a limit is on.

    Args:
        kind: ``"model"``; the layers of a ``"kind"`` or a ``"module"`` together; each ``"layer"``.
        pattern: which kind, module or layers; ``*`` stands for anything.
    """

    kind: ScopeKind = "model"
    pattern: str = ""

    def to_dict(self) -> dict[str, str] | None:
        """As JSON has it; None for the whole model."""
        return None if self.kind == "model" else {"kind": self.kind, "pattern": self.pattern}


WHOLE = Scope()


@dataclass(frozen=True, slots=True)
class Limit:
    """One line of a budget.

    Args:
        quantity: what is limited, e.g. ``"macs"`` or ``"operators.forbid"``.
        measure: what that is measured in.
        text: the limit as it was written.
        bounds: what may not be crossed; none for a list of operators.
        patterns: the operators of such a list.
        scope: what of the model it is on.
        origin: where it was written: ``"cnnscope.toml:12"``, ``"--limit"``, or ``""``.
        allow_unknown: that it can't be judged is no failure.
    """

    quantity: str
    measure: Measure
    text: str
    bounds: tuple[Bound, ...] = ()
    patterns: tuple[str, ...] = ()
    scope: Scope = WHOLE
    origin: str = ""
    allow_unknown: bool = False

    @property
    def key(self) -> tuple[Scope, str]:
        """A later limit with the same key takes the place of this one."""
        return self.scope, self.quantity

    @property
    def name(self) -> str:
        """``"macs"``, or ``"macs of module layer4"``."""
        if self.scope.kind == "model":
            return self.quantity
        return f"{self.quantity} of {self.scope.kind} {self.scope.pattern}"
