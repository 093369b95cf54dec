"""CNS601 to CNS607, and CNS610: will it run where it is going to?"""

from __future__ import annotations

from collections.abc import Iterator

from cnnscope.analyzer.lint.rule import Hit, Page, Subject, rule, total
from cnnscope.analyzer.report.fact_source import Value
from cnnscope.analyzer.values.dimension import FreeDim
from cnnscope.analyzer.values.notation import many, name
from cnnscope.analyzer.values.notation import shape as shape_text
from cnnscope.analyzer.values.tensor import Shape, plain_shape

_VERSIONS = "ONNX: Versioning. https://onnx.ai/onnx/repo-docs/Versioning.html"
_COMPATIBILITY = (
    "ONNX Runtime: Compatibility. https://onnxruntime.ai/docs/reference/compatibility.html"
)
_PROVIDERS = "ONNX Runtime: Execution providers. https://onnxruntime.ai/docs/execution-providers/"
_EXTERNAL = "ONNX: External data. https://onnx.ai/onnx/repo-docs/ExternalData.html"


@rule(
    "CNS601",
    "double-precision",
    "warning",
    Page(
        what="Finds layers that compute in 64-bit floating point.",
        why="Twice the bytes, a 32nd to a 64th of the speed on most consumer GPUs, and no kernel at all in "
        "several providers. It is nearly always a Python number that became a float64 tensor.",
        how="Layers that do arithmetic and give or read float64 tensors with an axis, in "
        "subgraphs, too.",
        example="`x * numpy.float64(0.5)` traced into a Cast to float64 and back.",
        todo="Cast the constant to float32 before export.",
        references=("NVIDIA: CUDA C++ Programming Guide, arithmetic instructions. "
                    "https://docs.nvidia.com/cuda/cuda-c-programming-guide/",),
    ),
)  # fmt: skip
def double_precision(subject: Subject) -> Iterator[Hit]:
    found = []
    for layer in subject.all_layers:
        values = [*layer.outputs, *(v for v in layer.operands if v is not None)]
        wide = any(v.dtype in ("float64", "complex128") and v.shape != () for v in values)
        if wide and not layer.bodies and layer.flops:
            found.append(layer)
    if found:
        yield Hit(
            tuple(layer.name for layer in found),
            f"{many(len(found), 'layer')} in float64",
            {"flops": total(layer.flops for layer in found)},
        )


@rule(
    "CNS602",
    "free-dimensions",
    "info",
    Page(
        what="Says which inputs have free dimensions besides the batch.",
        why="Buffers can't be planned ahead, TensorRT wants a profile for each, several providers "
        "(NNAPI, QNN, CoreML) don't take them at all, and every figure here holds for the "
        "length it was bound to.",
        how="The declared shapes of the model's inputs. The batch is the free dimension that every "
        "operator only carries along, on whichever axis it lies; a free first axis that something looks "
        "along or takes together isn't it.",
        example="`input: [N, 3, H, W]`: H and W are free.",
        todo="Fix them at export, or with `onnxruntime.tools.make_dynamic_shape_fixed`.",
        references=(
            "ONNX Runtime: Making dynamic input shapes fixed. "
            "https://onnxruntime.ai/docs/tutorials/mobile/helpers/make-dynamic-shape-fixed.html",
        ),
    ),
)
def free_dimensions(subject: Subject) -> Iterator[Hit]:
    for x in subject.report.inputs:
        shape = x.declared.shape
        if shape is None:
            yield Hit((), f"input {name(x.name)} declares no shape", subject=x.name)
            continue
        batch = subject.particulars.batch
        named = (f"{x.name}:{i}" if str(d) == "?" else str(d) for i, d in enumerate(shape))
        free = [
            label for label, d in zip(named, shape, strict=True)
            if isinstance(d, FreeDim) and label != batch
        ]  # fmt: skip
        if free:
            said = (
                "more than the batch is" if len(free) < _free(shape) else "what isn't the batch is"
            )
            yield Hit(
                (),
                f"input {name(x.name)} is declared as {shape_text(plain_shape(shape))}: {said} free",
                subject=x.name,
            )


def _free(shape: Shape) -> int:
    return sum(isinstance(dim, FreeDim) for dim in shape)


@rule(
    "CNS603",
    "opset-too-old",
    "warning",
    Page(
        what="With `--target-opset`: the model is written for an older opset than the target's.",
        why="Converters and compilers support old versions of operators less well, and what newer "
        "ones say in one node (LayerNormalization, GroupNormalization, Gelu) is spelled out in "
        "many.",
        how="The version of the domain ai.onnx that the model imports, against the target's.",
        example="A model of opset 9 for a target that wants 17.",
        todo="Export it anew with that opset, or use `onnx.version_converter`.",
        references=(_VERSIONS, _COMPATIBILITY),
    ),
)
def opset_too_old(subject: Subject) -> Iterator[Hit]:
    own, target = subject.report.model.opsets.get(""), subject.options.target_opset
    if own is not None and target is not None and own < target:
        yield Hit((), f"the model is written for opset {own}, the target for {target}")


@rule(
    "CNS604",
    "opset-too-new",
    "error",
    Page(
        what="With `--target-opset`: the model is written for a newer opset than the target knows.",
        why="A runtime refuses models of an opset it doesn't know.",
        how="The version of the domain ai.onnx that the model imports, against the target's.",
        example="A model of opset 21 for a TensorRT 8.5, which reads up to 17.",
        todo="Export it with the target's opset, or use `onnx.version_converter`.",
        references=(_VERSIONS, _COMPATIBILITY),
    ),
)
def opset_too_new(subject: Subject) -> Iterator[Hit]:
    own, target = subject.report.model.opsets.get(""), subject.options.target_opset
    if own is not None and target is not None and own > target:
        yield Hit((), f"the model is written for opset {own}, the target knows {target}")


@rule(
    "CNS605",
    "no-kernel",
    "warning",
    Page(
        what="With `--provider`: layers that the provider has no kernel for.",
        why="They run on the CPU instead: each border costs copies both ways, and a synchronisation. "
        "On the CPU itself float16 is computed in float32 between casts, and for other dtypes the "
        "model doesn't load.",
        how="The kernels that the installed ONNX Runtime registers for the provider, by operator, "
        "opset version and dtypes. Providers that compile whole subgraphs (TensorRT, OpenVINO, "
        "CoreML, ...) register none, so nothing can be said of them: that is an error of the "
        "command, not a finding. ONNX Runtime's optimisations may remove a layer, or put another "
        "in its place, before it looks for kernels.",
        example="A float64 convolution for the CPU provider.",
        todo="Use another operator or dtype, or accept the layer on the CPU.",
        references=(_PROVIDERS,),
    ),
)
def no_kernel(subject: Subject) -> Iterator[Hit]:
    if subject.kernels is None:
        return
    for provider in subject.options.providers:
        reasons: dict[str, list[str]] = {}
        macs = 0
        for layer in subject.layers:
            called = subject.particulars.called(layer.name)
            if called is None:
                continue
            domain, operator, version = called
            inputs = [_plain_dtype(value) for value in layer.operands]
            outputs = [_plain_dtype(value) for value in layer.outputs]
            reason = subject.kernels.missing(provider, domain, operator, version, inputs, outputs)
            if reason is not None:
                reasons.setdefault(reason, []).append(layer.name)
                macs += layer.macs or 0
        if reasons:
            said = "; ".join(list(reasons)[:3]) + ("; ..." if len(reasons) > 3 else "")
            names = [layer for layers in reasons.values() for layer in layers]
            yield Hit(
                tuple(names),
                f"no kernel in the provider {name(provider)} for {many(len(names), 'layer')}: {said}",
                {"macs": macs},
                subject=provider,
            )


def _plain_dtype(value: Value | None) -> str | None:
    """A tensor's dtype; of sequences and optional values the element's says nothing."""
    return None if value is None or value.tensor.kind != "tensor" else value.dtype


@rule(
    "CNS606",
    "external-data-outside",
    "error",
    Page(
        what="The model's weights are said to lie outside its folder.",
        why="Such a path could be any file of whoever opens the model, so ONNX and ONNX Runtime "
        "refuse it, and cnnscope too. It also breaks when the model is moved.",
        how="The locations of external data, followed through links. The model isn't analysed, so "
        "this is the only finding.",
        example="`location: ../weights/model.bin`, or an absolute path.",
        todo="Save the model anew with its data beside it: "
        "`onnx.save_model(..., save_as_external_data=True, location='model.bin')`.",
        references=(_EXTERNAL, "CVE-2022-25882: directory traversal in ONNX's external data"),
    ),
)
def external_data_outside(subject: Subject) -> Iterator[Hit]:
    # A model like that has no report: `lint` makes the finding of the error that says so.
    return iter(())


@rule(
    "CNS607",
    "external-data-missing",
    "info",
    Page(
        what="Files that the model's weights should be in are missing or too short.",
        why="The model can't run. Everything else here is known without its weights.",
        how="The locations of external data beside the model, and their sizes.",
        example="A checkout without its large files (Git LFS).",
        todo="Put the files named next to the model.",
        references=(_EXTERNAL,),
    ),
)
def external_data_missing(subject: Subject) -> Iterator[Hit]:
    missing = subject.particulars.file.missing
    if missing:
        shown = ", ".join(name(x, 60) for x in missing[:3]) + (", ..." if len(missing) > 3 else "")
        size = total(x.nbytes for x in subject.particulars.holdings)
        yield Hit((), f"external data is missing or too short: {shown}", {"bytes": size})


@rule(
    "CNS610",
    "invalid-node",
    "error",
    Page(
        what="Says which nodes contradict what they are given, so that no runtime can run the model.",
        why="A runtime refuses such a model when it loads it, or fails when it reaches the node; and "
        "nothing is known of what comes after it.",
        how="Each operator's rule, with the shapes that the model's inputs are bound to: lengths that "
        "don't fit each other, axes that aren't there, inputs or attributes that are missing.",
        example="A GRU whose initial state is stored for a batch of 1, run with a batch of 4.",
        todo="Export the model anew, or bind its inputs to sizes that it was made for.",
        references=("ONNX: Operators. https://onnx.ai/onnx/operators/",),
    ),
)
def invalid_node(subject: Subject) -> Iterator[Hit]:
    for error in subject.report.errors:
        layers = () if error.layer is None else (error.layer,)
        yield Hit(layers, error.message)
