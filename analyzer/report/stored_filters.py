"""Whose stored filters are meant, and who looks at them?"""

from __future__ import annotations

from cnnscope.analyzer.filters.bank import bank_of
from cnnscope.analyzer.filters.filters import Filters
from cnnscope.analyzer.filters.finding import FilteringNode
from cnnscope.analyzer.filters.layer_filters import LayerFilters
from cnnscope.analyzer.report.layer import Layer
from cnnscope.analyzer.report.layer_facts import LayerSource
from cnnscope.analyzer.report.layers import Layers
from cnnscope.analyzer.report.meant_layers import every_layer, meant_layers


def all_filters(layers: Layers, model: str | None) -> Filters:
    """Those of all layers that have some, none of them read yet.

    Raises:
        ValueError: the report was read from data.
    """
    _demand_model(layers)
    found = [_filtering(x) for x in every_layer(layers)]
    return Filters(model, [x.find for x in found if x is not None])


def layer_filters(layers: Layers, asked: Layer | str | int) -> LayerFilters:
    """Those of one layer.

    Raises:
        KeyError: there is no such layer, or several fit the word.
        ValueError: it multiplies no stored weights, or the report was read from data.
        ModelFileError: its weights can't be read.
    """
    _demand_model(layers)
    found = filtering_layers(layers, asked)
    if len(found) > 1:
        names = ", ".join(repr(layer.path) for layer in found[:4])
        raise KeyError(f"{asked!r} fits {len(found)} layers with stored weights: {names}, ...")
    filtering = _filtering(found[0])
    assert filtering is not None, "layers without filters were left out"
    return filtering.find()


def filtering_layers(layers: Layers, asked: Layer | str | int) -> tuple[Layer, ...]:
    """The layers that are meant, of several those with stored weights.

    Raises:
        KeyError: there is no such layer.
        ValueError: none of them multiplies stored weights.
    """
    if isinstance(asked, str):
        meant = meant_layers(layers, asked)
    else:
        meant = (asked if isinstance(asked, Layer) else layers[asked],)
    found = tuple(layer for layer in meant if _filtering(layer) is not None)
    if not found:
        at = meant[0].path if len(meant) == 1 else asked
        raise ValueError(f"layer {at!r} multiplies no stored weights: there are no filters")
    return found


def _demand_model(layers: Layers) -> None:
    if len(layers) and not isinstance(layers[0]._source, LayerSource):
        raise ValueError("the report was read from data: the weights are in the model alone")


def _filtering(layer: Layer) -> FilteringNode | None:
    source = layer._source
    if not isinstance(source, LayerSource) or bank_of(source.node, source.shapes) is None:
        return None
    reads = source.around.reads[source.node.index]
    index = layer.index if source.around.top else None
    return FilteringNode(index, source.node, source.shapes, reads, layer.kind, layer.macs)
