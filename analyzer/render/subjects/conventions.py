"""How are figures in other counters' conventions shown side by side?

Beside a model as a table with remarks; without one, what each of them counts.
"""

from __future__ import annotations

from collections.abc import Sequence

from cnnscope.analyzer.counters.conventions import ConventionTotals
from cnnscope.analyzer.counters.forms import is_form
from cnnscope.analyzer.counters.peers import CONVENTIONS, Convention, FeatureWeights
from cnnscope.analyzer.counters.side_by_side import Conventions
from cnnscope.analyzer.render.columns import Column, Exact
from cnnscope.analyzer.render.document import (
    DATA,
    PAGE,
    SCREEN,
    Document,
    Only,
    Pair,
    Pairs,
    Section,
)
from cnnscope.analyzer.render.subjects.totals import metric, total_text
from cnnscope.analyzer.render.tables import table
from cnnscope.analyzer.values.notation import name
from cnnscope.analyzer.values.plain_class import dataclass

# -- side by side ------------------------------------------------------------------------------


def _exact(totals: ConventionTotals) -> str:
    found = totals.total
    if found.value is not None:
        return f"{found.value:,}"
    if found.formula is not None and found.known is None:
        return name(found.formula, 40)
    return "?" if found.known is None else f">= {found.known:,}"


def _ignored(totals: ConventionTotals, most: int | None = None) -> str:
    listed = [f"{name(op, 60)} x {times}" for op, times in totals.not_counted.items()]
    rest = len(listed) - most if most is not None and len(listed) > most else 0
    return ", ".join(listed[:most] + ([f"{rest} more"] if rest else []))


def _ratio(totals: ConventionTotals) -> str:
    # Three decimals: conventions that differ by a normalisation differ in the third digit.
    return "?" if totals.ratio is None else f"{totals.ratio:.3f}"


def _agreement(totals: ConventionTotals) -> str:
    return "differs" if totals.differs else "may differ" if totals.may_differ else ""


#: a model's figures, a row per convention
TOTAL_COLUMNS: tuple[Column[ConventionTotals], ...] = (
    Column("convention", "convention", lambda x: x.name, lambda x: x.name, importance=100, least=8),
    Column("unit", "in", lambda x: x.unit, lambda x: x.unit, importance=60),
    Column("printed", "printed as", lambda x: x.convention.printed, lambda x: x.convention.printed,
           importance=50),
    Column("total", "total", _exact, lambda x: x.total.known, right=True, importance=90),
    Column("short", "", lambda x: metric(x.total), lambda x: metric(x.total), right=True,
           importance=80),
    Column("status", "status", lambda x: x.total.status, lambda x: x.total.status),
    Column("formula", "formula", lambda x: name(x.total.formula or "-"), lambda x: x.total.formula),
    Column("ratio", "to core", _ratio, lambda x: x.ratio, right=True,
           importance=70),
    Column("differs", "peer itself", _agreement, lambda x: list(x.differs), importance=40),
    Column("may_differ", "may differ", lambda x: "; ".join(x.may_differ), lambda x: list(x.may_differ)),
    Column("not_counted", "not counted", lambda x: _ignored(x) or "-",
           lambda x: [f"{op} x {times}" for op, times in x.not_counted.items()]),
    Column("counts", "counts", lambda x: x.convention.counts, lambda x: x.convention.counts),
    Column("source", "source", lambda x: x.convention.source, lambda x: x.convention.source),
)  # fmt: skip


def document(found: Conventions) -> Document:
    """What each convention counts, and where that is from."""
    said = tuple(Pair(f"{c.name} ({c.unit})", f"{c.counts}. From {c.source}.") for c in found)
    listed, columns = Pairs(said, aside=14), table(CONVENTION_COLUMNS, tuple(found))
    return Document(
        "conventions", (Section((Only(SCREEN, (listed,)), Only((*PAGE, *DATA), (columns,)))),)
    )


def figures_section(rows: Sequence[ConventionTotals]) -> tuple[Section, ...]:
    """A model's figures in some conventions, and what to know about them."""
    said = tuple(
        Section((Pairs(tuple(Pair(who, text) for who, text in lines), aside=14),), heading, level=0)
        for heading, lines in remarks(rows)
    )
    return (Section((table(TOTAL_COLUMNS, rows),)), *said)


def remarks(rows: Sequence[ConventionTotals]) -> list[tuple[str, list[tuple[str, str]]]]:
    """What to say below the table: headings, each with its lines, a label and a text."""
    quantised = any(x.quantised for x in rows)
    left_out = [(x.name, _ignored(x, 6)) for x in rows if x.not_counted]
    unknown = [(x.name, total_text(x.total)) for x in rows if x.total.status != "complete"]
    sections = [
        ("what each counts", [(x.name, x.convention.counts) for x in rows]),
        ("where the peer itself prints another figure for this model",
         [(x.name, text) for x in rows for text in x.differs]),
        ("where it does if the model's source is written so",
         [(x.name, text) for x in rows for text in x.may_differ]),
        ("arithmetic that isn't counted", _merged(left_out)),
        ("what isn't known", _merged(unknown)),
        ("integers", [("all", "products on integers count like those on floats")] * quantised),
    ]  # fmt: skip
    return [(heading, lines) for heading, lines in sections if lines]


def _merged(lines: Sequence[tuple[str, str]]) -> list[tuple[str, str]]:
    """Lines of one text as one line."""
    found: dict[str, list[str]] = {}
    for who, text in lines:
        found.setdefault(text, []).append(who)
    return [(", ".join(names), text) for text, names in found.items()]


# -- who counts what ---------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class PeerDifference:
    """Where what a peer prints isn't what its convention gives here."""

    convention: str
    where: str
    text: str
    certain: bool


def differences() -> list[PeerDifference]:
    """Every known difference."""
    return [
        PeerDifference(c.name, key, text, listed is c.differs)
        for c in CONVENTIONS
        for listed in (c.differs, c.may_differ)
        for key, text in listed.items()
    ]


def weighted() -> list[str]:
    """Every operator, or form of one, that some convention weighs."""
    found = {key for c in CONVENTIONS for key in c.terms}
    return sorted(found, key=lambda key: (key.lower(), key))


def weight_text(convention: Convention, operator: str) -> str:
    """How a convention weighs an operator, besides what it always counts.

    >>> from cnnscope.analyzer.counters.conventions import find_convention
    >>> weight_text(find_convention("thop"), "Softmax")
    '3 in - rows'
    """
    terms = convention.terms.get(operator)
    if terms is None and not is_form(operator):
        terms = convention.otherwise
    return _sum(terms or {}) or "-"


def _sum(weights: FeatureWeights) -> str:
    text = ""
    for feature, weight in weights.items():
        sign = " - " if weight < 0 else " + "
        factor = "" if abs(weight) == 1 else f"{abs(weight)} "
        text += (sign if text or weight < 0 else "") + factor + feature
    return text.strip()


CONVENTION_COLUMNS: tuple[Column[Convention], ...] = (
    Column("name", "convention", lambda x: x.name, lambda x: x.name, importance=100, least=8),
    Column("aliases", "also", lambda x: ", ".join(x.aliases) or "-", lambda x: list(x.aliases),
           importance=40, least=8),
    Column("unit", "in", lambda x: x.unit, lambda x: x.unit, importance=60),
    Column("printed", "printed as", lambda x: x.printed, lambda x: x.printed, importance=70),
    Column("counts", "counts", lambda x: x.counts, lambda x: x.counts, importance=90, least=30),
    Column("source", "from", lambda x: x.source, lambda x: x.source, importance=50, least=20),
)  # fmt: skip

DIFFERENCE_COLUMNS: tuple[Column[PeerDifference], ...] = (
    Column("convention", "convention", lambda x: x.convention, lambda x: x.convention),
    Column("where", "where there is", lambda x: x.where, lambda x: x.where),
    Column("text", "the peer", lambda x: x.text if x.certain else f"may differ: {x.text}",
           lambda x: x.text),
)  # fmt: skip


def _weight_column(convention: Convention) -> Column[str]:
    def text(operator: str) -> str:
        return weight_text(convention, operator)

    def exact(operator: str) -> Exact:
        return weight_text(convention, operator)

    return Column(convention.name, convention.name, text, exact)


WEIGHT_COLUMNS: tuple[Column[str], ...] = (
    Column("operator", "operator", str, str),
    *(_weight_column(c) for c in CONVENTIONS if c.terms),
)
