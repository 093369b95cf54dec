"""What do texts on the command line mean: shapes, lengths, values, indices, files?"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from cnnscope.analyzer.render.formats import formats_for
from cnnscope.analyzer.values.diagnostics import one_line
from cnnscope.analyzer.values.length_texts import (
    Between,
    TooManyLengthsError,
    own_names,
    parse_length,
    parse_lengths,
)
from cnnscope.analyzer.values.near_names import what_there_is
from cnnscope.runtime.commands.asked import GivenShapes, GivenValues
from cnnscope.runtime.commands.messages import Misuse

if TYPE_CHECKING:
    from fractions import Fraction

    from cnnscope.analyzer.report.choosing import Choice

#: letters that a value on the command line may have
_LONGEST = 100_000
#: lengths in a range
_WIDEST = 1 << 20


def shapes_of(texts: Sequence[str] | None) -> GivenShapes:
    found: GivenShapes = {}
    for text in texts or ():
        head, equals, body = text.rpartition("=")
        key = head if equals else None
        if key in found:
            raise Misuse(f"--shape is given twice for {key or 'the input'}")
        if body.strip() in ("", "scalar"):
            found[key] = []
            continue
        try:
            found[key] = [
                None if part.strip() == "?" else parse_length(part)
                for part in body.lower().replace(",", "x").split("x")
            ]
        except ValueError:
            raise Misuse(
                f"--shape {text}: give lengths such as input=1x3x224x224, ? for one left free"
            ) from None
    return found


def lengths_of(texts: Sequence[str] | None) -> dict[str, int]:
    found: dict[str, int] = {}
    for text in texts or ():
        key, equals, body = text.rpartition("=")
        try:
            if not equals or not key:
                raise ValueError
            length = parse_length(body)
        except ValueError:
            raise Misuse(f"--dim {text}: give a name and a length such as H=224") from None
        if found.setdefault(key, length) != length:
            raise Misuse(f"--dim {key} is given as {found[key]} and as {length}")
    return found


def ranges_of(texts: Sequence[str] | None) -> dict[str, int | range]:
    """Lengths of free dimensions: one, or all from one to another, both included (``L=1..64``)."""
    found: dict[str, int | range] = {}
    for text in texts or ():
        key, _, body = text.rpartition("=")
        least, dots, most = body.partition("..")
        if not dots:
            found.update(lengths_of([text]))
            continue
        try:
            ends = parse_length(least), parse_length(most)
            if not key or ends[0] > ends[1]:
                raise ValueError
        except ValueError:
            raise Misuse(f"--dim {text}: give a name and a range such as H=1..64") from None
        if ends[1] - ends[0] >= _WIDEST:
            raise Misuse(f"--dim {text}: a range of at most {_WIDEST} lengths can be listed")
        found[key] = range(ends[0], ends[1] + 1)
    return found


def swept_of(texts: Sequence[str] | None) -> dict[str, int | range | tuple[int, ...] | Between]:
    """Lengths of dimensions, or of several that move together: one (``H=224``), several
    (``H,W=224,256``), at equal distances (``H=224..1024:32``), or all between two (``H=224..640``)."""
    found: dict[str, int | range | tuple[int, ...] | Between] = {}
    for text in texts or ():
        key, equals, body = text.rpartition("=")
        try:
            if not equals or not key:
                raise ValueError
            given = parse_lengths(body)
        except TooManyLengthsError as error:
            raise Misuse(f"--dim {one_line(text, 80)}: {error}") from None
        except ValueError:
            raise Misuse(
                f"--dim {one_line(text, 80)}: give a name and a length such as H=224; several, H=224,256 or"
                " H=224..1024:32; a range, H=224..640; H,W=224,256 moves both together"
            ) from None
        if key in found:
            raise Misuse(f"--dim {one_line(key, 80)} is given twice")
        found[key] = given
    return found


def sized_of(texts: Sequence[str] | None) -> tuple[dict[str, int], dict[str, Sequence[int]]]:
    """The dimensions that get one length, and those that get several, each of which is meant."""
    if not is_swept(texts):
        return lengths_of(texts), {}
    one: dict[str, int] = {}
    several: dict[str, Sequence[int]] = {}
    for key, given in swept_of(texts).items():
        if isinstance(given, int):
            one.update(dict.fromkeys(own_names(key), given))
        else:
            several[key] = given.each if isinstance(given, Between) else given
    return one, several


def is_swept(texts: Sequence[str] | None) -> bool:
    """Does some dimension have several lengths?"""
    bodies = (text.rpartition("=") for text in texts or ())
    return any("," in head or "," in body or ".." in body for head, _, body in bodies)


def values_of(texts: Sequence[str] | None) -> GivenValues:
    if not texts:
        return {}
    import json

    found: GivenValues = {}
    for text in texts:
        key, equals, body = text.rpartition("=")
        try:
            if not equals or not key or len(body) > _LONGEST:
                raise ValueError
            given = json.loads(body)
        except (ValueError, RecursionError):  # not JSON, or numbers of thousands of digits
            raise Misuse(
                f"--value {one_line(text, 80)}: give an input's name and its value such as k=4 or "
                "size=[1,3,8]"
            ) from None
        if key in found:
            raise Misuse(f"--value is given twice for {key}")
        found[key] = given
    return found


def tiles_of(text: str) -> list[int]:
    """Pixels of tiles, of `--tile 64,128`."""
    found = []
    for part in text.split(","):
        if not (part.strip().isascii() and part.strip().isdigit() and 0 < int(part) < 1 << 31):
            raise Misuse(f"--tile {text}: give pixels, such as 256, or several: 64,128,256")
        found.append(int(part))
    return found


def unit_of(text: str | None) -> list[int | None] | None:
    if text is None:
        return None
    parts = [part.strip() for part in text.split(",")]
    try:
        return [None if part == ":" else _index(part) for part in parts]
    except ValueError:
        raise Misuse(f"--unit {text}: give indices such as 3,4, : for all of an axis") from None


def _index(text: str) -> int:
    return -parse_length(text[1:]) if text.startswith("-") else parse_length(text)


def names_of(text: str | None) -> tuple[str, ...] | None:
    return None if text is None else tuple(part for part in text.split(",") if part.strip())


def batches_of(text: str | None) -> tuple[int, ...]:
    try:
        found = tuple(parse_length(part) for part in (text or "").split(",") if text is not None)
        if any(not batch for batch in found):
            raise ValueError
    except ValueError:
        raise Misuse(f"--batch {text}: give lengths such as 1,8,32") from None
    return found


def files_of(texts: Sequence[str] | None) -> dict[str, str]:
    found: dict[str, str] = {}
    for text in texts or ():
        # A tensor's name may hold an equals sign, a file's path too: the file's is the last.
        key, _, path = text.rpartition("=")
        if not key or not path:
            raise Misuse(f"--input {text}: give an input's name and a file such as x=image.npy")
        if key in found:
            raise Misuse(f"--input is given twice for {key}")
        found[key] = path
    return found


def choice_of(layers: Sequence[str], only: Sequence[str], *, run: bool = False) -> Choice:
    """Which layers are meant.

    Args:
        layers, only: as `--layer` and `--only` have them.
        run: what running the model shows may be asked for, too.
    """
    from cnnscope.analyzer.report.choosing import EVERY, Choice

    if not layers and not only:
        return EVERY
    from cnnscope.analyzer.report.execution import Execution
    from cnnscope.analyzer.report.run_conditions import RUN_ONLY, run_facts

    try:
        Choice.of(layers)
    except ValueError as error:
        raise Misuse(f"--layer: {error}") from None
    try:
        found = Choice.of((), only, run_facts(Execution()))
        timed = [x.text for x in found.only if x.column in RUN_ONLY and not run]
        if timed:
            raise Misuse(f"--only {timed[0]!r}: only a run shows that: analyze --run")
        return Choice.of(layers, only, run_facts(Execution())) if run else Choice.of(layers, only)
    except ValueError as error:
        raise Misuse(f"--only {error}") from None


def part_of(text: str | None) -> Fraction | None:
    """A part of a total: ``80%``."""
    if text is None:
        return None

    from cnnscope.analyzer.values.amounts import parse_amount

    try:
        if not text.strip().endswith("%"):
            raise ValueError
        part: Fraction = parse_amount(text.strip()[:-1].strip(), "count") / 100
        if not 0 < part <= 1:
            raise ValueError
    except ValueError:
        raise Misuse(f"--until {text}: give a part of the total such as 80%") from None
    return part


def reports_of(texts: Sequence[str] | None) -> list[tuple[str, Path]]:
    found = []
    known = formats_for("outcome")
    for text in texts or ():
        key, _, path = text.partition("=")
        if key not in known or not path:
            if path:
                raise Misuse(f"--report {text}: no format is {key!r}{what_there_is(key, known)}")
            raise Misuse(
                f"--report {text}: give a format and a file such as sarif=out.sarif ({', '.join(known)})"
            )
        found.append((key, Path(path)))
    return found
