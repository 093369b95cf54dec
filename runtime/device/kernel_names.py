"""What does a kernel's name say: what it is called in the source, and does it use tensor cores?

A device's records don't say which units ran. Names do, where they follow the convention of the
library they are from:

- cuBLAS, cuDNN and CUTLASS: the shape of the matrix instruction (``884``, ``1688``, ``16816``, ...),
  its mnemonic (``hmma``, ``imma``, ``gmma``, ``wmma``), ``tensorop`` against ``simt``, ``tensor16x8x16``
  against ``ffma``, ``warpgroup`` for Hopper's instructions;
- cuBLAS's ``nvjet`` kernels are of Hopper's and later devices' tensor cores throughout;
- fused attention (``flash``, ``fmha``) is products on tensor cores.

So *yes* is certain as far as the name is honest, and *no* is that no name says so: elementwise kernels,
reductions, products in plain arithmetic, and any kernel whose author didn't write it into the name.
The lists start from TensorFlow's profiler (``kernel_stats_utils.cc``, ``IsKernelUsingTensorCore``),
which asks for ``884``, ``1688``, ``hmma`` or ``xmma``; ``xmma`` also names kernels in plain float32.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Final

_PLAIN: Final = re.compile(r"ffma|simt|sgemm|dfma|hfma|_fft|fft2d", re.IGNORECASE)
_TENSOR: Final = re.compile(
    r"tensorop|tensor\d+x\d+x\d+|[hiqdg]mma(?![a-z])|wmma|warpgroup|nvjet_|flash_?(fwd|attn|attention)|fmha"
    r"|(?<!\d)(?:884|1688|16816|16832|161616|168128|16864)(?!\d)",
    re.IGNORECASE,
)
#: a mangled name that is longer is nobody's
_LONGEST: Final = 40_000


@lru_cache(maxsize=4096)
def uses_tensor_cores(name: str) -> bool:
    """Does a kernel's name say that it multiplies on tensor cores?

    >>> uses_tensor_cores("sm80_xmma_gemm_f32f32_f32f32_f32_nn_n_tilesize32x32x8_stage3_ffma")
    False
    >>> uses_tensor_cores("_ZN7cutlass7Kernel2I59cutlass_80_tensorop_f16_s16816gemm_f16_64x64_32x6E")
    True
    """
    return bool(_TENSOR.search(name)) and not _PLAIN.search(name)


@lru_cache(maxsize=4096)
def short_kernel_name(name: str) -> str:
    """A kernel's name in the source, without parameters: of a mangled name its own part.

    >>> short_kernel_name("_ZN11onnxruntime4cuda5_ClipIfEEvPKT_PS2_S4_S4_S2_S2_m")
    'onnxruntime::cuda::_Clip'
    >>> short_kernel_name("_Z11flip_filterIffEvPT0_PKT_iiii"), short_kernel_name("nvjet_sm90_hsh")
    ('flip_filter', 'nvjet_sm90_hsh')
    >>> short_kernel_name("_ZN7cutlass7Kernel2I43cutlass_80_simt_sgemm_256x128_8x4_nn_align1EEvNT_6ParamsE")
    'cutlass_80_simt_sgemm_256x128_8x4_nn_align1'
    """
    if not name.startswith("_Z") or len(name) > _LONGEST:
        return name
    at = 3 if name.startswith("_ZN") else 2
    parts = []
    while (part := _identifier(name, at)) is not None:
        text, at = part
        parts.append(text)
    if not parts:
        return name
    # A generic Kernel that is given the real one as its first parameter is called after that.
    if parts[-1].startswith("Kernel") and name[at : at + 1] == "I":
        inner = _identifier(name, at + 1)
        if inner is not None:
            return inner[0]
    return "::".join(parts)


def _identifier(name: str, at: int) -> tuple[str, int] | None:
    """The identifier that begins there with its length, and where it ends."""
    end = at
    while name[end : end + 1].isdigit() and end - at < 4 and name[end : end + 1].isascii():
        end += 1
    if end == at:
        return None
    stop = end + int(name[at:end])
    return (name[end:stop], stop) if stop <= len(name) and stop > end else None
