"""What is said of a layer's alternatives (unshared, fully connected, separable) and of ways to compute it?"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from fractions import Fraction

from cnnscope.analyzer.explanation.algorithms import Algorithm
from cnnscope.analyzer.fields.connections import Alternative, Alternatives
from cnnscope.analyzer.operators.formula_text import Formula
from cnnscope.analyzer.render.document import Block, Derivation, Pairs
from cnnscope.analyzer.render.subjects.formulas import derived, exact, pretty, rounded, said
from cnnscope.analyzer.render.tables import text_table
from cnnscope.analyzer.values.dimension import Dim
from cnnscope.analyzer.values.notation import percent, ratio

_FORMS = {
    "shared": "shared",
    "unshared": "locally connected",
    "tiled": "tiled",
    "fully connected": "fully connected",
    "depthwise separable": "depthwise separable",
}


def alternative_blocks(found: Alternatives | None) -> Iterator[Block]:
    if found is None:
        return
    layer = found.forms[0]
    rows = tuple(
        (
            _called(form, found), exact(form.params), _times(form.params, layer.params),
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
    lines = [rounded(line, share_text(found.sparsity), found.sparsity)]
    if found.saving is not None:
        part = Fraction(str(found.saving.result))
        lines.append(rounded(derived("separable/shared", found.saving), percent(float(part)), part))
    yield Derivation(tuple(lines))
    yield from _remarks(found, layer)


def _called(form: Alternative, found: Alternatives) -> str:
    if form is found.forms[0]:
        return f"as it is ({_FORMS[form.form]})"
    return "tiled (2 an axis)" if form.form == "tiled" else _FORMS[form.form]


def algorithm_blocks(found: Sequence[Algorithm]) -> Iterator[Block]:
    """Each algorithm's multiplications beside the direct way's."""
    if len(found) < 2:
        return
    direct = found[0].multiplications
    rows = tuple(
        (
            x.name, pretty(x.formula.text), pretty(x.formula.numbers), exact(x.multiplications),
            _times(x.multiplications, direct),
        )
        for x in found
    )  # fmt: skip
    titles = ("for one example", "multiplications", "", "", "ratio")
    yield text_table(titles, (False, False, False, True, True), rows, narrow="shorten")
    for x in found:
        if x.condition:
            yield said(x.name, x.condition)
    if any(x.name.startswith("Winograd") for x in found):
        yield said("Winograd", "without the transforms of tiles, once for each channel")


def share_text(value: Fraction) -> str:
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
