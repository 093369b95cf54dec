"""What is said of a layer's numbers? Operands, shapes, what is stored, and where the rules are.

Work, receptive field, region and alternatives have a file each, ``explained_*``.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from cnnscope.analyzer.explanation.axes import AxisOrigin
from cnnscope.analyzer.explanation.explanation import Explanation
from cnnscope.analyzer.render.document import Block, Derivation, Derived, Document, Heading, Section
from cnnscope.analyzer.render.subjects.explained_alternatives import (
    algorithm_blocks,
    alternative_blocks,
)
from cnnscope.analyzer.render.subjects.explained_effective import effective_blocks
from cnnscope.analyzer.render.subjects.explained_field import field_blocks
from cnnscope.analyzer.render.subjects.explained_region import region_blocks
from cnnscope.analyzer.render.subjects.explained_work import traffic_blocks, work_blocks
from cnnscope.analyzer.render.subjects.formulas import LONGEST_NAME, derived, exact, pretty, said
from cnnscope.analyzer.render.tables import text_table
from cnnscope.analyzer.values.node_name import shown_name
from cnnscope.analyzer.values.notation import LONGEST, alike, escape, name, shape
from cnnscope.analyzer.values.tensor import plain_shape

_FATES = {
    "contracted": "contracted (every output reads all of it)",
    "pooled": "looked at whole",
    "grouped": "read in groups",
    "broadcast": "repeated (broadcast)",
    "fixed": "read at fixed indices",
    "scanned": "scanned up to each index",
    "reshaped": "cut anew in row-major order",
    "unread": "not read, only its shape",
    "inside": "read inside its subgraph or function body",
    "unknown": "read in a way that isn't known",
}


def heading(e: Explanation) -> str:
    """Which layer, in one line."""
    kind = e.kind
    told = [kind.label] if kind.label and kind.family != "other" else []
    if kind.kernel:
        told[-1:] = [f"{kind.label} {'x'.join(map(str, kind.kernel))}"]
        told += [f"stride {alike(list(map(str, kind.stride)))}"] if kind.stride else []
    if kind.padding is not None:
        told.append(f"{kind.padding} padding")
    return ", ".join([f"{name(e.layer)}: {name(e.op)}", *told])


def document(e: Explanation, *, effective: bool = True) -> Document:
    """Everything there is to say, in reading order; what is empty is left out.

    Args:
        e: the explanation.
        effective: say how far what a unit hangs on reaches, which takes a while to find out.
    """
    found = (
        Section((Heading(heading(e)),)),
        Section(tuple(_operands(e)), "operands", indent=2),
        Section(tuple(_shapes(e)), "output shape", indent=2),
        Section(tuple(_stored(e)), "stored", indent=2),
        Section(tuple(work_blocks(e)), "work", indent=2),
        Section(tuple(traffic_blocks(e)), "memory traffic", indent=2),
        Section(tuple(field_blocks(e)), "receptive field", indent=2),
        Section(tuple(region_blocks(e.region)), "region", indent=2),
        Section(
            tuple(effective_blocks(e.effective if effective else None)), "effective field", indent=2
        ),
        Section(tuple(alternative_blocks(e.alternatives)), "alternatives", indent=2),
        Section(tuple(algorithm_blocks(e.algorithms)), "algorithms", indent=2),
        Section(tuple(_sources(e)), "sources", indent=2),
    )
    return Document(heading(e), found)


# -- what it takes and gives ---------------------------------------------------------------------


def _operands(e: Explanation) -> Iterator[Block]:
    roles = {stored.name: stored.role for stored in e.stored}
    rows = tuple(
        (
            o.symbol, shape(plain_shape(o.shape)), o.dtype or "?",
            roles.get(o.tensor, "stored") if o.role == "constant" else o.role,
            name(o.tensor, LONGEST_NAME),
        )
        for o in e.operands
    )  # fmt: skip
    if rows:
        yield text_table(("", "shape", "dtype", "role", "tensor"), (False,) * 5, rows)
    told = "; ".join(f"{name(key)} = {_value(value)}" for key, value in e.attributes.items())
    if told:
        yield said("attributes", told)


def _value(value: object) -> str:
    if isinstance(value, tuple | list):
        shown = ", ".join(str(v) for v in value[:12])
        return name(f"({shown}{', ...' if len(value) > 12 else ''})", 100)
    return name(str(value), 60)


def _shapes(e: Explanation) -> Iterator[Block]:
    rows = []
    for group in _alike_axes(e.axes):
        first = group[0]
        label = _run_of([pretty(a.symbol) for a in group])
        result = ", ".join(exact(a.length) for a in group)
        if first.formula is None:
            rows.append(
                Derived(label, f"as the {_HOW.get(first.source, first.source)}", "", result)
            )
        elif first.way == "window":
            symbol = next(iter(first.formula.values))
            text = pretty(first.formula.text.replace(symbol, "n"))
            rows.append(Derived(label, text, pretty(first.formula.numbers), exact(first.length)))
            axes = ", ".join(pretty(next(iter(a.formula.values))) for a in group if a.formula)
            rows.append(Derived("n", axes, "", exact(first.formula.values[symbol])))
        elif len(group) > 1:
            formulas = _run_of([pretty(a.formula.text) for a in group if a.formula])
            rows.append(Derived(label, formulas, "", result))
        else:
            rows.append(derived(first.symbol, first.formula))
    if rows:
        yield Derivation(tuple(rows))
    fates: dict[str, list[str]] = {}
    for fate in e.fates:
        if fate.fate in _FATES:
            fates.setdefault(fate.fate, []).append(f"{pretty(fate.symbol)} ({exact(fate.length)})")
    for kind, symbols in fates.items():
        yield said(_listed(symbols), _FATES[kind])


_HOW = {
    "rules": "rule says, with these lengths", "function": "function's body says",
    "schema": "schema's shape inference says", "declared": "file declares",
    "unknown": "model leaves it: not known",
}  # fmt: skip


def _alike_axes(axes: Sequence[AxisOrigin]) -> Iterator[list[AxisOrigin]]:
    """Axes that come about in one way: told once."""
    groups: dict[tuple[str, ...], list[AxisOrigin]] = {}
    for axis in axes:
        if axis.way == "window" and axis.formula is not None:
            text = axis.formula.text.replace(next(iter(axis.formula.values)), "n")
            key: tuple[str, ...] = (axis.tensor, "window", text, axis.formula.numbers)
        elif axis.way == "computed":
            key = (axis.tensor, "computed", axis.symbol)
        else:
            key = (axis.tensor, axis.way)
        groups.setdefault(key, []).append(axis)
    yield from groups.values()


def _run_of(symbols: Sequence[str]) -> str:
    """Symbols side by side; the first and the last where they are long."""
    told = ", ".join(symbols)
    return told if len(told) <= 32 or len(symbols) < 3 else f"{symbols[0]} .. {symbols[-1]}"


def _listed(texts: Sequence[str]) -> str:
    return ", ".join(texts) if len(texts) <= 8 else ", ".join([*texts[:7], "..."])


def _stored(e: Explanation) -> Iterator[Block]:
    rows = [
        (
            x.role, shape(plain_shape(x.shape)), exact(x.elements), exact(x.nbytes),
            "here" if x.counted_at is None else f"at {name(x.counted_at, 30)}", name(x.name, LONGEST_NAME),
        )
        for x in e.stored
    ]  # fmt: skip
    if len(rows) > 1:
        elements, nbytes = sum(x.elements for x in e.stored), sum(x.nbytes for x in e.stored)
        rows.append(("all", "", exact(elements), exact(nbytes), "", ""))
    if rows:
        titles = ("role", "shape", "elements", "bytes", "counted", "tensor")
        yield text_table(titles, (False, False, True, True, False, False), tuple(rows))


def _sources(e: Explanation) -> Iterator[Block]:
    if shown_name(e.layer) != e.layer:
        yield said("name in the file", escape(str(e.layer)[:LONGEST]))
    homes: dict[str, list[str]] = {}
    for origin in e.sources:
        if origin.rule is None:
            yield said(origin.what, escape(f"{origin.said} {origin.url or ''}".strip()))
            continue
        rule, _, home = origin.rule.partition(" in ")
        homes.setdefault(f"{home}: {origin.said}", []).append(f"{rule} ({origin.what})")
    for home, rules in homes.items():
        yield said("rules", escape(f"{', '.join(rules)} in {home}"))
