"""Which `cnnscope.toml`, or `[tool.cnnscope]` in pyproject.toml, counts, and how is it read?

`find_config` looks for the file upwards from a folder, `read_settings` gives plain `Settings`, or
says what is wrong, all of it at once. ``cnnscope.schema.json`` in `analyzer` is the JSON Schema of the
file, for editors.
"""

from __future__ import annotations

import contextlib
import json
import tomllib
from collections.abc import Mapping
from decimal import Decimal
from importlib.resources import files
from pathlib import Path
from typing import Any, Final

from cnnscope.analyzer.budgets.config_reading import Enough
from cnnscope.analyzer.budgets.config_tables import Reader
from cnnscope.analyzer.budgets.quantities import QUANTITIES
from cnnscope.analyzer.budgets.settings import ConfigError, Settings
from cnnscope.analyzer.budgets.toml_lines import DEEPEST, key_lines, too_deep
from cnnscope.analyzer.model.regular_file import open_regular

NAME: Final = "cnnscope.toml"
_PYPROJECT: Final = "pyproject.toml"
#: bytes of a configuration file; more is none
_LARGEST: Final = 1 << 18


def config_schema() -> dict[str, object]:
    """The JSON Schema of `cnnscope.toml`."""
    text = files("cnnscope.analyzer").joinpath("cnnscope.schema.json").read_text("utf-8")
    schema: dict[str, Any] = json.loads(text)
    # What is defined beyond the file's own list is limited by the same rules.
    known = schema["$defs"]
    for key, quantity in QUANTITIES.items():
        entry = {"$ref": f"#/$defs/{quantity.measure}", "description": f"{quantity.meaning}."}
        known["limits"]["properties"].setdefault(key, entry)
        if quantity.of_layers is not None:
            known["scoped_limits"]["properties"].setdefault(key, entry)
    return schema


def find_config(start: Path) -> Path | None:
    """The nearest configuration in a folder or above it; None where there is none.

    Raises:
        ConfigError: a pyproject.toml on the way speaks of cnnscope and can't be read.
    """
    folder = start.absolute()
    for place in (folder, *folder.parents):
        if (place / NAME).is_file():
            return place / NAME
        project = place / _PYPROJECT
        if project.is_file():
            text = _text(project)
            if "cnnscope" in text and _own_table(_parsed(text, project), project) is not None:
                return project
    return None


def top_keys(path: Path) -> tuple[str, ...]:
    """The keys at the top of a configuration, whatever stands under them.

    Raises:
        ConfigError: it can't be read, or isn't TOML.
    """
    return tuple(_own_table(_parsed(_text(path), path), path) or ())


def read_config(path: Path) -> Settings:
    """The settings in a file.

    Raises:
        ConfigError: it can't be read, or says something that can't be meant.
    """
    return read_settings(_text(path), path)


def _text(path: Path) -> str:
    try:
        with open_regular(path) as file:
            data = file.read(_LARGEST + 1)
        if len(data) > _LARGEST:
            raise ConfigError([f"{path}: too large for a configuration"])
        return data.decode("utf-8-sig")
    except OSError as error:
        raise ConfigError([f"{path}: can't be read: {error.strerror or error}"]) from None
    except UnicodeDecodeError:
        raise ConfigError([f"{path}: isn't UTF-8 text"]) from None


class Beyond:
    """A number in a configuration that no amount can be: infinite, none, or of absurd size."""

    def __init__(self, written: str) -> None:
        self.written = written

    def __repr__(self) -> str:
        return self.written


def _number(written: str) -> Decimal | Beyond:
    """A number with all that was written: a float would lose some of it."""
    number = Decimal(written)
    if not number.is_finite() or abs(number.adjusted()) > 100 or len(written) > 200:
        return Beyond(written[:60])
    return number


def _tamed(value: object) -> object:
    """The value, without integers that take for ever to be written out."""
    if isinstance(value, int) and value.bit_length() > 400:
        return Beyond("a number of hundreds of digits")
    if isinstance(value, list):
        return [_tamed(x) for x in value]
    return {key: _tamed(x) for key, x in value.items()} if isinstance(value, dict) else value


def _parsed(text: str, path: Path) -> dict[str, object]:
    line = too_deep(text)
    if line is not None:
        raise ConfigError([f"{path}:{line}: no TOML that is read: nested more than {DEEPEST} deep"])
    try:
        return tomllib.loads(text, parse_float=_number)
    except tomllib.TOMLDecodeError as error:
        raise ConfigError([f"{path}: no TOML: {error}"]) from None
    except (ValueError, RecursionError, ArithmeticError):  # an integer of thousands of digits
        said = "a number of thousands of digits, or a date that is none"
        raise ConfigError([f"{path}: no TOML that can be read: {said}"]) from None


def _own_table(document: Mapping[str, object], path: Path) -> Mapping[str, object] | None:
    if path.name != _PYPROJECT:
        return document
    tool = document.get("tool")
    own = tool.get("cnnscope") if isinstance(tool, dict) else None
    return own if isinstance(own, dict) else None


def read_settings(text: str, path: Path) -> Settings:
    """The settings in a text.

    Args:
        text: the file's.
        path: the file, whose name tells a pyproject.toml from a cnnscope.toml.

    Raises:
        ConfigError: it isn't TOML, or says something that can't be meant.
    """
    own = _own_table(_parsed(text, path), path)
    if own is None:
        raise ConfigError([f"{path}: has no [tool.cnnscope]"])
    own = {key: _tamed(value) for key, value in own.items()}
    lines = key_lines(text)
    if path.name == _PYPROJECT:
        prefix = ("tool", "cnnscope")
        lines = {keys[2:]: line for keys, line in lines.items() if keys[:2] == prefix}
    reader = Reader(path, lines)
    settings = None
    with contextlib.suppress(Enough):
        settings = reader.settings(own)
    if reader.problems or settings is None:
        ordered = sorted(reader.problems, key=lambda found: found[0])
        raise ConfigError([said for _, said in ordered])
    return settings
