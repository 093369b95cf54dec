"""What do the times of ONNX Runtime's events mean with each provider: work, or handing it over?

An event lasts as long as the host spends in a provider's ``Compute``. Whether that waits for the work is
the provider's own affair, and was looked up in its source for these:

- CUDA and ROCm launch kernels and go on.
- DirectML records commands and hands them to the queue of DirectX 12
  (https://github.com/microsoft/onnxruntime/issues/24306 shows runs that go on after the last event).
- TensorRT runs a subgraph as one node, and waits for its stream behind it
  (``sync_stream_after_enqueue_``), except in a CUDA graph or on a stream from outside.
- OpenVINO runs a subgraph as one node, and waits (``WaitRequest``); so does Core ML, whose prediction is
  a call that returns when it is done.

Of what isn't listed nothing is assumed. Where an event doesn't wait, or may not, its time is no time of
the work: nothing is derived from it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from cnnscope.runtime.engine.providers import CPU, CUDA, short_name

if TYPE_CHECKING:
    from cnnscope.runtime.engine.providers import Provider

_WHOLE: Final = (
    "a row is a whole subgraph, and its time that of running it, which the host waits for"
)
_HANDED: Final = (
    "work is handed over and the host goes on, so that rows' times say nothing of how long it took"
)
#: by provider: whether events wait for the work, and what that means
_MEANING: Final = {
    "tensorrt": (True, f"with TensorRT {_WHOLE} (but for CUDA graphs)"),
    "openvino": (True, f"with OpenVINO {_WHOLE}"),
    "coreml": (True, f"with Core ML {_WHOLE}"),
    "dml": (False, f"with DirectML {_HANDED}"),
    "rocm": (False, f"with ROCm {_HANDED}"),
}  # fmt: skip


def waits(provider: Provider) -> bool:
    """Does an event end when its work has ended, as far as is known?

    >>> from cnnscope.runtime.engine.providers import CPU_PROVIDER
    >>> waits(CPU_PROVIDER)
    True
    """
    if CUDA in provider.chain:  # also behind TensorRT, for what it can't take
        return False
    if provider.chain[0] == CPU:
        return True
    return _MEANING.get(short_name(provider.chain[0]), (False, ""))[0]


def meaning(provider: Provider) -> str | None:
    """What a reader has to know of the times of such events; None where they are as they seem."""
    first = short_name(provider.chain[0])
    if provider.chain[0] in (CPU, CUDA):
        return None
    known = _MEANING.get(first)
    if known is not None:
        return known[1]
    return (
        f"whether the {first} provider's events wait for the work or only hand it over isn't known: "
        "nothing is derived from rows' times"
    )
