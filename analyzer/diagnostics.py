"""What can be said about a model besides its numbers, and the errors that stop an analysis.

A *diagnostic* is a fact found while analysis goes on (an operator without rules, a dimension left
free). An *error* is a fact that leaves nothing to analyse (the file isn't ONNX, the graph has a
cycle): low layers raise it with the bare fact, `analyze()` adds the model, and the command line
prints it as one line.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Severity = Literal["info", "warning", "error"]


class CnnscopeError(Exception):
    """The one family of errors cnnscope raises on purpose: catch this to catch them all."""


class ModelFileError(CnnscopeError):
    """The model can't be read: missing, truncated, corrupt, not ONNX, or unsafe to open."""


class GraphError(CnnscopeError):
    """The model can be read but isn't a graph: a cycle, or a tensor produced twice."""


class BindingError(CnnscopeError):
    """A shape or dimension given by the user doesn't fit the model's inputs."""


@dataclass(frozen=True, slots=True)
class Diagnostic:
    """One finding, located.

    Args:
        code: stable, kebab-case, e.g. ``"unknown-operator"``.
        severity: ``"info"``, ``"warning"`` or ``"error"``.
        layer: the layer's name, or None when it is about the whole model.
        message: what was found, one sentence.
        hint: what the reader can do about it, or ``""``.

    >>> Diagnostic("free-dimension", "info", None, "batch size N is free; 1 is used").severity
    'info'
    """

    code: str
    severity: Severity
    layer: str | None
    message: str
    hint: str = ""
