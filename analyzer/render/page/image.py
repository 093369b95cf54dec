"""Which image does a page show as the input? A file's bytes as they are; their beginning says which kind."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from cnnscope.analyzer.model.regular_file import open_regular
from cnnscope.analyzer.values.diagnostics import ArgumentError
from cnnscope.analyzer.values.plain_class import dataclass

#: bytes of an image in a page, which itself is to stay below a few MB
LARGEST: Final = 1 << 20
_BEGINNINGS: Final = {
    b"\x89PNG\r\n\x1a\n": "image/png", b"\xff\xd8\xff": "image/jpeg", b"GIF8": "image/gif",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Image:
    """An image file's bytes, and their media type."""

    mime: str
    data: bytes


def read_image(path: str | Path) -> Image:
    """The image in a file.

    Raises:
        ArgumentError: it can't be read, is too large, or is none that browsers show.
    """
    try:
        with open_regular(Path(path)) as file:
            data = file.read(LARGEST + 1)
    except OSError as error:
        raise ArgumentError(f"image {path}: can't be read: {error.strerror or error}") from None
    if len(data) > LARGEST:
        raise ArgumentError(
            f"image {path}: larger than 1 MiB; give a smaller one (a page holds it whole)"
        )
    for beginning, mime in _BEGINNINGS.items():
        if data.startswith(beginning):
            return Image(mime, data)
    if data[:4] == b"RIFF" and data[8:12] == b"WEBP":
        return Image("image/webp", data)
    raise ArgumentError(f"image {path}: neither PNG, JPEG, GIF nor WebP")
