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
know yet and `ValueError` for what can't be (a kernel of another rank than its input).
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache, cached_property
from operator import add, attrgetter
from typing import TYPE_CHECKING, Literal

from cnnscope.analyzer.values.diagnostics import LimitError
from cnnscope.analyzer.values.dimension import Dim
from cnnscope.analyzer.values.spans import Span
from cnnscope.analyzer.values.tensor import Shape, Tensor
from cnnscope.analyzer.values.window import POINT, Window

if TYPE_CHECKING:
    import numpy as np

Rule = Callable[..., object]
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


@dataclass(frozen=True, slots=True)
class Work:
    """Exact counts of primitive arithmetic.

    Args:
        float_macs, int_macs: products accumulated in convolutions, matrix products, attention,
            recurrence and einsum, without bias; integer where both operands are integers.
        bias: additions of a bias inside such an operator.
        mul, add, compare, div: elementwise; compare includes max, min, abs, sign, logic, rounding.
        exp: exponentials and their like (log, tanh, erf, sigmoid, sine, power).
        sqrt: roots.
    """

    float_macs: Dim = 0
    int_macs: Dim = 0
    bias: Dim = 0
    mul: Dim = 0
    add: Dim = 0
    compare: Dim = 0
    div: Dim = 0
    exp: Dim = 0
    sqrt: Dim = 0

    @property
    def macs(self) -> Dim:
        """Multiply-accumulates, integer and float."""
        return self.float_macs + self.int_macs

    @property
    def other(self) -> Dim:
        """Every arithmetic operation that isn't part of a multiply-accumulate."""
        return self.bias + self.mul + self.add + self.compare + self.div + self.exp + self.sqrt

    @property
    def flops(self) -> Dim:
        """2 * MACs + every other arithmetic operation once.

        >>> Work(float_macs=10, bias=3).flops
        23
        """
        return 2 * self.macs + self.other

    def __add__(self, other: Work) -> Work:
        return Work(*map(add, counts(self), counts(other)))

    def __mul__(self, times: Dim) -> Work:
        return Work(*[count * times for count in counts(self)])


#: every count of a `Work`, in the order of its fields
counts = attrgetter(*Work.__dataclass_fields__)
NO_WORK = Work()


def constants(*inputs: int) -> dict[int, Role]:
    """Roles of inputs that take scales, zero points, bounds or initial states, not weights."""
    return dict.fromkeys(inputs, "constant")


def matrix_work(macs: Dim, *operands: Tensor, bias: Dim = 0) -> Work:
    """Work of a matrix product: integer where no operand is a float."""
    if any(operand.is_float or operand.dtype is None for operand in operands):
        return Work(float_macs=macs, bias=bias)
    return Work(int_macs=macs, bias=bias)


# -- which inputs each output reads ---------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Along:
    """This input axis is read along an output axis, through a window.

    `axis` is the output's axis; several input axes may not share one. `partly` says that an output
    reads only some of the product of what its axes read; which, hangs on all its indices (places
    dealt out to channels).
    """

    axis: int
    window: Window = POINT
    partly: bool = field(default=False, compare=False)


@dataclass(frozen=True, slots=True)
class Listed:
    """Output index `i` of `axis` reads the input indices ``rows[i]``, first and last included.

    `spatial` is False where that only says which channels belong to which group. Where what is read
    hangs on several output axes, the rows are hulls, and `table` has the input index that is read,
    laid out along the output axes from its first part on.
    """

    axis: int
    rows: tuple[Span | None, ...]
    spatial: bool = True
    table: tuple[int, np.ndarray] | None = field(default=None, compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class Whole:
    """Every output reads the whole of this input axis.

    `spatial` is True where the operator is one that looks along the axis (global pooling,
    attention, a transform), False where the axis is merely contracted or normalised over.
    """

    spatial: bool = False


@dataclass(frozen=True, slots=True)
class Upto:
    """Output index `i` of `axis` reads input indices 0..i (a scan), or i.. when `reverse`."""

    axis: int
    reverse: bool = False


@dataclass(frozen=True, slots=True)
class Only:
    """Every output reads the same indices of this input axis: lo..hi, both included."""

    lo: int
    hi: int


AxisRead = Along | Listed | Whole | Upto | Only


@dataclass(frozen=True, slots=True)
class Part:
    """One of several ways an input is read: as by any other read, by some of the units.

    `where` has the first of some output axes and which units along them read this; None: all do.
    """

    reads: tuple[AxisRead, ...]
    where: tuple[int, np.ndarray] | None = None


class Coupled(tuple[AxisRead, ...]):
    """A read per input axis that leaves nothing out, and what is read exactly where the axes hang
    together: what a unit reads is then less than the product of what it reads of each axis.

    Args:
        hull: the read of each axis by itself.
        parts: what is read is the union of these; none: nothing is. None: the steps say it.
        steps: the reads of what lies between, one after another, each with the shape that it gives;
            the last gives the output's.
        vague: the input axes of which some units read less than the hull says of them.
    """

    parts: tuple[Part, ...] | None
    steps: tuple[tuple[tuple[AxisRead, ...] | Flat, Shape], ...]
    vague: frozenset[int]

    def __new__(
        cls,
        hull: Iterable[AxisRead] = (),
        parts: Iterable[Part] | None = None,
        steps: Iterable[tuple[tuple[AxisRead, ...] | Flat, Shape]] = (),
        vague: Iterable[int] = (),
    ) -> Coupled:
        made = super().__new__(cls, hull)
        made.parts = None if parts is None else tuple(parts)
        made.steps = tuple(steps)
        made.vague = frozenset(vague)
        return made


class Flat:
    """The output holds the input's elements in the same row-major order (Reshape and its like)."""

    def __repr__(self) -> str:
        return "FLAT"


class Nothing:
    """The output doesn't depend on this input's elements (Shape reads only the shape)."""

    def __repr__(self) -> str:
        return "NOTHING"


FLAT = Flat()
NOTHING = Nothing()


@dataclass(frozen=True, slots=True)
class Through:
    """A subgraph that outputs are read through (control flow).

    Args:
        attribute: the attribute that holds the subgraph.
        inputs: per input of the body: the node's input that feeds it and the axis that an
            iteration takes one index of (None: all of it); None where no input feeds it.
        outputs: per output of the node: the body's output behind it and the axis along which
            iterations are stacked (None: the last one's result); None where none is.
        carried: pairs (body output, body input) that the next iteration sees.
        trips: how often the body runs, where that is known.
        most: how often at most, where only that is.
        from_the_end: inputs of the body that iterations take from the last index on.
        to_the_front: outputs of the node that iterations fill from the last index on.
    """

    attribute: str
    inputs: tuple[tuple[int, int | None] | None, ...]
    outputs: tuple[tuple[int, int | None] | None, ...]
    carried: tuple[tuple[int, int], ...] = ()
    trips: int | None = None
    most: int | None = None
    from_the_end: frozenset[int] = frozenset()
    to_the_front: frozenset[int] = frozenset()

    def taken(self, place: int, iteration: int) -> int:
        """The index of the axis of a body's input that an iteration takes."""
        assert self.trips is not None
        return self.trips - 1 - iteration if place in self.from_the_end else iteration

    def filled(self, place: int, iteration: int) -> int:
        """The index of the axis of a node's output that an iteration fills."""
        assert self.trips is not None
        return self.trips - 1 - iteration if place in self.to_the_front else iteration


#: for one input: a read per input axis; or row-major order kept; or nothing; or None: elementwise
#: with numpy's broadcasting
InputRead = tuple[AxisRead, ...] | Flat | Nothing | None
#: for one output: a read per input; inputs left out at the end are read elementwise
OutputReads = tuple[InputRead, ...]
#: the same for every output; or a dict by output index (outputs left out: every input read whole);
#: or the subgraphs that the outputs come from
Reads = OutputReads | dict[int, OutputReads] | tuple[Through, ...]


@cache
def straight(rank: int) -> tuple[AxisRead, ...]:
    """Every axis read along itself, index by index: the same value each time, so that it can be
    told at a glance."""
    return tuple(Along(axis) for axis in range(rank))


def elementwise(output: Tensor, tensor: Tensor) -> tuple[AxisRead, ...]:
    """The reads of numpy broadcasting: axes matched from the last, length 1 repeated."""
    dims, lengths = tensor.dims, output.dims
    if dims == lengths:
        return straight(len(dims))
    shift = len(lengths) - len(dims)
    return tuple(
        [
            Only(0, 0) if dim == 1 and lengths[i + shift] != 1 else Along(i + shift)
            for i, dim in enumerate(dims)
        ]
    )


def everything(tensor: Tensor, *, spatial: bool = False) -> tuple[AxisRead, ...]:
    """Every output reads all of the input."""
    return tuple(Whole(spatial) for _ in tensor.dims)


# -- the registry ---------------------------------------------------------------------------

SPECIAL = frozenset({"opset", "output_count", "node_name"})


#: the source of the operators that cnnscope itself defines
OURS = "cnnscope"


@dataclass(frozen=True)
class Operator:
    """The three rules of one operator from one opset version on, and whose they are."""

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

    @property
    def keywords(self) -> dict[Rule, frozenset[str] | None]:
        """By rule, the keywords that its signature names; None where it takes any."""
        rules = (self.infer, self.work, self.reads, self.elements)
        return {rule: _keywords(rule) for rule in rules if rule is not None}

    @cached_property
    def anonymous(self) -> bool:
        """No rule asks for the node's name, so that nodes that are alike get the same answers."""
        return not any("node_name" in (names or ()) for names in self.keywords.values())

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
            )
        )
        versions.sort(key=lambda operator: operator.since)


def definitions(domain: str, name: str) -> tuple[Operator, ...]:
    """The rules of one operator, by version."""
    return tuple(_REGISTRY.get((domain, name), ()))


def redefine(domain: str, name: str, versions: Iterable[Operator]) -> None:
    """Put other rules in the place of all that were there."""
    _REGISTRY[domain, name] = sorted(versions, key=lambda operator: operator.since)


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
    return None if domain else _RECKONS.get(name)


def lookup(domain: str, name: str, version: int) -> Operator | None:
    """The rules for an operator at an opset version, or None."""
    for operator in reversed(_REGISTRY.get((domain, name), ())):
        if operator.since <= version:
            return operator
    return None


def defined() -> Iterator[Operator]:
    """Every definition, by domain, name and version."""
    for key in sorted(_REGISTRY):
        yield from _REGISTRY[key]


@cache
def _keywords(rule: Rule) -> frozenset[str] | None:
    """The keywords a rule names; None where it takes any."""
    parameters = inspect.signature(rule).parameters.values()
    if any(p.kind is p.VAR_KEYWORD for p in parameters):
        return None
    return frozenset(p.name for p in parameters if p.kind is p.KEYWORD_ONLY)


# -- spellings ------------------------------------------------------------------------------


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
    return _PLAIN if domain else _SPELLINGS.get(name, _PLAIN)


# -- what many families need ----------------------------------------------------------------


def demand(x: Tensor | None, what: str, *wanted: Dim | None) -> None:
    """Raise ValueError where an operand surely isn't of the shape it has to be.

    Args:
        x: the operand; None: it is omitted, or what is wanted of it holds of nothing.
        what: its name.
        wanted: a length per axis; None: any.

    >>> demand(Tensor("float32", (4, 3)), "bias", 4)
    Traceback (most recent call last):
    ValueError: bias is 4x3, 4 is wanted
    """
    if x is None or x.shape is None:
        return
    fits = len(x.shape) == len(wanted) and not any(
        isinstance(has, int) and isinstance(want, int) and has != want
        for has, want in zip(x.shape, wanted, strict=True)
    )
    if not fits:
        has = "x".join(map(str, x.shape)) or "scalar"
        want = "x".join("?" if n is None else str(n) for n in wanted) or "a scalar"
        raise ValueError(f"{what} is {has}, {want} is wanted")


def demand_onto(x: Tensor | None, what: str, onto: Sequence[Dim]) -> None:
    """Raise ValueError where an operand surely can't be broadcast onto a shape.

    >>> demand_onto(Tensor("float32", (3,)), "scale", (2, 4))
    Traceback (most recent call last):
    ValueError: scale is 3, which can't be broadcast onto 2x4
    """
    if x is None or x.shape is None:
        return
    last = onto[len(onto) - len(x.shape) :]
    if len(x.shape) > len(onto) or any(
        isinstance(has, int) and isinstance(want, int) and has not in (1, want)
        for has, want in zip(x.shape, last, strict=True)
    ):
        has = "x".join(map(str, x.shape))
        want = "x".join(map(str, onto)) or "a scalar"
        raise ValueError(f"{what} is {has}, which can't be broadcast onto {want}")


def demand_rank(x: Tensor | None, what: str, *ranks: int) -> None:
    """Raise ValueError where an operand surely has another number of axes.

    >>> demand_rank(Tensor("int64", (1, 4)), "shape", 1)
    Traceback (most recent call last):
    ValueError: shape has 2 axes, 1 is wanted
    """
    if x is None or x.shape is None or len(x.shape) in ranks:
        return
    wanted = " or ".join(map(str, ranks))
    raise ValueError(
        f"{what} has {len(x.shape)} axes, {wanted} {'is' if wanted == '1' else 'are'} wanted"
    )


def demand_least_rank(x: Tensor | None, what: str, least: int) -> None:
    """Raise ValueError where an operand surely has too few axes.

    >>> demand_least_rank(Tensor("float32", (4,)), "input", 2)
    Traceback (most recent call last):
    ValueError: input has 1 axes, at least 2 are wanted
    """
    if x is not None and x.shape is not None and len(x.shape) < least:
        raise ValueError(f"{what} has {len(x.shape)} axes, at least {least} are wanted")


def demand_single(x: Tensor | None, what: str) -> None:
    """Raise ValueError where an operand surely isn't one number: a scalar, or a list of one.

    >>> demand_single(Tensor("float32", (4,)), "x_scale")
    Traceback (most recent call last):
    ValueError: x_scale is 4, one number is wanted
    """
    demand_each(x, what, 1)


def demand_each(x: Tensor | None, what: str, count: Dim | None) -> None:
    """Raise ValueError where an operand is surely neither one number nor a list of so many.

    >>> demand_each(Tensor("float32", (4,)), "w_scale", 8)
    Traceback (most recent call last):
    ValueError: w_scale is 4, one number or 8 are wanted
    """
    if x is None or x.shape is None or x.shape in ((), (1,)):
        return
    if len(x.shape) != 1 or (
        isinstance(x.shape[0], int) and isinstance(count, int) and x.shape[0] != count
    ):
        has = "x".join(map(str, x.shape))
        more = "" if count == 1 else f" or {'a list' if count is None else count}"
        raise ValueError(f"{what} is {has}, one number{more} {'are' if more else 'is'} wanted")


def one_of(value: str, what: str, *known: str) -> str:
    """A text in an attribute that names one of a few; raises ValueError for any other.

    >>> one_of("nonsense", "mode", "linear", "nearest")
    Traceback (most recent call last):
    ValueError: mode is 'nonsense', one of linear, nearest is wanted
    """
    if value not in known:
        raise ValueError(f"{what} is {value!r}, one of {', '.join(known)} is wanted")
    return value


def flag(value: int, what: str) -> int:
    """An attribute that is 0 or 1; raises ValueError for any other number.

    >>> flag(2, "reverse")
    Traceback (most recent call last):
    ValueError: reverse is 2, 0 or 1 is wanted
    """
    if value not in (0, 1):
        raise ValueError(f"{what} is {value}, 0 or 1 is wanted")
    return value


def in_range(axis: int, rank: int) -> int:
    """An axis counted from the front; raises ValueError where there is no such axis.

    >>> in_range(-1, 4)
    3
    """
    if not -rank <= axis < rank:
        raise ValueError(f"axis {axis} of a tensor with {rank} axes")
    return axis % rank


#: the most that a number in an attribute may count: inputs, parts, lengths of n-grams
COUNT_LIMIT = 1 << 16


def counted(count: int, what: str) -> int:
    """A number in an attribute that counts something; raises LimitError where it can't be.

    >>> counted(-1, "num_scan_inputs")
    Traceback (most recent call last):
    cnnscope.analyzer.values.diagnostics.LimitError: num_scan_inputs is -1, 0 to 65536 is wanted
    """
    if not 0 <= count <= COUNT_LIMIT:
        raise LimitError(f"{what} is {count}, 0 to {COUNT_LIMIT} is wanted")
    return count


def each_axis(values: Sequence[int] | None, count: int, default: int, what: str) -> list[int]:
    """An attribute with one number per spatial axis, or per end of one.

    Raises ValueError for another count, and for numbers below the default: that is also the least
    that makes sense, 1 for kernels, strides and dilations and 0 for padding.

    >>> each_axis((2, 0), 2, 1, "strides")
    Traceback (most recent call last):
    ValueError: strides holds 0, at least 1 is wanted
    """
    if not values:
        return [default] * count
    if len(values) != count:
        raise ValueError(f"{what} has {len(values)} numbers, {count} are wanted")
    if min(values) < default:
        raise ValueError(f"{what} holds {min(values)}, at least {default} is wanted")
    return list(values)


# -- rules shared by many families ----------------------------------------------------------


def same(x: Tensor, *rest: Tensor | None, **attributes: object) -> Tensor:
    """The output has the first input's shape and dtype."""
    return x.of(x.shape)


def each(**per_element: int) -> Rule:
    """Work of so many primitive operations per output element: ``each(mul=1, add=1)``."""

    def work(outputs: tuple[Tensor, ...], *inputs: Tensor | None, **attributes: object) -> Work:
        size = outputs[0].size
        return Work(**{kind: count * size for kind, count in per_element.items()})

    return work


def broadcast_shapes(*shapes: tuple[Dim, ...]) -> tuple[Dim, ...]:
    """Numpy's broadcasting, over dimensions that may be free.

    A free dimension against a known one other than 1 must equal it; two different free ones can't
    be decided and the first is taken.

    >>> broadcast_shapes((8, 1, 3), (4, 1))
    (8, 4, 3)
    """
    if shapes and shapes.count(shapes[0]) == len(shapes):
        return shapes[0]
    rank = max(map(len, shapes), default=0)
    result: list[Dim] = []
    for axis in range(-rank, 0):
        dims = [shape[axis] for shape in shapes if len(shape) >= -axis]
        known = {dim for dim in dims if isinstance(dim, int) and dim != 1}
        if len(known) > 1:
            raise ValueError(f"shapes {', '.join(map(_show, shapes))} don't broadcast")
        free = [dim for dim in dims if not isinstance(dim, int)]
        result.append(known.pop() if known else free[0] if free else 1)
    return tuple(result)


def _show(shape: tuple[Dim, ...]) -> str:
    return "x".join(map(str, shape)) or "scalar"
