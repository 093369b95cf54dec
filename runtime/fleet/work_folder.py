"""What lies in the folder beside a scan's table while it runs, and who may go on with it?

``OUT.scan/`` has the list of places (which may hold credentials: only its owner reads it), what was asked
for, a journal for each batch, and a lock that one scan at a time has. It goes when the table is whole.
"""

from __future__ import annotations

import json
import os
import secrets
import shutil
import stat
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import IO, Final, NamedTuple

from cnnscope.analyzer.values.diagnostics import ArgumentError, RunError
from cnnscope.runtime.fleet.places import Unlisted

_ASKED: Final = "scan.json"
_PLACES: Final = "places.jsonl"
_LOCK: Final = "lock"
_STOP: Final = "stop"
#: the folder of layers' files, until all of them are there
PARTS: Final = "layers"


class Begun(NamedTuple):
    """A scan that was begun: how many models there are, and in a batch, and whether some are far away."""

    models: int
    size: int
    token: str
    far: bool


class WorkFolder:
    """The folder of one scan's work.

    Args:
        path: where it is, or is to be.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._lock: IO[bytes] | None = None

    def exists(self) -> bool:
        return self.path.is_symlink() or self.path.exists()

    def refuse(self) -> None:
        """Raises `ArgumentError`: something is there, and isn't to be gone on with."""
        self.lock()
        self.release()
        raise ArgumentError(
            f"{self.path}: left by a scan that didn't end: --resume goes on with it; remove it to begin anew"
        )

    @property
    def held(self) -> bool:
        """This process has it."""
        return self._lock is not None

    def make(self) -> None:
        """Make it, for its owner alone.

        Raises:
            ArgumentError: it can't be made.
        """
        try:
            self.path.mkdir(mode=0o700)
        except OSError as error:
            raise ArgumentError(f"{self.path}: can't be made: {error.strerror}") from None

    def lock(self) -> None:
        """Have it for this process, until `release` or this process's end, however it ends.

        Raises:
            ArgumentError: another scan has it, or it is none of a scan's.
        """
        try:
            if not _is_scans(self.path):
                raise ArgumentError(f"{self.path}: this isn't a scan's folder: remove it")
            file = (self.path / _LOCK).open("ab")
        except OSError as error:
            raise ArgumentError(f"{self.path}: can't be used: {error.strerror}") from None
        try:
            _lock(file)
        except OSError:
            file.close()
            raise ArgumentError(f"{self.path}: another scan is writing there just now") from None
        self._lock = file

    def release(self) -> None:
        if self._lock is not None:
            self._lock.close()
            self._lock = None

    def remove(self) -> None:
        """All of it; the lock last, so that nobody takes what is half gone for a scan that stopped."""
        (self.path / _ASKED).unlink(missing_ok=True)
        self.release()
        shutil.rmtree(self.path, ignore_errors=True)

    # What was asked for

    def asked(self) -> dict[str, object] | None:
        """What `say` was told; None: nothing yet."""
        try:
            found = json.loads((self.path / _ASKED).read_bytes())
        except (OSError, ValueError):
            return None
        return found if isinstance(found, dict) else None

    def say(self, asked: dict[str, object]) -> str:
        """Keep what was asked for, as the list is whole; a word by which workers know the folder."""
        token = secrets.token_hex(8)
        beside = self.path / f"{_ASKED}.new"
        beside.write_text(json.dumps({**asked, "token": token}), encoding="ascii")
        beside.replace(self.path / _ASKED)
        return token

    def begun(self, asked: dict[str, object]) -> Begun:
        """What was said of the list.

        Raises:
            RunError: that can't be, or the list isn't there.
        """
        models, size, token, far = (asked.get(x) for x in Begun._fields)
        if not (isinstance(models, int) and isinstance(size, int) and isinstance(token, str)):
            raise self._damaged()
        if not (isinstance(far, bool) and models > 0 and size > 0):
            raise self._damaged()
        try:
            if (self.path / _PLACES).stat().st_size < models:  # a line each
                raise self._damaged()
        except OSError:
            raise self._damaged() from None
        return Begun(models, size, token, far)

    def _damaged(self) -> RunError:
        return RunError(f"{self.path}: damaged: remove it, and begin anew")

    def check(self, token: str) -> None:
        """Whether a worker sees the folder that the scan sees.

        Raises:
            RunError: it doesn't.
        """
        found = self.asked()
        if found is None or found.get("token") != token:
            raise RunError(
                f"{self.path}: a worker doesn't see this folder: the table has to be written where all"
                " workers can write, such as a shared file system"
            )

    # Whether to go on

    def stop(self) -> None:
        """Workers read no further model."""
        (self.path / _STOP).touch(mode=0o600)

    def go_on(self) -> None:
        (self.path / _STOP).unlink(missing_ok=True)

    def stopped(self) -> bool:
        return os.path.lexists(self.path / _STOP) or not (self.path / _ASKED).exists()

    # The places

    def spool(self, places: Iterable[str | Unlisted]) -> Iterator[str | Unlisted]:
        """Keep places, and hand each on as it is kept."""
        descriptor = os.open(
            self.path / _PLACES, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600
        )
        with os.fdopen(descriptor, "w", encoding="ascii") as file:
            for place in places:
                kept = [place.place, place.said] if isinstance(place, Unlisted) else place
                file.write(json.dumps(kept) + "\n")
                yield place

    def starts(self, size: int) -> Iterator[tuple[int, int]]:
        """Where in the list each batch of so many places begins, and how many it has."""
        start = end = count = 0
        with (self.path / _PLACES).open("rb") as file:
            for line in file:
                end, count = end + len(line), count + 1
                if count == size:
                    yield start, count
                    start, count = end, 0
        if count:
            yield start, count

    def places(self, start: int, count: int) -> list[str | Unlisted]:
        """The places of one batch."""
        found: list[str | Unlisted] = []
        with (self.path / _PLACES).open("rb") as file:
            file.seek(start)
            for _ in range(count):
                try:
                    kept = json.loads(file.readline())
                    place, said = (kept, None) if isinstance(kept, str) else kept
                except (ValueError, TypeError, RecursionError):
                    raise self._damaged() from None
                found.append(place if said is None else Unlisted(str(place), str(said)))
        return found


def _is_scans(path: Path) -> bool:
    """Whether nothing is in a folder that no scan puts there.

    A link that somebody planted would lead what is written elsewhere, a pipe would be waited for, and in a
    folder of others in which everybody writes there can be either at any time.
    """
    found = path.lstat()
    if not stat.S_ISDIR(found.st_mode):
        return False
    if hasattr(os, "geteuid") and found.st_uid != os.geteuid() and found.st_mode & 0o022:
        return False
    with os.scandir(path) as entries:
        for entry in entries:
            if entry.name == PARTS and entry.is_dir(follow_symlinks=False):
                with os.scandir(entry) as parts:
                    if not all(x.is_file(follow_symlinks=False) for x in parts):
                        return False
            elif not entry.is_file(follow_symlinks=False):
                return False
    return True


def _lock(file: IO[bytes]) -> None:
    """Raises `OSError` where another process has it."""
    try:
        import fcntl
    except ImportError:  # Windows
        import msvcrt

        msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)  # type: ignore[attr-defined,unused-ignore]  # there only
    else:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
