"""What may a line look like that ends in a CI job's log? None that the runner takes for a command.

GitHub's and Azure's runners read what a step prints, on either stream. A line that begins with ``::``,
whatever blanks stand before it, is a command (GitHub Docs, *Workflow commands for GitHub Actions*);
``##[error]`` and ``##vso[task.setvariable]`` are commands anywhere in a line (``ActionCommand.cs`` of
actions/runner, ``Command.cs`` of microsoft/azure-pipelines-agent), and so is TeamCity's
``##teamcity[...]``. Names, paths and options are other people's text, and laying text out may bring any
part of it to a line's beginning: so this is asked of finished text, where it leaves the program.
"""

from __future__ import annotations

import re
from typing import Final

# What a reader of lines may take for a line's end, and what a runner skips before it looks: blanks,
# and the colours of a terminal, which some log viewers take away.
_LINE: Final = re.compile(
    r"((?:^|[\n\r\v\f\x1c-\x1e\x85\u2028\u2029])"
    r"(?:[\s\x00-\x1f\u180e\u200b-\u200f\u2060\ufeff]|\x1b\[[0-9;]*[A-Za-z])*):(?=:)"
)
_SIGN: Final = re.compile(r"#(?=#\w*\[)")


def without_commands(text: str, *, colon: str = ": ", sign: str = "# ") -> str:
    r"""The text, in no line of which there is a command.

    Args:
        text: as it was laid out.
        colon: what is written in place of the first of two colons.
        sign: what is written in place of the first of two number signs. A format that has escapes of
            its own gives them, and its readers get the text as it was.

    >>> without_commands("x\n ::error::y\n##[warning]z ##vso[a]")
    'x\n : :error::y\n# #[warning]z # #vso[a]'
    >>> without_commands('"##[x]"', sign="\\u0023")
    '"\\u0023#[x]"'
    """
    if "::" in text:
        text = _LINE.sub(lambda found: f"{found[1]}{colon}", text)
    return _SIGN.sub(lambda found: sign, text) if "##" in text else text
