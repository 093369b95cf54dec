"""How are parts read of a member of a zip archive, wherever the archive lies?

Its end says where the members are. What was stored is read in ranges like anything else; what was
compressed is unpacked from front to back, and never to more than is declared.
"""

from __future__ import annotations

import io
import zipfile
import zlib
from collections.abc import Mapping, Sequence
from typing import Final

from cnnscope.analyzer.model.byte_ranges import ByteRanges, Part, Range, shorter
from cnnscope.analyzer.model.remote_names import path_beside
from cnnscope.analyzer.model.streamed import Stream, Streamed
from cnnscope.analyzer.model.unreadable import error_line
from cnnscope.analyzer.values.diagnostics import ModelFileError

#: bytes read at once: at the archive's end, and on from where somebody reads
_BLOCK: Final = 1 << 16
#: bytes that the list of members may take
_DIRECTORY: Final = 1 << 26
_LOCAL_HEADER: Final = 30
#: blocks that are kept
_KEPT: Final = 64


class ZipMember:
    """Parts of a member.

    Args:
        archive: the archive's bytes.
        name: the member's.
    """

    def __init__(self, archive: ByteRanges, name: str) -> None:
        self._archive, self._name = archive, name
        self._file = _ArchiveFile(archive)
        self._zip = _opened(self._file)
        try:
            self._member = self._zip.getinfo(name)
        except KeyError:
            raise ModelFileError(_no_member(self._zip, name)) from None
        if self._member.flag_bits & 1:
            raise ModelFileError("the member is encrypted: unpack the archive first")
        self._streamed: Streamed | None = None
        self.size = self._member.file_size
        if self._member.compress_type == zipfile.ZIP_STORED:
            self._start = self._found_start()
        else:
            self._streamed = Streamed(self._begun, self.size, "the member is compressed")

    @property
    def at_once(self) -> bool:
        return self._streamed is None and self._archive.at_once

    @property
    def notes(self) -> Sequence[str]:
        of_archive = getattr(self._archive, "notes", ())
        return [*of_archive, *(self._streamed.notes if self._streamed else ())]

    def read(self, offset: int, length: int) -> Part:
        if self._streamed is not None or self.size < offset + length:
            return self.read_many([(offset, length)])[0]
        return self._archive.read(self._start + offset, length)

    def read_many(self, ranges: Sequence[Range]) -> Sequence[Part]:
        if self._streamed is not None:
            try:
                return self._streamed.read_many(ranges)
            except (OSError, zipfile.BadZipFile, zlib.error, EOFError, ValueError) as error:
                raise ModelFileError(f"the member is damaged: {error_line(error)}") from None
        if any(self.size < offset + length for offset, length in ranges):
            raise shorter()
        return self._archive.read_many([(self._start + at, length) for at, length in ranges])

    def settle(self) -> None:
        if self._streamed is not None:
            self._streamed.settle()
        settle = getattr(self._archive, "settle", None)
        if settle is not None:
            settle()

    def sizes_beside(self, locations: Sequence[str]) -> Mapping[str, int | None]:
        """The archive's list of members tells, and is there."""
        there = {x.filename: x.file_size for x in self._zip.infolist()}
        return {name: there.get(path_beside(self._name, name)) for name in locations}

    def _begun(self) -> Stream:
        try:
            return self._zip.open(self._member)
        except (OSError, zipfile.BadZipFile, NotImplementedError, RuntimeError) as error:
            raise ModelFileError(f"the member can't be unpacked: {error_line(error)}") from None

    def _found_start(self) -> int:
        """Where the numbers of a stored member begin: behind a header of its own."""
        at = self._member.header_offset
        if (
            self._member.compress_size != self.size
            or at < 0
            or at + _LOCAL_HEADER > self._file.size
        ):
            raise ModelFileError("the archive is damaged: a member's place or length can't be")
        head = bytes(self._archive.read_many([(at, _LOCAL_HEADER)])[0])
        if head[:4] != b"PK\x03\x04":
            raise ModelFileError("the archive is damaged: there is no member where one should be")
        start = (
            at + _LOCAL_HEADER + sum(int.from_bytes(head[i : i + 2], "little") for i in (26, 28))
        )
        if start + self.size > self._file.size:
            raise ModelFileError("the archive is damaged: a member's place or length can't be")
        return start

    def __reduce__(self) -> tuple[type[ZipMember], tuple[ByteRanges, str]]:
        return ZipMember, (self._archive, self._name)


def member_names(archive: ByteRanges, most: int = _DIRECTORY) -> list[str]:
    """The names of an archive's members, each once, in order.

    Args:
        archive: its bytes.
        most: how many bytes its list of members may take.

    Raises:
        ModelFileError: it is none, or has too many.
    """
    return sorted(set(_opened(_ArchiveFile(archive, most)).namelist()))


def _opened(file: _ArchiveFile) -> zipfile.ZipFile:
    try:
        return zipfile.ZipFile(file)
    except ModelFileError:
        raise
    except Exception as error:  # noqa: BLE001  # its parser raises struct.error and more
        raise ModelFileError(f"this is no zip archive: {error_line(error)}") from None


def _no_member(archive: zipfile.ZipFile, name: str) -> str:
    models = [x for x in archive.namelist() if x.endswith(".onnx")]
    shown = ", ".join(repr(x[:80]) for x in models[:3]) + (", ..." if len(models) > 3 else "")
    return f"the archive has no member {name!r}; its models: {shown or 'none'}"


class _ArchiveFile(io.RawIOBase):
    """An archive as the file that the standard library wants; what it reads is kept in blocks.

    Its end is asked for first, at one go: the list of members lies there.
    """

    def __init__(self, ranges: ByteRanges, most: int = _DIRECTORY) -> None:
        self.size, self._most = ranges.size, most
        self._ranges = ranges
        self._at = 0
        self._blocks: dict[int, bytes] = {}
        self._next, self._ahead = -1, 1

    def seekable(self) -> bool:
        return True

    def readable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._at

    def seek(self, offset: int, whence: int = 0) -> int:
        self._at = offset + (0, self._at, self.size)[whence]
        if self._at < 0:
            raise ValueError("it ends before it begins")
        return self._at

    def read(self, length: int = -1) -> bytes:
        stop = self.size if length < 0 else min(self.size, self._at + length)
        start, self._at = self._at, max(stop, self._at)
        if stop - start > self._most:
            raise ModelFileError(
                f"its list of members takes {stop - start:,} bytes: unpack it first"
            )
        if start >= stop:
            return b""
        first, last = start // _BLOCK, (stop - 1) // _BLOCK
        if len(self._blocks) > _KEPT:
            self._blocks = {i: x for i, x in self._blocks.items() if first <= i <= last}
        wanted = [i for i in range(first, last + 1) if i not in self._blocks]
        if wanted:
            self._ask(wanted[0], wanted[-1] + 1)
        whole = b"".join(self._blocks[i] for i in range(first, last + 1))
        return whole[start - first * _BLOCK : stop - first * _BLOCK]

    def _ask(self, first: int, stop: int) -> None:
        """For blocks, and more and more behind them while it is read on."""
        self._ahead = min(2 * self._ahead, _KEPT) if first == self._next else 1
        stop = self._next = max(stop, first + self._ahead)
        begin, end = first * _BLOCK, min(self.size, stop * _BLOCK)
        part = bytes(self._ranges.read(begin, end - begin))
        for i in range(first, stop):
            self._blocks[i] = part[i * _BLOCK - begin : (i + 1) * _BLOCK - begin]
