"""What are the tensors called that a model stores next? Mostly in the order in which its nodes read them."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from cnnscope.analyzer.model.stored_rows import Rows

#: names that are passed over at a time; more is a jump to another place
_PASSED: Final = 8


def names_to_come(rows: Rows) -> list[str]:
    """Names of tensors still to come, in their probable order; empty where the nodes don't tell.

    A kind of tensor that was passed over more often than not (what an exporter folded into others
    comes last, say) is taken to come behind all others.
    """
    stored = rows.stored
    # From IR version 4 on an input isn't stored as well.
    fed = set() if any(x.name in rows.inputs for x in stored) else rows.inputs
    order = [name for name in rows.uses if name not in fed]
    index = {name: i for i, name in enumerate(order)}
    if not stored or stored[-1].name not in index:
        return []
    had = {x.name for x in stored}
    kept: Counter[object] = Counter()
    passed: Counter[object] = Counter()
    last = -1
    for tensor in stored:
        at = index.get(tensor.name)
        if at is None:
            continue
        if last < at <= last + _PASSED:
            passed.update(rows.uses[name].kind for name in order[last + 1 : at] if name not in had)
        kept[rows.uses[tensor.name].kind] += 1
        last = at

    def late(name: str) -> bool:
        kind = rows.uses[name].kind
        return passed[kind] > kept[kind]

    rest = [name for name in order if name not in had]
    behind = [name for name in order[last + 1 :] if name not in had]
    soon = [name for name in behind if not late(name)]
    chosen = set(soon)
    return soon + [name for name in rest if name not in chosen]
