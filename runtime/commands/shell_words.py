r"""Which words stand on a line of bash that isn't finished, and how is one of them finished by bash's rules?

bash hands over its line as it is typed, quotes and backslashes included, and inserts what it is given as it
is. So the words are read here, and the rest of a word is quoted here (Bash Reference Manual, *Quoting* and
*Programmable Completion*). Nothing is expanded: a word with a ``$`` or a backquote in it that isn't quoted
stands for something that only running it would tell.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final

from cnnscope.analyzer.values.plain_class import dataclass

_BLANKS: Final = " \t\n"
#: what ends a word and begins another command, or says where its streams go
_BETWEEN: Final = "|&;()"
_REDIRECTION: Final = "<>"
_PLAIN: Final = re.compile(r"[A-Za-z0-9_@%+=:,./^-]")
#: inside double quotes, what a backslash takes its meaning from
_DOUBLE: Final = '$`"\\'


@dataclass(frozen=True)
class Word:
    """A word of a line.

    Args:
        text: what it stands for, quotes taken away.
        raw: as it was typed.
        quote: the quotes that are open at its end; empty: none.
        kept: characters of `raw` before what bash replaces with a candidate.
        expands: a ``$`` or a backquote in it stands for something else.
    """

    text: str
    raw: str
    quote: str
    kept: int
    expands: bool

    def finished(self, whole: str) -> str | None:
        """What bash is to put in place of the word's replaced part; None: it doesn't lead there.

        >>> words_of("explain m.onnx conv")[-1].finished("conv 1;")
        'conv\\\\ 1\\\\;'
        >>> words_of("explain m.onnx 'conv")[-1].finished("conv 1'")
        "conv 1'\\\\''"
        """
        if self.expands or not whole.startswith(self.text):
            return None
        raw, rest = self.raw, whole[len(self.text) :]
        if not self.quote and (len(raw) - len(raw.rstrip("\\"))) % 2:
            raw = raw[:-1]  # it would quote the first character of the rest, which is quoted below
        return raw[self.kept :] + _quoted(rest, self.quote)


def words_of(line: str, breaks: str = " \t\n\"'><=;|&(:") -> list[Word]:
    """The words of the last command on a line, the one under the cursor last; its name is among them.

    Args:
        line: what stands before the cursor.
        breaks: where bash begins to replace a word (``COMP_WORDBREAKS``).

    >>> [word.text for word in words_of('cnnscope explain "my model.onnx" a\\\\ b ')]
    ['cnnscope', 'explain', 'my model.onnx', 'a b', '']
    >>> [word.text for word in words_of("time; cnnscope m.onnx > out --top ")]
    ['cnnscope', 'm.onnx', '--top', '']
    """
    words: list[Word] = []
    at = 0
    redirected = False
    while True:
        while at < len(line) and line[at] in _BLANKS:
            at += 1
        if at < len(line) and line[at] in _BETWEEN:
            words, at, redirected = [], at + 1, False
            continue
        if at < len(line) and line[at] in _REDIRECTION:
            at, redirected = at + 1, True
            continue
        word, end = _word(line, at, breaks)
        if end >= len(line):
            return [*words, word]
        if not redirected:
            words.append(word)
        at, redirected = end, False


def is_assignment(word: Word) -> bool:
    """May a word before a command's name set a variable, as in ``TMPDIR=/x cnnscope``?"""
    return re.match(r"[A-Za-z_]\w*=", word.raw) is not None


def _word(line: str, start: int, breaks: str) -> tuple[Word, int]:
    """The word that begins at a place, and where it ends."""
    text: list[str] = []
    quote, expands, kept, at = "", False, start, start
    while at < len(line):
        c = line[at]
        if quote == "'":
            if c == quote:
                quote, kept = "", _after(at, c, breaks, kept)
            else:
                text.append(c)
        elif quote:
            if c == quote:
                quote, kept = "", _after(at, c, breaks, kept)
            elif c == "\\" and line[at + 1 : at + 2] and line[at + 1] in _DOUBLE:
                at += 1
                text.append(line[at])
            else:
                expands |= c in "$`"
                text.append(c)
        elif c in _BLANKS or c in _BETWEEN or c in _REDIRECTION:
            break
        elif c == "\\":
            at += 1
            text.append(line[at : at + 1])
        elif c in "'\"":
            quote, kept = c, at + 1
        else:
            expands |= c in "$`"
            text.append(c)
            kept = _after(at, c, breaks, kept)
        at += 1
    raw = line[start : min(at, len(line))]
    said = "".join(text)
    if raw.startswith("~/"):
        said = f"{Path.home()}{said[1:]}"
    return Word(said, raw, quote, kept - start, expands), at


def _after(at: int, c: str, breaks: str, kept: int) -> int:
    return at + 1 if c in breaks else kept


def _quoted(rest: str, quote: str) -> str:
    if quote == "'":
        return rest.replace("'", "'\\''")
    if quote == '"':
        # History is looked up inside double quotes, too, and a backslash there would stay.
        safe = re.sub(r'[$`"\\]', r"\\\g<0>", rest)
        return safe.replace("!", '"\\!"')
    return "".join(c if _PLAIN.match(c) or ord(c) > 127 else f"\\{c}" for c in rest)
