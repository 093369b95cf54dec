"""A command and Git, run for a test: exit code and texts."""

from __future__ import annotations

import contextlib
import io
import os
import subprocess

import pytest

from cnnscope import cli


def run(*arguments: str) -> tuple[int, str, str]:
    """Exit code, standard output, standard error; in this process, which is much faster."""
    out, err = io.StringIO(), io.StringIO()
    with (
        contextlib.redirect_stdout(out),
        contextlib.redirect_stderr(err),
        pytest.raises(SystemExit) as ended,
    ):
        cli.main(list(arguments))
    return int(ended.value.code or 0), out.getvalue(), err.getvalue()


def git(*arguments: str) -> str:
    """What Git says, whatever this machine's settings are."""
    settings = {"GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_SYSTEM": os.devnull}
    who = ["-c", "user.name=n", "-c", "user.email=e@example.org", "-c", "commit.gpgsign=false"]
    done = subprocess.run(
        ["git", *who, *arguments], check=True, capture_output=True, text=True,
        env={**os.environ, **settings},
    )  # fmt: skip
    return done.stdout.strip()
