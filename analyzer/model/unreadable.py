"""What is said of a file that isn't a readable model?"""

from __future__ import annotations

from typing import Final

from google.protobuf.message import Error as ProtobufError
from onnx import TensorProto

# What protobuf, onnx and numpy raise about bytes that make no sense.
NONSENSE: Final = (
    ProtobufError,
    ValueError,
    TypeError,
    KeyError,
    IndexError,
    AttributeError,
    OverflowError,
    MemoryError,
    RecursionError,
    RuntimeError,
    NotImplementedError,
)

_SIGNATURES: Final = (
    (0, b"version https://git-lfs", "this is a Git LFS pointer, not the model; run git lfs pull"),
    (4, b"ORTM", "this is ONNX Runtime's own format (.ort); use the .onnx it was made from"),
    (4, b"TFL3", "this is a TensorFlow Lite model; convert it to ONNX (tf2onnx)"),
    (0, b"PK\x03\x04", "this is a zip archive, perhaps a PyTorch model; export it to ONNX"),
    (0, b"\x1f\x8b", "this is compressed with gzip; decompress it first"),
    (0, b"BZh", "this is compressed with bzip2; decompress it first"),
    (0, b"\xfd7zXZ\0", "this is compressed with xz; decompress it first"),
    (0, b"\x28\xb5\x2f\xfd", "this is compressed with zstd; decompress it first"),
    (0, b"7z\xbc\xaf\x27\x1c", "this is a 7-Zip archive; unpack it and give the .onnx file"),
    (257, b"ustar", "this is a tar archive; unpack it and give the .onnx file"),
    (0, b"GGUF", "this is a GGUF file: weights without a graph; export the model to ONNX"),
    (0, b"\x89PNG", "this is a picture, not a model"),
    (0, b"\xff\xd8\xff", "this is a picture, not a model"),
    (0, b"%PDF", "this is a PDF document, not a model"),
    (0, b"\x7fELF", "this is a program or library, not a model"),
    (0, b"\x89HDF", "this is an HDF5 file, perhaps a Keras model; convert it to ONNX"),
    (0, b"\x93NUMPY", "this is a numpy array; give the .onnx file"),
    (8, b'{"', "this is a safetensors file: weights without a graph; export the model to ONNX"),
    (0, b"<!doctype html", "this is a web page, not a model; download the file itself"),
    (0, b"<html", "this is a web page, not a model; download the file itself"),
    (0, b"<?xml", "this is XML, perhaps an OpenVINO model; use the .onnx it was made from"),
    (0, b"ir_version:", "this is a model as protobuf text; rename it to .textproto"),
    (0, b"PAR1", "this is a table, perhaps of a scan: see cnnscope scan --summary"),
    (0, b'{"path":', "this is JSON, perhaps the table of a scan: see cnnscope scan --summary"),
    (0, b"{", "this is JSON; if it is a model, rename it to .onnxjson"),
)


def looks_like(head: bytes) -> str | None:
    """What a file that isn't a model seems to be; asked only once it is known not to be one."""
    text = head.removeprefix(b"\xef\xbb\xbf").lstrip()
    if text[:1] == b"<" and b"ir_version" in text:
        return "this is a model as onnx's own text; rename it to .onnxtxt"
    for offset, magic, what in _SIGNATURES:
        if head[offset:].startswith(magic) or (not offset and text.lower().startswith(magic)):
            return what
    if head[:1] == b"\x80" and head[1:2] in (b"\x02", b"\x03", b"\x04", b"\x05"):
        return "this is a Python pickle, perhaps a PyTorch model; export it to ONNX"
    return None


def misfit(tensor: TensorProto, error: BaseException) -> str:
    """Why a tensor's numbers can't be had; numpy and onnx say that in words for their callers."""
    if not isinstance(error, ValueError) or isinstance(error, ProtobufError):
        return error_line(error)
    dims = list(tensor.dims)
    shape = f"{len(dims)} axes" if len(dims) > 8 else str(dims)
    return f"what is stored doesn't go together with its type and shape ({shape})"


def error_line(error: BaseException) -> str:
    if isinstance(error, ProtobufError):
        return "its encoding as protobuf is broken"
    if isinstance(error, MemoryError):
        return "there isn't so much memory"
    if isinstance(error, RecursionError):
        return "it is nested too deeply"
    if isinstance(error, (TypeError, KeyError, IndexError, AttributeError, OverflowError)):
        return "what is stored there contradicts itself"
    said = error.args[0] if error.args else ""
    said = said.decode("utf-8", "replace") if isinstance(said, bytes) else str(error)
    text = " ".join(said.split()) or type(error).__name__
    return text if len(text) <= 200 else text[:197] + "..."
