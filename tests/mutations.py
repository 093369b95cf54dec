"""Damaged models: real ones changed at random, in their bytes or in what they say.

The vocabulary of the fuzz tests. `mutated(data, dice)` gives damaged bytes or a damaged
`ModelProto` and a line that says what was done; `examine(model)` puts it through everything that a
report can be asked for. Both are pure functions of their arguments: a seed names a finding.
"""

from __future__ import annotations

import contextlib
import random
import resource
import signal
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import onnx
from onnx import AttributeProto, TensorProto, helper, numpy_helper

from cnnscope.analyzer.values.diagnostics import STUMBLED

if TYPE_CHECKING:
    import cnnscope

EXTREME = (
    0, 1, -1, 2, 3, 7, 64, -2, 255, 4097, 65536, 10**6, 2**31 - 1, 2**31, -(2**31), 2**32, 10**9,
    10**15, 2**62, 2**63 - 1, -(2**63),
)  # fmt: skip
REALS = (0.0, 1.0, -1.0, 0.5, 2.0, 1e-30, 1e30, 3.4e38, float("inf"), float("-inf"), float("nan"))
WORDS = (
    "", "SAME_UPPER", "SAME_LOWER", "VALID", "NOTSET", "linear", "cubic", "nearest", "edge", "wrap",
    "reflect", "bilinear", "LSTM", "bij,bjk->bik", "...ij->...ji", "i,j,k->", "\n[bold]\x1b[31m",
    "ij" * 1000, "DCR", "\u202e", "floor", "tf_crop_and_resize", "align_corners", "bidirectional",
)  # fmt: skip
NAMES = ("", "x", "input", "=1+1", "[red]x", "a\nb", "\x1b[2J", "\u202eabc", "<script>", "n" * 3000)
OPERATORS = (
    "Conv", "ConvTranspose", "MaxPool", "AveragePool", "GlobalAveragePool", "LpPool", "Resize",
    "Upsample", "Pad", "Slice", "Concat", "Reshape", "Transpose", "ReduceMean", "ReduceSum",
    "MatMul", "Gemm", "Split", "Gather", "GatherND", "GatherElements", "ScatterND", "Squeeze",
    "Unsqueeze", "Flatten", "Expand", "Tile", "Range", "OneHot", "ConstantOfShape", "NonZero", "Shape",
    "Size", "Cast", "Einsum", "LSTM", "GRU", "RNN", "Softmax", "BatchNormalization", "TopK",
    "LayerNormalization", "InstanceNormalization", "DepthToSpace", "SpaceToDepth", "If", "Loop",
    "Scan", "SequenceAt", "SplitToSequence", "ConcatFromSequence", "Add", "Where", "Clip", "CumSum",
    "QLinearConv", "ConvInteger", "QuantizeLinear", "DequantizeLinear", "Constant", "Identity",
    "Trilu", "EyeLike", "RoiAlign", "NonMaxSuppression", "DFT", "STFT", "MelWeightMatrix",
    "Unique", "Compress", "CenterCropPad", "Col2Im", "GridSample", "AffineGrid", "MaxUnpool",
    "Attention", "DeformConv", "LRN", "Bernoulli", "RandomNormal", "RandomNormalLike", "BlackmanWindow",
    "Optional", "SequenceMap", "StringSplit", "TfIdfVectorizer", "Nonsense",
)  # fmt: skip


class Slow(BaseException):
    """The time limit struck; not an `Exception`, so that nothing on the way takes it for one."""


@dataclass(frozen=True)
class Mutated:
    """A damaged model, and what was done to it."""

    model: bytes | onnx.ModelProto
    done: tuple[str, ...]


def mutated(data: bytes, dice: random.Random, *, as_bytes: float = 0.35) -> Mutated:
    """The model in `data` with a few things wrong: that often in its bytes, else in its content."""
    if dice.random() < as_bytes:
        return _bytes_mutated(data, dice)
    model = onnx.ModelProto.FromString(data)
    done = []
    for _ in range(dice.choice((1, 1, 1, 2, 2, 3, 5, 10))):
        mutator = dice.choice(STRUCTURAL)
        try:
            mutator(model, dice)
        except Exception as error:  # noqa: BLE001  # protobuf or onnx refuses, each in its own way
            done.append(f"{mutator.__name__} refused: {error}")
            continue
        done.append(mutator.__name__)
    if dice.random() < 0.3:
        return Mutated(model, tuple(done))
    return Mutated(model.SerializeToString(), tuple(done))


# -- bytes ---------------------------------------------------------------------------------------


def _bytes_mutated(data: bytes, dice: random.Random) -> Mutated:
    whole = bytearray(data)
    done = []
    for _ in range(dice.choice((1, 1, 2, 3, 8))):
        how = dice.choice(
            ("flip", "flip", "flip", "set", "cut", "drop", "double", "swap", "digits")
        )
        at = dice.randrange(max(len(whole), 1))
        if dice.random() < 0.3:
            at = min(at, dice.randrange(400))
        size = min(dice.choice((1, 1, 2, 8, 64, 1000)), len(whole) - at)
        if not whole:
            break
        if how == "flip":
            whole[at] ^= 1 << dice.randrange(8)
        elif how == "set":
            whole[at : at + size] = dice.choice((b"\0", b"\xff", b"\x80", b"\x7f")) * size
        elif how == "cut":
            del whole[at:]
        elif how == "drop":
            del whole[at : at + size]
        elif how == "double":
            whole[at:at] = whole[at : at + size]
        elif how == "swap":
            other = dice.randrange(len(whole))
            piece = bytes(whole[at : at + size])
            whole[at : at + size] = whole[other : other + size]
            whole[other : other + size] = piece
        else:
            whole[at:at] = b"\xff" * dice.randrange(1, 11) + b"\x01"
        done.append(f"{how} {at}")
    return Mutated(bytes(whole), tuple(done))


# -- content -------------------------------------------------------------------------------------


def _graphs(graph: onnx.GraphProto, depth: int = 0) -> Iterator[onnx.GraphProto]:
    yield graph
    if depth < 5:
        for node in graph.node:
            for a in node.attribute:
                for inner in (a.g, *a.graphs) if a.HasField("g") else a.graphs:
                    yield from _graphs(inner, depth + 1)


def _graph(model: onnx.ModelProto, dice: random.Random) -> onnx.GraphProto:
    return model.graph if dice.random() < 0.7 else dice.choice(list(_graphs(model.graph)))


def _node(model: onnx.ModelProto, dice: random.Random) -> onnx.NodeProto:
    if model.functions and dice.random() < 0.3:
        return dice.choice(dice.choice(model.functions).node)
    return dice.choice(_graph(model, dice).node)


def _some_name(graph: onnx.GraphProto, dice: random.Random) -> str:
    names = [n for node in graph.node for n in (*node.output, *node.input)]
    names += [t.name for t in graph.initializer] + [v.name for v in graph.input]
    return dice.choice(names)


def drop_node(model: onnx.ModelProto, dice: random.Random) -> None:
    nodes = _graph(model, dice).node
    del nodes[dice.randrange(len(nodes))]


def bypass_node(model: onnx.ModelProto, dice: random.Random) -> None:
    """A node is left out, its readers read its first input: the graph stays whole."""
    graph = _graph(model, dice)
    at = dice.randrange(len(graph.node))
    node = graph.node[at]
    old, new = node.output[0], node.input[0]
    for reader in graph.node:
        for i, name in enumerate(reader.input):
            if name == old:
                reader.input[i] = new
    del graph.node[at]


def double_node(model: onnx.ModelProto, dice: random.Random) -> None:
    graph = _graph(model, dice)
    copy = graph.node.add()
    copy.CopyFrom(dice.choice(list(graph.node)[:-1]))
    if dice.random() < 0.7:
        for i, name in enumerate(copy.output):
            copy.output[i] = name + "'"


def reorder(model: onnx.ModelProto, dice: random.Random) -> None:
    graph = _graph(model, dice)
    nodes = list(graph.node)
    dice.shuffle(nodes)
    copies = [onnx.NodeProto.FromString(n.SerializeToString()) for n in nodes]
    del graph.node[:]
    graph.node.extend(copies)


def swap_inputs(model: onnx.ModelProto, dice: random.Random) -> None:
    node = _node(model, dice)
    a, b = dice.randrange(len(node.input)), dice.randrange(len(node.input))
    node.input[a], node.input[b] = node.input[b], node.input[a]


def other_input(model: onnx.ModelProto, dice: random.Random) -> None:
    graph = _graph(model, dice)
    node = dice.choice(graph.node)
    node.input[dice.randrange(len(node.input))] = _some_name(graph, dice)


def cut_edge(model: onnx.ModelProto, dice: random.Random) -> None:
    node = _node(model, dice)
    node.input[dice.randrange(len(node.input))] = dice.choice(("", "nowhere"))


def count_of_inputs(model: onnx.ModelProto, dice: random.Random) -> None:
    node = _node(model, dice)
    if dice.random() < 0.5 and node.input:
        del node.input[dice.randrange(len(node.input)) :]
    else:
        node.input.extend([dice.choice((*node.input, ""))] * dice.choice((1, 2, 50)))


def count_of_outputs(model: onnx.ModelProto, dice: random.Random) -> None:
    node = _node(model, dice)
    if dice.random() < 0.5:
        del node.output[dice.randrange(len(node.output)) :]
    else:
        node.output.extend(f"{node.output[0]}.{i}" for i in range(dice.choice((1, 3, 2000))))


def other_operator(model: onnx.ModelProto, dice: random.Random) -> None:
    node = _node(model, dice)
    node.op_type = dice.choice(OPERATORS)
    node.domain = dice.choice(("", "", "", "", "com.microsoft", "ai.onnx.ml", "my"))
    if dice.random() < 0.3:
        del node.attribute[:]


def other_version(model: onnx.ModelProto, dice: random.Random) -> None:
    if not model.opset_import or dice.random() < 0.1:
        model.opset_import.add(domain=dice.choice(("", "my", "com.microsoft")), version=1)
    dice.choice(model.opset_import).version = dice.choice(
        (*range(1, 26), 0, -1, 2**31 - 1, 2**31, -(2**31), 2**32, 2**62, 2**63 - 1, -(2**63))
    )


def _random_attribute(name: str, dice: random.Random) -> AttributeProto:
    kind = dice.randrange(9)
    if kind == 0:
        return helper.make_attribute(name, dice.choice(EXTREME))
    if kind == 1:
        count = dice.choice((1, 2, 3, 4, 4, 6, 100))
        return helper.make_attribute(name, [dice.choice(EXTREME) for _ in range(count)])
    if kind == 2:
        return helper.make_attribute(name, dice.choice(REALS))
    if kind == 3:
        return helper.make_attribute(name, [dice.choice(REALS) for _ in range(dice.choice((1, 4)))])
    if kind == 4:
        return helper.make_attribute(name, dice.choice(WORDS))
    if kind == 5:
        return helper.make_attribute(name, [dice.choice(WORDS) for _ in range(3)])
    if kind == 6:
        return helper.make_attribute(name, _random_tensor(dice))
    if kind == 7:
        return helper.make_attribute(name, helper.make_graph([], "body", [], []))
    return AttributeProto(name=name, type=dice.randrange(20))


def _random_tensor(dice: random.Random) -> TensorProto:
    if dice.random() < 0.3:  # dimensions without the data
        dims = [dice.choice(EXTREME) for _ in range(dice.choice((0, 1, 2, 4, 5)))]
        return TensorProto(name="t", data_type=dice.randrange(27), dims=dims)
    numbers = [dice.choice(EXTREME) for _ in range(dice.choice((0, 1, 1, 2, 4, 8)))]
    return numpy_helper.from_array(np.array(numbers, np.int64), "t")


def change_attribute(model: onnx.ModelProto, dice: random.Random) -> None:
    node = dice.choice([n for n in _graph(model, dice).node if n.attribute])
    a = dice.choice(node.attribute)
    if a.type == AttributeProto.INTS and a.ints and dice.random() < 0.7:
        a.ints[dice.randrange(len(a.ints))] = dice.choice(EXTREME)
    elif a.type == AttributeProto.INT and dice.random() < 0.7:
        a.i = dice.choice(EXTREME)
    elif dice.random() < 0.2:
        node.attribute.remove(a)
    else:
        a.CopyFrom(_random_attribute(a.name, dice))


def add_attribute(model: onnx.ModelProto, dice: random.Random) -> None:
    node = _node(model, dice)
    names = (
        "axis", "axes", "kernel_shape", "strides", "pads", "dilations", "group", "auto_pad", "perm",
        "to", "keepdims", "ceil_mode", "mode", "hidden_size", "num_outputs", "split", "blocksize",
        "equation", "output_shape", "output_padding", "count_include_pad", "direction", "body",
        "then_branch", "value", "value_ints", "allowzero", "num_scan_inputs", "opset", "node_name",
    )  # fmt: skip
    node.attribute.append(_random_attribute(dice.choice(names), dice))


def change_initializer(model: onnx.ModelProto, dice: random.Random) -> None:
    tensor = dice.choice(_graph(model, dice).initializer)
    how = dice.randrange(6)
    if how == 0:
        tensor.data_type = dice.randrange(28)
    elif how == 1 and tensor.dims:
        tensor.dims[dice.randrange(len(tensor.dims))] = dice.choice(EXTREME)
    elif how == 2:
        tensor.dims.append(dice.choice(EXTREME))
    elif how == 3:
        name = tensor.name
        tensor.CopyFrom(_random_tensor(dice))
        tensor.name = name
    elif how == 4:
        location = dice.choice(("../x", "/etc/passwd", "w.bin", "a\0b", "", "."))
        tensor.data_location = TensorProto.EXTERNAL
        tensor.external_data.add(key="location", value=location)
        tensor.external_data.add(key="offset", value=str(dice.choice(EXTREME)))
    else:
        array = np.array([dice.choice(EXTREME) for _ in range(max(1, min(8, len(tensor.dims))))])
        tensor.CopyFrom(numpy_helper.from_array(array, tensor.name))


def small_integers(model: onnx.ModelProto, dice: random.Random) -> None:
    """An integer constant, on which a shape may hang, gets other numbers."""
    found = [t for t in _graph(model, dice).initializer if t.data_type == TensorProto.INT64]
    found += [
        a.t for n in model.graph.node for a in n.attribute
        if a.HasField("t") and a.t.data_type == TensorProto.INT64
    ]  # fmt: skip
    tensor = dice.choice(found)
    array = numpy_helper.to_array(tensor).copy()
    array.ravel()[dice.randrange(array.size)] = dice.choice(EXTREME)
    tensor.CopyFrom(numpy_helper.from_array(array, tensor.name))


def drop_initializer(model: onnx.ModelProto, dice: random.Random) -> None:
    tensors = _graph(model, dice).initializer
    del tensors[dice.randrange(len(tensors))]


def change_dims(model: onnx.ModelProto, dice: random.Random) -> None:
    graph = _graph(model, dice)
    values = [*graph.input, *graph.input, *graph.value_info, *graph.output]
    dims = dice.choice(values).type.tensor_type.shape.dim
    how = dice.randrange(4)
    if how == 0:
        dims[dice.randrange(len(dims))].dim_value = dice.choice(EXTREME)
    elif how == 1:
        dims[dice.randrange(len(dims))].dim_param = dice.choice((*NAMES, "N", "H", "H"))
    elif how == 2:
        dims.add().dim_value = dice.choice((1, 2, 3, 2**40))
    else:
        del dims[dice.randrange(len(dims))]


def free_all_dims(model: onnx.ModelProto, dice: random.Random) -> None:
    for value in model.graph.input:
        for i, dim in enumerate(value.type.tensor_type.shape.dim):
            if dice.random() < 0.7:
                dim.dim_param = dice.choice(("H", "W", "N", f"{value.name}{i}"))


def change_type(model: onnx.ModelProto, dice: random.Random) -> None:
    graph = _graph(model, dice)
    value = dice.choice([*graph.input, *graph.output, *graph.value_info])
    how = dice.randrange(4)
    if how == 0:
        value.type.tensor_type.elem_type = dice.randrange(28)
    elif how == 1:
        value.ClearField("type")
    elif how == 2:
        value.type.tensor_type.ClearField("shape")
    else:
        inner = onnx.TypeProto()
        inner.CopyFrom(value.type)
        value.type.sequence_type.elem_type.CopyFrom(inner)


def rename(model: onnx.ModelProto, dice: random.Random) -> None:
    graph = _graph(model, dice)
    old, new = _some_name(graph, dice), dice.choice(NAMES)
    for node in graph.node:
        for names in (node.input, node.output):
            for i, name in enumerate(names):
                if name == old:
                    names[i] = new
    for value in (*graph.input, *graph.output, *graph.initializer, *graph.value_info):
        if value.name == old:
            value.name = new
    dice.choice(graph.node).name = dice.choice(NAMES)


def metadata(model: onnx.ModelProto, dice: random.Random) -> None:
    text = dice.choice(("[" * 3000, "['', 'a.b', 'c']", "[1, 2]", "{}", "['a', ['b']]", "9" * 5000))
    _node(model, dice).metadata_props.add(key="pkg.torch.onnx.name_scopes", value=text)
    _node(model, dice).metadata_props.add(key="pkg.torch.onnx.class_hierarchy", value=text)


def into_branch(model: onnx.ModelProto, dice: random.Random) -> None:
    """A node becomes the body of an If, captures and all."""
    graph = _graph(model, dice)
    at = dice.randrange(len(graph.node))
    inner = onnx.NodeProto()
    inner.CopyFrom(graph.node[at])
    outputs = [onnx.ValueInfoProto(name=name) for name in inner.output]
    body = helper.make_graph([inner], "branch", [], outputs)
    other = helper.make_graph([inner], "other", [], outputs)
    condition = _some_name(graph, dice)
    graph.node[at].CopyFrom(
        helper.make_node("If", [condition], list(inner.output), then_branch=body, else_branch=other)
    )


def into_loop(model: onnx.ModelProto, dice: random.Random) -> None:
    graph = _graph(model, dice)
    at = dice.randrange(len(graph.node))
    node = graph.node[at]
    state = [n for n in node.input if n][:1]
    inner = onnx.NodeProto()
    inner.CopyFrom(node)
    inputs = [
        helper.make_tensor_value_info("i", TensorProto.INT64, []),
        helper.make_tensor_value_info("c", TensorProto.BOOL, []),
        *(onnx.ValueInfoProto(name="carried") for _ in state),
    ]
    for i, name in enumerate(inner.input):
        if name in state:
            inner.input[i] = "carried"
    outputs = [onnx.ValueInfoProto(name=n) for n in ("c", *inner.output)]
    body = helper.make_graph([inner], "body", inputs, outputs)
    trips = numpy_helper.from_array(np.array(dice.choice(EXTREME), np.int64), f"trips{at}")
    graph.initializer.append(trips)
    node.CopyFrom(helper.make_node("Loop", [trips.name, "", *state], list(inner.output), body=body))


def into_function(model: onnx.ModelProto, dice: random.Random) -> None:
    """Some nodes become calls of a function, which may call itself."""
    node = _node(model, dice)
    inner = onnx.NodeProto()
    inner.CopyFrom(node)
    function = onnx.FunctionProto(name="F", domain="f")
    function.input.extend(dict.fromkeys(n for n in node.input if n))
    function.output.extend(node.output)
    if dice.random() < 0.2:
        inner.op_type, inner.domain = "F", "f"
    for a in list(inner.attribute):
        if dice.random() < 0.5 and not a.HasField("g"):
            function.attribute.append(a.name)
            a.CopyFrom(AttributeProto(name=a.name, type=a.type, ref_attr_name=a.name))
    function.node.append(inner)
    if dice.random() < 0.9:
        function.opset_import.extend(model.opset_import)
    model.functions.append(function)
    given = [n for n in node.input if n]
    node.op_type, node.domain = "F", "f"
    del node.input[:]
    node.input.extend(dict.fromkeys(given))


COUNTS = (
    "num_scan_inputs", "num_outputs", "group", "num_groups", "hidden_size", "axis", "block_size",
    "blocksize", "num_heads", "kv_num_heads", "q_num_heads", "batch_dims", "max_gram_length",
    "max_skip_count", "min_gram_length", "keepdims", "stash_type", "detect_negative", "size", "k",
    "to", "dtype", "seed", "select_last_index", "new_axis", "exclusive", "reverse", "start", "end",
)  # fmt: skip


def huge_count(model: onnx.ModelProto, dice: random.Random) -> None:
    """A number that counts something is zero, negative or absurd."""
    node = _node(model, dice)
    found = [a for a in node.attribute if a.type == AttributeProto.INT]
    if found and dice.random() < 0.7:
        dice.choice(found).i = dice.choice(EXTREME)
    else:
        node.attribute.append(helper.make_attribute(dice.choice(COUNTS), dice.choice(EXTREME)))


def long_list(model: onnx.ModelProto, dice: random.Random) -> None:
    """A list of numbers is empty, or has far more than there are axes."""
    node = dice.choice([n for n in _graph(model, dice).node if n.attribute])
    a = dice.choice(node.attribute)
    count = dice.choice((0, 1, 2, 65, 5000, 100_000))
    name = a.name
    a.Clear()
    a.name, a.type = name, AttributeProto.INTS
    a.ints.extend([dice.choice((0, 1, 2, -1, 3))] * count)


def retyped_attribute(model: onnx.ModelProto, dice: random.Random) -> None:
    """What is stored stays, what it is said to be changes."""
    a = dice.choice(dice.choice([n for n in _graph(model, dice).node if n.attribute]).attribute)
    if dice.random() < 0.3:
        a.ref_attr_name = dice.choice(("k", "axis", "kernel_shape", a.name))
    else:
        a.type = dice.randrange(16)


def real_numbers(model: onnx.ModelProto, dice: random.Random) -> None:
    """A small float constant, a scale for one, is no number, infinite or zero."""
    found = [
        t for t in _graph(model, dice).initializer
        if t.data_type == TensorProto.FLOAT and 0 < np.prod(t.dims) <= 64
    ]  # fmt: skip
    tensor = dice.choice(found)
    array = numpy_helper.to_array(tensor).copy()
    array.ravel()[dice.randrange(array.size)] = dice.choice(REALS)
    tensor.CopyFrom(numpy_helper.from_array(array, tensor.name))


def doubled_input(model: onnx.ModelProto, dice: random.Random) -> None:
    node = _node(model, dice)
    node.input.insert(dice.randrange(len(node.input) + 1), dice.choice(node.input))


def nested_branches(model: onnx.ModelProto, dice: random.Random) -> None:
    for _ in range(dice.choice((2, 5, 12))):
        dice.choice((into_branch, into_loop))(model, dice)


def change_function(model: onnx.ModelProto, dice: random.Random) -> None:
    """A function's ends, versions, attributes or nodes."""
    function = dice.choice(model.functions)
    how = dice.randrange(8)
    if how == 0:
        names = dice.choice((function.input, function.output))
        del names[dice.randrange(len(names))]
    elif how == 1:
        dice.choice((function.input, function.output)).append(dice.choice(NAMES))
    elif how == 2:
        dice.choice(function.opset_import).version = dice.choice((*range(1, 23), *EXTREME))
    elif how == 3:
        del function.opset_import[:]
    elif how == 4:
        function.attribute.append(dice.choice(("axis", "k", "kernel_shape", "")))
    elif how == 5:
        function.attribute_proto.append(_random_attribute(dice.choice(COUNTS), dice))
    elif how == 6:
        del function.node[dice.randrange(len(function.node))]
    else:
        other = dice.choice(model.functions)
        call = function.node.add(op_type=other.name, domain=other.domain)
        call.input.extend(dice.choice(function.input) for _ in other.input)
        call.output.extend(f"{name}'" for name in other.output)


def call_again(model: onnx.ModelProto, dice: random.Random) -> None:
    """Functions that call the one before several times: the model doubles with each."""
    function = dice.choice(model.functions)
    for i in range(dice.choice((1, 3, 20, 60))):
        made = model.functions.add(name=f"again{i}", domain=function.domain)
        made.input.extend(function.input)
        made.output.extend(function.output)
        made.opset_import.extend(function.opset_import)
        if not any(o.domain == function.domain for o in made.opset_import):
            made.opset_import.add(domain=function.domain, version=1)
        for k in range(2):
            call = made.node.add(op_type=function.name, domain=function.domain)
            call.input.extend(function.input)
            call.output.extend(name if k else f"{name}~" for name in function.output)
        function = made
    node = _node(model, dice)
    node.op_type, node.domain = function.name, function.domain


def shape_arithmetic(model: onnx.ModelProto, dice: random.Random) -> None:
    """A shape, or whatever an operator takes, is reckoned from free lengths and absurd numbers."""
    graph = model.graph
    if dice.random() < 0.8:
        free_all_dims(model, dice)
    stored = {t.name for t in graph.initializer if t.data_type == TensorProto.INT64}
    takers = [(n, i) for n in graph.node for i, name in enumerate(n.input) if name in stored]
    taker, place = (
        dice.choice(takers)
        if takers
        else (
            graph.node.add(op_type="ConstantOfShape", input=[""], output=["filled'"]), 0,
        )
    )  # fmt: skip
    last, nodes = "s'0", [helper.make_node("Shape", [dice.choice(graph.input).name], ["s'0"])]
    if dice.random() < 0.3:
        at = numpy_helper.from_array(np.array(dice.choice((0, 1, 2, -1))), "at'")
        graph.initializer.append(at)
        nodes.append(helper.make_node("Gather", [last, "at'"], ["g'"]))
        last = "g'"
    seen = [last]
    same = dice.random() < 0.4
    op = dice.choice(("Mul", "Add", "Div", "Pow", "Mod"))
    for i in range(dice.choice((1, 1, 2, 3, 8, 40, 200))):
        other = dice.choice(seen)
        if dice.random() < 0.6:
            other = f"k'{i}"
            number = np.array(dice.choice((*EXTREME, 2, 3, 5)), np.int64)
            graph.initializer.append(numpy_helper.from_array(number, other))
        if not same:
            op = dice.choice(("Mul", "Mul", "Add", "Sub", "Div", "Div", "Mod", "Pow", "Max", "Min"))
        ends = [last, other] if dice.random() < 0.8 else [other, last]
        nodes.append(helper.make_node(op, ends, [f"r'{i}"]))
        last = f"r'{i}"
        seen.append(last)
        if dice.random() < 0.1:
            how = dice.choice(("Neg", "Abs", "Identity", "Sign", "ReduceProd", "ReduceSum", "Cast"))
            given = {"Cast": {"to": dice.choice((1, 6, 7, 10, 11))}}.get(how, {})
            nodes.append(helper.make_node(how, [last], [f"u'{i}"], **given))
            last = f"u'{i}"
    taker.input[place] = last
    before = [onnx.NodeProto.FromString(n.SerializeToString()) for n in graph.node]
    del graph.node[:]
    graph.node.extend([*nodes, *before])


def random_subgraph_input(model: onnx.ModelProto, dice: random.Random) -> None:
    graph = dice.choice(list(_graphs(model.graph)))
    graph.input.add(name=dice.choice(NAMES))


def add_output(model: onnx.ModelProto, dice: random.Random) -> None:
    graph = _graph(model, dice)
    graph.output.add(name=_some_name(graph, dice))


STRUCTURAL: tuple[Callable[[onnx.ModelProto, random.Random], None], ...] = (
    drop_node, bypass_node, bypass_node, double_node, reorder, swap_inputs, other_input, cut_edge,
    count_of_inputs, count_of_outputs, other_operator, other_operator, other_version,
    change_attribute, change_attribute, change_attribute, add_attribute, change_initializer,
    change_initializer, small_integers, small_integers, drop_initializer, change_dims, change_dims,
    free_all_dims, change_type, rename, metadata, into_branch, into_loop, into_function,
    random_subgraph_input, add_output, huge_count, huge_count, long_list, retyped_attribute,
    real_numbers, doubled_input, nested_branches, change_function, change_function, call_again,
    shape_arithmetic, shape_arithmetic, shape_arithmetic,
)  # fmt: skip


# -- what is asked of each -----------------------------------------------------------------------


@contextlib.contextmanager
def time_limit(seconds: float) -> Iterator[None]:
    """Raises `Slow` in the body once it has computed for so long, whatever else the machine does."""

    def strike(*_: object) -> None:
        raise Slow(f"more than {seconds} s")

    before = signal.signal(signal.SIGPROF, strike)
    signal.setitimer(signal.ITIMER_PROF, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
        signal.signal(signal.SIGPROF, before)


def examine(
    model: object,
    dice: random.Random,
    *,
    validate: Callable[[object], None] | None = None,
    strict: bool = True,
    whole: bytes | None = None,
) -> str:
    """Analyse the model and ask the report for everything; the outcome in a word.

    Args:
        model: what `analyze` takes.
        dice: which layer's region is asked for.
        validate: what the report as JSON is given to.
        strict: a rule that failed or stumbled is a finding, though analysis goes on with a diagnostic.
        whole: the model before it was damaged: then everything else that a model can be asked for is
            asked, too (explanations, lint, conventions, limits, the difference from it).

    Raises whatever isn't a `CnnscopeError` with one line: that is a finding.
    """
    import cnnscope

    try:
        report = cnnscope.analyze(model)
    except cnnscope.CnnscopeError as error:
        check_error(str(error))
        return type(error).__name__
    ask(report, dice, validate=validate, strict=strict, whole=whole)
    return "report"


def check_error(said: str) -> None:
    """Raise where what an error says isn't one line for its reader."""
    assert said, "an error without words"
    assert "\n" not in said, f"an error of several lines: {said!r}"
    assert len(said) < 2500, f"an error of {len(said)} characters"
    check_words(said)


def ask(
    report: cnnscope.Report,
    dice: random.Random,
    *,
    validate: Callable[[object], None] | None = None,
    strict: bool = True,
    whole: bytes | None = None,
) -> None:
    """Ask a report for everything, as `examine` does of the one that it has made."""
    import json

    from laid_out import report_csv, report_html, report_json, report_markdown, report_text

    import cnnscope

    for found in report.diagnostics:
        check_words(found.message)
    failed = [d for d in report.diagnostics if d.code == "rule-failed" or STUMBLED in d.message]
    if failed and strict:
        raise RuleFailed(failed[0].message)
    for text in (report_text(report, 100), report_markdown(report), report_html(report)):
        assert "\x1b" not in text
    if whole is not None:
        _ask_everything(report, whole, dice)
    table = report_csv([report])
    assert len(table.splitlines()) == len(report.layers) + 1
    written = json.loads(report_json([report], tensors=True), parse_constant=_refuse)
    if validate is not None:
        validate(written)
    assert report.graph.number_of_nodes() >= len(report.layers)
    if len(report.layers):
        layer = dice.choice(list(report.layers))
        shape = layer.output_shape
        if shape and all(isinstance(d, int) and d > 0 for d in shape):
            unit = [dice.randrange(d) for d in shape]
            with contextlib.suppress(ValueError, cnnscope.CnnscopeError):
                layer.region(unit)


#: what Python, numpy and protobuf say of their own affairs, which tells nobody what is wrong
PYTHONS_WORDS = (
    "by zero", "cannot convert float", "index out of range", "NoneType", "object is not", "Traceback",
    "object has no attribute", "KeyError", "unsupported operand", "invalid literal", "not iterable",
    "values to unpack", "int too large", "too large to convert", "math domain", "empty sequence",
    "iterable argument is empty", "must be real", "Exceeds the limit", "object of type", "<class '",
    "cannot reshape", "could not be broadcast", "slice indices", "negative shift", "range() arg",
    "unhashable", "required positional", "positional argument", "codec can't", "google.protobuf",
    "out-of-bounds", "must be str", "not supported between", "TypeError", "ValueError", "IndexError",
    "internal error", "dataclass", "0x7f", "maximum recursion", "NaN to integer", "infinity to integer",
    "DecodeError", "onnx.ModelProto", "onnx.NodeProto", "array is too big", "Maximum allowed",
)  # fmt: skip


def check_words(text: str) -> None:
    """Raise where a line holds words that aren't meant for its reader."""
    for words in PYTHONS_WORDS:
        assert words not in text, f"{words!r} in {text[:300]!r}"


def _ask_everything(report: cnnscope.Report, whole: bytes, dice: random.Random) -> None:
    """Whatever else a model can be asked for: each gives an answer or one clear line."""
    from laid_out import explanation_text

    import cnnscope
    from cnnscope.analyzer.counters.conventions import all_conventions

    try:
        for layer in dice.sample(list(report.layers), min(3, len(report.layers))):
            check_words(explanation_text(layer.explain(), 100))
        for one in all_conventions(report):
            check_words(str(one))
        check_words(str(cnnscope.diff(whole, report)))
        check_words(str(cnnscope.compare([report, whole])))
        done = cnnscope.check([report], {"macs": "1 G", "receptive_field": ">= 3", "params": "1 M"})
        check_words(str(done))
        for problem in done.problems:
            check_words(problem.message)
        for found in cnnscope.lint(report):
            check_words(found.message)
    except cnnscope.CnnscopeError as error:
        check_words(str(error))


class RuleFailed(Exception):
    """A rule raised what no rule should: it has to say `ValueError` or `Undetermined`."""


def _refuse(constant: str) -> None:
    raise ValueError(f"{constant} in JSON")


def peak_bytes() -> int:
    """The most memory this process has had so far."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


def now() -> float:
    """Seconds that this process has computed."""
    return time.process_time()
