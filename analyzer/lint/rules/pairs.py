"""CNS506 and CNS507: which layers undo what the one before did?"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from cnnscope.analyzer.lint.references import ORT
from cnnscope.analyzer.lint.rule import Hit, Page, Subject, rule, traffic
from cnnscope.analyzer.report.layer import Layer
from cnnscope.analyzer.values.notation import many


@rule(
    "CNS506",
    "consecutive-transposes",
    "info",
    Page(
        what="Finds two transposes in a row: they cancel, or are one.",
        why="Each moves the whole tensor through memory. Pairs are what a conversion between "
        "layouts (NHWC, NCHW) leaves behind.",
        how="A layer that only reorders axes and reads the result of another one. They cancel if "
        "the second order undoes the first; otherwise they merge if nothing else reads what is "
        "between.",
        example="`Transpose(0,3,1,2) -> Transpose(0,2,3,1)` around a layer that was removed.",
        todo="Remove or merge them; simplifiers and ONNX Runtime's transpose optimiser do.",
        references=(ORT,),
    ),
)
def consecutive_transposes(subject: Subject) -> Iterator[Hit]:
    pairs: list[tuple[Layer, Layer, bool]] = []
    taken: set[str] = set()
    for second in subject.layers:
        order = subject.particulars.permutation(second.name)
        first = None if order is None else subject.givers.get(subject.data(second))
        if order is None or first is None or first.name in taken:
            continue
        before = subject.particulars.permutation(first.name)
        if before is None or len(before) != len(order):
            continue
        together = [before[axis] for axis in order]
        cancels = together == sorted(together)
        if cancels or subject.only_reader(first) is second:
            pairs.append((first, second, cancels))
            taken.add(second.name)
    yield from _told(subject, pairs, "transposes")


#: what a dtype holds exactly: bits of the fraction (with the leading one) and range
_HOLDS: Mapping[str, tuple[str, int, int]] = {
    "bool": ("u", 1, 0), "uint4": ("u", 4, 0), "uint8": ("u", 8, 0), "uint16": ("u", 16, 0),
    "uint32": ("u", 32, 0), "uint64": ("u", 64, 0), "int4": ("i", 3, 0), "int8": ("i", 7, 0),
    "int16": ("i", 15, 0), "int32": ("i", 31, 0), "int64": ("i", 63, 0),
    "float16": ("f", 11, 5), "bfloat16": ("f", 8, 8), "float32": ("f", 24, 8),
    "float64": ("f", 53, 11),
}  # fmt: skip


def _holds(wide: str | None, narrow: str | None) -> bool:
    """Every number of the narrow dtype is one of the wide dtype, too."""
    if wide is None or narrow is None or wide not in _HOLDS or narrow not in _HOLDS:
        return False
    (kind, bits, span), (inner, inner_bits, inner_span) = _HOLDS[wide], _HOLDS[narrow]
    if kind == "f":
        return bits >= inner_bits and span >= inner_span
    if inner == "f" or (kind == "u" and inner == "i"):
        return False
    return bits >= inner_bits


@rule(
    "CNS507",
    "consecutive-casts",
    "info",
    Page(
        what="Finds two casts in a row where the first loses nothing: they cancel, or are one.",
        why="Each reads and writes the whole tensor, and a pair around nothing is what an "
        "automatic conversion to half precision leaves behind.",
        how="A conversion that reads another one's result, whose dtype holds every number of the "
        "dtype before. They cancel if the last dtype is the first one; otherwise they merge if "
        "nothing else reads what is between. A detour over a narrower dtype rounds, and is left "
        "alone.",
        example="`Cast(float16 to float32) -> Cast(float32 to float16)`.",
        todo="Remove or merge them; keep islands in one precision.",
        references=(ORT,),
    ),
)
def consecutive_casts(subject: Subject) -> Iterator[Hit]:
    pairs: list[tuple[Layer, Layer, bool]] = []
    taken: set[str] = set()
    for second in subject.layers:
        if second.kind.family != "conversion" or not second.outputs:
            continue
        first = subject.givers.get(subject.data(second))
        if first is None or first.kind.family != "conversion" or first.name in taken:
            continue
        source = next((v for v in first.operands if v is not None), None)
        if source is None or not _holds(first.outputs[0].dtype, source.dtype):
            continue
        cancels = source.dtype == second.outputs[0].dtype
        if cancels or subject.only_reader(first) is second:
            pairs.append((first, second, cancels))
            taken.add(second.name)
    yield from _told(subject, pairs, "casts")


def _told(subject: Subject, pairs: list[tuple[Layer, Layer, bool]], what: str) -> Iterator[Hit]:
    if not pairs:
        return
    cancelled = sum(1 for _, _, cancels in pairs if cancels)
    merged = len(pairs) - cancelled
    said = [f"{cancelled} cancel"] if cancelled else []
    said += [f"{merged} could be one"] if merged else []
    spared = 0
    for first, second, cancels in pairs:
        spared += traffic(second)
        if cancels and subject.only_reader(first) is second:
            spared += traffic(first)
    yield Hit(
        tuple(dict.fromkeys(layer.name for pair in pairs for layer in pair[:2])),
        f"{many(len(pairs), 'pair')} of {what} in a row: {' and '.join(said)}",
        {"bytes": spared},
    )
