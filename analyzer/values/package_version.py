"""Which version of the package is this? Told without anything else being loaded."""

from __future__ import annotations

from functools import cache


@cache
def installed_version() -> str:
    """The version as installed."""
    from importlib.metadata import PackageNotFoundError, version

    try:
        return version("cnnscope")
    except PackageNotFoundError:  # run from a checkout that isn't installed
        return "0+unknown"
