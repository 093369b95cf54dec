"""Which models lie in a bucket of S3? Its keys come in their order, a thousand at once.

fsspec's own listing holds a folder whole, and a folder here may have millions.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Final

from cnnscope.analyzer.values.diagnostics import ModelFileError
from cnnscope.runtime.fleet.unlisted import Found, Wanted

if TYPE_CHECKING:
    from fsspec import AbstractFileSystem

#: pages of a list, one behind the other, that may have nothing in them
MOST_EMPTY: Final = 1000


def keys_below(
    system: AbstractFileSystem, folder: str, parts: Sequence[str], wanted: Wanted
) -> Found:
    """The keys that are meant, from a folder on.

    Args:
        system: s3fs's.
        folder: bucket and folder.
        parts: a pattern's names, from the folder on.
        wanted: what they mean.
    """
    bucket, key, _ = system.split_path(folder)
    before = f"{key.rstrip('/')}/" if key else ""
    literal = re.split(r"[*?\[]", "/".join(parts), maxsplit=1)[0] if parts else ""
    for each in _keys(system, bucket, before + literal):
        name = each[len(before) :]
        if not name.endswith("/") and wanted.fits(
            name
        ):  # with a slash at the end: a folder's stand-in
            yield name


def _keys(system: AbstractFileSystem, bucket: str, prefix: str) -> Iterator[str]:
    after: dict[str, str] = {}
    empty = 0
    while empty <= MOST_EMPTY:
        page = system.call_s3("list_objects_v2", Bucket=bucket, Prefix=prefix, **after)
        for each in page.get("Contents", ()):
            yield each["Key"]
        empty = 0 if page.get("Contents") else empty + 1
        token = page.get("NextContinuationToken")
        if not page.get("IsTruncated") or not token or token in after.values():
            return
        after = {"ContinuationToken": token}
    raise ModelFileError("the bucket's list goes on and on, with nothing in it")
