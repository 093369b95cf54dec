"""How does a place far away become bytes that can be read in parts? By what its scheme says.

HTTP is spoken here, on the session of fsspec's file system for it, and hf:// is HTTP with a hub's address;
a member of a zip archive is found in the archive, wherever that lies. All else is fsspec's.
"""

from __future__ import annotations

import os
import re
import sys
from importlib.util import find_spec
from typing import Final
from urllib.parse import quote, unquote, urlsplit
from urllib.request import url2pathname

from cnnscope.analyzer.model.byte_ranges import ByteRanges
from cnnscope.analyzer.model.file_mapping import map_path
from cnnscope.analyzer.model.remote_names import CHAIN
from cnnscope.analyzer.values.diagnostics import ModelFileError

#: schemes: what has to be installed, and the extra that brings it
NEEDED: Final = {
    "http": ("aiohttp", "remote"),
    "https": ("aiohttp", "remote"),
    "hf": ("aiohttp", "hf"),
    "s3": ("s3fs", "s3"),
    "s3a": ("s3fs", "s3"),
    "gs": ("gcsfs", "gcs"),
    "gcs": ("gcsfs", "gcs"),
    "az": ("adlfs", "azure"),
    "abfs": ("adlfs", "azure"),
    "abfss": ("adlfs", "azure"),
}
#: fsspec's layers that keep what they read in files of their own
_KEEPING: Final = frozenset({"filecache", "simplecache", "blockcache", "cached"})
#: archives in archives
_DEEP: Final = 3
_HUB: Final = re.compile(
    r"(?:(?P<kind>datasets|spaces|models)/)?(?P<repo>[^/@]+/[^/@]+)"
    r"(?:@(?P<revision>refs/(?:convert|pr)/[^/]+|[^/]+))?/(?P<path>.+)"
)


def ranges_at(place: str, depth: int = 0) -> ByteRanges:
    """The bytes at a place.

    Args:
        place: as fsspec spells it, with what may be secret in it.
        depth: how many archives it lies in.

    Raises:
        ModelFileError: there are none, or what reads such places isn't installed.
    """
    head, chain, inside = place.partition(CHAIN)
    scheme = head.partition("://")[0].lower()
    for layer in place.split(CHAIN):
        name = layer.partition("://")[0].lower()
        if name in _KEEPING:
            raise ModelFileError(
                f"{name} would keep files here, and isn't needed: leave {name}:: out"
            )
    if scheme == "zip" and chain:
        from cnnscope.analyzer.model.zip_members import ZipMember

        if depth == _DEEP:
            raise ModelFileError(f"more than {_DEEP} archives in each other: unpack them first")
        return ZipMember(ranges_at(inside, depth + 1), head.partition("://")[2])
    if depth and "://" not in head:
        return map_path(place)
    if scheme in ("file", "local") and not chain:
        return map_path(local_path(place))
    for layer in place.split(CHAIN):
        name = layer.partition("://")[0].lower()
        if name in _KEEPING:
            raise ModelFileError(
                f"{name} would keep files here, and isn't needed: leave {name}:: out"
            )
    demand_reader(scheme)
    if scheme in ("http", "https", "hf") and not chain:
        from cnnscope.analyzer.model.http_ranges import open_http

        return open_http(*(hub_address(place) if scheme == "hf" else (place, {})))
    from cnnscope.analyzer.model.system_ranges import open_system

    return open_system(place)


def demand_reader(scheme: str) -> None:
    """Before a place of such a scheme is asked.

    Raises:
        ModelFileError: what reads it isn't installed; the message says how it gets there.
    """
    package, extra = NEEDED.get(scheme, ("fsspec", "remote"))
    lacking = [name for name in dict.fromkeys(["fsspec", package]) if not _installed(name)]
    if lacking:
        raise ModelFileError(
            f"{scheme}:// is read with {' and '.join(lacking)}, which {_is_are(lacking)} installed:"
            f" pip install 'cnnscope[{extra}]'"
        )


def _is_are(names: list[str]) -> str:
    return "isn't" if len(names) == 1 else "aren't"


def _installed(name: str) -> bool:
    if name in sys.modules:
        return sys.modules[name] is not None
    return find_spec(name) is not None


def local_path(place: str) -> str:
    """The path here that a ``file://`` names."""
    found = urlsplit(place)
    if found.netloc not in ("", "localhost"):
        return place.partition("://")[2]
    return url2pathname(found.path)


def hub_address(place: str) -> tuple[str, dict[str, str]]:
    """Where the hub has a file, and the headers that say who asks; `HF_ENDPOINT` says which hub.

    Raises:
        ModelFileError: the place doesn't name a file.

    >>> hub_address("hf://org/repo@refs/pr/1/onnx/m.onnx")[0]
    'https://huggingface.co/org/repo/resolve/refs%2Fpr%2F1/onnx/m.onnx'
    """
    found = _HUB.fullmatch(place.partition("://")[2])
    if found is None:
        raise ModelFileError(
            "a file on the hub is hf://ORGANISATION/REPOSITORY/FILE, after REPOSITORY perhaps @REVISION"
        )
    hub, headers = hub_access()
    kind = "" if found["kind"] in (None, "models") else f"{found['kind']}/"
    revision = quote(unquote(found["revision"] or "main"), safe="")
    return f"{hub}/{kind}{quote(found['repo'])}/resolve/{revision}/{quote(found['path'])}", headers


def hub_access() -> tuple[str, dict[str, str]]:
    """The hub's address, and the headers that say who asks."""
    hub = (os.environ.get("HF_ENDPOINT") or "https://huggingface.co").rstrip("/")
    token = _hub_token()
    return hub, {"Authorization": f"Bearer {token}"} if token else {}


def _hub_token() -> str | None:
    """As Hugging Face's own tools find it, where they are installed; else what the environment says."""
    if os.environ.get("HF_HUB_DISABLE_IMPLICIT_TOKEN", "").upper() in ("1", "ON", "YES", "TRUE"):
        return None
    if os.environ.get("HF_TOKEN"):
        return os.environ["HF_TOKEN"].strip()
    if not _installed("huggingface_hub"):
        return None
    from huggingface_hub import get_token

    token = get_token()
    return token if isinstance(token, str) else None
