"""How is a figure that hangs on free lengths shown, and with which command does it become a number?"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Collection, Sequence
from fractions import Fraction
from typing import Final

from cnnscope.analyzer.model.piped import Piped
from cnnscope.analyzer.render.subjects.formulas import pretty
from cnnscope.analyzer.report.metric import Metric
from cnnscope.analyzer.report.network_input import Input
from cnnscope.analyzer.report.report import Report
from cnnscope.analyzer.values.dimension import Dim, FreeDim
from cnnscope.analyzer.values.leading import Leading, leading
from cnnscope.analyzer.values.notation import (
    count,
    escape,
    middle,
    name,
    nbytes,
    ratio,
    shape,
    with_exponent,
)

#: cells of a formula in a table, and of a length's name in it
_WIDEST: Final = 26
_NAME: Final = 12
#: and where there is less room, tried one after the other
_SHORTER: Final = (_NAME, 6, 5, 4, 3, 2)
#: how many texts of ever fewer characters there are of a formula
FORMS: Final = len(_SHORTER)
_WORD: Final = re.compile(r"[^\W\d]\w*(?!\w|\()")
_POWERS: Final = str.maketrans("0123456789", "⁰¹²³⁴⁵⁶⁷⁸⁹")
_THOUSANDS: Final = ("", " k", " M", " G", " T", " P", " E")
_BINARY: Final = (" B", " KiB", " MiB", " GiB", " TiB", " PiB", " EiB")


# -- formulas ------------------------------------------------------------------------------------------


def shortened(value: Dim | Sequence[Dim], write: Callable[[int], str] = count) -> str:
    """A formula as short as a table needs it: its leading term, behind ``≈`` unless that is all of it.

    Args:
        value: the formula; of several, the largest is meant.
        write: how a number is written: `count` or `nbytes`.

    >>> height, width = FreeDim.named("H"), FreeDim.named("W")
    >>> shortened(100352 * (height // 2) * (width // 2)), shortened(12 * height * width, nbytes)
    ('≈ 25.1 k·H·W', '12 B·H·W')
    """
    moments = list(value) if isinstance(value, Sequence) else [value]
    found = leading(*moments)
    if found is None:
        texts = [pretty(str(moment)) for moment in moments]
        whole = texts[0] if len(texts) == 1 else f"max({', '.join(texts)})"
        return middle(whole, _WIDEST)
    return leading_text(found, write is nbytes)


def shortened_ratio(top: object, bottom: object) -> str:
    """What a quotient of two formulas comes to where lengths are large: a number, where both grow alike.

    >>> height = FreeDim.named("H")
    >>> shortened_ratio(7 * height + 3, 2 * height), shortened_ratio(height, 5)
    ('≈ 3.5', '?')
    """
    if isinstance(top, FreeDim) and isinstance(bottom, FreeDim):
        one, other = leading(top), leading(bottom)
        if one is not None and other is not None and len(one.terms) == len(other.terms) == 1:
            (factor, names), (below, others) = one.terms[0], other.terms[0]
            if names == others and below:
                return f"≈ {ratio(float(factor / below))}"
    return "?"


def leading_text(found: Leading, in_bytes: bool = False, longest: int = _NAME) -> str:
    """A leading term in words; of a sum as much as there's room for."""
    texts = [_product(factor, names, in_bytes, longest) for factor, names in found.terms]
    sign = "" if found.exact else "≈ "
    text = texts[0]
    for more in texts[1:]:
        longer = f"{text} - {more[1:]}" if more.startswith("-") else f"{text} + {more}"
        if len(longer) > _WIDEST:
            return f"≈ {text} + …"
        text = longer
    return sign + middle(text, _WIDEST)


def length_text(dim: Dim, longest: int = _NAME) -> str:
    """A length of a shape, whole where it is short: ``(W - 1)``, ``≈H/4``; names as long as told."""
    if not isinstance(dim, FreeDim):
        return str(dim)
    whole = shape([str(dim)])
    if len(whole) <= _NAME:
        return _WORD.sub(lambda word: middle(word[0], longest), whole)
    found = leading(dim)
    if found is None:
        return middle(whole, _NAME)
    return leading_text(found, longest=longest).replace(" ", "")


def shape_text(dims: Sequence[Dim] | None, longest: int = _NAME) -> str:
    """A shape with its formulas shortened: ``1x64x≈H/4x≈W/4``; names as long as told."""
    if dims is None:
        return "?"
    return "x".join(length_text(dim, longest) for dim in dims) or "scalar"


def shape_forms(dims: Sequence[Dim] | None) -> list[str]:
    """A shape, then with ever shorter names of lengths, as long as different ones stay different.

    Every axis stays: a shape without its middle tells nothing.

    >>> height, width = FreeDim.named("height"), FreeDim.named("width")
    >>> shape_forms((1, 64, (height + 1) // 2, (width + 1) // 2))[0::5]
    ['1x64x≈height/2x≈width/2', '1x64x≈h…/2x≈w…/2']
    """
    free = [str(dim) for dim in dims or () if isinstance(dim, FreeDim)]
    if not free:
        return [shape_text(dims)] * FORMS
    names = {word[0] for text in free for word in _WORD.finditer(text)}
    return _ever_shorter(names, lambda longest: shape_text(dims, longest))


def formula_forms(value: FreeDim) -> list[str]:
    """A formula as `shortened` has it, then with ever shorter names.

    >>> formula_forms(108 * FreeDim.named("height") * FreeDim.named("width"))[0::5]
    ['108·height·width', '108·h…·w…']
    """
    found = leading(value)
    if found is None:
        return [shortened(value)] * len(_SHORTER)
    names = {symbol for _, symbols in found.terms for symbol in symbols}
    return _ever_shorter(names, lambda longest: leading_text(found, longest=longest))


def _ever_shorter(names: Collection[str], text: Callable[[int], str]) -> list[str]:
    """Texts with names of ever fewer characters, as long as different ones stay different."""
    found: list[str] = []
    for longest in _SHORTER:
        alike = len({middle(name, longest) for name in names}) < len(names)
        found.append(found[-1] if found and alike else text(longest))
    return found


def _product(factor: Fraction, names: Sequence[str], in_bytes: bool, longest: int) -> str:
    powers = [
        name(symbol, longest) + (str(times).translate(_POWERS) if times > 1 else "")
        for symbol, times in Counter(names).items()
    ]
    body = "·".join(powers)
    if not in_bytes and abs(factor.numerator) == 1:
        part = body if factor.denominator == 1 else f"{body}/{factor.denominator}"
        return part if factor > 0 else f"-{part}"
    return f"{_number(factor, in_bytes)}·{body}"


def _number(value: Fraction, in_bytes: bool) -> str:
    """Three digits and a unit."""
    base, units = (1024, _BINARY) if in_bytes else (1000, _THOUSANDS)
    size, power = abs(value), 0
    while power < len(units) - 1 and round(size, 0 if size >= 100 else 2) >= base:
        size, power = size / base, power + 1
    if size >= 10**6:  # beyond the last unit, and perhaps beyond every float
        digits = with_exponent(size)
    elif not power:
        digits = str(size) if size.denominator == 1 else f"{float(size):.3g}"
    else:
        digits = f"{float(size):.{0 if size >= 99.95 else 1 if size >= 9.995 else 2}f}"
    return f"{'-' if value < 0 else ''}{digits}{units[power]}"


def free_metric(found: Metric, write: Callable[[int], str] = count) -> str | None:
    """A total that hangs on free lengths, at least what is known of it; None of any other."""
    if found.value is not None or found.known is not None or found.formula is None:
        return None
    text = (
        shortened(found.moments, write) if found.moments else middle(pretty(found.formula), _WIDEST)
    )
    return text if found.whole else f">= {text}"


# -- the command that binds them -----------------------------------------------------------------------

#: a length to start with: of an image's sides, of anything else
_SIDE, _LENGTH = 640, 128


#: names that stand in a command, and on any page, as they are
_PLAIN: Final = re.compile(r"[\w.:+/-]{1,80}")


def binding(report: Report) -> str | None:
    """The command that gives every free length of the totals a number, ready to be copied. Its numbers are
    examples. None where they hang on none, or where a name that had to be in it is no plain word.
    """
    wanted = free_names(report)
    shapes: list[str] = []
    dims: dict[str, int] = {}
    # What was opened has its name for this once: a shape opens it again.
    opened = any(note.code == "opened-size" for note in report.diagnostics)
    for given in report.inputs:
        lengths = given.shape or ()
        names = [label for x in lengths if isinstance(x, FreeDim) for label in sorted(x.names)]
        if not set(names) & set(wanted):
            continue
        unnamed = opened or any(str(x) == f"{given.name}:{i}" for i, x in enumerate(lengths))
        if unnamed or not all(map(_PLAIN.fullmatch, names)):
            only = len(report.inputs) == 1 and not _PLAIN.fullmatch(given.name)
            shapes.append(
                _example_shape(given) if only else f"{given.name}={_example_shape(given)}"
            )
        else:
            dims.update((label, _example(given)) for label in names if label in wanted)
    options = [f"--shape {text}" for text in shapes]
    options += [f"--dim {label}={length}" for label, length in dims.items()]
    if not options or not all(
        map(_PLAIN.fullmatch, (x.split("=")[0].split(" ")[-1] for x in options))
    ):
        return None
    path = report.model.path or "MODEL"
    import shlex  # here: few reports end in a command to be typed

    quoted = "MODEL" if any(c in "<>&`" for c in path) else escape(shlex.quote(path))
    shown = "-" if path == Piped.name else quoted
    return " ".join(["cnnscope", "analyze", shown, *options])


def free_names(report: Report) -> list[str]:
    """The free lengths that totals hang on, in the order of the inputs."""
    found = {key for total in report.totals.metrics().values() for key in total.free}
    labels = [
        label
        for given in report.inputs
        for x in given.shape or ()
        if isinstance(x, FreeDim)
        for label in sorted(x.names)
    ]
    return list(dict.fromkeys(x for x in [*labels, *sorted(found)] if x in found))


def _example(given: Input) -> int:
    return _SIDE if len(given.shape or ()) == 4 else _LENGTH


def _example_shape(given: Input) -> str:
    """A shape of an input that has lengths without a name."""
    lengths = given.shape or ()
    return "x".join(str(_example(given)) if isinstance(x, FreeDim) else str(x) for x in lengths)
