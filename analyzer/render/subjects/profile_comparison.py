"""What is said of two profiles side by side: both times, the difference, and whether it is noise?"""

from __future__ import annotations

from typing import Final

from cnnscope.analyzer.render.columns import Column, sorted_rows
from cnnscope.analyzer.render.document import (
    PAGE,
    SCREEN,
    Document,
    Heading,
    Only,
    Pair,
    Pairs,
    Section,
)
from cnnscope.analyzer.render.subjects.answer import model_name
from cnnscope.analyzer.render.tables import table
from cnnscope.analyzer.report.measurement import Profile
from cnnscope.analyzer.report.profile_comparison import ProfileComparison, TimeChange
from cnnscope.analyzer.values.notation import duration, escape, name, percent

_NOISE: Final = {True: "no", False: "yes", None: "?"}

COLUMNS: tuple[Column[TimeChange], ...] = (
    Column("what", "layers", lambda x: " + ".join(name(part) for part in x.what),
           lambda x: list(x.what), importance=100, least=24),
    Column("before", "before", lambda x: _time(x.before), lambda x: x.before, right=True,
           importance=90),
    Column("after", "after", lambda x: _time(x.after), lambda x: x.after, right=True,
           importance=95),
    Column("change", "change", lambda x: _signed(x.change), lambda x: x.change, right=True,
           importance=85, order=lambda x: None if x.change is None else abs(x.change)),
    Column("ratio", "times", lambda x: "-" if x.ratio is None else f"{x.ratio:.2f}x",
           lambda x: x.ratio, right=True, importance=80),
    Column("outside_noise", "noise", lambda x: _NOISE[x.outside], lambda x: x.outside,
           importance=75),
)  # fmt: skip


def check_sort(key: str | None) -> None:
    """Is there such a column to sort by?

    Raises:
        ValueError: there is not.
    """
    sorted_rows((), COLUMNS, key, None)


def document(found: ProfileComparison, sort: str | None = None, top: int | None = None) -> Document:
    """The comparison as a document: the largest changes first."""
    rows = sorted_rows(found.rows, COLUMNS, sort or "change", top)
    recorded = sorted_rows(found.rows, COLUMNS, sort, top)
    people = (*PAGE, *SCREEN)
    title = "Two profiles"
    heading = [Pair("before", _side(found.before)), Pair("after", _side(found.after))]
    facts = [Pair("a run", _change(found.whole))]
    if found.device is not None:
        facts.append(Pair("kernels", _change(found.device)))
        shares = [x.host_bound for x in (found.before, found.after)]
        text = " to ".join("?" if share is None else percent(share) for share in shares)
        facts.append(Pair("host-bound", text))
    facts += [Pair("warning", escape(said)) for said in found.warnings]
    return Document(
        title,
        (
            Section((Only(PAGE, (Heading(title),)), Only(people, (Pairs(tuple(heading), aside=14),)))),
            Section((table(COLUMNS, rows, recorded=recorded),)),
            Section((Only(people, (Pairs(tuple(facts), aside=14),)),)),
        ),
    )  # fmt: skip


def _side(found: Profile) -> str:
    version = "" if found.runtime is None else f", ONNX Runtime {escape(found.runtime)}"
    batch = "" if found.latency.batch is None else f", batch {found.latency.batch}"
    model = model_name(found.model)
    hardware = escape(found.hardware or "hardware not known")
    return f"{model} on {name(found.provider)}{batch}{version}; {hardware}"


def _change(found: TimeChange) -> str:
    noise = {
        True: "outside of noise", False: "within noise", None: "whether it is noise can't be told",
    }[found.outside]  # fmt: skip
    times = "" if found.ratio is None else f" ({found.ratio:.2f}x)"
    return f"{duration(found.before)} to {duration(found.after)}{times}: {noise}"


def _time(seconds: float | None) -> str:
    return "-" if seconds is None else duration(seconds)


def _signed(seconds: float | None) -> str:
    if seconds is None:
        return "-"
    return f"{'+' if seconds > 0 else '-' if seconds < 0 else ''}{duration(abs(seconds))}"
