"""Which models is speed measured on, apart from those at hand?

Made by the `onnx` package alone and the same on every machine: graphs as long as one likes, a VGG-19
with all its weights in the file, and copies of models that were stored without their weights.

    python benchmarks/models.py chain 1000 chain.onnx
"""

from __future__ import annotations

import math
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

import onnx
from onnx import TensorProto, helper

CHANNELS = 8
SIDE = 64
#: blocks of VGG-19: how many 3x3 convolutions, of how many channels (Simonyan & Zisserman 2015, E)
VGG19 = ((2, 64), (2, 128), (4, 256), (4, 512), (4, 512))


def chain(nodes: int) -> onnx.ModelProto:
    """Conv, Relu, Add, Conv, ...: each Add takes the one before it too, as in a residual net."""
    made, last, joined = [], "input", "input"
    for i in range(nodes):
        given, last = last, f"t{i}"
        if i % 3 == 0:
            made.append(_conv(i, given, last))
        elif i % 3 == 1:
            made.append(helper.make_node("Relu", [given], [last], f"relu{i}"))
        else:
            made.append(helper.make_node("Add", [given, joined], [last], f"add{i}"))
            joined = last
    return _model(made, last)


def ladder(nodes: int) -> onnx.ModelProto:
    """Down one side and up the other, each rung a skip connection from the n-th to the n-last.

    As in a U-Net without its pooling: half of all tensors are alive in the middle, and every Add on
    the way up joins two fields of very different sizes.
    """
    down = max(1, nodes // 3)
    made, sides, last = [], [], "input"
    for i in range(down):
        given, last = last, f"t{i}"
        made.append(_conv(i, given, last))
        sides.append(last)
    for i in range(down, nodes):
        given, last = last, f"t{i}"
        if (i - down) % 2 == 0:
            made.append(helper.make_node("Relu", [given], [last], f"relu{i}"))
        else:
            made.append(helper.make_node("Add", [given, sides.pop()], [last], f"add{i}"))
    return _model(made, last)


def modules(nodes: int) -> onnx.ModelProto:
    """One module over and over, under the names that exporters give: two convolutions, a sum."""
    made, last = [], "input"
    for start in range(0, nodes, 4):
        scope, joined = f"/model/layer{start // 64}/block.{start // 4 % 16}", last
        for i, part in zip(range(start, min(nodes, start + 4)), ("conv1", "act", "conv2", "add"),
                           strict=False):  # fmt: skip
            given, last = last, f"{scope}/{part}/out"
            if part == "act":
                made.append(helper.make_node("Relu", [given], [last], f"{scope}/act/Relu"))
            elif part == "add":
                made.append(helper.make_node("Add", [given, joined], [last], f"{scope}/Add"))
            else:
                made.append(_conv(i, given, last, f"{scope}/{part}/Conv"))
    return _model(made, last)


def dense(layers: int) -> onnx.ModelProto:
    """A dense block: each layer reads all before it, so that edges grow with the square of layers."""
    made, weights, seen = [], [], ["input"]
    for i in range(layers):
        width = CHANNELS + i
        given, last = f"cat{i}", f"t{i}"
        made.append(helper.make_node("Concat", list(seen), [given], f"concat{i}", axis=1))
        weights.append(_zeros(f"w{i}", 1, width, 3, 3))
        made.append(helper.make_node(
            "Conv", [given, f"w{i}"], [last], f"conv{i}", kernel_shape=[3, 3], pads=[1, 1, 1, 1]
        ))  # fmt: skip
        seen.append(last)
    return _model(made, last, weights, [1, 1, SIDE, SIDE])


def free(layers: int) -> onnx.ModelProto:
    """A chain that grows by a part of its own length at each layer: a free dimension each."""
    made, inputs, last = [], [_declared("input", [1, CHANNELS, "rows", SIDE])], "input"
    for i in range(0, layers, 2):
        inputs.append(_declared(f"part{i}", [1, CHANNELS, f"rows{i}", SIDE]))
        given, last = last, f"t{i}"
        made.append(_conv(i, f"part{i}", f"c{i}"))
        made.append(helper.make_node("Concat", [given, f"c{i}"], [last], f"concat{i}", axis=2))
    return _model(made, last, [], [1, CHANNELS, None, SIDE], inputs)


def _declared(name: str, shape: list[int | str]) -> onnx.ValueInfoProto:
    return helper.make_tensor_value_info(name, TensorProto.FLOAT, shape)


def _conv(i: int, given: str, gives: str, name: str = "") -> onnx.NodeProto:
    return helper.make_node(
        "Conv", [given, "w", "b"], [gives], name or f"conv{i}",
        kernel_shape=[3, 3], pads=[1, 1, 1, 1],
    )  # fmt: skip


def _model(
    nodes: list[onnx.NodeProto],
    last: str,
    weights: Sequence[onnx.TensorProto] = (),
    output: Sequence[int | str | None] = (1, CHANNELS, SIDE, SIDE),
    inputs: Sequence[onnx.ValueInfoProto] = (),
) -> onnx.ModelProto:
    graph = helper.make_graph(
        nodes,
        "benchmark",
        inputs or [_declared("input", [1, CHANNELS, SIDE, SIDE])],
        [helper.make_tensor_value_info(last, TensorProto.FLOAT, output)],
        weights or [_zeros("w", CHANNELS, CHANNELS, 3, 3), _zeros("b", CHANNELS)],
    )
    return helper.make_model(
        graph, producer_name="benchmarks", opset_imports=[helper.make_opsetid("", 17)], ir_version=8
    )


def vgg19() -> onnx.ModelProto:
    """VGG-19 with its 143,667,240 parameters in the file, 575 MB of them (zeros, as good as any)."""
    nodes, weights, last, channels = [], [], "input", 3

    def step(op: str, *more: str, **attributes: object) -> None:
        nonlocal last
        given, last = last, f"{op.lower()}{len(nodes)}"
        nodes.append(helper.make_node(op, [given, *more], [last], last, **attributes))

    def weighted(op: str, *shape: int, **attributes: object) -> None:
        w, b = f"w{len(nodes)}", f"b{len(nodes)}"
        weights.extend((_zeros(w, *shape), _zeros(b, shape[0])))
        step(op, w, b, **attributes)

    for count, wider in VGG19:
        for _ in range(count):
            weighted("Conv", wider, channels, 3, 3, kernel_shape=[3, 3], pads=[1, 1, 1, 1])
            step("Relu")
            channels = wider
        step("MaxPool", kernel_shape=[2, 2], strides=[2, 2])
    step("Flatten")
    for inputs, outputs in ((512 * 7 * 7, 4096), (4096, 4096), (4096, 1000)):
        weighted("Gemm", outputs, inputs, transB=1)
        if outputs == 4096:
            step("Relu")
    graph = helper.make_graph(
        nodes,
        "vgg19",
        [helper.make_tensor_value_info("input", TensorProto.FLOAT, [1, 3, 224, 224])],
        [helper.make_tensor_value_info(last, TensorProto.FLOAT, [1, 1000])],
        weights,
    )
    return helper.make_model(
        graph, producer_name="benchmarks", opset_imports=[helper.make_opsetid("", 17)], ir_version=8
    )


def _zeros(name: str, *shape: int) -> onnx.TensorProto:
    size = 4
    for length in shape:
        size *= length
    return helper.make_tensor(name, TensorProto.FLOAT, shape, bytes(size), raw=True)


def with_weights(source: Path, folder: Path) -> Path:
    """A copy of a model that lacks its external data, with data: zeros, in files without blocks.

    Tools that load weights can't open the model otherwise; reading such a file costs them the
    time and the memory of a real one, less the disk's.
    """
    folder.mkdir(parents=True, exist_ok=True)
    copy = folder / source.name
    model = onnx.load(source, load_external_data=False)
    missing = [
        tensor
        for tensor in _tensors(model.graph)
        if tensor.data_location == TensorProto.EXTERNAL
        and not any(e.key == "location" and (source.parent / e.value).is_file()
                    for e in tensor.external_data)
    ]  # fmt: skip
    if len(missing) < len([t for t in _tensors(model.graph) if t.external_data]):
        return source  # its weights are there, or some are: it is measured where it is
    end = 0
    for tensor in missing:
        bits = helper.tensor_dtype_to_np_dtype(tensor.data_type).itemsize * 8
        length = -(-math.prod(tensor.dims) * bits // 8)
        del tensor.external_data[:]
        for key, value in (("location", f"{copy.name}.zeros"), ("offset", end), ("length", length)):
            tensor.external_data.add(key=key, value=str(value))
        end += length
    copy.write_bytes(model.SerializeToString())
    if missing:
        with (folder / f"{copy.name}.zeros").open("wb") as file:
            file.truncate(end)
    return copy


def _tensors(graph: onnx.GraphProto) -> list[onnx.TensorProto]:
    found = list(graph.initializer)
    for node in graph.node:
        for attribute in node.attribute:
            found.extend([*attribute.tensors, *([attribute.t] if attribute.HasField("t") else [])])
            for body in (*attribute.graphs, *([attribute.g] if attribute.HasField("g") else [])):
                found.extend(_tensors(body))
    return found


GROWING: dict[str, Callable[[int], onnx.ModelProto]] = {
    "chain": chain, "ladder": ladder, "modules": modules, "dense": dense, "free": free,
}  # fmt: skip


def make(kind: str, nodes: int, path: Path) -> None:
    """Write one of the models by its name."""
    onnx.save(vgg19() if kind == "vgg19" else GROWING[kind](nodes), path)


def inline(source: Path, path: Path) -> None:
    """A copy of a model with all its weights in the file itself: those that are missing as zeros."""
    model = onnx.load(source, load_external_data=False)
    for tensor in _tensors(model.graph):
        if tensor.data_location == TensorProto.EXTERNAL:
            bits = helper.tensor_dtype_to_np_dtype(tensor.data_type).itemsize * 8
            del tensor.external_data[:]
            tensor.data_location = TensorProto.DEFAULT
            tensor.raw_data = bytes(-(-math.prod(tensor.dims) * bits // 8))
    path.write_bytes(model.SerializeToString())


if __name__ == "__main__":
    # Run by run.py as a process of its own, whose memory isn't that of what is measured.
    if sys.argv[1] == "with_weights":
        for name in sys.argv[3:]:
            with_weights(Path(name), Path(sys.argv[2]))
    elif sys.argv[1] == "inline":
        inline(Path(sys.argv[2]), Path(sys.argv[3]))
    else:
        make(sys.argv[1], int(sys.argv[2]), Path(sys.argv[3]))
