"""What do operators make of numbers that are known before the model runs?

Of those that hang on free lengths (`reckons`), and of plain ones to the letter what onnx's reference makes
of them (`calculates`). What they lie between where they aren't told one by one is `bounding`'s.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING

from cnnscope.analyzer.operators.homes import load_home
from cnnscope.analyzer.values.plain_class import dataclass

if TYPE_CHECKING:
    import numpy as np


@dataclass(frozen=True, slots=True)
class Reckons:
    """How an operator works with numbers that hang on free lengths; see `reckons`."""

    rule: Callable[..., Sequence[np.ndarray]]
    joins: bool = False
    unless: str = ""


_RECKONS: dict[str, Reckons] = {}


def reckons(
    *names: str,
    rule: Callable[..., Sequence[np.ndarray]],
    joins: bool = False,
    unless: str = "",
) -> None:
    """Register what operators of ai.onnx make of numbers that hang on free lengths.

    Args:
        names: ONNX operator types.
        rule: `cnnscope.analyzer.values.reckoning.Sums` to the elements of the outputs.
        joins: it puts elements of several inputs side by side, so that it is worth knowing some of
            them where others hang on data.
        unless: an attribute with which the rule doesn't hold.

    Raises:
        ValueError: one is already registered.
    """
    for name in names:
        if name in _RECKONS:
            raise ValueError(f"what {name} makes of free lengths is defined twice")
        _RECKONS[name] = Reckons(rule, joins, unless)


def reckoner(domain: str, name: str) -> Reckons | None:
    """What an operator makes of numbers that hang on free lengths; None: that isn't known."""
    load_home("reckons", domain, name)
    return None if domain else _RECKONS.get(name)


#: from the elements of the inputs, the attributes and the opset to those of the only output
Calculation = Callable[
    [Sequence["np.ndarray | None"], Mapping[str, object], int], "np.ndarray | None"
]
_CALCULATIONS: dict[tuple[str, str], Calculation] = {}


def calculates(*names: str, rule: Calculation, domain: str = "") -> None:
    """Register what operators of a domain with one output make of numbers.

    Args:
        names: ONNX operator types.
        rule: exactly what onnx's reference gives, to the dtype; None, or any error, where that is
            to be asked itself.

    Raises:
        ValueError: one is already registered.
    """
    for name in names:
        if (domain, name) in _CALCULATIONS:
            raise ValueError(f"what {name} makes of numbers is defined twice")
        _CALCULATIONS[domain, name] = rule


def calculation(domain: str, name: str) -> Calculation | None:
    """What an operator makes of numbers; None: onnx's reference is asked."""
    load_home("calculates", domain, name)
    return _CALCULATIONS.get((domain, name))
