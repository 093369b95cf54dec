"""How deep do the brackets of a text go? onnx's parser recurses, with no limit of its own."""

from __future__ import annotations

from typing import Final

import numpy as np

#: brackets inside brackets in onnx's own text that are read
TEXT_DEPTH: Final = 500


def bracket_depth(text: bytes) -> int:
    """How many brackets are open at most; those in strings count too, which is on the safe side."""
    signs = np.frombuffer(text, np.uint8)
    opened = np.isin(signs, np.frombuffer(b"([{<", np.uint8)).astype(np.int32)
    # Only opening ones before a closing one of any kind: "=>" closes nothing.
    closed = np.isin(signs, np.frombuffer(b")]}", np.uint8)).astype(np.int32)
    closed[1:] |= ((signs[1:] == ord(">")) & (signs[:-1] != ord("="))).astype(np.int32)
    return int(np.max(np.cumsum(opened - closed), initial=0))
