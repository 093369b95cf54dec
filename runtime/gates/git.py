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


def file_at(ref: str, path: Path) -> bytes:
    """The bytes of a file at a commit.

    Args:
        ref: a branch, a tag or a commit.
        path: the file, as it is found from the working directory.

    Raises:
        NotInCommitError: the commit has no such file.
        BaselineError: Git isn't there, it is no repository, there is no such commit, or the file's
            content is in a Git LFS store that isn't here.
    """
    folder, name, shown = _place(ref, path)
    try:
        size = _git(folder, shown, "cat-file", "-s", name).strip()
        if len(size) > 10:
            raise BaselineError(f"{shown}: too large")
        data = _git(folder, shown, "cat-file", "blob", name)
    except BaselineError as error:
        raise NotInCommitError(str(error)) from None
    pointer = lfs_pointer(data)
    return data if pointer is None else _stored(folder, pointer, shown, ref)


def _place(ref: str, path: Path) -> tuple[Path, str, str]:
    """A folder of the repository, what Git calls a commit's file, and what people do.

    Raises:
        BaselineError: there is no Git, no repository, or no such commit.
    """
    shown = f"git:{ref}:{path.as_posix()}"
    if not ref or ref.startswith("-") or ":" in ref:
        raise BaselineError(f"{shown}: {ref!r} is no branch, tag or commit")
    folder = _existing(path.absolute().parent)
    top = Path(
        _git(folder, shown, "rev-parse", "--show-toplevel").decode("utf-8", "replace").strip()
    )
    commit = _git(
        folder, shown, "rev-parse", "--verify", "--quiet", "--end-of-options", f"{ref}^{{commit}}"
    )
    try:
        inside = (folder.resolve() / path.absolute().relative_to(folder)).relative_to(top.resolve())
    except ValueError:
        raise BaselineError(f"{shown}: {path} lies outside the repository {top}") from None
    name = f"{commit.decode('ascii', 'replace').strip()}:{inside.as_posix()}"
    return folder, name, shown


def differs(ref: str, path: Path) -> bool:
    """Whether a file, however large, holds something else than at a commit; in Git LFS, too.

    Raises:
        NotInCommitError: the commit has no such file.
        BaselineError: as `file_at`; or the file can't be read.
    """
    folder, name, shown = _place(ref, path)
    try:
        then = _git(folder, shown, "rev-parse", "--verify", "--quiet", "--end-of-options", name)
    except BaselineError as error:
        raise NotInCommitError(str(error)) from None
    now = _git(folder, shown, "hash-object", "--no-filters", "--", str(path.absolute()))
    if then.strip() == now.strip():
        return False
    if len(_git(folder, shown, "cat-file", "-s", name).strip()) > 3:  # no pointer is that large
        return True
    pointer = lfs_pointer(_git(folder, shown, "cat-file", "blob", name))
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
    if not ref or ref.startswith("-") or ":" in ref:
        raise BaselineError(f"{shown}: {ref!r} is no branch, tag or commit")
    folder = _existing(path.absolute().parent)
    top = _git(folder, shown, "rev-parse", "--show-toplevel").decode("utf-8", "replace").strip()
    commit = _git(
        folder, shown, "rev-parse", "--verify", "--quiet", "--end-of-options", f"{ref}^{{commit}}"
    )
    listed = _git(
        Path(top), shown, "ls-tree", "-r", "-z", "--name-only", "--full-tree",
        commit.decode("ascii", "replace").strip(),
    )  # fmt: skip
    return [Path(top) / os.fsdecode(name) for name in listed.split(b"\0") if name]


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
