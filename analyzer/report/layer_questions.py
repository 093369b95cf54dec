"""What can a report be asked of its layers: what units see and hang on, what the weights look like?

Each question loads what answers it when it is asked.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, overload

from cnnscope.analyzer.report.layer import Layer

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from cnnscope.analyzer.fields.effective import Counting
    from cnnscope.analyzer.filters.filters import Filters
    from cnnscope.analyzer.filters.layer_filters import LayerFilters
    from cnnscope.analyzer.report.effective_field import EffectiveField
    from cnnscope.analyzer.report.effective_fields import EffectiveFields
    from cnnscope.analyzer.report.layers import Layers
    from cnnscope.analyzer.report.model_info import ModelInfo
    from cnnscope.analyzer.report.unit_regions import Regions


class LayerQuestions:
    """What a `Report` is asked of single layers."""

    __slots__ = ()

    if TYPE_CHECKING:

        @property
        def layers(self) -> Layers: ...
        @property
        def model(self) -> ModelInfo: ...

    def regions(
        self, layer: Layer | str | int, units: Iterable[Sequence[int | None]] | NDArray[np.integer]
    ) -> Regions:
        """Which input indices each of many units sees, as `Layer.region` has it of one.

        Args:
            layer: the layer, or its name, path, index, or a tensor that it gives.
            units: each an index per axis of the layer's output, or one per axis of its receptive
                field, None standing for all of an axis; or an array of integers with a row per unit.

        Returns:
            A region per unit, in their order.

        Raises:
            KeyError: there is no such layer.
            ValueError: a unit isn't one of the layer's, or regions can't be told.

        >>> import numpy as np
        >>> import cnnscope
        >>> report = cnnscope.analyze("sample_models/lenet5.onnx")
        >>> regions = report.regions("/conv2/Conv", np.array([[0, 0], [9, 9]]))
        >>> [region["input"][2:] for region in regions]
        [(((0, 13),), ((0, 13),)), (((18, 31),), ((18, 31),))]
        """
        from cnnscope.analyzer.report.unit_regions import asked_regions

        return asked_regions(self._meant(layer), units)

    def effective_field(
        self, layer: Layer | str | int, unit: Sequence[int | None] | None = None, *,
        input: str | None = None, counting: Counting = "uniform",  # noqa: A002
    ) -> EffectiveField:  # fmt: skip
        """How much of what a unit could see it hangs on, as `Layer.effective_field` has it.

        Args:
            layer: the layer, or its name, path, index, or a tensor that it gives.
            unit, input, counting: as there.

        Raises:
            KeyError: there is no such layer.
            ValueError: there is no such unit or input, or it can't be told.

        >>> import cnnscope
        >>> report = cnnscope.analyze("sample_models/lenet5.onnx")
        >>> report.effective_field("/conv2/Conv")
        <cnnscope.EffectiveField of /conv2/Conv, unit [:, :, 5, 5]: 50% in 8, 80% in 12, 95% in 14 of 14x14>
        """
        return self._meant(layer).effective_field(unit, input=input, counting=counting)

    def effective_fields(
        self, layers: Iterable[Layer | str | int] | None = None, *, input: str | None = None,  # noqa: A002
        counting: Counting = "uniform",
    ) -> EffectiveFields:  # fmt: skip
        """How much of what they could see layers hang on, each by its central unit.

        Args:
            layers: which, as `effective_field` has it; None: all.
            input, counting: as there.

        Returns:
            A row of figures for each layer that sees an axis which layers look along.

        Raises:
            KeyError: there is no such layer.

        >>> import cnnscope
        >>> found = cnnscope.analyze("sample_models/resnet50.onnx").effective_fields(["/conv1/Conv"])
        >>> found[0].theoretical, found[0].sides
        ((7, 7), (5, 7, 7))
        """
        from cnnscope.analyzer.report.effective_fields import sizes_of

        chosen = self.layers if layers is None else map(self._meant, layers)
        return sizes_of(self.model.path, chosen, input, counting)

    def _meant(self, layer: Layer | str | int) -> Layer:
        if isinstance(layer, str):
            return self.layers.find(layer)
        return layer if isinstance(layer, Layer) else self.layers[layer]

    @overload
    def filters(self) -> Filters: ...
    @overload
    def filters(self, layer: Layer | str | int) -> LayerFilters: ...
    def filters(self, layer: Layer | str | int | None = None) -> Filters | LayerFilters:
        """What the stored weights look like, and how few would do: read now, from the model's file.

        Args:
            layer: a layer, or its name, path, index, or a pattern that fits one with weights; None: all, each
                read when it is asked for.

        Raises:
            KeyError: there is no such layer, or several fit.
            ValueError: it multiplies no stored weights, or the report was read from data.
            ModelFileError: the weights can't be read; external data isn't there.

        >>> import cnnscope
        >>> cnnscope.analyze("tests/data/edges.onnx").filters("conv1")
        <cnnscope.LayerFilters of conv1: 8 filters, 2 of them spare>
        """
        from cnnscope.analyzer.report import stored_filters

        if layer is None:
            return stored_filters.all_filters(self.layers, self.model.path)
        return stored_filters.layer_filters(self.layers, layer)
