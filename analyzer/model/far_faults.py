"""What is said of a place that can't be read? One line, without what is secret in the place."""

from __future__ import annotations

from cnnscope.analyzer.model.remote_names import without_secrets
from cnnscope.analyzer.model.unreadable import error_line
from cnnscope.analyzer.values.diagnostics import ModelFileError


def told(error: Exception, place: str) -> ModelFileError:
    """What somebody else's error says, in a line.

    Args:
        error: of a file system.
        place: what was asked for, which the error may quote.
    """
    if isinstance(error, ModelFileError):
        return error
    if isinstance(error, FileNotFoundError):
        return absent()
    if isinstance(error, PermissionError):
        return forbidden()
    if isinstance(error, TimeoutError):
        return ModelFileError("no answer came in time; try again")
    if isinstance(error, ImportError):
        name = (error.name or "").partition(".")[0]
        said = f"{name} isn't installed" if name else error_line(error)
        return ModelFileError(f"what reads such places is missing: {said}")
    return ModelFileError(f"it can't be read: {without_secrets(error_line(error), place)}")


def absent() -> ModelFileError:
    return ModelFileError("there is nothing at this place; check the address")


def forbidden() -> ModelFileError:
    return ModelFileError("it may not be read without credentials, or not with these")


def changed() -> ModelFileError:
    return ModelFileError("it changed while it was read; try again")
