"""What is said of a layer's work, and of the bytes that it moves?"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from fractions import Fraction

from cnnscope.analyzer.explanation.explanation import Explanation
from cnnscope.analyzer.operators.formula_text import Formula
from cnnscope.analyzer.render.document import Block, Derivation, Derived
from cnnscope.analyzer.render.subjects.formulas import (
    LONGEST_NAME,
    derived,
    exact,
    pretty,
    rounded,
    said,
)
from cnnscope.analyzer.render.tables import text_table
from cnnscope.analyzer.values.notation import name, ratio

_CLASSES = {
    "float_macs": "MACs", "int_macs": "integer MACs", "bias": "bias", "mul": "mul", "add": "add",
    "compare": "compare", "div": "div", "exp": "exp", "sqrt": "sqrt",
}  # fmt: skip


def work_blocks(e: Explanation) -> Iterator[Block]:
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
            (name(x.body), name(x.layer, LONGEST_NAME), name(x.op), exact(x.macs),
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


def _in_classes(label: str, formula: Formula) -> Derived:
    """A sum of primitive classes, by the names they are shown under."""
    text = formula.text
    for key, shown in _CLASSES.items():
        text = re.sub(rf"\b{key}\b", shown, text)
    numbers = pretty(formula.numbers)
    result = exact(formula.result)
    return Derived(label, "" if text == "0" else pretty(text), "" if numbers == result else numbers,
                   result)  # fmt: skip


def traffic_blocks(e: Explanation) -> Iterator[Block]:
    rows = tuple(
        (
            "write" if t.written else "read", t.symbol or "", exact(t.elements), str(t.bits),
            exact(t.nbytes), name(t.tensor, LONGEST_NAME),
        )
        for t in e.traffic
    )  # fmt: skip
    if rows:
        titles = ("", "", "elements", "bits", "bytes", "tensor")
        yield text_table(titles, (False, False, True, True, True, False), rows)
    elif inside := [x for x in e.inside if x.body != "function"]:
        yield said("sum", "over the layers inside, as often as they run; of one run:")
        told = tuple(
            (name(x.body), name(x.layer, LONGEST_NAME), exact(x.bytes_read), exact(x.bytes_written))
            for x in inside
        )
        yield text_table(("in", "layer", "read", "written"), (False, False, True, True), told)
    if e.intensity is not None:
        value = Fraction(str(e.intensity.result))
        line = rounded(derived("intensity", e.intensity), ratio(float(value)), value)
        yield Derivation((replace(line, result=f"{line.result} FLOPs per byte"),))
