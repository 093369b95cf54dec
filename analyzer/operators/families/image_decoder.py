"""What does an image put out that is decoded from a file?"""

from __future__ import annotations

from cnnscope.analyzer.operators.definition import define
from cnnscope.analyzer.operators.reading import OutputReads, everything
from cnnscope.analyzer.operators.rules import Outputs
from cnnscope.analyzer.values.dimension import FreeDim
from cnnscope.analyzer.values.tensor import Tensor


def image_output(stream: Tensor, *, pixel_format: str = "RGB", node_name: str = "") -> Tensor:
    height, width = (FreeDim.from_data(f"{node_name} {what}") for what in ("height", "width"))
    return Tensor("uint8", (height, width, 1 if pixel_format == "Grayscale" else 3))


def whole_reads(outputs: Outputs, x: Tensor) -> OutputReads:
    return (everything(x),)


define("ImageDecoder", kind="image decoding", infer=image_output, reads=whole_reads)
