"""Whatever happens in a child process is one line here, and nothing of it is left behind."""

from __future__ import annotations

import io
import os
import select
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from cnnscope.analyzer.values.diagnostics import BindingError, RunError
from cnnscope.runtime.engine import child_process
from cnnscope.runtime.engine.child import run_in_child

pytestmark = pytest.mark.skipif(os.name == "nt", reason="ends processes with POSIX signals")

WAITING = (
    "import signal, sys; sys.path[:] = {path!r}\n"
    # Who starts the tests in the background of a script has Ctrl-C ignored, and it is inherited.
    "signal.signal(signal.SIGINT, signal.default_int_handler)\n"
    "from cnnscope.runtime.engine.child import run_in_child\n"
    "run_in_child('child_jobs:sleep', None, progress=lambda s: print(s, flush=True))"
)


def is_running(pid: int) -> bool:
    """Is there a process that still does anything? A zombie waits to be forgotten."""
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return False
    return state != "Z"


GUARD = 300  #: seconds beyond which a test that waits for an event is given up, however loaded the machine


def ends(pid: int) -> bool:
    """Waits until a process ends; one that doesn't is killed."""
    try:
        watched = os.pidfd_open(pid)
    except ProcessLookupError:
        return True
    try:
        ended, _, _ = select.select([watched], [], [], GUARD)
    finally:
        os.close(watched)
    if not ended:
        os.kill(pid, signal.SIGKILL)
    return bool(ended)


def test_a_result_and_progress_come_back() -> None:
    told: list[str] = []
    assert run_in_child("child_jobs:double", 21, progress=told.append) == 42
    assert told == ["doubling"]


def test_an_error_is_raised_as_what_it_was() -> None:
    with pytest.raises(BindingError, match="no such input"):
        run_in_child("child_jobs:misbind", "there is no such input")


@pytest.mark.parametrize(
    ("job", "says"),
    [
        ("fill_memory", "out of memory"),
        ("read_nowhere", r"crashed \(SIGSEGV\), while reading address 0"),
        ("abort", r"crashed \(SIGABRT\).*: terminate called after .*bad_alloc"),
        ("be_killed", "was killed.*out of memory"),
        ("leave", "ended with 7"),
    ],
)
def test_a_death_is_one_line(job: str, says: str) -> None:
    with pytest.raises(RunError, match=says) as caught:
        run_in_child(f"child_jobs:{job}", None)
    assert "\n" not in str(caught.value)


def test_a_bug_is_no_error_of_the_model() -> None:
    with pytest.raises(RuntimeError, match="ZeroDivisionError: a bug"):
        run_in_child("child_jobs:mistake", None)


def test_a_hang_is_given_up() -> None:
    told: list[str] = []
    with pytest.raises(RunError, match=r"given up after 2 s"):
        run_in_child("child_jobs:sleep", None, timeout=2, progress=told.append)
    for line in told:
        child, folder = line.split(maxsplit=1)
        assert ends(int(child))
        assert not Path(folder).exists()


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="looks into /proc")
@pytest.mark.parametrize("sent", [signal.SIGINT, signal.SIGKILL], ids=["ctrl-c", "killed"])
def test_nothing_outlives_the_parent(sent: signal.Signals) -> None:
    parent = subprocess.Popen(
        [sys.executable, "-c", WAITING.format(path=sys.path)],
        stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
    )  # fmt: skip
    assert parent.stdout is not None
    name, folder = parent.stdout.readline().strip().split(maxsplit=1)
    child = int(name)
    assert is_running(child)
    assert Path(folder).is_dir()
    parent.send_signal(sent)
    assert parent.wait(GUARD) != 0
    assert ends(child)
    assert not Path(folder).parent.exists()
    parent.stdout.close()


def test_last_words_have_no_colours() -> None:
    """The log's last line may be nothing but the end of a colour."""
    log = io.BytesIO(b"\x1b[1;31mlibcublas.so is missing\x1b[m\n\x1b[m\n")
    assert child_process._last_words(log) == ": libcublas.so is missing"
