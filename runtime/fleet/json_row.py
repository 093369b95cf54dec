"""How is a row written as JSON? In one line of ASCII, in which no CI runner finds a command."""

from __future__ import annotations

import json
from collections.abc import Mapping

from cnnscope.analyzer.render.job_log import without_commands


def json_row(row: Mapping[str, object]) -> bytes:
    r"""A row as JSON, without its line's end.

    >>> json_row({"path": "\udce9 ##[x]\n", "macs": 2})
    b'{"path":"\\udce9 \\u0023#[x]\\n","macs":2}'
    """
    text = json.dumps(row, separators=(",", ":"))
    return without_commands(text, sign="\\u0023").encode("ascii")
