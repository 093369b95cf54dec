"""Draws the figures of docs/figures.md in this folder, by the command that is shown there.

Run `python docs/pictures/figures.py [FOLDER]` where cnnscope and matplotlib are installed.
"""

from __future__ import annotations

import sys
from pathlib import Path

from cnnscope.cli import main

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent.parent

#: picture: the model and how it is asked for
PICTURES = {
    "figure-field": ["sample_models/resnet50.onnx", "--kind", "field"],
    "figure-memory": ["sample_models/unet.onnx", "--kind", "memory"],
    "figure-effective": [
        "sample_models/resnet50.onnx", "--kind", "effective", "--layer", "layer3",
    ],
}  # fmt: skip


def draw(name: str, folder: Path) -> Path:
    """One picture; where it is."""
    model, *asked = PICTURES[name]
    file = folder / f"{name}.svg"
    try:
        main(["plot", str(ROOT / model), *asked, "-o", str(file)])
    except SystemExit as left:
        if left.code:
            raise
    return file


if __name__ == "__main__":
    for wanted in PICTURES:
        draw(wanted, Path(sys.argv[1]) if len(sys.argv) > 1 else HERE)
