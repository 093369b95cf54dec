"""What is a rule of `cnnscope lint`, what may it ask, and what does it answer?

A rule is one function from a `Subject` (a model's report, and what the passes know besides) to the
`Hit`s it finds, registered together with its documentation by one decorator::

    @rule("CNS301", "uneven-overlap", "warning", Page(what="...", ...))
    def uneven_overlap(subject: Subject) -> Iterator[Hit]: ...

Codes are stable: a number that was given is never given to another rule. The hundreds are groups:
1 receptive field, 2 padding, 3 upsampling, 4 cost, 5 graph, 6 deployment.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import field
from functools import cached_property
from typing import Protocol

from cnnscope.analyzer.lint.evidence import Particulars
from cnnscope.analyzer.report.layer import Layer
from cnnscope.analyzer.report.report import Report
from cnnscope.analyzer.values.diagnostics import Severity
from cnnscope.analyzer.values.plain_class import dataclass

GROUPS: Mapping[str, str] = {
    "1": "receptive field",
    "2": "padding",
    "3": "upsampling",
    "4": "cost",
    "5": "graph",
    "6": "deployment",
}
_CODE = re.compile(r"CNS[1-6]\d\d")


@dataclass(frozen=True, slots=True)
class Page:
    """A rule's documentation, the same headings for all.

    Args:
        what: what it does, one or two sentences.
        why: why it matters.
        how: how it is computed, from which facts, and when it stays silent.
        example: a case, with numbers that can be checked.
        todo: what to do about a finding.
        references: papers and documents it rests on.
    """

    what: str
    why: str
    how: str
    example: str
    todo: str
    references: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Options:
    """What rules can be told.

    Args:
        ridge: FLOPs per byte below which a layer waits for memory: the machine's peak arithmetic
            rate over its memory bandwidth.
        heavy: the share of the model's parameters or MACs from which on one layer is worth a word.
        target_opset: the opset that the place of deployment is built for.
        providers: execution providers that have to have a kernel for every layer.
        weights: read the weights' values, too.
    """

    ridge: float = 10.0
    heavy: float = 0.5
    target_opset: int | None = None
    providers: tuple[str, ...] = ()
    weights: bool = False


class Kernels(Protocol):
    """Which operators an execution provider has kernels for."""

    def missing(
        self,
        provider: str,
        domain: str,
        operator: str,
        version: int,
        inputs: Sequence[str | None],
        outputs: Sequence[str | None],
    ) -> str | None:
        """Why no kernel fits, or None where one does.

        Args:
            provider: as the user names it.
            domain, operator, version: the operator, and its domain's opset version.
            inputs, outputs: dtypes; None where there is no tensor, or its dtype isn't known.
        """


@dataclass(frozen=True, slots=True)
class Hit:
    """One thing a rule found.

    Args:
        layers: names of those it is about; none: the whole model.
        message: one sentence.
        stake: how much it is about: ``"macs"``, ``"params"``, ``"bytes"``, ``"pixels"``, ... .
        hint: what to do, where that is more than the rule's own advice.
        severity: where it isn't the rule's own.
        subject: what tells two findings of one rule about one layer apart.
    """

    layers: tuple[str, ...]
    message: str
    stake: Mapping[str, int] = field(default_factory=dict)
    hint: str = ""
    severity: Severity | None = None
    subject: str = ""


Judge = Callable[["Subject"], Iterable[Hit]]


@dataclass(frozen=True, slots=True)
class LintRule:
    """A rule: its code, its name, how bad a finding is, its documentation, and the function."""

    code: str
    name: str
    severity: Severity
    page: Page
    check: Judge

    @property
    def group(self) -> str:
        """What it is about, in a word or two."""
        return GROUPS[self.code[3]]


@dataclass(frozen=True, eq=False)
class Subject:
    """A model as rules see it.

    Args:
        report: its report.
        particulars: what the passes know besides.
        options: what the rules were told.
        kernels: which kernels there are, where somebody knows.
    """

    report: Report
    particulars: Particulars
    options: Options = field(default_factory=Options)
    kernels: Kernels | None = None

    @cached_property
    def layers(self) -> tuple[Layer, ...]:
        """The main graph's layers, in running order."""
        return tuple(self.report.layers)

    @cached_property
    def all_layers(self) -> tuple[Layer, ...]:
        """Those, and the layers of their subgraphs."""
        return tuple(_nested(self.report.layers))

    @cached_property
    def givers(self) -> Mapping[str, Layer]:
        """The layer that gives each tensor."""
        return {value.name: layer for layer in self.layers for value in layer.outputs}

    @cached_property
    def readers(self) -> Mapping[str, tuple[Layer, ...]]:
        """The layers of the main graph that read each tensor."""
        found: dict[str, list[Layer]] = {}
        for layer in self.layers:
            for name in dict.fromkeys(layer.inputs):
                if name:
                    found.setdefault(name, []).append(layer)
        return {name: tuple(layers) for name, layers in found.items()}

    @cached_property
    def ends(self) -> frozenset[str]:
        """Tensors that are read from outside: outputs, and what subgraphs capture."""
        return frozenset(x.name for x in self.report.outputs) | self.particulars.captured

    @cached_property
    def macs(self) -> int:
        """The model's MACs, as far as they are known; 0 where they hang on free dimensions."""
        return self.report.totals.macs.known or 0

    @cached_property
    def params(self) -> int:
        """The model's parameters, as far as they are known."""
        return self.report.totals.params.known or 0

    def data(self, layer: Layer) -> str:
        """The tensor that a layer works on: its first input that isn't stored; ``""``: none."""
        for value in layer.operands:
            if value is not None and not value.tensor.constant:
                return value.name
        return ""

    def only_reader(self, layer: Layer) -> Layer | None:
        """The one layer that reads the one thing a layer gives, if nothing else does."""
        if len(layer.outputs) != 1 or layer.outputs[0].name in self.ends:
            return None
        readers = self.readers.get(layer.outputs[0].name, ())
        return readers[0] if len(readers) == 1 else None

    def source(self, layer: Layer, through: frozenset[str]) -> Layer | None:
        """The layer behind a layer's data, those of some families passed over."""
        found = self.givers.get(self.data(layer))
        while found is not None and found.kind.family in through:
            found = self.givers.get(self.data(found))
        return found


def _nested(layers: Iterable[Layer]) -> Iterator[Layer]:
    waiting = [iter(layers)]
    while waiting:
        for layer in waiting[-1]:
            yield layer
            if layer.bodies:
                waiting.append(x for body in layer.bodies.values() for x in body)
                break
        else:
            waiting.pop()


# -- the registry ----------------------------------------------------------------------------------

_RULES: dict[str, LintRule] = {}


def rule(code: str, name: str, severity: Severity, page: Page) -> Callable[[Judge], Judge]:
    """Register a function as the rule of that code.

    Raises:
        ValueError: the code isn't one, or it or the name is taken.
    """

    def registered(check: Judge) -> Judge:
        if not _CODE.fullmatch(code):
            raise ValueError(f"{code} isn't a rule's code")
        if code in _RULES or any(name == known.name for known in _RULES.values()):
            raise ValueError(f"{code} {name} is registered twice")
        _RULES[code] = LintRule(code, name, severity, page, check)
        return check

    return registered


def registered_rules() -> Sequence[LintRule]:
    """Every rule that was registered, by code."""
    return [_RULES[code] for code in sorted(_RULES)]


def total(values: Iterable[int | None]) -> int:
    """The sum of what is known."""
    return sum(value for value in values if value is not None)


def traffic(layer: Layer) -> int:
    """The bytes that a layer reads and writes, as far as they are known."""
    return total(n for n in (layer.bytes_read, layer.bytes_written) if isinstance(n, int))
