"""How does a crash in native code become one line?

By happening in another process. `run_in_child` starts one, sends it a job and waits: for the
result, for an error (raised here as if it had happened here), or for its end, which says how it
died. Whatever happens here, Ctrl-C included, neither the child nor its temporary files outlive the
call. Nothing heavy is imported here.
"""

from __future__ import annotations

import queue
import time
from collections.abc import Callable, Mapping
from typing import TypeVar, cast

from cnnscope.analyzer.values import diagnostics
from cnnscope.analyzer.values.diagnostics import CnnscopeError, RunError
from cnnscope.runtime.engine.child_process import ChildProcess

Job = TypeVar("Job")
Found = TypeVar("Found")


def run_in_child(
    target: str,
    argument: object,
    *,
    timeout: float | None = None,
    verbose: bool = False,
    progress: Callable[[str], None] | None = None,
    environment: Mapping[str, str] | None = None,
) -> object:
    """The result of a function, called in a process of its own.

    Args:
        target: ``"package.module:function"``; it is called with the argument and a function to be
            told of progress.
        argument: anything that can be pickled, as has to be the result.
        timeout: seconds until the process is killed; None for as long as it takes.
        verbose: let what it writes to standard error through.
        progress: told what the child says it is doing.
        environment: variables that it has besides this process's.

    Raises:
        CnnscopeError: the same as was raised in the child.
        RunError: the child died, or took too long.
        RuntimeError: it failed in a way that is a bug.
    """
    process = ChildProcess("main", verbose=verbose, environment=environment)
    try:
        process.send((target, argument))
        return _result(process, timeout, progress)
    finally:
        process.end()


def call_in_child(
    function: Callable[[Job, Callable[[str], None] | None], Found],
    job: Job,
    *,
    timeout: float | None = None,
    verbose: bool = False,
    progress: Callable[[str], None] | None = None,
) -> Found:
    """`run_in_child` of a function that this process has imported already.

    Args:
        function: one at the top of a module; called with the job and a function to be told of progress.
        job: anything that can be pickled, as has to be the result.
        timeout, verbose, progress: as for `run_in_child`, which raises the same.
    """
    target = f"{function.__module__}:{function.__qualname__}"
    found = run_in_child(target, job, timeout=timeout, verbose=verbose, progress=progress)
    return cast("Found", found)


def _result(
    process: ChildProcess, timeout: float | None, progress: Callable[[str], None] | None
) -> object:
    """What a child says in the end."""
    deadline, doing = None if timeout is None else time.monotonic() + timeout, "starting"
    while True:
        left = None if deadline is None else max(0.0, deadline - time.monotonic())
        try:
            frame = process.heard(left)
        except queue.Empty:
            raise RunError(f"given up after {timeout:g} s, while {doing} (see --timeout)") from None
        if frame is None:
            raise RunError(process.epitaph(doing))
        kind, *rest = frame
        if kind == "progress":
            doing = str(rest[0])
            if progress is not None:
                progress(doing)
        elif kind == "result":
            return rest[0]
        elif kind == "error":
            raise error_named(str(rest[0]), str(rest[1]))
        else:
            raise RuntimeError(str(rest[0]))


def error_named(kind: str, message: str) -> CnnscopeError:
    """The error that was raised in a child, by its class's name."""
    found = getattr(diagnostics, kind, RunError)
    known = isinstance(found, type) and issubclass(found, CnnscopeError)
    return found(message) if known else RunError(message)
