"""What may be asked of a layer in a condition, and in which words?

Every column that `--columns` knows, by the same names, and what all layers come to where they add up.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from fnmatch import fnmatchcase
from fractions import Fraction
from typing import Final, get_args

from cnnscope.analyzer.layers.kinds import COMPLETE, FORMS
from cnnscope.analyzer.operators.definition import Family
from cnnscope.analyzer.report.conditions import Amount, Fact, Number, Range, Text, fits_text
from cnnscope.analyzer.report.layer import Layer
from cnnscope.analyzer.report.path_patterns import fits, steps_of
from cnnscope.analyzer.report.receptive_field import ReceptiveField
from cnnscope.analyzer.report.shares import ADDITIVE
from cnnscope.analyzer.values.amounts import Measure
from cnnscope.analyzer.values.notation import shape
from cnnscope.analyzer.values.tensor import plain_shape

# -- kinds ---------------------------------------------------------------------------------------------

_ENDS: Final = (*get_args(Family), *COMPLETE)
_WORDS: Final = frozenset(
    word.lower() for text in (*_ENDS, *FORMS, "dilated") for word in text.split()
)


def fits_kind(label: str, wanted: str) -> bool:
    """Words that follow each other in a kind's label, of which the last may be its beginning.

    >>> fits_kind("2-D depthwise convolution", "depthwise"), fits_kind("2-D max pooling", "pool")
    (True, True)
    >>> fits_kind("2-D depthwise convolution", "2-D convolution")
    False
    """
    label, wanted = label.lower(), wanted.lower()
    if any(c in wanted for c in "*?["):
        return fnmatchcase(label, wanted)
    return f" {label}".find(f" {' '.join(wanted.split())}") >= 0


def kind_words(layer: Layer) -> Sequence[str]:
    """What a layer's kind may be asked for by: its label, and its form, which that may leave out."""
    kind = layer.kind
    return (kind.label,) if kind.form is None else (kind.label, kind.form)


def check_kind(wanted: str) -> None:
    """Raises ValueError where a kind is one that no layer can be of."""
    words = wanted.lower().split()
    if not words or any(c in wanted for c in "*?["):
        return
    odd = [w for w in words if w not in _WORDS and not re.fullmatch(r"\d-d", w)]
    if not odd or (odd == words[-1:] and any(w.startswith(odd[0]) for w in _WORDS)):
        return
    import difflib  # here: only a slip asks for it

    close = difflib.get_close_matches(odd[0][:100], _WORDS, 1, 0.7)
    meant = (
        f"; did you mean {close[0]!r}?" if close else "; kinds are such as depthwise convolution"
    )
    raise ValueError(f"no layer is of the kind {wanted!r}{meant}")


# -- words ---------------------------------------------------------------------------------------------


def fits_name(name: str, wanted: str) -> bool:
    """The whole name, in which ``*`` stands for anything; or a path as a layer's pattern has it."""
    return name == wanted or fnmatchcase(name, wanted) or fits(steps_of(name), steps_of(wanted))


def _names(layer: Layer) -> Sequence[str]:
    return (layer.name, layer.path)


def _output(layer: Layer) -> Sequence[str] | None:
    return None if layer.output_shape is None else (shape(plain_shape(layer.output_shape)),)


def _dtype(layer: Layer) -> Sequence[str] | None:
    if not layer.outputs:
        return ()
    return None if layer.outputs[0].dtype is None else (layer.outputs[0].dtype,)


def _global(layer: Layer) -> Sequence[str]:
    seen = any(f.global_ for f in layer.receptive_field)
    return ("yes", "true") if seen else ("no", "false")


# -- numbers -------------------------------------------------------------------------------------------


def _counted(key: str) -> Amount[Layer]:
    """A figure that adds up over layers."""
    quantity = ADDITIVE[key]

    def number(layer: Layer) -> Range | None:
        value = quantity.of_layer(layer)
        return None if value is None else Range(value)

    return Amount(number, quantity.measure, quantity.whole)


def _plain(read: Callable[[Layer], Number | None], measure: Measure | None = None) -> Amount[Layer]:
    """A figure of the layer alone; not known where there is none."""

    def number(layer: Layer) -> Range | None:
        value = read(layer)
        return None if value is None else Range(value)

    return Amount(number, "share" if measure is None else measure)


def _largest(
    read: Callable[[ReceptiveField], Number | None], *, unknown: bool = False
) -> Amount[Layer]:
    """A figure along axes: the largest of them.

    Args:
        unknown: where an axis has none, it isn't known; else there is none.
    """

    def number(layer: Layer) -> Range:
        fields = layer.receptive_field
        found = [read(f) for f in fields]
        sizes = [x for x in found if x is not None]
        if not unknown or len(sizes) == len(found):
            return Range(max(sizes, default=None))
        sizes += [f.at_least for f in fields if f.at_least is not None]
        return Range(max(sizes, default=None), exact=False)

    return Amount(number, "length")


def _outside(layer: Layer) -> Range | None:
    """The largest share along an axis: no less than that where not all of them are known."""
    shares = [f.outside_share for f in layer.receptive_field]
    known = [x for x in shares if x is not None]
    return Range(max(known), len(known) == len(shares)) if known else None


def _step(field: ReceptiveField) -> int | Fraction | None:
    return field.mean_step


#: by the name of the column
LAYER_FACTS: Final[Mapping[str, Fact[Layer]]] = {
    "index": _plain(lambda x: x.index, "count"),
    "name": Text(_names, fits_name),
    "path": Text(_names, fits_name),
    "op": Text(lambda x: (x.op,), fits_text),
    "kind": Text(kind_words, fits_kind, check_kind),
    "traits": Text(lambda x: x.kind.traits, fits_text),
    "padding": Text(lambda x: () if x.kind.padding is None else (x.kind.padding,), fits_text),
    "scope": Text(lambda x: (x.scope,), fits_name),
    "output": Text(_output, fits_text),
    "dtype": Text(_dtype, fits_text),
    **{key: _counted(key) for key in ADDITIVE},
    "intensity": _plain(lambda x: x.intensity, "count"),
    "rf_size": _largest(lambda f: f.size, unknown=True),
    "rf_local": _largest(lambda f: f.local_size),
    "rf_step": _largest(_step),
    "rf_start": _largest(lambda f: f.start),
    "rf_mean_step": _largest(_step),
    "rf_global": Text(_global, fits_text),
    "rf_outside": Amount(_outside, "share"),
    "padded": _plain(lambda x: x.padded_share),
}
