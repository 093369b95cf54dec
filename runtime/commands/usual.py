"""What does a configuration's `[defaults]` say of the sizes to analyse a model with, and of the columns?

Most folders have no such section. So it is first asked, without loading what reads a configuration, whether
any file on the way up speaks of one; only then is the configuration read, as `check` reads it.
"""

from __future__ import annotations

import functools
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Final

from cnnscope.analyzer.model.regular_file import open_regular
from cnnscope.runtime.commands.messages import Misuse
from cnnscope.runtime.commands.sources import Source

if TYPE_CHECKING:
    from cnnscope.analyzer.budgets.settings import Settings
    from cnnscope.runtime.commands.asked import GivenShapes

#: files that may be a configuration, each with what one with the section has in it
_FILES: Final = {"cnnscope.toml": (), "pyproject.toml": (b"cnnscope",)}
#: bytes that are looked at; a larger file is no configuration
_LARGEST: Final = 1 << 18


def sized(
    source: Source, shapes: GivenShapes, dims: dict[str, int], config: Path | None = None
) -> tuple[GivenShapes, dict[str, int]]:
    """The sizes to analyse a model with: those given, and what of the defaults fits beside them.

    Args:
        source: the model, read only where there are defaults.
        shapes, dims: what the command line says.
        config: a configuration's file; None: the nearest one.

    Raises:
        Misuse: the configuration can't be used; a line for each thing that is wrong.
    """
    settings = usual_settings(config)
    if settings is None:
        return shapes, dims
    from cnnscope.analyzer.budgets import defaults

    found, lengths = defaults.sized(settings.defaults, source, shapes, dims)
    return {name: list(shape) for name, shape in found.items()}, dict(lengths)


def usual_settings(config: Path | None = None) -> Settings | None:
    """The configuration, where it has a section of defaults, or one of nearly that name.

    Raises:
        Misuse: it can't be used; a line for each thing that is wrong.
    """
    if config is None and not _may_have_defaults():
        return None
    from cnnscope.analyzer.budgets.config import find_config, top_keys
    from cnnscope.analyzer.budgets.settings import ConfigError

    try:
        path = config or find_config(Path.cwd())
        # What is wrong elsewhere in the file is the matter of those whom it concerns.
        if path is None or not any(key.lower().startswith("default") for key in top_keys(path)):
            return None
        status = path.stat()
        return _read(path, path.absolute(), status.st_mtime_ns, status.st_size)
    except ConfigError as error:
        raise Misuse(*error.problems) from None
    except OSError as error:
        raise Misuse(f"{config or 'the configuration'}: can't be read: {error.strerror}") from None


@functools.lru_cache(maxsize=4)  # several models are sized by one file
def _read(path: Path, place: Path, changed: int, size: int) -> Settings:
    from cnnscope.analyzer.budgets.config import read_config

    return read_config(path)


def _may_have_defaults() -> bool:
    try:
        here = Path.cwd()
    except OSError:  # a folder that has been removed
        return False
    return any(
        _mentions(folder / name, (b"default", *words))
        for folder in (here, *here.parents)
        for name, words in _FILES.items()
    )


def _mentions(path: Path, words: Sequence[bytes]) -> bool:
    """Does a file have all of these words in it? An escape in it may spell any of them."""
    try:
        with open_regular(path) as file:
            text = file.read(_LARGEST)
    except (OSError, ValueError):
        return False
    return all(word in text or b"\\u" in text.lower() for word in words)
