"""Which models lie in a bucket of S3? Its keys come in their order, a thousand at once.

fsspec's own listing holds a folder whole, and a folder here may have millions.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from cnnscope.runtime.fleet.unlisted import Found, Wanted

if TYPE_CHECKING:
    from fsspec import AbstractFileSystem


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
    while True:
        page = system.call_s3("list_objects_v2", Bucket=bucket, Prefix=prefix, **after)
        for each in page.get("Contents", ()):
            yield each["Key"]
        token = page.get("NextContinuationToken")
        if not page.get("IsTruncated") or not token or token in after.values():
            return
        after = {"ContinuationToken": token}
