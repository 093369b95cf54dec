"""Which one layer is asked about: or else, which are the candidates?"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from cnnscope.analyzer.report.meant_layers import meant_layers
from cnnscope.runtime.commands.messages import Misuse
from cnnscope.runtime.commands.reading import list_candidates

if TYPE_CHECKING:
    from cnnscope.analyzer.report.choosing import Choice
    from cnnscope.analyzer.report.layer import Layer
    from cnnscope.analyzer.report.report import Report


def one_layer(
    report: Report, path: str, wanted: str | None, choice: Choice | None = None
) -> Layer | None:
    """The layer that a word means; None, and the candidates on standard error, where it fits several.

    Args:
        path: the model's.
        wanted: a name, a path, an index, a pattern or a part of a path; None: any layer.
        choice: what else must hold of it.

    Raises:
        Misuse: it fits none.
    """
    try:
        found = tuple(report.layers) if wanted is None else meant_layers(report.layers, wanted)
        if choice:
            found = _chosen(found, report, choice)
    except KeyError as error:
        last = len(report.layers) - 1
        raise Misuse(f"{path}: {error.args[0]} (or give an index, 0 to {last})") from None
    except ValueError as error:
        raise Misuse(f"{path}: {error}") from None
    if len(found) > 1:
        list_candidates(found, report, path, repr(str(choice) if wanted is None else wanted))
        return None
    return found[0]


def _chosen(found: Sequence[Layer], report: Report, choice: Choice) -> tuple[Layer, ...]:
    """Those of the layers that are meant.

    Raises:
        ValueError: none of them is; with what is known of why.
    """
    chosen = choice.of_layers(report.layers)
    kept = {id(layer) for layer in chosen}
    left = tuple(layer for layer in found if id(layer) in kept)
    if not left:
        raise ValueError(chosen.hint or f"none that fits has {choice}")
    return left
