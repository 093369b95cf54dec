"""How does a process that is one command's alone load numpy? With one thread for linear algebra.

OpenBLAS, which numpy brings, starts a thread per further core as it is loaded, and each spins for a tenth of
a second before it sleeps, for products that no command has. A variable tells it not to, which is gone again
once numpy is there: no child, which may be one that runs a model, inherits it.
"""

from __future__ import annotations

import os
from typing import Final

_THREADS: Final = "OPENBLAS_NUM_THREADS"


def load_numpy() -> None:
    """Load numpy, its linear algebra on one thread unless the user says otherwise."""
    if _THREADS in os.environ:
        return
    os.environ[_THREADS] = "1"
    try:
        import numpy  # noqa: F401
    finally:
        del os.environ[_THREADS]
