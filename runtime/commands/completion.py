"""What could the word under the cursor be? Commands, options, their values, models, and what is in these.

A shell asks while somebody types. So whatever goes wrong is silence, an answer is short and comes soon or not
at all, standard input isn't read, and no candidate has a character that could do anything to a terminal.
"""

from __future__ import annotations

import contextlib
import signal
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Final

from cnnscope.analyzer.render.job_log import without_commands
from cnnscope.analyzer.values.plain_class import dataclass
from cnnscope.runtime.commands.first_word import STANDARD_INPUT, USUAL, looks_like_model
from cnnscope.runtime.commands.messages import FINE
from cnnscope.runtime.commands.shell_scripts import SCRIPTS
from cnnscope.runtime.commands.shell_words import Word, is_assignment, words_of
from cnnscope.runtime.commands.writing import write

if TYPE_CHECKING:
    from cnnscope.runtime.commands.signature import Option
    from cnnscope.runtime.commands.typed_line import Candidate, Line

#: seconds after which there is no answer
PATIENCE: Final = 4.0
#: candidates of an answer, and characters of one
MOST, LONGEST = 1000, 300
#: more names than this, and only their next step is offered
_FOLDED: Final = 40


@dataclass(frozen=True)
class Answer:
    """What the word could be.

    Args:
        candidates: whole words, each with a few words about it.
        files: files will do, too: ``"models"``, ``"files"`` or none.
    """

    candidates: Sequence[Candidate] = ()
    files: str = ""


def print_candidates(given: Sequence[str], commands: Mapping[str, str]) -> int:
    """Answer a shell's script.

    Args:
        given: the shell's name, then the words before the cursor and the one under it; of bash its line
            before the cursor and where it begins to replace a word.
        commands: the commands that there are, each with the line that says what it does.
    """
    with contextlib.suppress(Exception), _in_time():
        shell, *rest = given
        word: Word | None = None
        if shell == "bash":
            words = words_of(*rest)
            while len(words) > 1 and is_assignment(words[0]):
                words = words[1:]
            words = words[1:]
            word = words[-1]
            if word.expands:
                return FINE
            rest = ["" if x.expands else x.text for x in words]
        answer = answer_to(rest, commands)
        write("".join(_lines(answer, rest[-1], word)))
    return FINE


def _lines(answer: Answer, start: str, word: Word | None) -> Iterator[str]:
    """The answer as the scripts read it; for bash candidates as it inserts them."""
    shown: list[Candidate] = []
    for text, said in answer.candidates:
        if text.startswith(start) and _is_harmless(text) and len(shown) < MOST:
            shown.append((text, said if _is_harmless(said) else ""))
    is_open = bool(shown) and not answer.files and shown[0][0][-1:] in "=,/"
    yield f"{answer.files or ('open' if is_open and word else 'words')}\n"
    for text, said in dict(shown).items():
        if word is None:
            yield f"={text}\t{said}\n" if said else f"={text}\n"
        elif (finished := word.finished(text)) is not None:
            yield f"={finished}\n"


def _is_harmless(text: str) -> bool:
    """Nothing in it does anything to a terminal, or to the log of a runner."""
    return 0 < len(text) <= LONGEST and text.isprintable() and without_commands(text) == text


@contextlib.contextmanager
def _in_time() -> Iterator[None]:
    """Whatever takes too long ends this process, also in code that asks nobody."""
    if not hasattr(signal, "setitimer"):
        yield
        return
    before = signal.signal(signal.SIGALRM, signal.SIG_DFL)
    signal.setitimer(signal.ITIMER_REAL, PATIENCE)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


# -- what the line says -----------------------------------------------------------------------------


def answer_to(words: Sequence[str], commands: Mapping[str, str]) -> Answer:
    """What the last word could be.

    Args:
        words: those behind the program's name; the last is under the cursor.
        commands: the commands that there are, each with the line that says what it does.
    """
    from cnnscope.runtime.commands.signature import HELP
    from cnnscope.runtime.commands.typed_line import read_line

    *before, now = words
    if not before:
        if now.startswith("-") and now != STANDARD_INPUT:
            return Answer([*_TOP, *answer_to([USUAL, now], commands).candidates])
        return Answer(list(commands.items()), "models")
    if before[0] in {*dict(_TOP), *HELP.names}:
        takes = before[0].endswith("-completion") and len(before) == 1
        return Answer([(shell, "") for shell in SCRIPTS] if takes else ())
    if before[0] not in commands:
        if not (looks_like_model(before[0]) or before[0].startswith("-")):
            return Answer()
        before = [USUAL, *before]
    line = read_line(before)
    if line.awaits is not None:
        return _values(line, line.awaits, now, "")
    if now.startswith("--") and "=" in now and not line.only_arguments:
        name, _, value = now.partition("=")
        option = next((x for x in line.options if name in x.names and not x.flag), None)
        return Answer() if option is None else _values(line, option, value, f"{name}=")
    if now.startswith("-") and not line.only_arguments:
        return Answer(
            [
                (name, x.help)
                for x in line.options
                if x.several or not line.used.keys() & {*x.names}
                for name in x.names
                if name.startswith("--") or now == "-"
            ]
        )
    return _argument(line, now)


_TOP: Final[Sequence[Candidate]] = (
    ("--version", "Print the version."),
    ("--install-completion", "Let a shell complete commands, options and names."),
    ("--show-completion", "Print what a shell needs for that."),
)


def _argument(line: Line, now: str) -> Answer:
    from cnnscope.runtime.commands import candidates

    at = min(len(line.given), len(line.arguments) - 1)
    if at < 0 or (len(line.given) >= len(line.arguments) and not line.arguments[-1].several):
        return Answer()
    argument = line.arguments[at]
    if argument.choices:
        return Answer([(choice, "") for choice in argument.choices])
    if argument.name in candidates.MODELS:
        return Answer((), "files" if line.given[:1] == ["show"] else "models")
    find = candidates.ARGUMENTS.get(argument.name)
    return Answer() if find is None else Answer(_stepped(find(line), now))


def _values(line: Line, option: Option, now: str, head: str) -> Answer:
    from cnnscope.runtime.commands import candidates

    if option.path or option.names[0] in candidates.FILES:
        return Answer((), "files") if not head else Answer()
    if option.choices:
        found: Iterable[Candidate] = [(choice, "") for choice in option.choices]
    elif (find := candidates.VALUES.get(option.names[0])) is not None:
        found = find(line)
    else:
        return Answer()
    if option.names[0] in candidates.LISTS:  # the last of those between commas
        done, comma, now = now.rpartition(",")
        head = f"{head}{done}{comma}"
        taken = {*done.split(",")}
        found = [x for x in found if x[0] not in taken]
    return Answer([(f"{head}{text}", said) for text, said in _stepped(found, now)])


def _stepped(found: Iterable[Candidate], start: str) -> list[Candidate]:
    """Those that begin so; of very many only as far as to their next step, as a folder's files are shown."""
    fitting = [(text, said) for text, said in found if text.startswith(start) and text]
    if len(fitting) <= _FOLDED:
        return fitting
    steps: dict[str, list[Candidate]] = {}
    for text, said in fitting:
        end = text.find("/", max(len(start), 1)) + 1
        steps.setdefault(text[:end] if end else text, []).append((text, said))
    if len(steps) == 1 and start not in steps:
        return _stepped(fitting, *steps)  # what all have in common
    return [below[0] if len(below) == 1 else (step, "") for step, below in steps.items()]
