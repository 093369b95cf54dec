"""What does `cnnscope --help` show? What one does first, and then which commands there are.

It loads none of them, and fits a terminal of 80 columns and 24 lines.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

_FIRST: Final = (
    ("cnnscope model.onnx", "look at a model"),
    ("cnnscope check model.onnx --limit macs=4.2G", "hold it to limits, as CI does"),
    ("cnnscope verify model.onnx", "run it: do the numbers hold?"),
)


def overview(groups: Mapping[str, Mapping[str, str]]) -> str:
    """The page.

    Args:
        groups: heading to commands, each with the line that says what it does; of the last group's, the
            names are enough. There is no room for headings.
    """
    wide = max(len(example) for example, _ in _FIRST)
    lines = [
        "Usage: cnnscope MODEL... [OPTIONS]   or   cnnscope COMMAND [OPTIONS] ...",
        "What does an ONNX model cost and see, and at which sizes? First of all:",
        *(f"  {example:{wide}}  {what}" for example, what in _FIRST),
        "Commands:",
    ]
    *listed, others = groups.values()
    name = max(len(name) for commands in listed for name in commands)
    lines += [f"  {key:{name}}  {line}" for commands in listed for key, line in commands.items()]
    lines += [
        f"Also: {', '.join(others)}, --version,",
        "  --install-completion [SHELL]. Example: cnnscope tile --help",
    ]
    return "".join(f"{line}\n" for line in lines)
