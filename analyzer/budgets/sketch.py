"""By what is a model known again when its file has another name?

A sketch is small enough to stand in a baseline, and hangs on no name: a digest of every layer's
operator, kind, output and parameters, in order, and how often each operator is there.
"""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Mapping
from dataclasses import field
from typing import Final

from cnnscope.analyzer.report.report import Report
from cnnscope.analyzer.values.plain_class import dataclass
from cnnscope.analyzer.values.tensor import plain_shape

#: two models that have so much in common are taken for one under two names
ALIKE: Final = 0.8


@dataclass(frozen=True, slots=True)
class Sketch:
    """What a model's graph looks like.

    Args:
        digest: equal for equal graphs, whatever things in them are called and weigh.
        operators: how many layers have each operator.
    """

    digest: str
    operators: Mapping[str, int] = field(default_factory=dict)

    @classmethod
    def of(cls, report: Report) -> Sketch:
        """A report's."""
        layers = [
            (x.op, x.kind.label, str(plain_shape(x.output_shape)), x.params) for x in report.layers
        ]
        digest = hashlib.sha256(json.dumps(layers).encode()).hexdigest()[:32]
        return cls(digest, dict(sorted(Counter(x.op for x in report.layers).items())))

    @classmethod
    def read(cls, entry: object) -> Sketch | None:
        """From JSON; None for what is none."""
        if not isinstance(entry, dict):
            return None
        digest, operators = entry.get("digest"), entry.get("operators")
        if not isinstance(digest, str) or not isinstance(operators, dict):
            return None
        known = {str(k): n for k, n in operators.items() if type(n) is int and 0 < n < 10**9}
        return cls(digest, known)

    def to_dict(self) -> dict[str, object]:
        return {"digest": self.digest, "operators": dict(self.operators)}

    def likeness(self, other: Sketch) -> float:
        """How much two graphs have in common, from 0 to 1: 1 only where they are equal.

        Of the operators it is Jaccard's index, each counted as often as it is there.

        >>> one, other = Sketch("a", {"Conv": 8, "Relu": 8}), Sketch("b", {"Conv": 9, "Relu": 9})
        >>> round(one.likeness(other), 2), one.likeness(one)
        (0.89, 1.0)
        """
        if self.digest == other.digest:
            return 1.0
        keys = self.operators.keys() | other.operators.keys()
        pairs = [(self.operators.get(key, 0), other.operators.get(key, 0)) for key in keys]
        most = sum(map(max, pairs))
        return min(0.999, sum(map(min, pairs)) / most) if most else 0.0
