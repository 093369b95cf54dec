"""In whose hand is a model written: names, versions, what is declared, where constants stand?

As the exporters themselves do it, in the main: names are what strangers' models differ in most, after
their graphs.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from random import Random

#: the version of the file format that came with each version of the operators
IR = {
    7: 3, 8: 3, 9: 4, 10: 5, 11: 6, 12: 7, 13: 7, 14: 7, 15: 8, 16: 8, 17: 8, 18: 8, 19: 9, 20: 9,
    21: 10, 22: 10, 23: 11,
}  # fmt: skip


@dataclass(frozen=True)
class Exporter:
    """A style.

    Args:
        name: as file names have it.
        producer: name and version, as the file says them.
        opsets: the versions of operators that it writes.
        node, tensor, weight: names; of the scope ``s``, the operator ``op``, a running number ``n`` and, of
            weights, the role ``w``.
        input, graph: what they are called.
        batch: what a free batch is called; None where it has no name.
        declares: how many of its models say the shapes of tensors between.
        constants: whether constants are nodes.
        channels_last: the input's channels come last and are moved at once.
        roles: what weights are called.
        weight_share: how many of its models have weights inside, beside, and beside but lost.
    """

    name: str
    producer: tuple[str, str]
    opsets: tuple[int, ...]
    node: str
    tensor: str
    weight: str
    input: str = "input"
    graph: str = "graph"
    batch: str | None = "batch"
    declares: float = 0.0
    constants: bool = False
    channels_last: bool = False
    roles: dict[str, str] = field(default_factory=dict)
    weight_share: tuple[int, int, int] = (90, 5, 5)


_KERAS = {"weight": "ReadVariableOp:0", "bias": "BiasAdd/ReadVariableOp:0", "scale": "gamma:0"}
_PADDLE = {"weight": "w_0", "bias": "b_0", "scale": "w_0", "mean": "w_1", "var": "w_2"}

EXPORTERS = (
    Exporter("torch", ("pytorch", "2.1.0"), (11, 12, 13, 14, 15, 16, 17), "/{s}/{op}",
             "/{s}/{op}_output_{n}", "{s}.{w}", graph="main_graph", constants=True),
    Exporter("torch-old", ("pytorch", "1.4"), (9, 10, 11), "{op}_{n}", "{n}", "{s}.{w}",
             declares=0.1, constants=True),
    Exporter("dynamo", ("pytorch", "2.7.0"), (18, 20, 21, 23), "node_{op}_{n}", "val_{n}",
             "{s}.{w}", graph="main_graph", batch="s77", declares=1.0, weight_share=(35, 40, 25)),
    Exporter("keras", ("tf2onnx", "1.16.1 15c810"), (9, 11, 13, 15, 17),
             "StatefulPartitionedCall/model/{s}/{op}",
             "StatefulPartitionedCall/model/{s}/{op}:{n}", "StatefulPartitionedCall/model/{s}/{w}",
             "input_1", "tf2onnx", "unk__6", 0.3, channels_last=True, roles=_KERAS),
    Exporter("paddle", ("PaddlePaddle", ""), (7, 9, 10, 11, 13, 15), "p2o.{op}.{n}", "{s}.tmp_{n}",
             "{s}.{w}", "x0", batch=None, constants=True, roles=_PADDLE),
    Exporter("caffe2", ("onnx-caffe2", ""), (7, 8, 9), "", "{s}_{n}", "{s}_{w}_{n}"),
    Exporter("mxnet", ("", ""), (7, 8, 9), "{s}_fwd", "{s}_fwd{n}", "{s}_{w}", "data",
             batch="N", declares=0.2),
    Exporter("by-hand", ("onnx-example", ""), tuple(range(7, 24)), "{op}{n}", "t{n}", "w{n}", batch="N",
             declares=0.5),
)  # fmt: skip
_OFTEN = (35, 10, 20, 15, 8, 4, 4, 4)


def drawn_exporter(random: Random) -> Exporter:
    return random.choices(EXPORTERS, _OFTEN)[0]
