"""What can be said about a model besides its numbers, and the errors that stop an analysis.

A *diagnostic* is a fact found while analysis goes on (an operator without rules, a dimension left
free). An *error* is a fact that leaves nothing to analyse (the file isn't ONNX, the graph has a
cycle): low layers raise it with the bare fact, `analyze()` adds the model, and the command line
prints it as one line.
"""

from __future__ import annotations

import sys
from opcode import opmap
from types import TracebackType
from typing import Literal

from cnnscope.analyzer.values.plain_class import dataclass

Severity = Literal["info", "warning", "error"]


#: characters of an error's message. It quotes names and attributes from the model's file, each of
#: which may be a megabyte long.
MESSAGE_LIMIT = 1000


class CnnscopeError(Exception):
    """The one family of errors cnnscope raises on purpose: catch this to catch them all.

    Its message is one line without control characters, at most `MESSAGE_LIMIT` long, whatever the
    model's names are.

    >>> print(GraphError("node 'a\\x1b[31m' has\\nno input"))
    node 'a\\x1b[31m' has no input
    """

    def __init__(self, message: str = "") -> None:
        super().__init__(one_line(message))


#: what is said where a rule stumbled over a node without saying anything of it
STUMBLED = "its attributes and inputs don't go together"
_RAISE = opmap["RAISE_VARARGS"]
_STRANGERS = frozenset({"numpy", "onnx", "google", "ml_dtypes", *sys.stdlib_module_names})


def own_words(error: BaseException) -> str:
    """What an error says, where that was written for a reader; else what can be said without it.

    A rule raises an error for what can't be, in words of its own. What Python or numpy raise on the
    way ("integer modulo by zero") tells nobody what is wrong with a model.

    >>> try:
    ...     4 % 0
    ... except ZeroDivisionError as error:
    ...     print(own_words(error))
    its attributes and inputs don't go together
    """
    at = _innermost(error)
    if at is not None and on_purpose(error) and str(error):
        module = str(at.tb_frame.f_globals.get("__name__", "")).partition(".")[0]
        if module not in _STRANGERS or module == "__main__":
            return str(error)
    return STUMBLED


def on_purpose(error: BaseException) -> bool:
    """Some line said ``raise``: it isn't Python, or a signal, that raised it."""
    at = _innermost(error)
    return at is not None and at.tb_frame.f_code.co_code[at.tb_lasti] == _RAISE


def _innermost(error: BaseException) -> TracebackType | None:
    at = error.__traceback__
    while at is not None and at.tb_next is not None:
        at = at.tb_next
    return at


def one_line(text: str, longest: int = MESSAGE_LIMIT) -> str:
    """The text as one line: what can't be seen as an escape, too long a middle left out."""
    if len(text) > 8 * longest:  # before anything that takes time for each character
        text = f"{text[: 4 * longest]} {text[-4 * longest :]}"
    text = text if text.isprintable() else "".join(map(_seen, " ".join(text.split())))
    if len(text) <= longest:
        return text
    tail = longest // 3
    return f"{text[: longest - 3 - tail]}...{text[-tail:]}"


def _seen(character: str) -> str:
    if character.isprintable():
        return character
    return character.encode("unicode_escape", "surrogatepass").decode("ascii")


class ModelFileError(CnnscopeError):
    """The model can't be read: missing, truncated, corrupt, not ONNX, or unsafe to open."""


class ReportFileError(CnnscopeError):
    """A report or a scan can't be read back: it is neither, damaged, or of another version."""


class OutsideFolderError(ModelFileError):
    """The model's weights are said to lie outside its folder, so that it isn't opened."""


class GraphError(CnnscopeError):
    """The model can be read but isn't a graph: a cycle, or a tensor produced twice."""


class LimitError(CnnscopeError):
    """The model asks for more than is given to any: nodes once its functions are put in place of their
    calls, bytes of constants worked out beforehand, numbers that count something.

    No fact about one node: nothing takes it for a branch that can't be the one that runs.
    """


class BindingError(CnnscopeError):
    """A shape or dimension given by the user doesn't fit the model's inputs."""


class ArgumentError(CnnscopeError, TypeError, ValueError):
    """An argument of a public function isn't what it has to be; the message says what is wanted."""


class RunError(CnnscopeError):
    """The model could not be run: no such provider, no kernel, a crash, a timeout, no memory."""


class NoRuntimeError(RunError):
    """ONNX Runtime isn't installed, too old, or can't be loaded; the message says what helps."""


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
