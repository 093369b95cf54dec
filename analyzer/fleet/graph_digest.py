"""Which models have the same graph, so that one analysis serves them all?"""

from __future__ import annotations

import hashlib
from typing import Final

from cnnscope.analyzer.model.file import ModelFile
from cnnscope.analyzer.model.graph_bytes import graph_bytes

#: what is hashed first; it changes when other parts of a model count, so that no two ways are mixed
_WAY: Final = b"cnnscope graph 1\0"


def graph_digest(file: ModelFile) -> str:
    """SHA-256, in hexadecimal digits, of a model's graph.

    Of two models with the same digest, analyses say the same, but for what `row_for` sets anew.
    """
    return hashlib.sha256(_WAY + graph_bytes(file.model)).hexdigest()
