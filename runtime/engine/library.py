"""Is ONNX Runtime there, recent enough, and does it load? If not: what is to be done, in a line.

Everything static works without it. What runs models asks here first: `ask_for_library` looks
whether it is installed, which costs next to nothing; `load_library` also loads it, in the process
that is to use it.
"""

from __future__ import annotations

import importlib.util
import sys
from functools import cache
from typing import Final

from cnnscope.analyzer.values.diagnostics import NoRuntimeError

#: the oldest that cnnscope runs models with, as in pyproject.toml
OLDEST: Final = (1, 20)
#: the first whose profile tells how much memory is in use
FIRST_WITH_MEMORY: Final = (1, 28)
_WHEELS: Final = ("onnxruntime-gpu", "onnxruntime")


def ask_for_library() -> None:
    """Nothing, where ONNX Runtime is installed; it isn't loaded.

    Raises:
        NoRuntimeError: it isn't installed; with the command that does it.
    """
    if "onnxruntime" in sys.modules:
        return
    try:
        found = importlib.util.find_spec("onnxruntime")
    except (ImportError, ValueError):
        found = None
    # A folder without a module is what an uninstalled one has left.
    if found is None or found.origin is None:
        raise NoRuntimeError(f"ONNX Runtime is needed and isn't installed: pip install {_advice()}")


@cache
def load_library() -> None:
    """Load ONNX Runtime, before anything is done with a model that needs it.

    Raises:
        NoRuntimeError: it isn't installed, too old, or can't be loaded; with what helps.
    """
    ask_for_library()
    try:
        import onnxruntime

        onnxruntime.InferenceSession  # noqa: B018  # half an installation lacks it
        version = str(onnxruntime.__version__)
    except Exception as error:  # whatever a native module fails with when it is loaded
        said = " ".join(str(error).split())[:300] or type(error).__name__
        raise NoRuntimeError(
            f"ONNX Runtime is installed but can't be loaded ({said}): {_mending()}"
        ) from error
    if release(version) < OLDEST:
        oldest = ".".join(map(str, OLDEST))
        raise NoRuntimeError(
            f"ONNX Runtime {version} is too old, {oldest} is needed: "
            f"pip install --upgrade {(_installed() or [_suited()])[0]}"
        )


def release(version: str) -> tuple[int, ...]:
    """The first two numbers of a version.

    >>> release("1.20.0rc1"), release("2.dev")
    ((1, 20), (2, 0))
    """
    numbers = [int(x) if x.isdecimal() else 0 for x in (*version.split("."), "0")[:2]]
    return tuple(numbers)


def _suited() -> str:
    """The wheel that pyproject.toml asks for on this platform."""
    import platform

    gpu = sys.platform in ("linux", "win32") and platform.machine() in ("x86_64", "AMD64")
    return _WHEELS[0] if gpu else _WHEELS[1]


def _advice() -> str:
    suited = _suited()
    return suited if suited == _WHEELS[1] else f"{suited} (or {_WHEELS[1]}, for the CPU alone)"


def _installed() -> list[str]:
    from importlib import metadata

    found = []
    for name in _WHEELS:
        try:
            metadata.version(name)
        except metadata.PackageNotFoundError:
            continue
        found.append(name)
    return found


def _mending() -> str:
    found = _installed()
    if len(found) > 1:  # both own the same files
        return f"pip uninstall {' '.join(found)}, then pip install {_advice()}"
    return f"pip install --force-reinstall {(found or [_suited()])[0]}"
