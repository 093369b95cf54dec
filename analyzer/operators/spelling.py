"""Which ways of writing a node mean the same, beyond what its schemas say?"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import field

from cnnscope.analyzer.operators.homes import load_home
from cnnscope.analyzer.values.plain_class import dataclass
from cnnscope.analyzer.values.tensor import Tensor


@dataclass(frozen=True, slots=True)
class Spelling:
    """Which ways of writing a node of an operator mean the same, beyond what its schemas say.

    Args:
        commutes: the order of its operands is nothing.
        shaping: attributes and operands that say what shape comes out, and nothing else.
        implied: what holds where neither the node nor its schema says anything.
        settings: what attributes and operands come to, by name, given them, the inputs and the
            opset version: for those whose meaning changed from version to version.
        axes_of_output: its axes are the output's, not the first input's.
        successor: the operator that later versions have for it.
    """

    commutes: bool = False
    shaping: frozenset[str] = frozenset()
    implied: Mapping[str, object] = field(default_factory=dict)
    settings: Settle | None = None
    axes_of_output: bool = False
    successor: str | None = None


Settle = Callable[[Mapping[str, object], Sequence["Tensor | None"], int], Mapping[str, object]]
_SPELLINGS: dict[str, Spelling] = {}
_PLAIN = Spelling()


def spell(
    *names: str,
    commutes: bool = False,
    shaping: Iterable[str] = (),
    implied: Mapping[str, object] | None = None,
    settings: Settle | None = None,
    axes_of_output: bool = False,
    successor: str | None = None,
) -> None:
    """Register which ways of writing operators of ai.onnx mean the same; see `Spelling`.

    Raises:
        ValueError: that is already registered.
    """
    for name in names:
        if name in _SPELLINGS:
            raise ValueError(f"the spellings of {name} are defined twice")
        _SPELLINGS[name] = Spelling(
            commutes, frozenset(shaping), implied or {}, settings, axes_of_output, successor
        )


def spelling(domain: str, name: str) -> Spelling:
    """Which ways of writing an operator mean the same."""
    load_home("spell", domain, name)
    return _PLAIN if domain else _SPELLINGS.get(name, _PLAIN)
