"""Which layers are meant: by patterns of their paths, and by conditions on what is known of them?

A layer is chosen that fits any of the patterns and fulfils all of the conditions. What isn't known of a layer
doesn't choose it, and that is counted: no row is left out in silence.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import field

from cnnscope.analyzer.report.conditions import Condition, Fact, Text, parse_condition
from cnnscope.analyzer.report.layer import Layer
from cnnscope.analyzer.report.layer_conditions import LAYER_FACTS
from cnnscope.analyzer.report.module_paths import module_paths
from cnnscope.analyzer.report.path_patterns import Steps, fits, nearest, steps_of
from cnnscope.analyzer.values.notation import many
from cnnscope.analyzer.values.plain_class import dataclass
from cnnscope.analyzer.values.shown import Listing

_LONGEST = 2000


@dataclass(frozen=True, eq=False, repr=False)
class Chosen(Listing[Layer]):
    """The layers that were meant, in running order.

    Args:
        layers: those.
        among: of how many.
        unknown: by condition, how many were left out because what it asks for isn't known of them.
        hint: where there are none, why, as far as that can be told.
    """

    layers: tuple[Layer, ...]
    among: int
    unknown: Mapping[str, int] = field(default_factory=dict)
    hint: str = ""

    @property
    def items(self) -> tuple[Layer, ...]:
        return self.layers

    def to_dict(self) -> dict[str, object]:
        """As JSON-ready data."""
        return {
            "layers": [layer.to_dict() for layer in self.layers],
            "among": self.among,
            "unknown": dict(self.unknown),
        }

    def records(self) -> Iterator[dict[str, object]]:
        """One for each layer, as `Report.to_dataframe` has them."""
        from cnnscope.analyzer.report.layer_records import layer_records

        return layer_records(self.layers)

    def summary(self) -> str:
        return f"{len(self.layers)} of {many(self.among, 'layer')}"


@dataclass(frozen=True, slots=True)
class Choice:
    """What was asked for.

    Args:
        layers: patterns of paths, of which any has to fit; none: all layers.
        only: conditions, all of which have to hold.

    >>> import cnnscope
    >>> layers = cnnscope.analyze("sample_models/lenet5.onnx").layers
    >>> [x.name for x in Choice.of([], ["kind=convolution", "macs>200k"]).of_layers(layers)]
    ['/conv2/Conv']
    """

    layers: tuple[str, ...] = ()
    only: tuple[Condition, ...] = ()

    @classmethod
    def of(
        cls,
        layers: Sequence[str] = (),
        only: Sequence[str] = (),
        facts: Mapping[str, Fact[Layer]] = LAYER_FACTS,
    ) -> Choice:
        """From how it was written.

        Args:
            layers: patterns such as ``detect/**``.
            only: conditions such as ``macs>1M``.
            facts: what may be asked for in a condition.

        Raises:
            ValueError: one is no pattern or no condition, with what to write.
        """
        for pattern in layers:
            if not pattern.strip() or len(pattern) > _LONGEST:
                raise ValueError("which layers? Write a path such as layer3, or 'detect/**'")
        return cls(tuple(layers), tuple(parse_condition(text, facts) for text in only))

    def __bool__(self) -> bool:
        return bool(self.layers or self.only)

    def __str__(self) -> str:
        """In words: ``layer3 or head; macs>1M``."""
        return "; ".join(
            [*([" or ".join(self.layers)] if self.layers else []), *(x.text for x in self.only)]
        )

    def of_layers(
        self, layers: Sequence[Layer], facts: Mapping[str, Fact[Layer]] = LAYER_FACTS
    ) -> Chosen:
        """Those of a model's layers that are meant.

        Args:
            layers: all of them.
            facts: as it was made with, of this model.

        Raises:
            ValueError: a pattern fits no layer, with the nearest paths; or a share is asked for, of a
                total that isn't known.
        """
        every = tuple(layers)
        named = fitting(every, self.layers) if self.layers else every
        answers = [(x, x.among(every, facts)) for x in self.only]
        kept: list[Layer] = []
        unknown: dict[str, int] = {}
        for layer in named:
            said = {condition.text: answer(layer) for condition, answer in answers}
            if all(said.values()):
                kept.append(layer)
            elif False not in said.values():
                open_ = next(text for text, answer in said.items() if answer is None)
                unknown[open_] = unknown.get(open_, 0) + 1
        hint = "" if kept else _hint(named, answers, facts)
        return Chosen(tuple(kept), len(every), unknown, hint)


#: all layers
EVERY = Choice()


def fitting(layers: Sequence[Layer], patterns: Sequence[str]) -> tuple[Layer, ...]:
    """The layers whose path fits any of the patterns: what people know them by, the name that the file
    has, or their module's.

    Raises:
        ValueError: a pattern fits none, with the nearest paths.
    """
    paths = paths_of(layers)
    found: set[int] = set()
    for pattern in patterns:
        steps = steps_of(pattern)
        of_this = {
            i for i, (layer, own) in enumerate(zip(layers, paths, strict=True))
            if layer.name == pattern or any(fits(path, steps) for path in own)
        }  # fmt: skip
        if not of_this:
            close = [repr(x) for x in nearest(pattern, (path for own in paths for path in own))]
            meant = f"; did you mean {' or '.join(close)}?" if close else ""
            raise ValueError(f"no layer fits {pattern!r}{meant}")
        found |= of_this
    return tuple(layer for i, layer in enumerate(layers) if i in found)


def paths_of(layers: Sequence[Layer]) -> list[tuple[Steps, ...]]:
    """For each layer the paths that a pattern is held against."""
    return [
        tuple(dict.fromkeys((steps_of(x.path), steps_of(x.name), steps_of(x.scope), module)))
        for x, module in zip(layers, module_paths(layers), strict=True)
    ]


def _hint(
    layers: Sequence[Layer],
    answers: Sequence[tuple[Condition, Callable[[Layer], bool | None]]],
    facts: Mapping[str, Fact[Layer]],
) -> str:
    """Why nothing is left: the first condition that no layer fulfils, and which words there are."""
    for condition, answer in answers:
        if any(answer(layer) for layer in layers):
            continue
        said = f"no layer has {condition.text}"
        fact = facts[condition.column]
        if not isinstance(fact, Text) or condition.operator == "!=":
            return said
        there = {word: None for x in layers for word in fact.words(x) or () if word}
        known = {word.lower(): word for word in there}
        wanted = [x.lower()[:100] for x in condition.values if isinstance(x, str)]
        import difflib  # here: only a slip asks for it

        close = [known[c] for w in wanted for c in difflib.get_close_matches(w, known, 1)]
        if close:
            return f"{said}; did you mean {condition.column}={','.join(dict.fromkeys(close))}?"
        listed = sorted(there) if len(there) <= 12 else []
        return f"{said}; there are: {', '.join(listed)}" if listed else said
    return "no layer fulfils them all" if answers else ""
