"""What is said of a layer's numbers? Operands, shapes, work, receptive field, and where the rules are.

Numbers are exact, with separators; symbols are set as people write them (``Y[2]`` as Y₂,
``floor(a/b)`` as ⌊a/b⌋).
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from fractions import Fraction

from cnnscope.analyzer.explanation.explanation import AxisOrigin, Explanation, SeenInput, UnitRegion
from cnnscope.analyzer.fields.connections import Alternative, Alternatives
from cnnscope.analyzer.fields.extreme_paths import PathStep
from cnnscope.analyzer.fields.seen import Seen
from cnnscope.analyzer.fields.steps import FieldStep
from cnnscope.analyzer.operators.formula_text import Formula
from cnnscope.analyzer.render.document import (
    Block,
    Derivation,
    Derived,
    Document,
    Heading,
    Pair,
    Pairs,
    Picture,
    Section,
    text_table,
)
from cnnscope.analyzer.values.dimension import Dim
from cnnscope.analyzer.values.notation import alike, escape, middle, name, percent, ratio, shape
from cnnscope.analyzer.values.phases import Phases

#: changes of size on a path that are shown at either end
_ENDS = 7
_NAME = 60
_CLASSES = {
    "float_macs": "MACs", "int_macs": "integer MACs", "bias": "bias", "mul": "mul", "add": "add",
    "compare": "compare", "div": "div", "exp": "exp", "sqrt": "sqrt",
}  # fmt: skip
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
_READS = {
    "whole": "every unit sees the whole axis",
    "listed": "each unit reads its own list of positions",
    "scan": "each unit reads everything up to its own position",
    "fixed": "every unit sees the same of it",
    "reshape": "elements keep their row-major order",
    "subgraph": "read inside a subgraph, whose own layers say how",
    "unknown": "how it is read isn't known: all of it is taken to be seen",
    "window": "read through a window",
}
_FORMS = {
    "shared": "as it is (shared)",
    "unshared": "locally connected",
    "fully connected": "fully connected",
    "depthwise separable": "depthwise separable",
}


def said(head: str, text: str) -> Pairs:
    """A sentence; what hangs beside a head."""
    return Pairs((Pair(head, text),), aside=16, otherwise="behind")


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


def document(e: Explanation) -> Document:
    """Everything there is to say, in reading order; what is empty is left out."""
    found = (
        Section((Heading(heading(e)),)),
        Section(tuple(_operands(e)), "operands", indent=2),
        Section(tuple(_shapes(e)), "output shape", indent=2),
        Section(tuple(_stored(e)), "stored", indent=2),
        Section(tuple(_work(e)), "work", indent=2),
        Section(tuple(_traffic(e)), "memory traffic", indent=2),
        Section(tuple(_field(e)), "receptive field", indent=2),
        Section(tuple(_region(e.region)), "region", indent=2),
        Section(tuple(_alternatives(e.alternatives)), "alternatives", indent=2),
        Section(tuple(_sources(e)), "sources", indent=2),
    )
    return Document(heading(e), found)


# -- notation ----------------------------------------------------------------------------------

_SUBSCRIPTS = str.maketrans("0123456789", "₀₁₂₃₄₅₆₇₈₉")
_LONG_NUMBER = re.compile(r"(?<![\w.])\d{4,}(?![\w.])")


def exact(value: Dim | str | None) -> str:
    """A number with separators, a formula of free dimensions as it is.

    >>> exact(115605504), exact(None)
    ('115,605,504', '?')
    """
    if value is None:
        return "?"
    return f"{value:,}" if isinstance(value, int) else pretty(str(value))


def pretty(formula: str) -> str:
    """A formula as people write it.

    >>> pretty("2*Y[0]*floor((X[12] - 3)/2) + 100000")
    '2·Y₀·⌊(X₁₂ - 3)/2⌋ + 100,000'
    """
    for word, left, right in (("floor(", "⌊", "⌋"), ("ceil(", "⌈", "⌉")):
        while (at := formula.find(word)) >= 0:
            depth, end = 1, at + len(word)
            while end < len(formula) and depth:
                depth += {"(": 1, ")": -1}.get(formula[end], 0)
                end += 1
            inner = formula[at + len(word) : end - 1]
            formula = formula[:at] + left + inner + right + formula[end:]
    formula = re.sub(r"\[(\d+)\]", lambda m: m.group(1).translate(_SUBSCRIPTS), formula)
    formula = re.sub(r"^\((-\d+)\)", r"\1", formula)
    formula = _LONG_NUMBER.sub(lambda m: f"{int(m.group()):,}", formula)
    return escape(formula.replace("*", "·"))


def derived(label: str, formula: Formula) -> Derived:
    """A formula as a line."""
    result = exact(formula.result)
    text, numbers = pretty(formula.text), pretty(formula.numbers)
    if not formula.symbolic:
        text = numbers = ""
    return Derived(pretty(label), text, "" if numbers in (result, text) else numbers, result)


# -- what it takes and gives ---------------------------------------------------------------------


def _operands(e: Explanation) -> Iterator[Block]:
    roles = {stored.name: stored.role for stored in e.stored}
    rows = tuple(
        (
            o.symbol, shape(_plain(o.shape)), o.dtype or "?",
            roles.get(o.tensor, "stored") if o.role == "constant" else o.role,
            name(o.tensor, _NAME),
        )
        for o in e.operands
    )  # fmt: skip
    if rows:
        yield text_table(("", "shape", "dtype", "role", "tensor"), (False,) * 5, rows)
    told = "; ".join(f"{name(key)} = {_value(value)}" for key, value in e.attributes.items())
    if told:
        yield said("attributes", told)


def _plain(dims: tuple[Dim, ...] | None) -> list[int | str] | None:
    return None if dims is None else [d if isinstance(d, int) else str(d) for d in dims]


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
            x.role, shape(_plain(x.shape)), exact(x.elements), exact(x.nbytes),
            "here" if x.counted_at is None else f"at {name(x.counted_at, 30)}", name(x.name, _NAME),
        )
        for x in e.stored
    ]  # fmt: skip
    if len(rows) > 1:
        elements, nbytes = sum(x.elements for x in e.stored), sum(x.nbytes for x in e.stored)
        rows.append(("all", "", exact(elements), exact(nbytes), "", ""))
    if rows:
        titles = ("role", "shape", "elements", "bytes", "counted", "tensor")
        yield text_table(titles, (False, False, True, True, False, False), tuple(rows))


# -- work ----------------------------------------------------------------------------------------


def _work(e: Explanation) -> Iterator[Block]:
    rows = [derived(_CLASSES[key], formula) for key, formula in e.work.items()]
    if e.flops is not None:
        if e.macs is not None and "+" in e.macs.text:
            rows.append(_in_classes("all MACs", e.macs))
        rows.append(_in_classes("FLOPs", e.flops))
    if rows:
        yield Derivation(tuple(rows))
    if e.uncounted:
        missing = ", ".join(f"{name(op)} ({times})" for op, times in e.uncounted.items())
        yield said("not counted", missing)
    if e.inside:
        inside = tuple(
            (name(x.body), name(x.layer, _NAME), name(x.op), exact(x.macs),
             exact(x.flops))
            for x in e.inside
        )  # fmt: skip
        if len({x.body for x in e.inside}) > 1:
            yield said("the dearer", "of the bodies, each the sum over the layers inside:")
        else:
            yield said("sum", "over the layers inside, as often as they run; of one run:")
        yield text_table(
            ("in", "layer", "op", "MACs", "FLOPs"), (False, False, False, True, True), inside
        )


def _rounded(line: Derived, text: str, value: Fraction) -> Derived:
    """The line with its result as a text, which may say less than the number has."""
    plain = text.removesuffix(" %")
    said = Fraction(plain) if plain == text else Fraction(plain) / 100
    return replace(line, result=text, sign="=" if said == value else "≈")


def _in_classes(label: str, formula: Formula) -> Derived:
    """A sum of primitive classes, by the names they are shown under."""
    text = formula.text
    for key, shown in _CLASSES.items():
        text = re.sub(rf"\b{key}\b", shown, text)
    numbers = pretty(formula.numbers)
    result = exact(formula.result)
    return Derived(label, "" if text == "0" else pretty(text), "" if numbers == result else numbers,
                   result)  # fmt: skip


def _traffic(e: Explanation) -> Iterator[Block]:
    rows = tuple(
        (
            "write" if t.written else "read", t.symbol or "", exact(t.elements), str(t.bits),
            exact(t.nbytes), name(t.tensor, _NAME),
        )
        for t in e.traffic
    )  # fmt: skip
    if rows:
        titles = ("", "", "elements", "bits", "bytes", "tensor")
        yield text_table(titles, (False, False, True, True, True, False), rows)
    elif inside := [x for x in e.inside if x.body != "function"]:
        yield said("sum", "over the layers inside, as often as they run; of one run:")
        told = tuple(
            (name(x.body), name(x.layer, _NAME), exact(x.bytes_read), exact(x.bytes_written))
            for x in inside
        )
        yield text_table(("in", "layer", "read", "written"), (False, False, True, True), told)
    if e.intensity is not None:
        value = Fraction(str(e.intensity.result))
        line = _rounded(derived("intensity", e.intensity), ratio(float(value)), value)
        yield Derivation((replace(line, result=f"{line.result} FLOPs per byte"),))


# -- field ---------------------------------------------------------------------------------------


def _field(e: Explanation) -> Iterator[Block]:
    for note in e.notes:
        yield said("note", escape(note))
    for head, steps in _by_figures(e.steps):
        yield from _step(head, steps[0])
    if len({step.tensor for step in e.steps}) > 1:
        for (network_input, axis), seen in e.field.items():
            yield said(f"together, {name(network_input, 30)} axis {axis}", _figures(seen))
    for where, seen in _by_places(e):
        yield said(f"unit by unit, {where}", _places(seen))
    groups: dict[tuple[str, tuple[PathStep, ...]], dict[str, list[int]]] = {}
    for path in e.paths:
        groups.setdefault((path.input, path.steps), {}).setdefault(path.which, []).append(path.axis)
    for (network_input, walked), which in groups.items():
        kinds = " and ".join(which)
        axes = sorted({axis for found in which.values() for axis in found})
        plural = "es" if len(axes) > 1 else "is"
        told = f"{name(network_input, 30)} ax{plural} {', '.join(map(str, axes))}"
        size = exact(walked[-1].size)
        head = f"{kinds} path"
        text = f"{size}: {_path(walked)}" if len(walked) > 1 else size
        whole = e.field[network_input, axes[0]].size
        if "largest" in which and whole != walked[-1].size:
            text += f"; all paths together see {exact(whole)}"
        yield said(f"{head}, {told}", text)


def _figures(seen: Seen) -> str:
    start = "" if seen.start is None else f", start {seen.start}"
    return f"size {exact(seen.size)}, step {_step_of(seen)}{start}"


def _step_of(seen: Seen) -> str:
    """The step; an average is marked as one."""
    if seen.step is not None:
        return str(seen.step)
    return "-" if seen.mean_step is None else f"{seen.mean_step} on average"


def _by_places(e: Explanation) -> Iterator[tuple[str, Seen]]:
    """The axes along which units don't move on by one step, those alike together."""
    groups: dict[tuple[str, Phases], list[int]] = {}
    for (network_input, axis), seen in e.field.items():
        if seen.phases is not None and seen.phases.period != 1:
            groups.setdefault((network_input, seen.phases), []).append(axis)
    for (network_input, _), axes in groups.items():
        plural = "es" if len(axes) > 1 else "is"
        told = f"{name(network_input, 30)} ax{plural} {', '.join(map(str, axes))}"
        yield told, e.field[network_input, axes[0]]


def _places(seen: Seen) -> str:
    """Where the units of a period look, or all of them; the first and the last of many."""
    assert seen.phases is not None
    period, advance = seen.phases.period, seen.phases.advance or 0
    shown = []
    for r, span in enumerate(seen.phases.spans):
        unit = str(r) if period is None else f"{period}q" if r == 0 else f"{period}q+{r}"
        if span is None:
            shown.append(f"{unit}: nothing")
            continue
        moved = "" if not advance else f" + {advance}q" if advance > 0 else f" - {-advance}q"
        shown.append(f"{unit}: {span[0]}..{span[1]}{moved}")
    if len(shown) > _ENDS + 2:
        shown = [*shown[:_ENDS], f"... {len(shown) - _ENDS - 1} more ...", shown[-1]]
    return ", ".join(shown)


def _by_figures(steps: Sequence[FieldStep]) -> Iterator[tuple[str, list[FieldStep]]]:
    """Steps with the same figures (the axes of a square input) told once."""
    groups: dict[tuple[object, ...], list[FieldStep]] = {}
    for step in steps:
        before, after = step.before, step.after
        key = (
            step.tensor, step.input, step.read, step.window, before.size, before.phases,
            after and (after.size, after.phases),
        )  # fmt: skip
        groups.setdefault(key, []).append(step)
    for group in groups.values():
        axes = ", ".join(str(step.axis) for step in group)
        plural = "axes" if len(group) > 1 else "axis"
        yield (
            f"{name(group[0].input, 30)} {plural} {axes}, through {name(group[0].tensor, 40)}",
            group,
        )


def _step(head: str, step: FieldStep) -> Iterator[Block]:
    before, after = step.before, step.after
    window = step.window
    if (
        window is not None
        and window.is_identity
        and after is not None
        and after.size == before.size
    ):
        yield said(head, f"element by element: the field stays {exact(before.size)}"
                         f" ({_figures(before).partition(', ')[2]})")  # fmt: skip
        return
    if window is not None:
        told = f"window of {window.size}, stride {window.stride}"
        if window.dilation != 1 and window.size > 1:
            told += f", dilation {window.dilation}"
        told += f", padding {window.before} before"
        if window.outside != "nothing":
            told += f" ({window.outside})"
    else:
        told = _READS[step.read]
    if not step.equations:
        sizes = "" if after is None else f": size {exact(before.size)} → {exact(after.size)}"
        if after is not None and _step_of(after) not in ("-", _step_of(before)):
            sizes += f", step {_step_of(before)} → {_step_of(after)}"
        yield said(head, told + sizes)
        return
    yield said(head, told)
    labels = {"extent": "e", "size": "r'", "step": "S'", "start": "t'"}
    meanings = {"extent": "extent", "size": "size", "step": "step", "start": "start"}
    yield Derivation(
        tuple(
            derived(f"{meanings[key]} {labels[key]}", formula)
            for key, formula in step.equations.items()
        )
    )


def _path(steps: Sequence[PathStep]) -> str:
    """The layers where the size changes, with how many lie between them."""
    told: list[str] = []
    idle = 0
    size: int | None = -1
    for position, step in enumerate(steps):
        if step.size == size and position < len(steps) - 1:
            idle += 1
            continue
        if idle:
            told.append(f"({idle})")
        idle, size = 0, step.size
        told.append(f"{name(step.layer, 40)} {exact(step.size)}")
    if len(told) > 2 * _ENDS + 1:
        told = [*told[:_ENDS], f"... {len(told) - 2 * _ENDS} more ...", *told[-_ENDS:]]
    return " → ".join(told)


# -- region --------------------------------------------------------------------------------------

_CELLS = (32, 16)
_BAR = 64


def _region(region: UnitRegion | None) -> Iterator[Block]:
    if region is None:
        return
    unit = ", ".join(":" if i is None else str(i) for i in region.unit)
    yield said("unit", f"[{unit}]")
    rows = []
    for x in region.inputs:
        for axis in x.spatial:
            outside = x.outside(axis)
            ranges = [f"{lo}..{hi}" if hi > lo else str(lo) for lo, hi in x.ranges[axis]]
            span = x.unclipped.get(axis)
            rows.append(
                (
                    name(x.input, 30), str(axis), middle(" ".join(ranges), 60),
                    f"{exact(x.count(axis))} of {exact(x.shape[axis])}",
                    "-" if span is None else f"{span[0]}..{span[1]}",
                    "-" if outside is None else percent(float(outside)),
                )
            )  # fmt: skip
    titles = ("input", "axis", "seen", "indices", "unclipped", "outside")
    if rows:
        yield text_table(titles, (False, True, False, True, True, True), tuple(rows))
    if not region.inputs:
        yield said("seen", "nothing: all that the unit reads is padding or stored")
    for x in region.inputs:
        if not x.spatial or any(not x.shape[axis] for axis in x.spatial):
            continue
        if x.share < 1:
            yield Picture(tuple(_picture(x)))
        positions = math.prod(x.shape[axis] for axis in x.spatial)
        seen = math.prod(x.count(axis) for axis in x.spatial)
        share = f"{exact(seen)} of {exact(positions)} positions of {name(x.input, 30)}"
        yield said("seen", f"{share} ({percent(float(x.share))})")


def _picture(x: SeenInput) -> Iterator[str]:
    """The input as a box, what is seen filled; partly seen cells lighter."""
    if len(x.spatial) == 2:
        tall, wide = (x.shape[axis] for axis in x.spatial)
        # A cell is about twice as high as wide, so that a row of them stands for two columns.
        scale = max(Fraction(max(wide, tall), _CELLS[0]), Fraction(1, 2))
        columns = max(1, min(_CELLS[0], math.ceil(wide / scale)))
        rows = max(1, min(_CELLS[1], math.ceil(tall / scale / 2), tall))
        down, across = (
            _shares(x.ranges[axis], x.shape[axis], cells)
            for axis, cells in zip(x.spatial, (rows, columns), strict=True)
        )
        yield f"┌{'─' * columns}┐"
        for vertical in down:
            yield "│" + "".join(_shade(vertical * horizontal) for horizontal in across) + "│"
        yield f"└{'─' * columns}┘"
        return
    for axis in x.spatial:
        cells = min(_BAR, x.shape[axis])
        bar = "".join(map(_shade, _shares(x.ranges[axis], x.shape[axis], cells)))
        yield f"axis {axis} │{bar}│"


def _shares(ranges: Iterable[tuple[int, int]], length: int, cells: int) -> list[Fraction]:
    """Of each of so many equal cells along an axis, the share that is seen."""
    found = [Fraction(0)] * cells
    width = Fraction(length, cells)
    for lo, hi in ranges:
        for cell in range(math.floor(lo / width), min(cells, math.ceil((hi + 1) / width))):
            inside = min(Fraction(hi + 1), (cell + 1) * width) - max(Fraction(lo), cell * width)
            found[cell] += max(Fraction(0), inside) / width
    return found


def _shade(share: Fraction) -> str:
    if share >= 1:
        return "█"
    if share * 3 >= 2:
        return "▓"
    return "▒" if share * 3 >= 1 else "░" if share else " "


# -- what else it could be -----------------------------------------------------------------------


def _alternatives(found: Alternatives | None) -> Iterator[Block]:
    if found is None:
        return
    layer = found.forms[0]
    rows = tuple(
        (
            _FORMS[form.form], exact(form.params), _times(form.params, layer.params),
            exact(form.connections), exact(form.macs),
        )
        for form in found.forms
    )  # fmt: skip
    titles = ("for one example", "parameters", "ratio", "connections", "MACs")
    yield text_table(titles, (False, True, True, True, True), rows)
    values: Mapping[str, Dim | str] = {
        "connections": layer.connections, "in": found.inputs, "out": found.outputs,
    }  # fmt: skip
    line = derived("sparsity", Formula("1 - connections/(in*out)", values, ""))
    lines = [_rounded(line, _share(found.sparsity), found.sparsity)]
    if found.saving is not None:
        part = Fraction(str(found.saving.result))
        lines.append(
            _rounded(derived("separable/shared", found.saving), percent(float(part)), part)
        )
    yield Derivation(tuple(lines))
    yield from _remarks(found, layer)


def _share(value: Fraction) -> str:
    """A share near 1 with as many digits as tell it from 1."""
    text = percent(float(value))
    if text != "100 %" or value == 1:
        return text
    return f"{100 * float(value):.7g} %"


def _times(value: int, base: int) -> str:
    if not base:
        return ""
    return exact(round(value / base)) if value >= 100 * base else ratio(value / base)


def _remarks(found: Alternatives, layer: Alternative) -> Iterator[Pairs]:
    if found.batch != 1:
        yield said(
            "note", f"axis 0 is taken for the batch: the layer's work is {found.batch} times this"
        )
    padded = layer.macs - layer.connections
    if padded:
        yield said(
            "note",
            f"{exact(padded)} of the {exact(layer.macs)} products meet padding or are cropped: they "
            "are no connections, yet an unshared layer stores their weights",
        )


def _sources(e: Explanation) -> Iterator[Block]:
    homes: dict[str, list[str]] = {}
    for origin in e.sources:
        if origin.rule is None:
            yield said(origin.what, escape(f"{origin.said} {origin.url or ''}".strip()))
            continue
        rule, _, home = origin.rule.partition(" in ")
        homes.setdefault(f"{home}: {origin.said}", []).append(f"{rule} ({origin.what})")
    for home, rules in homes.items():
        yield said("rules", escape(f"{', '.join(rules)} in {home}"))
