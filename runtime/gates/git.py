"""What did a file hold at another commit? Git is asked, without a shell.

A file that Git LFS manages is a pointer in the commit; its content is taken from the repository's
own store if it is there. Symbolic links are followed as they were in the commit, not as they are now; a
submodule's files are those of the commit that it was at.

The checkout may be a pull request's, so nothing in it is run. A folder that looks like a repository
would be one for Git, with a configuration that names commands: a bare repository found on the way is
refused. Git fetches nothing, and runs no hook and no monitor.
"""

from __future__ import annotations

import hashlib
import os
import posixpath
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path, PurePosixPath
from typing import Final

from cnnscope.analyzer.budgets.baselines import BaselineError, NotInCommitError, lfs_pointer
from cnnscope.analyzer.model.regular_file import open_regular
from cnnscope.analyzer.values.plain_class import dataclass

_PATIENCE: Final = 60
#: the mode of a symbolic link, and how many are followed
_LINK, _LINKS = "120000", 40
_HARMLESS: Final = (
    "-c", "safe.bareRepository=explicit",
    "-c", "core.fsmonitor=false",
    "-c", f"core.hooksPath={os.devnull}",
    "-c", "protocol.allow=never",
    "--literal-pathspecs",
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
    try:
        open_regular(path).close()
    except OSError as error:
        raise BaselineError(f"{path}: can't be read: {error.strerror or error}") from None
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
    return _Found(shown).in_tree(top, commit, _inside(path, folder, top, shown))


def _inside(path: Path, folder: Path, top: Path, shown: str) -> PurePosixPath:
    """A file's path in its repository, by the folders it was named by: a link there may be another now."""
    named, real = Path(os.path.normpath(path.absolute())), top.resolve()
    for above in reversed(named.parents):
        if above.resolve() == real:
            return PurePosixPath(named.relative_to(above).as_posix())
    try:
        inside = (folder.resolve() / path.absolute().relative_to(folder)).relative_to(real)
    except ValueError:
        raise BaselineError(f"{shown}: {path} lies outside the repository {top}") from None
    return PurePosixPath(inside.as_posix())


@dataclass(slots=True)
class _Found:
    """Looks for a file in a commit.

    Args:
        shown: how it is spoken of.
        links: symbolic links that were followed.
    """

    shown: str
    links: int = 0

    def in_tree(self, top: Path, commit: str, inside: PurePosixPath) -> _Place:
        """Where it is; raises as `_place`."""
        # The commit's folders are asked, not its contents: a partial clone lacks some of these.
        # Nearly always it is there, or has no link above it.
        for at in (inside, *reversed(inside.parents[:-1])):
            mode, kind, blob = self.entry(top, commit, at)
            if mode == _LINK:
                return self.in_tree(top, commit, self.behind(top, blob, at, inside))
            if kind == "commit" and at != inside:
                return self.in_tree(top / at, blob, inside.relative_to(at))
            if kind == "blob" and at == inside:
                return _Place(top, blob, self.shown)
            if kind != "tree" and at != inside:
                break
        raise NotInCommitError(f"{self.shown}: the commit has no such file")

    def entry(self, top: Path, commit: str, at: PurePosixPath) -> tuple[str, str, str]:
        """Mode, kind and digest of what a commit has at a path; empty: nothing."""
        listed = _git(top, self.shown, "ls-tree", "-z", "--full-tree", commit, "--", str(at))
        about, _, name = os.fsdecode(listed).partition("\0")[0].partition("\t")
        mode, kind, blob = (*about.split(), "", "", "")[:3]
        return (mode, kind, blob) if name == str(at) else ("", "", "")

    def behind(
        self, top: Path, blob: str, at: PurePosixPath, inside: PurePosixPath
    ) -> PurePosixPath:
        """Where a path leads that has a link in it."""
        self.links += 1
        if self.links > _LINKS:
            raise BaselineError(f"{self.shown}: symbolic links there lead round in a circle")
        target = os.fsdecode(_git(top, self.shown, "cat-file", "blob", blob))
        onward = posixpath.normpath(posixpath.join(at.parent, target, inside.relative_to(at)))
        if onward.startswith("/") or onward.split("/")[0] in ("..", "."):
            raise BaselineError(f"{self.shown}: a symbolic link there leads out of the repository")
        return PurePosixPath(onward)


def _repository(ref: str, folder: Path, shown: str) -> tuple[Path, str]:
    """The top of the repository that a folder is in, and a commit of it.

    A submodule's own branches say nothing of what the repository around it had: that one is asked, unless
    the working directory is in the submodule, too.
    """
    if not ref or ref.startswith("-") or ":" in ref:
        raise BaselineError(f"{shown}: {ref!r} is no branch, tag or commit")
    here = Path.cwd().resolve()
    top = _folder(folder, shown, "--show-toplevel")
    while not here.is_relative_to(top.resolve()):
        around = _folder(top, shown, "--show-superproject-working-tree")
        if around == Path():
            break
        top = around
    commit = _git(
        top, shown, "rev-parse", "--verify", "--quiet", "--end-of-options", f"{ref}^{{commit}}"
    )
    return top, commit.decode("ascii", "replace").strip()


def _folder(folder: Path, shown: str, which: str) -> Path:
    return Path(os.fsdecode(_git(folder, shown, "rev-parse", which).rstrip(b"\r\n")))


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
