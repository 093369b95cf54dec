"""What of a model is limited, and how far may it go?"""

from __future__ import annotations

from typing import Literal

from cnnscope.analyzer.budgets.bounds import Bound
from cnnscope.analyzer.report.choosing import Choice
from cnnscope.analyzer.values.amounts import Measure
from cnnscope.analyzer.values.plain_class import dataclass

#: a limit on the whole model, or on the layers of a kind, of a module, or on each layer of a name
ScopeKind = Literal["model", "kind", "module", "layer"]


@dataclass(frozen=True, slots=True)
class Scope:
    """What of a model a limit is on.

    Args:
        kind: ``"model"``; the layers of a ``"kind"`` or a ``"module"`` together; each ``"layer"``.
        pattern: which kind, module or layers; ``*`` stands for anything.
        among: of the layers that are meant, no others; None: of all.
    """

    kind: ScopeKind = "model"
    pattern: str = ""
    among: Choice | None = None

    def to_dict(self) -> dict[str, object] | None:
        """As JSON has it; None for the whole model."""
        if self.among is not None:
            chosen = {"layers": list(self.among.layers), "only": [x.text for x in self.among.only]}
            return {"kind": self.kind, "pattern": self.pattern, "among": chosen}
        return None if self.kind == "model" else {"kind": self.kind, "pattern": self.pattern}

    def __str__(self) -> str:
        """In words: ``module layer4``; nothing of the whole model."""
        own = "" if self.kind == "model" else f"{self.kind} {self.pattern}"
        if self.among is None:
            return own
        return f"{own} among {self.among}" if own else str(self.among)


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
        scope = str(self.scope)
        return f"{self.quantity} of {scope}" if scope else self.quantity
