"""What does the model cost at other sizes of its inputs? Totals and layers at valid ones, from formulas."""

from __future__ import annotations

from typing import Final

from cnnscope.analyzer.render.page.contents import Contents

_TOTALS: Final = (
    "params", "macs", "flops", "weight_bytes", "peak_activation_bytes", "traffic_bytes",
)  # fmt: skip
_LAYERS: Final = ("macs", "flops", "bytes_read", "bytes_written", "output")


def part(contents: Contents) -> object:
    """Sizes in their order; of each its totals, and of each layer a list for each column."""
    swept = contents.sizes
    if swept is None:
        return None
    kept = [i for i, valid in enumerate(swept.valid) if valid]
    report = contents.report
    count = len(report.layers)
    layers: dict[str, list[list[object]]] = {name: [[] for _ in range(count)] for name in _LAYERS}
    for i, row in enumerate(swept.layers()):
        if row["layer"] != report.layers[i % count].name:  # at some size it has other layers
            return None
        for name in _LAYERS:
            layers[name][i % count].append(row[name])
    return {
        "dims": list(swept.dims),
        "lengths": [swept.sizes[i][0] for i in kept],
        "own": contents.length,
        "totals": {name: [swept.totals[name].values[i] for i in kept] for name in _TOTALS},
        "formulas": {
            name: swept.totals[name].to_dict() for name in ("macs", "peak_activation_bytes")
        },
        "layers": layers,
    }
