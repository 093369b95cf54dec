"""How does a process that is one command's alone load numpy and onnx? Without what the command won't use.

OpenBLAS, which numpy brings, starts a thread per further core as it is loaded, and each spins for a tenth of
a second before it sleeps, for products that no command has. A variable tells it not to, which is gone again
once numpy is there: no child, which may be one that runs a model, inherits it. Whoever imports cnnscope has
numpy and onnx as they are.
"""

from __future__ import annotations

import os
from typing import Final

from cnnscope.analyzer.values.part_of_onnx import load_part_of_onnx

_THREADS: Final = "OPENBLAS_NUM_THREADS"


def load_libraries() -> None:
    """Load numpy, with one thread for linear algebra unless the user says otherwise, and onnx in part."""
    if _THREADS in os.environ:
        import numpy
    else:
        os.environ[_THREADS] = "1"
        try:
            import numpy  # noqa: F401
        finally:
            del os.environ[_THREADS]
    load_part_of_onnx()
