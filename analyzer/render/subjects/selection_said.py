"""What is said of the rows that are shown: what they come to, and what was left out?"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from cnnscope.analyzer.render.document import DATA, PAGE, SCREEN, Block, Note, Notes, Only
from cnnscope.analyzer.render.tables import Table
from cnnscope.analyzer.report.choosing import Choice, Chosen
from cnnscope.analyzer.report.report import Report
from cnnscope.analyzer.report.shares import ADDITIVE, Additive
from cnnscope.analyzer.values.notation import count, duration, many, name, nbytes, percent
from cnnscope.analyzer.values.plain_class import dataclass


@dataclass(frozen=True, slots=True)
class Listed:
    """A table, and why it shows no shares, where some were to be shown."""

    table: Table
    why_not: str = ""


def blocks_of(listed: Listed, chosen: Chosen | None) -> tuple[Block, ...]:
    """The table, and below it why something isn't in it."""
    said = [Note(listed.why_not, "note", tone="dim")] if listed.why_not else []
    if chosen is None:
        return (listed.table, Notes(tuple(said)))
    for condition, times in chosen.unknown.items():
        said.append(
            Note(
                f"{many(times, 'layer')} left out, of which that isn't known: {name(condition)}",
                "note",
            )
        )
    if chosen.layers:
        return (listed.table, Notes(tuple(said)))
    said.insert(0, Note(name(chosen.hint or "no layer is left", 300)))
    return (Only(DATA, (listed.table,)), Only((*PAGE, *SCREEN), (Notes(tuple(said)),)))


def of_no_layer(report: Report, figures: Mapping[str, Additive]) -> tuple[Block, ...]:
    """Where groups have times: where a kernel's time stands, and what is no layer's."""
    if "time" not in figures:
        return ()
    time = figures["time"]
    whole = None if time.of_model is None else time.of_model.value
    if not whole:
        return ()
    own = time.of_layers(report.layers).value or 0
    text = "a kernel's time stands where its first layer is"
    rest = max(whole - own, 0.0) / whole
    if rest >= 0.0005:
        text += f"; of {duration(whole)} in kernels {percent(rest)} are in those of no layer"
    return (Only((*PAGE, *SCREEN), (Notes((Note(text, "note", tone="dim"),)),)),)


def chosen_line(report: Report, chosen: Chosen, choice: Choice) -> str:
    """What the chosen layers come to, and which part of the model that is."""
    parts = []
    for key, write in _SAID.items():
        figure = ADDITIVE[key]
        found = figure.of_layers(chosen.layers).value
        if found is None:
            parts.append(f"{figure.title} not known")
            continue
        whole = figure.of_layers(report.layers).value
        share = f" ({percent(found / whole)})" if whole else ""
        parts.append(f"{write(int(found))} {figure.title}{share}")
    return f"{len(chosen)} of {many(chosen.among, 'layer')} ({name(str(choice), 80)}): {', '.join(parts)}"


_SAID: dict[str, Callable[[int], str]] = {
    "params": count, "macs": count, "flops": count, "traffic_bytes": nbytes,
}  # fmt: skip
