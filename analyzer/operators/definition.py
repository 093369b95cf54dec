"""What is an operator, to cnnscope? Three answers, registered in one place.

*What comes out* (`infer`), *what work it is* (`work`), *which inputs each output reads* (`reads`).
A rule's signature is the operator's ONNX signature: inputs positional, None where omitted;
attributes keyword, with ONNX's defaults. `work` and `reads` get the tuple of outputs first::

    define("Relu", "Neg", infer=same, work=each(compare=1))
    define("Conv", infer=conv_output, work=conv_work, reads=conv_reads)

    def conv_output(x, w, b=None, *, strides=None, ...) -> Tensor
    def conv_work(outputs, x, w, b=None, *, group=1, ...) -> Work
    def conv_reads(outputs, x, w, b=None, *, strides=None, ...) -> Reads

A rule gets only the attributes its signature names (all of them if it takes ``**attributes``).
Three keywords aren't attributes and are passed to rules that name them: `opset` (the version of the
operator's domain), `output_count` and `node_name`. A rule raises `Undetermined` for what it can't
know yet and `ValueError` for what can't be (a kernel of another rank than its input). `work` and
`reading` have the words for the answers, `rules` what many of them share.
"""

from __future__ import annotations

import inspect
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import field
from functools import cache, cached_property
from typing import TYPE_CHECKING, Literal

from cnnscope.analyzer.operators.homes import load_families, load_home, waiting
from cnnscope.analyzer.operators.rules import Rule
from cnnscope.analyzer.values.plain_class import dataclass
from cnnscope.analyzer.values.tensor import Tensor

if TYPE_CHECKING:
    pass

Role = Literal["parameter", "buffer", "constant", "affine"]
#: what sort of operation an operator is, in the field's words; docs/kinds.md says each
Family = Literal[
    "convolution", "transposed convolution", "deformable convolution", "matrix product",
    "linear algebra", "max pooling", "average pooling", "Lp pooling", "max unpooling",
    "region pooling", "attention", "position encoding", "recurrent", "normalization", "activation",
    "elementwise arithmetic", "logic", "conversion", "identity", "dropout", "reduction",
    "mean reduction", "max reduction", "scan", "resize", "sampling", "quantization",
    "data movement", "padding", "cropping", "indexing", "selection", "signal transform",
    "control flow", "sequence", "text", "image decoding", "random", "constant", "loss", "other",
]  # fmt: skip

#: how an operator computes with few bits: on *weights* stored so, on floats rounded and turned back around it
#: (*qdq*), on integers with scales (*qoperator*), or with scales found as it runs (*dynamic*)
Scheme = Literal["weights", "qdq", "qoperator", "dynamic"]


def constants(*inputs: int) -> dict[int, Role]:
    """Roles of inputs that take scales, zero points, bounds or initial states, not weights."""
    return dict.fromkeys(inputs, "constant")


#: what rules may ask for by keyword that no attribute is
SPECIAL = frozenset({"opset", "output_count", "node_name", "per_input"})
#: the source of the operators that cnnscope itself defines
OURS = "cnnscope"
#: the domain of ONNX Runtime's own operators
MICROSOFT = "com.microsoft"


@dataclass(frozen=True)
class Operator:
    """The rules of one operator from one opset version on, and whose they are."""

    name: str
    domain: str
    since: int
    infer: Rule
    work: Rule | None
    reads: Rule | None
    random: bool = False
    roles: Mapping[int, Role] = field(default_factory=dict)
    elements: Rule | None = None
    kind: Family = "other"
    source: str = OURS
    stores: Mapping[str, Role] = field(default_factory=dict)
    places: tuple[int, ...] = ()
    filters: Rule | None = None
    pads_from: int | None = None
    taps: Rule | None = None
    scheme: Scheme | None = None

    @property
    def keywords(self) -> dict[Rule, frozenset[str] | None]:
        """By rule, the keywords that its signature names; None where it takes any."""
        rules = (self.infer, self.work, self.reads, self.elements)
        return {rule: _keywords(rule) for rule in rules if rule is not None}

    @cached_property
    def anonymous(self) -> bool:
        """No rule of work or reads asks for the node's name: for alike nodes they say the same.

        A rule for outputs that asks for it has it in the names that it gives to what isn't known.
        """
        rules = (self.work, self.reads, self.elements)
        return not any("node_name" in (_keywords(x) or ()) for x in rules if x is not None)

    def stored(self, attributes: Mapping[str, object]) -> Iterator[tuple[str, Tensor, Role]]:
        """What of a node's attributes stands for stored tensors, and in which role."""
        for name, role in self.stores.items():
            held = attributes.get(name)
            if isinstance(held, Tensor) and held.shape is not None:
                yield name, held, role
            elif isinstance(held, tuple) and held:
                dtype = "float32" if isinstance(held[0], float) else "int64"
                yield name, Tensor(dtype, (len(held),), True), role

    def call(
        self, rule: Rule, positional: tuple[object, ...], keyword: dict[str, object]
    ) -> object:
        """Call one of the rules with the keywords its signature names."""
        names = _keywords(rule)
        if names is not None:
            keyword = {key: value for key, value in keyword.items() if key in names}
        else:
            keyword = {key: value for key, value in keyword.items() if key not in SPECIAL}
        return rule(*positional, **keyword)


_REGISTRY: dict[tuple[str, str], list[Operator]] = {}
_UNREAD = waiting["define"]


def define(
    *names: str,
    infer: Rule,
    work: Rule | None = None,
    reads: Rule | None = None,
    domain: str = "",
    since: int = 1,
    random: bool = False,
    roles: Mapping[int, Role] | None = None,
    elements: Rule | None = None,
    kind: Family = "other",
    stores: Mapping[str, Role] | None = None,
    places: tuple[int, ...] = (),
    filters: Rule | None = None,
    pads_from: int | None = None,
    taps: Rule | None = None,
    scheme: Scheme | None = None,
) -> None:
    """Register the rules of operators that share them.

    Args:
        names: ONNX operator types.
        infer: inputs and attributes to the output `Tensor`, or a tuple of them.
        work: outputs, inputs and attributes to `Work`; None: no arithmetic.
        reads: outputs, inputs and attributes to `Reads`; None: elementwise with broadcasting.
        domain: ``""`` for ai.onnx.
        since: the opset version from which these rules hold.
        roles: what a stored tensor is, by the input that it is given to: ``"buffer"`` (statistics
            that aren't learned) or ``"constant"`` (scales, zero points, initial states);
            ``"affine"``: weights, unless the graph fills them with one number. Inputs
            left out take learned weights.
        elements: inputs and attributes to, by input, how many weights a packed operand holds.
        random: the result differs from run to run, so that it is never constant.
        kind: what sort of operation it is, in the field's words.
        stores: the attributes that hold what is otherwise a stored tensor, and its role.
        places: the inputs whose numbers say which places of another one are read: where they are
            constant, `reads` gets them even if they are many.
        filters: inputs and attributes to the `FilterBank` that is stored; None: none is.
        pads_from: the first axis whose padding is told by `pads` (an attribute, or the input behind the
            first), as that of all axes behind it: it works on a part of its first input with the padding
            that is left at the part's ends.
        taps: outputs, inputs and attributes to `OutputTaps`: how much an output hangs on what it
            reads; None: on all of it alike.
        scheme: how it computes with few bits; None: it is no operator of quantised models.

    Raises:
        ValueError: these rules are already defined.
    """
    for name in names:
        versions = _REGISTRY.setdefault((domain, name), [])
        if any(known.since == since for known in versions):
            raise ValueError(f"{domain}::{name} since {since} is defined twice")
        versions.append(
            Operator(
                name,
                domain,
                since,
                infer,
                work,
                reads,
                random,
                roles or {},
                elements,
                kind=kind,
                stores=stores or {},
                places=places,
                filters=filters,
                pads_from=pads_from,
                taps=taps,
                scheme=scheme,
            )
        )
        versions.sort(key=lambda operator: operator.since)


def definitions(domain: str, name: str) -> Sequence[Operator]:
    """The rules of one operator, by version."""
    key = domain, name
    if key in _UNREAD:  # every pass asks of every node
        load_home("define", domain, name)
    versions = _REGISTRY.get(key)
    if versions is None:
        load_families()
        versions = _REGISTRY.get(key, [])
    return versions


def redefine(domain: str, name: str, versions: Iterable[Operator]) -> None:
    """Put other rules in the place of all that were there."""
    _REGISTRY[domain, name] = sorted(versions, key=lambda operator: operator.since)


def lookup(domain: str, name: str, version: int) -> Operator | None:
    """The rules for an operator at an opset version, or None."""
    key = domain, name
    versions: Sequence[Operator] | None = None if key in _UNREAD else _REGISTRY.get(key)
    if versions is None:
        versions = definitions(domain, name)
    for operator in reversed(versions):
        if operator.since <= version:
            return operator
    return None


def defined() -> Iterator[Operator]:
    """Every definition, by domain, name and version."""
    load_families()
    for key in sorted(_REGISTRY):
        yield from _REGISTRY[key]


@cache
def _keywords(rule: Rule) -> frozenset[str] | None:
    """The keywords a rule names; None where it takes any."""
    parameters = inspect.signature(rule).parameters.values()
    if any(p.kind is p.VAR_KEYWORD for p in parameters):
        return None
    return frozenset(p.name for p in parameters if p.kind is p.KEYWORD_ONLY)
