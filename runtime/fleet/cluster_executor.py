"""What is an engine of many machines, to a scan? An executor that also says how it loses workers."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Executor, Future
from typing import Final, ParamSpec, TypeVar

from cnnscope.analyzer.values.diagnostics import RunError, one_line
from cnnscope.analyzer.values.package_version import installed_version

Given = ParamSpec("Given")
Found = TypeVar("Found")
#: seconds in which a cluster has to answer
PATIENCE: Final = 10.0
#: seconds in which some worker has to: a cluster may first start one
WORKER_PATIENCE: Final = 120.0


class ClusterExecutor(Executor):
    """An executor of a cluster.

    Args:
        name: what it is called in messages.
        submit: hands a call to the cluster.
        slots: how many calls run at the same time, just now.
        lost: what a future raises where its worker ended before the call did.
    """

    def __init__(
        self,
        name: str,
        submit: Callable[..., Future[object]],
        slots: Callable[[], int],
        lost: tuple[type[Exception], ...],
    ) -> None:
        self.name, self.slots, self.lost = name, slots, lost
        self._submit = submit

    def submit(
        self, fn: Callable[Given, Found], /, *args: Given.args, **kwargs: Given.kwargs
    ) -> Future[Found]:
        """Hand a call to the cluster."""
        return self._submit(fn, *args, **kwargs)  # type: ignore[return-value]  # what `fn` gives


def check_workers(executor: ClusterExecutor, patience: float = WORKER_PATIENCE) -> None:
    """Whether workers answer, and have this very version of cnnscope.

    Raises:
        RunError: they don't.
    """
    own = version_here()
    try:
        found = executor.submit(version_here).result(patience)
    except TimeoutError:
        raise RunError(f"{executor.name}: no worker answers within {patience:g} s") from None
    except ImportError:
        raise RunError(
            f"{executor.name}: its workers have no cnnscope: install {own} there"
        ) from None
    except Exception as error:
        raise unanswered(executor.name, error) from error
    if found != own:
        raise RunError(
            f"{executor.name}: its workers have cnnscope {found}, this is {own}:"
            " install the same on both sides"
        )


def version_here() -> str:
    """The version of cnnscope where this is called."""
    return installed_version()


def unanswered(name: str, error: BaseException) -> RunError:
    """What is said where a cluster doesn't answer."""
    said = getattr(error, "strerror", None) or str(error) or type(error).__name__
    return RunError(f"{name}: it doesn't answer ({one_line(said, 200)})")
