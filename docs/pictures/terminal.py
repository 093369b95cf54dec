"""Draws the pictures of a terminal in this folder: what the command prints there, in 80, 100 and 160 columns.

Run `python docs/pictures/terminal.py` where cnnscope is installed; each picture is an SVG.
"""

from __future__ import annotations

import fcntl
import io
import os
import pty
import struct
import subprocess
import sys
import termios
from pathlib import Path

from rich.console import Console
from rich.text import Text

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent.parent

#: picture: columns and the command
PICTURES = {
    "costly": (100, ["sample_models/resnet50.onnx", "--sort", "macs", "--until", "25%"]),
    "modules": (80, ["sample_models/resnet50.onnx", "--by", "module", "--depth", "2"]),
    "narrow": (80, ["sample_models/vit_b_16.onnx", "--top", "16"]),
    "wide": (160, ["sample_models/vit_b_16.onnx", "--top", "16"]),
}


def printed(columns: int, arguments: list[str]) -> str:
    """What the command prints on a terminal of so many columns."""
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 60, columns, 0, 0))
    environment = {k: v for k, v in os.environ.items() if k not in ("COLUMNS", "NO_COLOR")}
    command = [sys.executable, "-m", "cnnscope.cli", *arguments]
    with subprocess.Popen(
        command, cwd=ROOT, env={**environment, "TERM": "xterm-256color"}, stdout=theirs
    ):
        os.close(theirs)
        parts = []
        while True:
            try:
                part = os.read(ours, 65536)
            except OSError:  # the other end is closed
                break
            if not part:
                break
            parts.append(part)
    return b"".join(parts).decode().replace("\r\n", "\n")


def draw(name: str) -> None:
    """One picture."""
    columns, arguments = PICTURES[name]
    console = Console(record=True, width=columns, file=io.StringIO())
    console.print(Text.from_ansi(printed(columns, arguments)), soft_wrap=True)
    title = f"cnnscope {' '.join(arguments)}"
    console.save_svg(str(HERE / f"terminal-{name}.svg"), title=title)


if __name__ == "__main__":
    for wanted in PICTURES:
        draw(wanted)
