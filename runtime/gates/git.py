"""What did a file hold at another commit? Git is asked, without a shell.

A file that Git LFS manages is a pointer in the commit; its content is taken from the repository's
own store if it is there.

The checkout may be a pull request's, so nothing in it is run. A folder that looks like a repository
would be one for Git, with a configuration that names commands: a bare repository found on the way is
refused. Git fetches nothing, and runs no hook and no monitor.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from cnnscope.analyzer.budgets.baselines import BaselineError, NotInCommitError, lfs_pointer

_PATIENCE: Final = 60
_HARMLESS: Final = (
    "-c", "safe.bareRepository=explicit",
    "-c", "core.fsmonitor=false",
    "-c", f"core.hooksPath={os.devnull}",
    "-c", "protocol.allow=never",
)  # fmt: skip


def file_at(ref: str, path: Path, known: Known | None = None) -> bytes:
    """The bytes of a file at a commit.

    Args:
        ref: a branch, a tag or a commit.
        path: the file, as it is found from the working directory.
        known: what an earlier call found out, and this one adds to, as long as the commit is the same.

    Raises:
        NotInCommitError: the commit has no such file: nothing else is meant by it.
        BaselineError: Git isn't there, it is no repository, there is no such commit, or the file's
            content isn't here: in a Git LFS store elsewhere, or left out by a partial clone.
    """
    place = _place(ref, path, {} if known is None else known)
    size = place.git("cat-file", "-s", place.blob).strip()
    if len(size) > 10:
        raise BaselineError(f"{place.shown}: too large")
    data = place.git("cat-file", "blob", place.blob)
    pointer = lfs_pointer(data)
    return data if pointer is None else _stored(place.folder, pointer, place.shown, ref)


def differs(ref: str, path: Path) -> bool:
    """Whether a file, however large, holds something else than at a commit; in Git LFS, too.

    Raises:
        NotInCommitError: the commit has no such file.
        BaselineError: as `file_at`; or the file can't be read.
    """
    place = _place(ref, path, {})
    now = place.git("hash-object", "--no-filters", "--", str(path.absolute()))
    if place.blob == now.decode("ascii", "replace").strip():
        return False
    if len(place.git("cat-file", "-s", place.blob).strip()) > 3:  # no pointer is that large
        return True
    pointer = lfs_pointer(place.git("cat-file", "blob", place.blob))
    if pointer is None:
        return True
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest() != pointer
    except OSError as error:
        raise BaselineError(f"{path}: can't be read: {error.strerror or error}") from None


def files_at(ref: str, path: Path) -> list[Path]:
    """The files of a commit, below the top of the repository that a path lies in.

    Raises:
        BaselineError: as `file_at`.
    """
    shown = f"git:{ref}"
    top, commit = _repository(ref, _existing(path.absolute().parent), shown)
    listed = _git(top, shown, "ls-tree", "-r", "-z", "--name-only", "--full-tree", commit)
    return [top / os.fsdecode(name) for name in listed.split(b"\0") if name]


#: by folder: the top of its repository, and the commit
Known = dict[Path, tuple[Path, str]]


@dataclass(frozen=True, slots=True)
class _Place:
    """A commit's file: a folder of its repository, the digest of its content, and how it is shown."""

    folder: Path
    blob: str
    shown: str

    def git(self, *arguments: str) -> bytes:
        return _git(self.folder, self.shown, *arguments)


def _place(ref: str, path: Path, known: Known) -> _Place:
    """Where a commit's file is.

    Raises:
        NotInCommitError: it has none there.
        BaselineError: there is no Git, no repository, or no such commit.
    """
    shown = f"git:{ref}:{path.as_posix()}"
    folder = _existing(path.absolute().parent)
    if folder not in known:
        known[folder] = _repository(ref, folder, shown)
    top, commit = known[folder]
    try:
        inside = (folder.resolve() / path.absolute().relative_to(folder)).relative_to(top.resolve())
    except ValueError:
        raise BaselineError(f"{shown}: {path} lies outside the repository {top}") from None
    # The commit's folders are asked, not its contents: a partial clone lacks some of these.
    listed = _git(folder, shown, "ls-tree", "-z", "--full-tree", commit, "--", inside.as_posix())
    entry = os.fsdecode(listed).partition("\0")[0]
    about, _, name = entry.partition("\t")
    mode, kind, blob = (*about.split(), "", "", "")[:3]
    if name != inside.as_posix() or kind != "blob" or not mode:
        raise NotInCommitError(f"{shown}: the commit has no such file")
    return _Place(folder, blob, shown)


def _repository(ref: str, folder: Path, shown: str) -> tuple[Path, str]:
    """The top of the repository that a folder is in, and a commit of it."""
    if not ref or ref.startswith("-") or ":" in ref:
        raise BaselineError(f"{shown}: {ref!r} is no branch, tag or commit")
    top = _git(folder, shown, "rev-parse", "--show-toplevel").decode("utf-8", "replace").strip()
    commit = _git(
        folder, shown, "rev-parse", "--verify", "--quiet", "--end-of-options", f"{ref}^{{commit}}"
    )
    return Path(top), commit.decode("ascii", "replace").strip()


def _existing(folder: Path) -> Path:
    """The folder, or the nearest above it that is there: others may have come or gone."""
    while not folder.is_dir() and folder != folder.parent:
        folder = folder.parent
    return folder


def _program() -> str | None:
    """Where Git is: in a folder that PATH names in full, never in the current one.

    Left to itself, Windows looks there first.
    """
    named = [
        x for x in os.environ.get("PATH", os.defpath).split(os.pathsep) if Path(x).is_absolute()
    ]
    return (
        shutil.which("git", path=os.pathsep.join(named)) if os.name != "nt" else _on_windows(named)
    )


def _on_windows(folders: Sequence[str]) -> str | None:
    found = (Path(folder) / "git.exe" for folder in folders)
    return next((str(path) for path in found if path.is_file()), None)


def _git(folder: Path, shown: str, *arguments: str) -> bytes:
    program = _program()
    if program is None:
        raise BaselineError(f"{shown}: git isn't installed")
    try:
        done = subprocess.run(  # a list of arguments, and no shell
            [program, "-C", str(folder), *_HARMLESS, *arguments],
            env={**os.environ, "GIT_NO_LAZY_FETCH": "1", "GIT_TERMINAL_PROMPT": "0"},
            capture_output=True,
            timeout=_PATIENCE,
            check=False,
            stdin=subprocess.DEVNULL,
        )
    except OSError as error:
        raise BaselineError(f"{shown}: git can't be run: {error.strerror or error}") from None
    except subprocess.TimeoutExpired:
        raise BaselineError(f"{shown}: git took longer than {_PATIENCE} s") from None
    if done.returncode:
        said = done.stderr.decode("utf-8", "replace").strip().removeprefix("fatal: ")
        hint = "" if said else "there is no such commit here; in CI, fetch it first"
        raise BaselineError(f"{shown}: {said or hint}")
    return done.stdout


def _stored(folder: Path, pointer: str, shown: str, ref: str) -> bytes:
    """What a Git LFS pointer stands for, from the repository's own store."""
    common = _git(folder, shown, "rev-parse", "--git-common-dir").decode("utf-8", "replace").strip()
    known = len(pointer) == 64 and all(c in "0123456789abcdef" for c in pointer)
    store = folder / common / "lfs" / "objects" / pointer[:2] / pointer[2:4] / pointer
    if known and store.is_file():
        return store.read_bytes()
    raise BaselineError(
        f"{shown}: a Git LFS pointer whose content isn't here: run git lfs fetch origin {ref}"
    )
