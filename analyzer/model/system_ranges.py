"""How are parts read of what one of fsspec's file systems has? Credentials and retries are that one's own."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Final, NoReturn

from cnnscope.analyzer.model.byte_ranges import Range, shorter
from cnnscope.analyzer.model.far_faults import changed, told
from cnnscope.analyzer.model.file_objects import checked
from cnnscope.analyzer.model.remote_names import path_beside
from cnnscope.analyzer.values.diagnostics import ModelFileError

if TYPE_CHECKING:
    from fsspec import AbstractFileSystem

#: what file systems call that which another version of an object has another of
_MARKS: Final = (
    "ETag", "etag", "e_tag", "generation", "VersionId", "version_id", "md5Hash", "content_md5", "md5",
    "sha256", "blob_id", "LastModified", "last_modified", "mtime", "updated", "modified", "created",
)  # fmt: skip


class SystemRanges:
    """Parts of an object of a file system.

    Args:
        system: fsspec's.
        path: the object's, there.
        place: as given, for what is said of it.
    """

    #: guesses would cost ten requests for each that is needed, which takes as long and is billed
    at_once = False

    def __init__(self, system: AbstractFileSystem, path: str, place: str) -> None:
        self._system, self._path, self._place = system, path, place
        self.notes: list[str] = []
        self._settled = True
        self.size, self._marks = self._looked_up()

    def read(self, offset: int, length: int) -> bytes:
        (part,) = self.read_many([(offset, length)])
        self.settle()
        return part

    def read_many(self, ranges: Sequence[Range]) -> Sequence[bytes]:
        self._settled = False
        starts, ends = [at for at, _ in ranges], [at + length for at, length in ranges]
        try:
            parts = self._system.cat_ranges(
                [self._path] * len(ranges), starts, ends, on_error="raise"
            )
            found = [checked(part) for part in parts]
        except Exception as error:  # noqa: BLE001  # whatever a file system raises
            self._refuse(error)
        if len(found) != len(ranges) or any(
            len(part) != length for part, (_, length) in zip(found, ranges, strict=True)
        ):
            self.settle()
            raise shorter()
        return found

    def settle(self) -> None:
        if self._settled:
            return
        if self._looked_up() != (self.size, self._marks):
            raise changed()
        self._settled = True

    def sizes_beside(self, locations: Sequence[str]) -> Mapping[str, int | None]:
        """One look at the file, or at each folder where there are several."""
        paths = {name: path_beside(self._path, name) for name in locations}
        there: dict[str, Mapping[str, int | None]] = {}
        try:
            if len(locations) == 1:
                (path,) = paths.values()
                there[path.strip("/")] = self._system.info(path)
            else:
                for folder in sorted({path.rpartition("/")[0] for path in paths.values()}):
                    there.update(self._listed(folder))
        except FileNotFoundError:
            pass
        except Exception:  # noqa: BLE001  # no leave to list, say: then it isn't known
            return {}
        sizes = {name: there.get(path.strip("/")) for name, path in paths.items()}
        return {
            name: None if facts is None else facts["size"]
            for name, facts in sizes.items()
            if facts is None or facts.get("size") is not None
        }

    def _listed(self, folder: str) -> dict[str, Mapping[str, int | None]]:
        try:
            return {str(x["name"]).strip("/"): x for x in self._system.ls(folder, detail=True)}
        except FileNotFoundError:
            return {}

    def _looked_up(self) -> tuple[int, tuple[str, ...]]:
        """Size and marks, asked of the place and not remembered."""
        try:
            self._system.invalidate_cache(self._path)
            found = self._system.info(self._path)
        except Exception as error:  # noqa: BLE001  # whatever a file system raises
            self._refuse(error)
        if found.get("type") == "directory":
            raise ModelFileError("this is a folder; give the .onnx file inside it")
        size = found.get("size")
        if not isinstance(size, int) or not 0 <= size < 1 << 63:
            raise ModelFileError("its size isn't known there: download it first, and give that")
        return size, tuple(f"{mark}={found[mark]}" for mark in _MARKS if mark in found)

    def _refuse(self, error: Exception) -> NoReturn:
        raise told(error, self._place) from None

    def __reduce__(self) -> tuple[object, tuple[str]]:
        """For another process: the object by its place."""
        return open_system, (self._place,)


def open_system(place: str) -> SystemRanges:
    """What fsspec has at a place.

    Raises:
        ModelFileError: nothing, or it doesn't know such places.
    """
    from fsspec.core import url_to_fs

    try:
        system, path = url_to_fs(place)
    except Exception as error:  # noqa: BLE001  # whatever a file system raises
        raise told(error, place) from None
    return SystemRanges(system, path, place)
