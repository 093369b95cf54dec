"""What is there to draw, as rows of plain facts, a fact a column?"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

from cnnscope.analyzer.report.model_info import file_name
from cnnscope.analyzer.values.notation import name
from cnnscope.analyzer.values.plain_class import dataclass

if TYPE_CHECKING:
    import pandas

    from cnnscope.analyzer.report.layer import Layer
    from cnnscope.analyzer.report.report import Report

#: a row's facts; None: not known
Row = Mapping[str, int | float | str | bool | None]


@dataclass(frozen=True, eq=False, repr=False)
class Chart:
    """What a figure shows.

    Args:
        title: what it is, and of which model; in lines.
        rows: its data, a row a mark; None is what isn't known, and isn't drawn.
    """

    title: str
    rows: tuple[Row, ...]

    @property
    def square(self) -> bool:
        """It is a map, as high as it is wide."""
        return False

    def numbers(self, key: str) -> list[float]:
        """A column; what isn't known is NaN, which nothing is drawn for."""
        return numbers(self.rows, key)

    def to_dataframe(self) -> pandas.DataFrame:
        """The rows as a pandas DataFrame.

        Raises:
            ImportError: pandas isn't installed.
        """
        from cnnscope.analyzer.values.frames import data_frame

        return data_frame(self.rows)


def numbers(rows: Iterable[Row], key: str) -> list[float]:
    """A column of some rows as floats; NaN where it isn't known.

    >>> numbers([{"macs": 3}, {"macs": None}], "macs")
    [3.0, nan]
    """
    found = (row[key] for row in rows)
    return [float(x) if isinstance(x, int | float) else math.nan for x in found]


def model_name(report: Report) -> str:
    """What a model is called in a title: its file's name."""
    return shown_name(report.model.path)


def shown_name(path: str | None) -> str:
    """What a model's file is called in a title.

    >>> shown_name("models/resnet50.onnx"), shown_name(None)
    ('resnet50.onnx', 'a model in memory')
    """
    return name(file_name(path) or "a model in memory", 60)


def last_meant(report: Report, layer: Layer | str | int) -> Layer:
    """The layer that is meant: of a word that fits several, such as a module's name, the last.

    Raises:
        KeyError: there is none.

    >>> import cnnscope
    >>> report = cnnscope.analyze("sample_models/resnet50.onnx")
    >>> last_meant(report, "layer4").path, last_meant(report, 0).path
    ('/layer4/2/relu3/Relu', '/conv1/Conv')
    """
    from cnnscope.analyzer.report.layer import Layer
    from cnnscope.analyzer.report.meant_layers import meant_layers

    if isinstance(layer, Layer):
        return layer
    return (
        meant_layers(report.layers, layer)[-1] if isinstance(layer, str) else report.layers[layer]
    )


def modules_of(report: Report) -> list[str]:
    """For each layer the module that it is in: the first step below the path that all share.

    >>> import cnnscope
    >>> modules_of(cnnscope.analyze("sample_models/lenet5.onnx"))[:2]
    ['conv1', 'tanh1']
    """
    from cnnscope.analyzer.report.module_paths import module_paths

    paths = module_paths(report.layers)
    known = [path for path in paths if path]
    shared = 0
    while known and all(
        len(path) > shared + 1 and path[shared] == known[0][shared] for path in known
    ):
        shared += 1
    return [path[shared] if len(path) > shared else "" for path in paths]
