"""How is one change written? In a few words, names escaped, long values shortened."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from cnnscope.analyzer.difference.change import Change, Plain
from cnnscope.analyzer.difference.entries import DifferenceGroup, LayerDifference
from cnnscope.analyzer.values.notation import alike, count, many, name, nbytes, percent, shape

_LONGEST = 60  # letters of a value
_MOST = 12  # operators of a block that are named one by one
_NOUNS = {
    "params": "parameters", "macs": "MACs", "flops": "FLOPs", "memory": "bytes moved",
    "field": "receptive field",
}  # fmt: skip
#: what a family's layers are called, where adding an s isn't right
_PLURALS = {
    "normalization": "normalization layers", "elementwise arithmetic": "elementwise layers",
    "matrix product": "matrix products",
}  # fmt: skip


def signed(value: int, write: Callable[[int], str] = count) -> str:
    """A delta with its sign.

    >>> signed(1500), signed(-2), signed(0)
    ('+1.50 k', '-2', '0')
    """
    return write(0) if not value else f"{'+' if value > 0 else '-'}{write(abs(value))}"


def signed_percent(share: float | None) -> str:
    """A delta as a share, with its sign.

    >>> signed_percent(0.5), signed_percent(-0.031), signed_percent(1e-6), signed_percent(None)
    ('+50 %', '-3.1 %', '+<0.1 %', '')
    """
    if share is None or not share:
        return ""
    sign = "+" if share > 0 else "-"
    return f"{sign}<0.1 %" if abs(share) < 0.0005 else f"{sign}{percent(abs(share))}"


def change_text(change: Change) -> str:
    """A change in a few words.

    >>> change_text(Change("shape", [1, 8, 4, 4], [1, 8, 2, 2]))
    'shape 1x8x4x4 -> 1x8x2x2'
    >>> change_text(Change("params", 100, 164))
    'parameters 100 -> 164'
    """
    one, other = change.before, change.after
    if change.aspect == "window":
        return _window(one, other)
    if change.aspect in ("op", "kind"):
        return f"{_value(one)} -> {_value(other)}"
    if change.aspect == "attributes":
        return f"{name(change.name or '', 40)} {_value(one)} -> {_value(other)}"
    if change.aspect == "constants":
        apart = _apart(change)
        return f"{name(change.name or '', 40)} {_value(one)} -> {_value(other)}{apart}"
    if change.aspect == "operands":
        return _operand(name(change.name or "", 40), one, other)
    if change.aspect == "position":
        return f"place {one} -> {other}"
    if change.aspect == "source":
        return f"given by {_value(one)} -> {_value(other)}"
    if change.aspect == "inputs":
        return f"reads {_names(one)} -> {_names(other)}"
    if change.aspect == "weights":
        return f"other weights{_apart(change)}"
    if change.aspect == "subgraphs":
        return (
            f"other subgraphs ({one} -> {many(int(str(other)), 'layer')})"
            if one != other
            else "other subgraphs"
        )
    noun = _NOUNS.get(change.aspect, change.aspect)
    if change.name is not None:
        noun += f" of output {change.name}"
    return f"{noun} {_figure(change.aspect, one)} -> {_figure(change.aspect, other)}"


def _apart(change: Change) -> str:
    """The largest difference of stored numbers, in brackets."""
    return "" if change.largest is None else f" (largest difference {change.largest:.3g})"


def _operand(title: str, one: Plain, other: Plain) -> str:
    """An operand that only one of two layers has, or that is stored in only one of them.

    >>> _operand("bias", "zeros", None), _operand("max", None, 6.0)
    ('bias of zeros removed', 'max 6.0 added')
    """
    if one is not None and other is not None:
        return f"{title} {_value(one)} -> {_value(other)}"
    there = other if one is None else one
    shown = "of zeros" if there == "zeros" else _value(there)
    return f"{title} {shown} {'added' if one is None else 'removed'}"


def _window(one: Plain, other: Plain) -> str:
    if not isinstance(one, dict) or not isinstance(other, dict):
        return f"window {'known' if one else 'not known'} -> {'known' if other else 'not known'}"
    texts = []
    for key in ("kernel", "stride", "dilation"):
        if one[key] != other[key]:
            texts.append(f"{key} {_lengths(one[key])} -> {_lengths(other[key])}")
    sides = [[_lengths(x["before"]), _lengths(x["after"])] for x in (one, other)]
    if sides[0] != sides[1]:
        padding = ["+".join(dict.fromkeys(side)) for side in sides]
        texts.append(f"padding {padding[0]} -> {padding[1]}")
    return ", ".join(texts)


def _lengths(value: Plain) -> str:
    return "x".join(str(x) for x in value) if isinstance(value, list) and value else "-"


def _value(value: Plain) -> str:
    if value is None:
        return "none"
    if isinstance(value, list):
        return name("[" + ", ".join(str(x) for x in value) + "]", _LONGEST)
    return name(str(value), _LONGEST)


def _names(value: Plain) -> str:
    if not isinstance(value, list):
        return _value(value)
    shown = [name(str(x), 40) for x in value[:3]]
    return ", ".join(shown) + (", ..." if len(value) > 3 else "") if shown else "nothing"


def _figure(aspect: str, value: Plain) -> str:
    if aspect == "shape":
        return "?" if not isinstance(value, list) else shape(value)  # type: ignore[arg-type]  # lengths
    if value is None:
        return "?"
    if aspect == "field":
        return _field(value)
    if isinstance(value, int):
        return nbytes(value) if aspect == "memory" else count(value)
    return name(str(value), _LONGEST)


def _field(value: Plain) -> str:
    if not isinstance(value, list) or not value:
        return "none"
    axes = [x for x in value if isinstance(x, dict)]
    sizes = alike(
        ["all" if x["global"] else "?" if x["size"] is None else str(x["size"]) for x in axes]
    )
    step = alike([_step(x) for x in axes])
    start = alike(["?" if x["start"] is None else str(x["start"]) for x in axes])
    return f"{sizes} (step {step}, from {start})"


def _step(axis: Mapping[str, object]) -> str:
    if axis["step"] is not None:
        return str(axis["step"])
    return "?" if axis["mean_step"] is None else f"~{axis['mean_step']}"


def what_changed(x: LayerDifference, *, everything: bool = False) -> str:
    """What became of a layer, in one line."""
    if x.into is not None:
        return f"{'into' if x.status == 'folded' else 'out of'} {name(x.into, 80)}"
    own = [change_text(c) for c in x.changes if c.own or everything or not x.own]
    rest = [c.aspect for c in x.changes if not c.own]
    texts = own
    if rest and x.own and not everything:
        texts = [*own, "so " + ", ".join(_NOUNS.get(a, a) for a in dict.fromkeys(rest))]
    if x.moved:
        texts = ["moved", *texts]
    if x.renamed and x.before is not None:
        texts = [*texts, f"was {name(x.before.name, 80)}"]
    return "; ".join(texts)


def operators(ops: Sequence[str]) -> str:
    """The operators of a block, as many as a line takes.

    >>> operators(["Conv", "Relu"]), operators([])
    ('Conv, Relu', 'nothing')
    """
    shown = [name(op, 40) for op in ops[:_MOST]]
    more = f", ... ({many(len(ops), 'layer')})" if len(ops) > _MOST else ""
    return ", ".join(shown) + more if shown else "nothing"


def group_text(group: DifferenceGroup) -> str:
    """A group in one line, its deltas behind it."""
    text = _group(group)
    deltas = []
    if group.params:
        one = abs(group.params) == 1
        deltas.append(f"{signed(group.params)} parameter{'' if one else 's'}")
    if group.macs:
        deltas.append(f"{signed(group.macs)} MACs")
    if group.macs is None:
        deltas.append("MACs not known")
    return text + (f" ({', '.join(deltas)})" if deltas else "")


def _group(group: DifferenceGroup) -> str:
    many, times = group.count > 1, f"{group.count} x " if group.count > 1 else ""
    inside = f" in {name(group.where, 80)}" if group.where else ""
    if group.kind in ("folded", "unfolded"):
        ops = operators(group.before or group.after)
        others = " and ".join(_plural(family, many) for family in group.into)
        word = "folded into" if group.kind == "folded" else "split out of"
        noun, whose = ("layers", "their") if many else ("layer", "its")
        return f"{group.count} {ops} {noun} {word} {whose} {others}"
    if group.kind == "replaced":
        return f"{times}{operators(group.before)} replaced by {operators(group.after)}{inside}"
    if group.kind == "changed":
        op = operators(group.after)
        shown = "; ".join(change_text(c) for c in group.changes if c.aspect != "inputs" or not many)
        if many and any(c.aspect == "inputs" for c in group.changes):
            shown = "; ".join(filter(None, [shown, "other inputs"]))
        return f"{times}{op} changed: {shown}"
    members = group.before or group.after
    if len(members) == 1:
        return f"{times}{operators(members)} {group.kind}{inside}"
    where = f" of {name(group.where, 80)}" if group.where else ""
    noun = "blocks" if many else "block"
    return (
        f"{group.count} {noun}{where} {group.kind}: {operators(members)}{' each' if many else ''}"
    )


def _plural(family: str, many: bool) -> str:
    if not many:
        return family
    return _PLURALS.get(family, f"{family}s")
