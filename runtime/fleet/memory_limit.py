"""How much memory may one model take, and how much has this process?

On Linux the kernel holds a process to it (RLIMIT_DATA: what it has for itself, without files that it maps to
read), so that what a model asks for beyond it is refused there and then. Elsewhere nothing does.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Final

_PROC: Final = Path("/proc/self")


def limit_memory(beyond: int) -> None:
    """From now on this process gets so many bytes more than it has now, and no others."""
    if sys.platform != "linux":
        return
    import resource

    held = _own_data()
    if held is None:
        return
    _, most = resource.getrlimit(resource.RLIMIT_DATA)
    wanted = held + beyond
    if most != resource.RLIM_INFINITY:
        wanted = min(wanted, most)
    resource.setrlimit(resource.RLIMIT_DATA, (wanted, most))


def resident_bytes() -> int | None:
    """How much memory this process occupies; None where that isn't told."""
    try:
        pages = int((_PROC / "statm").read_text(encoding="ascii").split()[1])
    except (OSError, ValueError, IndexError):
        return None
    import resource

    return pages * resource.getpagesize()


def _own_data() -> int | None:
    try:
        for line in (_PROC / "status").read_text(encoding="ascii", errors="replace").splitlines():
            if line.startswith("VmData:"):
                return int(line.split()[1]) << 10
    except (OSError, ValueError, IndexError):
        pass
    return None
