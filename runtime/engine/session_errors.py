"""What does ONNX Runtime complain of, in one line that names the node?"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from cnnscope.analyzer.values.diagnostics import RunError

if TYPE_CHECKING:
    import onnx


_PREFIX: Final = re.compile(r"^\[ONNXRuntimeError\] : \d+ : (\w+) : ")


_SOURCE: Final = re.compile(r"\S*/onnxruntime/\S+:\d+ (?:\S+ )*?(?=[A-Z(])|\S+\.(?:cc|h):\d+ \S+ ")


_NODE: Final = re.compile(
    r"(?:Node name|node with name|Name):? ?'(?P<name>[^']*)'|(?:in|of) node ?\((?P<bare>.*?)\) "
    r"|(?:Node|node) ?\((?P<given>.*?)\) |In Node, \(\"(?P<quoted>[^\"]*)\""
)


_UNREGISTERED: Final = re.compile(r"(\S*):(\w+)\(-?\d+\) is not a registered")


_READ: Final = 8000


_LONGEST: Final = 400


def as_run_error(
    error: BaseException, doing: str, model: onnx.ModelProto | None = None
) -> RunError:
    """ONNX Runtime's error as one line, led by the node it names, if it names one.

    Args:
        error: what it raised.
        doing: what it was asked to do.
        model: the model, to look for a node of which it only names the operator.
    """
    said = " ".join(str(error)[:_READ].split()) or type(error).__name__
    if isinstance(error, MemoryError) or "bad_alloc" in said or "Failed to allocate" in said:
        return RunError(f"ONNX Runtime ran out of memory {doing}: {_short(_plain(said))}")
    nodes = [next(filter(None, found.groups()), "") for found in _NODE.finditer(said)]
    kind = _PREFIX.match(said)
    what = {
        "NOT_IMPLEMENTED": "has no kernel for it",
        "INVALID_GRAPH": "takes it for an invalid graph",
        "INVALID_ARGUMENT": "does not take its inputs",
    }.get(kind.group(1) if kind else "", f"failed {doing}")
    # A node with a body is named before the node inside that failed.
    named = next(filter(None, reversed(nodes)), None) or _unregistered(said, model)
    where = f"node {named!r}: " if named else ""
    return RunError(f"{where}ONNX Runtime {what}: {_short(_plain(said))}")


def _unregistered(said: str, model: onnx.ModelProto | None) -> str | None:
    """The first node of the operator that an error says isn't known."""
    found = _UNREGISTERED.search(said)
    if found is None or model is None:
        return None
    wanted = found.groups()
    return next((n.name for n in model.graph.node if (n.domain, n.op_type) == wanted), None)


def _plain(said: str) -> str:
    """Without its codes and the places in its own source, and of nested errors the innermost."""
    said = said.rpartition("Status Message: ")[2] or said
    return _SOURCE.sub("", _PREFIX.sub("", said)).strip()


def _short(said: str) -> str:
    return said if len(said) <= _LONGEST else said[: _LONGEST - 3] + "..."
