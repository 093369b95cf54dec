"""What did ONNX Runtime write down of a run?

With profiling on, it writes a JSON file with an event for every kernel it ran, called
``<node name>_kernel_time``. Found by experiment with version 1.31 (the format isn't documented):

- ``output_type_shape`` lists the outputs that exist and hold a tensor, e.g. ``{"float": [1, 64]}``,
  in order: sequences and omitted outputs are left out, an optional value counts as its tensor.
- Nodes of the subgraphs of If, Loop and Scan have events under their own names, once for each run.
- Constant nodes have none: they become initializers. Neither has a function of ONNX's schema (such
  as HardSwish) without a kernel: the nodes of its body stand in its place, with names of their own.
  Of an If whose condition is constant, the branch taken replaces it, its nodes then being called
  ``<name of the If>/<name>``.
- Where there is no kernel for float16 or bfloat16, the node runs in float32 between inserted Casts,
  and its event says so. What its neighbours get is still what the graph says.
- A node whose result nobody reads runs nevertheless (optimisations off). So a Shape node added to
  any tensor is a *witness*: its event's ``input_type_shape`` is the tensor's dtype and shape.
- At most a million events are kept.

The memory fields are explained in `memory_check`.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Final

from cnnscope.analyzer.values.diagnostics import RunError
from cnnscope.analyzer.values.plain_class import dataclass

#: dtype and shape
Facts = tuple[str, tuple[int, ...]]

_DTYPES: Final = {
    "float": "float32", "double": "float64", "float8e4m3fn": "float8_e4m3fn",
    "float8e4m3fnuz": "float8_e4m3fnuz", "float8e5m2": "float8_e5m2",
    "float8e5m2fnuz": "float8_e5m2fnuz", "float4e2m1": "float4_e2m1fn",
}  # fmt: skip
_ENDING: Final = "_kernel_time"
#: how ONNX Runtime calls the Casts that it puts around a node without a half-precision kernel
WIDENED: Final = "InsertedPrecisionFreeCast_"


@dataclass(frozen=True, slots=True)
class Event:
    """One run of one kernel.

    Args:
        name, op, provider: of the node.
        inputs, outputs: dtype and shape of those that are tensors.
        microseconds: how long it took.
        bytes_in_use: requested from the allocator when it ended; None without an arena.
        bytes_taken: how many more than when it began; None likewise.
        output_bytes: size of its outputs.
        start: when it began, in microseconds from the beginning of the profile.
    """

    name: str
    op: str
    provider: str
    inputs: tuple[Facts, ...]
    outputs: tuple[Facts, ...]
    microseconds: int
    bytes_in_use: int | None
    bytes_taken: int | None
    output_bytes: int
    start: int = 0


#: how the names of our own Shape nodes begin
WITNESS: Final = "cnnscope.witness/"


def dtype_of(described: str) -> str | None:
    """The dtype in what ONNX Runtime calls a type; None for anything but a tensor.

    >>> dtype_of("tensor(float)"), dtype_of("seq(tensor(float))")
    ('float32', None)
    """
    inner = described.removeprefix("tensor(").removesuffix(")")
    return _DTYPES.get(inner, inner) if described == f"tensor({inner})" else None


def read_trace(path: Path) -> list[Event]:
    """The kernels that ran, in the order in which they did.

    Raises:
        RunError: the file isn't what ONNX Runtime is known to write.
    """
    try:
        found = json.loads(path.read_text(encoding="utf-8", errors="surrogateescape"))
        return list(events_in(found))
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise RunError(f"ONNX Runtime's profile can't be read: {error!r}") from None


def events_in(found: Iterable[dict[str, object]]) -> Iterator[Event]:
    """The kernels in a profile that was read already."""
    for entry in found:
        name, args = entry["name"], entry.get("args")
        if not (isinstance(name, str) and name.endswith(_ENDING) and isinstance(args, dict)):
            continue
        yield Event(
            name.removesuffix(_ENDING),
            str(args.get("op_name", "")),
            str(args.get("provider", "")),
            _facts(args.get("input_type_shape", ())),
            _facts(args.get("output_type_shape", ())),
            int(str(entry["dur"])),
            _number(args, "mem_bytes_requested_in_use"),
            _number(args, "mem_requested_in_use_delta"),
            _number(args, "output_size") or 0,
            int(str(entry.get("ts", 0))),
        )


def _facts(listed: list[Mapping[str, list[int]]]) -> tuple[Facts, ...]:
    return tuple(
        (_DTYPES.get(dtype, dtype), tuple(shape))
        for entry in listed
        for dtype, shape in entry.items()
    )


def _number(args: Mapping[str, object], key: str) -> int | None:
    value = args.get(key)
    return None if value is None else int(str(value))
