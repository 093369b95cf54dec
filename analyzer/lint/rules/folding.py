"""CNS501 and CNS502: which layers could be folded away, or do nothing?"""

from __future__ import annotations

from collections.abc import Iterator

from cnnscope.analyzer.lint.families import LINEAR
from cnnscope.analyzer.lint.references import ORT
from cnnscope.analyzer.lint.rule import Hit, Page, Subject, rule, total, traffic
from cnnscope.analyzer.values.notation import many

_BN = (
    "Ioffe, Szegedy: Batch Normalization: Accelerating Deep Network Training by Reducing Internal "
    "Covariate Shift. ICML 2015. arXiv:1502.03167"
)


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
        references=(_BN, ORT),
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
        if before is None or before.kind.family not in LINEAR:
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
        references=(ORT,),
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
