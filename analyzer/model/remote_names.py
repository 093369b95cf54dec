"""Which texts name a place far away, and how is one shown without what is secret in it?

``s3://bucket/m.onnx`` does, and ``zip://m.onnx::https://host/a.zip``, as fsspec spells what lies inside
something else. A file of that very name here wins; ``C:\\m.onnx``, ``a::b`` and ``a:b`` are paths.
"""

from __future__ import annotations

import posixpath
import re
from pathlib import Path
from typing import Final
from urllib.parse import unquote

#: between a place and what it lies in
CHAIN: Final = "::"
#: a scheme, two letters at least: one is a drive
_SCHEME: Final = re.compile(r"[A-Za-z][A-Za-z0-9+.-]+://", re.ASCII)
#: a place that somebody mistyped or quoted, which makes a path here of it: up to its password
_SLIPPED: Final = re.compile(r"([A-Za-z][A-Za-z0-9+.-]+:/+)[^/@\s]*:[^@\s]*@", re.ASCII)
_ARCHIVE: Final = re.compile(r"zip://", re.IGNORECASE)
_LAYER: Final = re.compile(r"[A-Za-z][A-Za-z0-9+.-]+::", re.ASCII)
_ANYWHERE: Final = re.compile(r"[A-Za-z][A-Za-z0-9+.-]+://[^\s'\"<>]+", re.ASCII)


def is_far(text: str) -> bool:
    """Does a text name a place far away rather than a file here?

    >>> is_far("s3://bucket/m.onnx"), is_far("zip://m.onnx::https://host/a.zip")
    (True, True)
    >>> is_far(r"C:\\m.onnx"), is_far("a::b"), is_far("models/a:b.onnx")
    (False, False, False)
    """
    if "://" not in text or not (_SCHEME.match(text) or _LAYER.match(text)):
        return False
    try:
        return not Path(text).exists()
    except (OSError, ValueError):
        return True


def shown_place(text: str) -> str:
    """A place without what may be secret: names and passwords before ``@``, queries and fragments.

    >>> shown_place("https://ann:pw@host/m.onnx?X-Amz-Signature=1f")
    'https://host/m.onnx'
    >>> shown_place("zip://m.onnx::https://t@host/a.zip"), shown_place("hf://a/b@v1/m.onnx")
    ('zip://m.onnx::https://host/a.zip', 'hf://a/b@v1/m.onnx')
    >>> shown_place("https:/ann:pw@host/m.onnx"), shown_place("'https://ann:pw@host/m.onnx'")
    ('https:/host/m.onnx', "'https://host/m.onnx'")
    """
    return CHAIN.join(map(_shown, _links(text)))


def _links(text: str) -> list[str]:
    """A place, then what it lies in; ``::`` in a password or a query is part of that.

    >>> _links("zip://m.onnx::a.zip"), _links("https://ann:p::w@host/m.onnx?k=a::b")
    (['zip://m.onnx', 'a.zip'], ['https://ann:p::w@host/m.onnx?k=a::b'])
    """
    found: list[str] = []
    for part in text.split(CHAIN):
        before = found[-1] if found else ""
        if not _SCHEME.match(before) or _ARCHIVE.match(before) or _SCHEME.match(part):
            found.append(part)
        else:
            found[-1] += CHAIN + part
    return found


def _shown(part: str) -> str:
    if not _SCHEME.match(part):
        return _SLIPPED.sub(r"\1", part)
    scheme, _, rest = part.partition("://")
    rest = re.split(r"[?#]", rest, maxsplit=1)[0]
    secret = _user(rest)
    return f"{scheme}://{rest[len(secret) :]}"


def _user(rest: str) -> str:
    """What stands before the host, the ``@`` too; a password may have a slash that nobody escaped."""
    host, slash, behind = rest.partition("/")
    user, at, _ = host.rpartition("@")
    if at:
        return user + at
    port = host.rpartition(":")[2]
    if ":" in host and not host.endswith("]") and not port.isdecimal() and "@" in behind:
        return f"{host}{slash}{behind.rpartition('@')[0]}@"
    return ""


def path_beside(path: str, location: str) -> str:
    """Where external data lies that a model names by its place from the model's folder.

    >>> path_beside("bucket/a/m.onnx", "./w/../m.data"), path_beside("m.onnx", "w")
    ('bucket/a/m.data', 'w')
    """
    folder, slash, _ = path.rpartition("/")
    return folder + slash + posixpath.normpath(location)


def secrets_of(text: str) -> list[str]:
    """What `shown_place` leaves out of a place, in each spelling in which others may quote it."""
    found: set[str] = set()
    for part in _links(text):
        rest = part.partition("://")[2]
        place, *hidden = re.split(r"[?#]", rest, maxsplit=1)
        user = _user(place)[:-1]
        found.update([user, user.partition(":")[2], *hidden])
        for piece in re.split(r"[&#]", hidden[0]) if hidden else ():
            found.add(piece.partition("=")[2])
    found |= {unquote(secret) for secret in found}
    return sorted((secret for secret in found if len(secret) > 2), key=len, reverse=True)


def without_secrets(said: str, place: str) -> str:
    """What somebody said of a place, such as an error's words, without what is secret in it."""
    said = _ANYWHERE.sub(lambda found: shown_place(found[0]), said)
    for secret in secrets_of(place):
        said = said.replace(secret, "...")
    return said
