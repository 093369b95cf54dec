"""What does a model do in one run, node by node, by ONNX Runtime's own profile?"""

from __future__ import annotations

import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from cnnscope.runtime.engine.sessions import SessionSettings, open_session
from cnnscope.runtime.engine.trace import Event, read_trace

if TYPE_CHECKING:
    import numpy as np
    import onnx

    from cnnscope.runtime.engine.providers import Provider


def profiled_run(
    model: onnx.ModelProto, provider: Provider, weights: Mapping[str, np.ndarray],
    feeds: Mapping[str, object], outputs: Sequence[str] | None, *, verbose: bool = False,
) -> tuple[list[Event], list[object]]:  # fmt: skip
    """Run once as written, nothing sharing memory but what kernels do in place: the profile, the outputs.

    Args:
        model: without its weights.
        provider: what runs it.
        weights: by name.
        feeds: the inputs.
        outputs: those wanted; None: all.
        verbose: let ONNX Runtime's own log be seen.

    Raises:
        RunError: it can't be opened or run.
    """
    with tempfile.TemporaryDirectory(prefix="cnnscope-") as folder:
        settings = SessionSettings(
            profile=Path(folder) / "run", in_order=True, reuse=False, verbose=verbose
        )
        session = open_session(model, provider, settings, weights)
        try:
            found = session.run(outputs, feeds)
        finally:
            path = session.end_profile()
        return read_trace(path), found
