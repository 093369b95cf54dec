"""Shells at a terminal of their own: a line is typed, Tab is pressed, and the line is read back."""

from __future__ import annotations

import os
import pty
import re
import select
import subprocess
import sys
import time
from pathlib import Path

#: how each is started, told to show its line at ^T and to forget it at ^U, and given cnnscope's script
START = {
    "bash": (
        ["bash", "--norc", "--noprofile", "-i"],
        "PS1=; set +o history; bind 'set enable-bracketed-paste off'; bind 'set page-completions off'; "
        "bind 'set completion-query-items 0'; . {script}; "
        "bind -x '\"\\C-t\": printf \"LINE[[%s]]LINE\\n\" \"$READLINE_LINE\"'",
    ),
    "zsh": (
        ["zsh", "-f", "-i"],
        'PS1=; unset zle_bracketed_paste; . {script}; dump() {{ print -r -- "LINE[[$BUFFER]]LINE" }}; '
        "zle -N dump; bindkey '^T' dump; bindkey '^U' kill-whole-line",
    ),
    "fish": (
        ["fish", "--no-config", "-i"],
        "function fish_prompt; end; source {script}; "
        "bind \\ct 'printf \"LINE[[%s]]LINE\\n\" (commandline)'; bind \\cu 'commandline \"\"'",
    ),
}  # fmt: skip
PATIENCE = 60


def environment(home: Path) -> dict[str, str]:
    """With this interpreter's `cnnscope` first, and nothing of whoever runs the tests."""
    scripts = str(Path(sys.executable).parent)
    return {
        "PATH": os.pathsep.join([scripts, os.environ.get("PATH", os.defpath)]),
        "HOME": str(home), "TERM": "dumb", "COLUMNS": "80", "LC_ALL": "C.UTF-8",
        "XDG_CONFIG_HOME": str(home / "config"), "XDG_DATA_HOME": str(home / "data"),
    }  # fmt: skip


class Shell:
    """An interactive shell in a folder."""

    def __init__(self, name: str, folder: Path, home: Path) -> None:
        env = environment(home)
        script = home / f"script.{name}"
        with script.open("wb") as file:
            shown = ["cnnscope", "--show-completion", name]
            subprocess.run(shown, env=env, check=True, stdout=file)
        argv, start = START[name]
        parent, child = pty.openpty()
        # Opened by the leader of a session, it becomes its controlling terminal.
        argv = ["sh", "-c", 'exec "$@" <"$0" >"$0" 2>&1', os.ttyname(child), *argv]
        self.fd = parent
        self.process = subprocess.Popen(
            argv,
            cwd=folder,
            env=env,
            stdin=child,
            stdout=child,
            stderr=child,
            start_new_session=True,
        )
        os.close(child)
        os.write(self.fd, f"{start.format(script=script)}; echo REA''DY\n".encode())
        self._until(b"READY")

    def completed(self, line: str) -> tuple[str, bytes]:
        """What a line becomes with Tab behind it, and all that was written meanwhile."""
        os.write(self.fd, line.encode() + b"\t\x14")
        out = self._until(b"]]LINE")
        os.write(self.fd, b"\x15")
        found = re.findall(rb"LINE\[\[(.*?)\]\]LINE", out, re.S)
        return found[-1].decode(), out

    def close(self) -> None:
        self.process.kill()
        self.process.wait()
        os.close(self.fd)

    def _until(self, what: bytes) -> bytes:
        end, seen = time.monotonic() + PATIENCE, b""
        while what not in seen:
            ready, _, _ = select.select([self.fd], [], [], max(0.0, end - time.monotonic()))
            assert ready, f"nothing more after {seen!r}"
            seen += os.read(self.fd, 1 << 16)
        return seen
