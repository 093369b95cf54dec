"""CNS5xx: is there anything in the graph that needn't be?"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping

from cnnscope.analyzer.lint.evidence import Holding
from cnnscope.analyzer.lint.rule import Hit, Page, Subject, many, rule, total, traffic
from cnnscope.analyzer.report.layer import Layer
from cnnscope.analyzer.values.notation import count, name, nbytes

_BN = (
    "Ioffe, Szegedy: Batch Normalization: Accelerating Deep Network Training by Reducing Internal "
    "Covariate Shift. ICML 2015. arXiv:1502.03167"
)
_ORT = (
    "ONNX Runtime: Graph optimizations. "
    "https://onnxruntime.ai/docs/performance/model-optimizations/graph-optimizations.html"
)
_IR = "ONNX: Open Neural Network Exchange Intermediate Representation. https://onnx.ai/onnx/repo-docs/IR.html"
_QDQ = (
    "ONNX Runtime: Quantize ONNX models, QDQ format. "
    "https://onnxruntime.ai/docs/performance/model-optimizations/quantization.html"
)
_TRT = (
    "NVIDIA TensorRT: Working with quantized types, Q/DQ placement recommendations. "
    "https://docs.nvidia.com/deeplearning/tensorrt/latest/inference-library/work-quantized-types.html"
)

#: layers that are one linear map, into which an affine map behind them can be folded
_LINEAR = frozenset({"convolution", "transposed convolution", "matrix product"})
#: bytes up to which a leftover isn't worth a word
_CRUMBS = 1024


@rule(
    "CNS501",
    "unfolded-normalisation",
    "warning",
    Page(
        what="Finds normalisations with stored statistics that could be folded into the "
        "convolution or fully connected layer before them.",
        why="With fixed statistics they are a multiplication and an addition per channel, which "
        "the weights and biases before them can take in. Left in the graph they read and write the "
        "whole map once more, and quantisers see two scales for one layer.",
        how="A normalisation with stored statistics (batch normalisation in inference) whose data "
        "is given by a layer with weights, and read by nothing else. One in training mode, which takes "
        "its statistics from the batch at hand, stays. Bytes at stake: what the normalisations "
        "read and write.",
        example="An export of ResNet-50 in training mode, or with constant folding off: 53 batch "
        "normalisations.",
        todo="Export in evaluation mode with constant folding, or let a simplifier fold them. "
        "ONNX Runtime does it when it loads the model; other places of deployment may not.",
        references=(_BN, _ORT),
    ),
)
def unfolded_normalisation(subject: Subject) -> Iterator[Hit]:
    found = []
    for layer in subject.layers:
        if layer.kind.family != "normalization" or not layer.buffers:
            continue
        if not subject.particulars.pointwise(layer.name):
            continue  # it works its statistics out of the batch
        before = subject.givers.get(subject.data(layer))
        if before is None or before.kind.family not in _LINEAR:
            continue
        if subject.only_reader(before) is not layer or not (before.params or before.shared_params):
            continue
        found.append(layer)
    if found:
        yield Hit(
            tuple(layer.name for layer in found),
            f"{many(len(found), 'normalisation')} with fixed statistics could be part of the "
            "weights before",
            {
                "bytes": sum(traffic(layer) for layer in found),
                "params": total(layer.params + layer.buffers for layer in found),
            },
        )


@rule(
    "CNS502",
    "leftover-identity",
    "info",
    Page(
        what="Finds identities, and dropout left over from training, that do nothing at inference.",
        why="A runtime that doesn't remove them copies the tensor; others fail to fuse the layers "
        "on both sides. They hint at an export without simplification.",
        how="Layers of the families identity and dropout whose result is read inside the graph. "
        "One that only gives an output its name is left out, and so is dropout that is in training "
        "mode, or may be: it drops.",
        example="`Conv -> Dropout -> Gemm` of an exporter that keeps what only training needs.",
        todo="Export in evaluation mode, or simplify the graph.",
        references=(_ORT,),
    ),
)
def leftover_identity(subject: Subject) -> Iterator[Hit]:
    outputs = {x.name for x in subject.report.outputs}
    found = [
        layer
        for layer in subject.layers
        if layer.kind.family in ("identity", "dropout")
        and layer.flops == 0
        and not any(value.name in outputs for value in layer.outputs)
    ]
    if found:
        yield Hit(
            tuple(layer.name for layer in found),
            f"{many(len(found), 'layer')} of no effect at inference",
            {"bytes": sum(traffic(layer) for layer in found)},
        )


@rule(
    "CNS503",
    "dead-layers",
    "warning",
    Page(
        what="Finds layers whose results lead to no output.",
        why="They are computed for nothing where the runtime doesn't remove them, and are counted "
        "in every figure. Often an auxiliary head or a loss that was left in the export.",
        how="Everything that an output, or a subgraph, depends on is found by walking back from "
        "them; what is left over is dead. Without MACs and parameters it is information, and so is "
        "a layer of whose result only the shape is used.",
        example="GoogLeNet exported with its auxiliary classifiers, whose outputs aren't outputs "
        "of the model.",
        todo="Remove them, or make their results outputs.",
        references=(_IR,),
    ),
)
def dead_layers(subject: Subject) -> Iterator[Hit]:
    wanted = set(subject.ends)
    dead: list[Layer] = []
    for layer in reversed(subject.layers):
        if any(value.name in wanted for value in layer.outputs):
            wanted.update(layer.inputs)
        else:
            dead.append(layer)
    dead.reverse()
    shapes = [layer for layer in dead if layer.name in subject.particulars.leading]
    if shapes:
        yield Hit(
            tuple(layer.name for layer in shapes),
            f"of the results of {many(len(shapes), 'layer')} only the shape is used",
            {"bytes": sum(traffic(x) for x in shapes)},
            "take the shape from what is before them, or simplify the graph",
            "info",
            "shapes",
        )
    dead = [layer for layer in dead if layer.name not in subject.particulars.leading]
    if dead:
        macs, params = total(x.macs for x in dead), total(x.params for x in dead)
        yield Hit(
            tuple(layer.name for layer in dead),
            f"no output of the model depends on {many(len(dead), 'layer')}",
            {"macs": macs, "params": params, "bytes": sum(traffic(x) for x in dead)},
            severity=None if macs or params else "info",
        )


@rule(
    "CNS504",
    "unused-weights",
    "warning",
    Page(
        what="Finds tensors stored in the file that nothing reads.",
        why="They are shipped, loaded and kept in memory for nothing.",
        how="Initializers of the main graph that are no node's input, no subgraph's, and no output; "
        "together at least 1 KiB.",
        example="A head that was cut off with the graph's nodes, its weights left behind.",
        todo="Remove them: `onnx.utils.extract_model`, or a simplifier, does.",
        references=(_IR,),
    ),
)
def unused_weights(subject: Subject) -> Iterator[Hit]:
    unused = [x for x in subject.particulars.holdings if not x.read]
    size = total(x.nbytes for x in unused)
    if unused and size >= _CRUMBS:
        yield Hit(
            (),
            f"nothing reads {many(len(unused), 'stored tensor')}, {nbytes(size)}: "
            f"{_names([x.name for x in unused])}",
            {"bytes": size},
        )


@rule(
    "CNS505",
    "duplicated-weights",
    "warning",
    Page(
        what="Finds weights that are stored more than once, bit for bit.",
        why="Weights that layers share, a tied embedding for one, are often written once per use: "
        "the file and the memory hold them several times.",
        how="With `--weights`: stored tensors of 1 KiB or more with equal dtype and shape are "
        "compared by a hash of their bytes. Bytes at stake: all copies but the first. Tensors "
        "filled with one number are left out.",
        example="A language model whose embedding and output projection are tied, exported as two "
        "tensors.",
        todo="Let both layers name one initializer.",
        references=("Press, Wolf: Using the Output Embedding to Improve Language Models. EACL "
                    "2017. arXiv:1608.05859",),
    ),
)  # fmt: skip
def duplicated_weights(subject: Subject) -> Iterator[Hit]:
    if not subject.options.weights:
        return
    alike: dict[tuple[object, object], list[Holding]] = {}
    for holding in subject.particulars.holdings:
        if holding.read and (holding.nbytes or 0) >= _CRUMBS:
            key = holding.tensor.dtype, holding.tensor.shape
            alike.setdefault(key, []).append(holding)
    for group in alike.values():
        if len(group) < 2:
            continue
        same: dict[bytes, list[Holding]] = {}
        for holding in group:
            digest = _digest(subject, holding.name)
            if digest is not None:
                same.setdefault(digest, []).append(holding)
        for copies in same.values():
            if len(copies) > 1:
                size = total(x.nbytes for x in copies[1:])
                yield Hit(
                    tuple(dict.fromkeys(layer for x in copies for layer in x.layers)),
                    f"{len(copies)} stored tensors hold the same numbers: "
                    f"{_names([x.name for x in copies])}",
                    {"bytes": size},
                    subject=copies[0].name,
                )


def _digest(subject: Subject, tensor: str) -> bytes | None:
    """A hash of a tensor's bytes, None where they can't be read or are one number over and over."""
    numbers = subject.particulars.numbers(tensor)
    if numbers is None or not numbers.size:
        return None
    flat = numbers.reshape(-1)
    if (flat[: 1 << 20] == flat[0]).all() and (flat == flat[0]).all():
        return None
    hashed = hashlib.blake2b(digest_size=16)
    for first in range(0, flat.size, 1 << 20):
        hashed.update(flat[first : first + (1 << 20)].tobytes())
    return hashed.digest()


# -- pairs -----------------------------------------------------------------------------------------


@rule(
    "CNS506",
    "consecutive-transposes",
    "info",
    Page(
        what="Finds two transposes in a row: they cancel, or are one.",
        why="Each moves the whole tensor through memory. Pairs are what a conversion between "
        "layouts (NHWC, NCHW) leaves behind.",
        how="A layer that only reorders axes and reads the result of another one. They cancel if "
        "the second order undoes the first; otherwise they merge if nothing else reads what is "
        "between.",
        example="`Transpose(0,3,1,2) -> Transpose(0,2,3,1)` around a layer that was removed.",
        todo="Remove or merge them; simplifiers and ONNX Runtime's transpose optimiser do.",
        references=(_ORT,),
    ),
)
def consecutive_transposes(subject: Subject) -> Iterator[Hit]:
    pairs: list[tuple[Layer, Layer, bool]] = []
    taken: set[str] = set()
    for second in subject.layers:
        order = subject.particulars.permutation(second.name)
        first = None if order is None else subject.givers.get(subject.data(second))
        if order is None or first is None or first.name in taken:
            continue
        before = subject.particulars.permutation(first.name)
        if before is None or len(before) != len(order):
            continue
        together = [before[axis] for axis in order]
        cancels = together == sorted(together)
        if cancels or subject.only_reader(first) is second:
            pairs.append((first, second, cancels))
            taken.add(second.name)
    yield from _told(subject, pairs, "transposes")


#: what a dtype holds exactly: bits of the fraction (with the leading one) and range
_HOLDS: Mapping[str, tuple[str, int, int]] = {
    "bool": ("u", 1, 0), "uint4": ("u", 4, 0), "uint8": ("u", 8, 0), "uint16": ("u", 16, 0),
    "uint32": ("u", 32, 0), "uint64": ("u", 64, 0), "int4": ("i", 3, 0), "int8": ("i", 7, 0),
    "int16": ("i", 15, 0), "int32": ("i", 31, 0), "int64": ("i", 63, 0),
    "float16": ("f", 11, 5), "bfloat16": ("f", 8, 8), "float32": ("f", 24, 8),
    "float64": ("f", 53, 11),
}  # fmt: skip


def _holds(wide: str | None, narrow: str | None) -> bool:
    """Every number of the narrow dtype is one of the wide dtype, too."""
    if wide is None or narrow is None or wide not in _HOLDS or narrow not in _HOLDS:
        return False
    (kind, bits, span), (inner, inner_bits, inner_span) = _HOLDS[wide], _HOLDS[narrow]
    if kind == "f":
        return bits >= inner_bits and span >= inner_span
    if inner == "f" or (kind == "u" and inner == "i"):
        return False
    return bits >= inner_bits


@rule(
    "CNS507",
    "consecutive-casts",
    "info",
    Page(
        what="Finds two casts in a row where the first loses nothing: they cancel, or are one.",
        why="Each reads and writes the whole tensor, and a pair around nothing is what an "
        "automatic conversion to half precision leaves behind.",
        how="A conversion that reads another one's result, whose dtype holds every number of the "
        "dtype before. They cancel if the last dtype is the first one; otherwise they merge if "
        "nothing else reads what is between. A detour over a narrower dtype rounds, and is left "
        "alone.",
        example="`Cast(float16 to float32) -> Cast(float32 to float16)`.",
        todo="Remove or merge them; keep islands in one precision.",
        references=(_ORT,),
    ),
)
def consecutive_casts(subject: Subject) -> Iterator[Hit]:
    pairs: list[tuple[Layer, Layer, bool]] = []
    taken: set[str] = set()
    for second in subject.layers:
        if second.kind.family != "conversion" or not second.outputs:
            continue
        first = subject.givers.get(subject.data(second))
        if first is None or first.kind.family != "conversion" or first.name in taken:
            continue
        source = next((v for v in first.operands if v is not None), None)
        if source is None or not _holds(first.outputs[0].dtype, source.dtype):
            continue
        cancels = source.dtype == second.outputs[0].dtype
        if cancels or subject.only_reader(first) is second:
            pairs.append((first, second, cancels))
            taken.add(second.name)
    yield from _told(subject, pairs, "casts")


def _told(subject: Subject, pairs: list[tuple[Layer, Layer, bool]], what: str) -> Iterator[Hit]:
    if not pairs:
        return
    cancelled = sum(1 for _, _, cancels in pairs if cancels)
    merged = len(pairs) - cancelled
    said = [f"{cancelled} cancel"] if cancelled else []
    said += [f"{merged} could be one"] if merged else []
    spared = 0
    for first, second, cancels in pairs:
        spared += traffic(second)
        if cancels and subject.only_reader(first) is second:
            spared += traffic(first)
    yield Hit(
        tuple(dict.fromkeys(layer.name for pair in pairs for layer in pair[:2])),
        f"{many(len(pairs), 'pair')} of {what} in a row: {' and '.join(said)}",
        {"bytes": spared},
    )


_QUIET = frozenset({"data movement", "identity", "dropout"})


@rule(
    "CNS508",
    "dangling-quantization",
    "warning",
    Page(
        what="Finds layers with MACs that run in floating point because only one of their operands "
        "is dequantised, and quantise-dequantise pairs that no quantised layer uses.",
        why="Runtimes run a layer in integers only when its data and its weights both come from a "
        "dequantisation. With one of them missing, the other's rounding costs accuracy, its "
        "nodes cost time, and nothing is gained.",
        how="An operand is quantised if it comes, over changes of shape only, from a layer that "
        "turns integers into floats, or is made from weights stored as 8-bit integers. A layer of "
        "matrix products is dangling if its operands of two axes and more are partly so; biases "
        "don't count. Layers whose weights alone are quantised (weight-only quantisation) are "
        "left out when the model quantises no activations at all.",
        example="A static quantisation that skipped a layer's weights: `Quantize -> Dequantize -> "
        "Conv` with float weights.",
        todo="Quantise the other operand, too, or take the pair away.",
        references=(_QDQ, _TRT),
    ),
)
def dangling_quantization(subject: Subject) -> Iterator[Hit]:
    pairs = [x for x in subject.layers if _turns(x, "float")]
    if not pairs:
        return
    narrow: dict[str, set[str]] = {}
    for holding in subject.particulars.holdings:
        shape = holding.tensor.shape
        if shape is not None and len(shape) > 1 and holding.tensor.dtype in _NARROW:
            for user in holding.layers:
                narrow.setdefault(user, set()).add(holding.name)
    found = []
    for layer in subject.layers:
        if layer.kind.family not in _LINEAR or not layer.macs:
            continue
        quantised: list[bool] = []
        for value in layer.operands:
            if value is None or value.shape is None or len(value.shape) < 2:
                continue
            if value.dtype is None or "float" not in value.dtype:
                quantised = []
                break
            if value.tensor.constant:
                quantised.append(bool(narrow.get(layer.name)))
            else:
                quantised.append(_dequantised(subject, value.name))
        if True in quantised and False in quantised:
            found.append(layer)
    if found:
        yield Hit(
            tuple(layer.name for layer in found),
            f"{many(len(found), 'layer')} with one operand dequantised and another in floating point: "
            "no way to run in integers",
            {"macs": total(layer.macs for layer in found)},
        )


_NARROW = frozenset({"int8", "uint8", "int4", "uint4", "int16", "uint16"})


def _turns(layer: Layer, into: str) -> bool:
    """A quantising layer that gives floats (or, else, takes them)."""
    if layer.kind.family != "quantization" or not layer.outputs:
        return False
    return (into in (layer.outputs[0].dtype or "")) and "int" in (
        (layer.operands[0].dtype or "") if layer.operands and layer.operands[0] else ""
    )


def _dequantised(subject: Subject, tensor: str) -> bool:
    giver = subject.givers.get(tensor)
    while giver is not None and giver.kind.family in _QUIET:
        giver = subject.givers.get(subject.data(giver))
    return giver is not None and _turns(giver, "float")


def _names(names: list[str]) -> str:
    shown = ", ".join(name(text, 60) for text in names[:3])
    return shown + (f" and {count(len(names) - 3)} more" if len(names) > 3 else "")
