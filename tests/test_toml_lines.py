"""Are the places of keys right? The paths found are held against what tomllib reads."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cnnscope.analyzer.budgets.toml_lines import key_lines

ROOT = Path(__file__).resolve().parent.parent

HARD = '''\
# a comment with [brackets] and "quotes"
title = "a # in a string" # and one behind
'quoted key' = 'literal \\ backslash'
"esc\\u0061ped" = 1979-05-27 07:32:00
multi = """
[not.a.header]
key = "no key" \\""" """
literal = \'\'\'
[[neither]] \'\'\'\'
site."google.com".x = { a = 1, "b c" = [ {d = 2}, {d = 3} ] }

[ table . "sub.table" ]
array = [ # comment ]
  1, 2,
  [ "x, ]", ']' ], # another
]
inf = -inf
[[model]]
path = "a"
limits.macs = "4 G"
  [model.limits.kind."2-D convolution"]
  macs = "1 G"
  [[model.inner]]
  x = 1
[[model]]
path = "b"
  [[model.inner]]
  y = true
  [[model.inner]]
'''


def paths_of(value: object, path: tuple[str | int, ...] = ()) -> set[tuple[str | int, ...]]:
    found = {path} if path else set()
    if isinstance(value, dict):
        for key, inner in value.items():
            found |= paths_of(inner, (*path, key))
    if isinstance(value, list):
        for i, inner in enumerate(value):
            found |= paths_of(inner, (*path, i))
    return found


@pytest.mark.parametrize(
    "text",
    [
        HARD,
        HARD.replace("\n", "\r\n"),
        "",
        "# nothing",
        (ROOT / "pyproject.toml").read_text("utf-8"),
    ],
    ids=["hard", "crlf", "empty", "comment", "pyproject"],
)
def test_the_paths_are_those_that_tomllib_reads(text: str) -> None:
    assert set(key_lines(text)) == paths_of(tomllib.loads(text))


@pytest.mark.parametrize(
    ("path", "line"),
    [
        (("title",), 2),
        (("quoted key",), 3),
        (("escaped",), 4),
        (("literal",), 8),
        (("site", "google.com", "x", "b c", 1, "d"), 10),
        (("table", "sub.table", "array", 2), 15),
        (("table", "sub.table", "inf"), 17),
        (("model", 0, "limits", "macs"), 20),
        (("model", 0, "limits", "kind", "2-D convolution", "macs"), 22),
        (("model", 1,), 25),
        (("model", 1, "inner", 0, "y"), 28),
    ],
)  # fmt: skip
def test_lines(path: tuple[str | int, ...], line: int) -> None:
    assert key_lines(HARD)[path] == line


KEYS = st.text("ab.-_ \"'#[]=é\\", min_size=1, max_size=4)
VALUES = st.recursive(
    st.integers(-5, 5) | st.booleans() | st.text("a\"'#[]{}=,\\ \n", max_size=6),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=3),
    max_leaves=6,
)


def written(value: object) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, int):
        return str(value)
    if isinstance(value, str):
        return quoted(value)
    if isinstance(value, list):
        return "[" + ",\n ".join(map(written, value)) + " # ] end\n]"
    assert isinstance(value, dict)
    return "{" + ", ".join(f"{quoted(k)} = {written(v)}" for k, v in value.items()) + "}"


def quoted(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
    return f'"{escaped}"'


@given(st.dictionaries(KEYS, VALUES, max_size=4))
@settings(max_examples=150, deadline=None)
def test_any_document(document: dict[str, object]) -> None:
    lines = [f"{quoted(key)} = {written(value)}" for key, value in document.items()]
    text = "\n".join(lines) + "\n"
    assert set(key_lines(text)) == paths_of(tomllib.loads(text))
