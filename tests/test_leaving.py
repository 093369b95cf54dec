"""What leaves the program: does writing change a verdict, and do names stay names?

Each command is run with a pipe that nobody reads, with closed streams and on a full device; then on
models, paths, options and configurations whose every text is one that CI runners or GitHub's Markdown
take for more than text.
"""

from __future__ import annotations

import io
import json
import os
import random
import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from xml.etree import ElementTree

import onnx
import pytest
from amounts import amount
from markdown_it import MarkdownIt
from onnx import TensorProto, helper
from page import Page

from cnnscope.cli import main

ENTRY = [sys.executable, "-c", "from cnnscope.cli import main; main()"]
needs_pipes = pytest.mark.skipif(sys.platform == "win32", reason="pipes and devices are POSIX's")

# -- a verdict is known before it is written -----------------------------------------------------

# What is run on lenet5 and alexnet, and what it exits with whoever reads it.
VERDICTS = [
    ("analyze {lenet}", 0),
    ("analyze {lenet} -f csv", 0),
    ("analyze --strict {unknown}", 1),
    ("analyze --strict --format json {unknown} {lenet}", 1),
    ("analyze {lenet} missing.onnx", 2),
    ("explain {lenet} 0", 0),
    ("conventions {lenet}", 0),
    ("operators Conv", 0),
    ("rule CNS101", 0),
    ("check {lenet} --limit params=1", 1),
    ("check {lenet} --limit params=1 --format github", 1),
    ("check {lenet} --limit params=1 --format json", 1),
    ("check {lenet} --limit params=1G", 0),
    ("check {lenet} missing.onnx --limit params=1G", 2),
    ("diff {lenet} {alexnet} --fail-on any", 1),
    ("diff {lenet} {alexnet}", 0),
    ("lint {lenet} --severity info", 1),
    ("lint {lenet} --severity info --format markdown", 1),
    ("--help", 0),
    ("check --help", 0),
    ("--version", 0),
    ("check --no-such-option", 2),
]


@contextmanager
def unread() -> Iterator[io.TextIOWrapper]:
    """A stream into a pipe that has no reader any more."""
    reading, writing = os.pipe()
    os.close(reading)
    stream = os.fdopen(writing, "w", encoding="utf-8")
    try:
        yield stream
    finally:
        stream.close()


def filled(command: str, samples: Path, cases: Path) -> list[str]:
    known = {
        "{lenet}": str(samples / "lenet5.onnx"),
        "{alexnet}": str(samples / "alexnet.onnx"),
        "{unknown}": str(cases / "name_workflow_command.onnx"),
    }
    return [known.get(word, word) for word in command.split()]


@needs_pipes
@pytest.mark.parametrize(("command", "code"), VERDICTS)
def test_a_reader_that_leaves_changes_no_verdict(
    command: str, code: int, samples: Path, cases: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for closed in ("stdout", "stderr", "both"):
        with unread() as out, unread() as error, monkeypatch.context() as patch:
            patch.setattr(sys, "stdout", out if closed != "stderr" else io.StringIO())
            patch.setattr(sys, "stderr", error if closed != "stdout" else io.StringIO())
            with pytest.raises(SystemExit) as left:
                main(filled(command, samples, cases))
        assert left.value.code == code, closed


@needs_pipes
def test_in_a_real_pipeline(samples: Path) -> None:
    """As a job's script has it, with the streams that a shell closes."""
    model = samples / "lenet5.onnx"
    script = f"""
    set -o pipefail
    check() {{ {" ".join(map(repr_shell, ENTRY))} check {model} --limit params=1 "$@"; }}
    check --report json=/dev/stdout | head -0; echo "$?"
    check >&-; echo "$?"
    check missing.onnx 2> >(exec <&-) >/dev/null; echo "$?"
    """
    done = subprocess.run(
        ["bash", "-c", script], capture_output=True, text=True, check=False, timeout=300
    )
    assert done.stdout.split() == ["1", "2", "2"], done.stderr
    assert done.stderr == "cnnscope: standard output is closed\n"


def repr_shell(text: str) -> str:
    return "'" + text.replace("'", "'\\''") + "'"


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no /dev/full here")
@pytest.mark.parametrize("stream", ["stdout", "stderr", "output"])
def test_a_full_device(stream: str, samples: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    said = io.StringIO()
    given = ["check", str(samples / "lenet5.onnx"), "--limit=params=1"]
    with Path("/dev/full").open("w") as full:
        monkeypatch.setattr(sys, "stderr", full if stream == "stderr" else said)
        monkeypatch.setattr(sys, "stdout", full if stream == "stdout" else io.StringIO())
        with pytest.raises(SystemExit) as left:
            main([*given, *(["-o", "/dev/full"] if stream == "output" else [])])
    assert left.value.code == (1 if stream == "stderr" else 2)
    if stream != "stderr":
        assert said.getvalue().startswith("cnnscope: ")
        assert "No space left on device" in said.getvalue()
        assert said.getvalue().count("\n") == 1


# -- no name is a command of the runner ----------------------------------------------------------

# What begins a command where it begins a line, and what does anywhere.
COMMANDS = [
    "::stop-commands::zz",
    " \t::error::x",
    "\r::error::x",
    "a\n::warning::b",
    "\x0b\x0c\x85\u2028::add-mask::1",
    "##[error]x",
    "a##[group]b",
    "##vso[task.complete result=Succeeded]",
    "###[debug]##[debug]",
    "w " * 60 + "::error::" + " ::error::" * 40,
]


def command_lines(text: str) -> list[str]:
    """The lines that a runner takes for a command: read as actions/runner does, and more lines."""
    found = []
    for line in re.split(r"[\n\r\v\f\x1c-\x1e\x85\u2028\u2029]", text):
        plain_line = re.sub(r"\x1b\[[0-9;]*m", "", line)
        if plain_line.lstrip().startswith("::") or re.search(r"##\w*\[", plain_line):
            found.append(line)
    return found


def named(text: str) -> onnx.ModelProto:
    """A model every text of which is this one; layers, and an operator that nobody knows."""
    first = helper.make_node("Conv", ["x" + text, "w" + text], [text + "o"], text, doc_string=text)
    other = helper.make_node("Foo", [text + "o"], [text + "y"], text, domain=text, overload="")
    third = helper.make_node("Relu", [text + "o"], [text + "z"], text, **{"a" + text[:9]: text})
    meant = TensorProto.FLOAT
    graph = helper.make_graph(
        [first, other, third],
        text,
        [helper.make_tensor_value_info("x" + text, meant, [1, 3, text, 8])],
        [
            helper.make_tensor_value_info(text + "y", meant, None),
            helper.make_tensor_value_info(text + "z", meant, None),
        ],
        [helper.make_tensor("w" + text, meant, [4, 3, 3, 3], [0.1] * 108)],
        doc_string=text,
    )
    made = helper.make_model(
        graph,
        producer_name=text,
        producer_version=text,
        domain=text,
        doc_string=text,
        opset_imports=[helper.make_opsetid("", 17), helper.make_opsetid(text, 1)],
        ir_version=9,
    )
    helper.set_model_props(made, {text: text, "cnnscope.ignore": text})
    return made


def unreadable(text: str) -> onnx.ModelProto:
    """The same, with a node that reads what nothing gives."""
    made = named(text)
    made.graph.node[0].input[1] = text
    return made


# Every command that reads a model: MODEL is its path, NAME a text of it.
ASKED = [
    "analyze MODEL",
    "analyze MODEL MODEL --by op",
    "analyze MODEL MODEL --compare -f markdown",
    "analyze MODEL --by module -f csv --columns module,layers",
    "analyze MODEL -f csv --columns name,op",
    "analyze MODEL -f csv",
    "analyze MODEL -f json --tensors",
    "analyze MODEL -f html",
    "analyze MODEL -f markdown --strict",
    "analyze MODEL --columns NAME",
    "analyze MODEL --sort NAME",
    "analyze MODEL --shape NAME=1x3x8x8",
    "analyze MODEL --dim NAME=8",
    "analyze MODEL --convention NAME",
    "analyze MODEL --NAME",
    "analyze NAME",
    "explain MODEL 0",
    "explain MODEL 0 -f html --unit 0,0",
    "explain MODEL 0 -f markdown --unit 0,0",
    "explain MODEL 1 -f json",
    "explain MODEL NAME",
    "explain MODEL 99",
    "conventions MODEL",
    "conventions MODEL -f markdown",
    "conventions MODEL -f csv",
    "operators NAME",
    "rule NAME",
    "NAME",
    "check MODEL --limit params=1 --limit module.NAME.macs=1",
    "check MODEL --limit params=1 -f html",
    "check MODEL --limit macs=-1 --limit params=-1 --baseline OTHER.onnx -f html",
    "check MODEL --limit macs=-1 --limit params=-1 --baseline OTHER.onnx -f markdown",
    "baseline write MODEL OTHER.onnx -o new.json -f html",
    "baseline write MODEL OTHER.onnx -o new.json -f markdown",
    "check MODEL --limit params=1 -f markdown",
    "check MODEL --limit params=1 -f json",
    "check MODEL --limit params=1 -f junit",
    "check MODEL --limit params=1 -f sarif",
    "check MODEL --limit params=1 -f gitlab",
    "check MODEL --limit NAME=1",
    "check MODEL --limit params=NAME",
    "check MODEL --baseline NAME --limit params=+1%",
    "check MODEL --baseline git:NAME --limit params=+1%",
    "check MODEL --config NAME",
    "check MODEL --config hostile.toml",
    "lint MODEL --config hostile.toml",
    "diff MODEL OTHER",
    "diff OTHER MODEL --all -f html",
    "diff OTHER MODEL --all -f markdown --fail-on any",
    "diff MODEL OTHER -f json",
    "diff MODEL OTHER --fail-on NAME",
    "lint MODEL --severity info",
    "lint MODEL -f html",
    "lint MODEL -f markdown",
    "lint MODEL -f json",
    "lint MODEL -f junit",
    "lint MODEL -f sarif",
    "lint MODEL -f gitlab",
    "lint MODEL --select NAME",
    "verify NAME --input NAME",
    "profile MODEL --sort NAME",
    "analyze MODEL -o NAME/NAME",
]
NARROW = 50  # columns: so that lines are broken in names


def spoken(
    command: str, text: str, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> tuple[str, str]:
    """What a command writes to its two streams about models of such names."""
    files = {"MODEL": "MODEL.onnx", "OTHER": "OTHER.onnx"}
    given = [files.get(word, word.replace("NAME", text)) for word in command.split()]
    out, error = io.StringIO(), io.StringIO()
    with monkeypatch.context() as patch:
        patch.chdir(folder)
        patch.setenv("COLUMNS", str(NARROW))
        patch.setattr(sys, "stdout", out)
        patch.setattr(sys, "stderr", error)
        with pytest.raises(SystemExit):
            main(given)
    return out.getvalue(), error.getvalue()


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> list[tuple[str, Path]]:
    """For each text a folder with models that have it everywhere, and a configuration."""
    found = []
    for number, text in enumerate(COMMANDS):
        folder = tmp_path_factory.mktemp(f"named{number}")
        onnx.save((named, unreadable)[number % 5 == 4](text), folder / "MODEL.onnx")
        onnx.save(named(text[::-1] + text), folder / "OTHER.onnx")
        shown = json.dumps(text)
        (folder / "hostile.toml").write_text(f"[limits]\n{shown} = 1\n[{shown}]\n")
        found.append((text, folder))
    return found


@pytest.mark.parametrize("command", ASKED)
def test_no_name_is_a_command(
    command: str, folders: list[tuple[str, Path]], monkeypatch: pytest.MonkeyPatch
) -> None:
    rng = random.Random(command)
    for text, folder in rng.sample(folders, amount(2, len(folders))):
        out, error = spoken(command, text, folder, monkeypatch)
        assert out or error
        assert not command_lines(out), command_lines(out)
        assert not command_lines(error), command_lines(error)


@pytest.mark.parametrize("gate", ["check MODEL --limit params=1", "lint MODEL --severity info"])
def test_the_commands_of_the_format_github_are_its_own(
    gate: str, folders: list[tuple[str, Path]], monkeypatch: pytest.MonkeyPatch
) -> None:
    for number, (text, folder) in enumerate(folders):
        if number % 5 == 4:
            continue
        out, error = spoken(f"{gate} --format github", text, folder, monkeypatch)
        found = command_lines(out)
        assert found
        assert all(re.match(r"::(error|warning|notice) file=MODEL.onnx,", x) for x in found)
        assert "##[" not in out
        assert not command_lines(error)


def test_json_has_names_as_they_are(
    folders: list[tuple[str, Path]], monkeypatch: pytest.MonkeyPatch
) -> None:
    for number, (text, folder) in enumerate(folders):
        if number % 5 == 4:
            continue
        out, _ = spoken("analyze MODEL --format json", text, folder, monkeypatch)
        found = json.loads(out)
        assert found["layers"][0]["name"] == text
        assert text in found["model"]["producer"]
        junit, _ = spoken("check MODEL --limit params=1 -f junit", text, folder, monkeypatch)
        assert ElementTree.fromstring(junit).tag == "testsuites"  # our own


# -- no name is a link ---------------------------------------------------------------------------

LINKS = [
    "http://evil.example/x", "a`https://evil.example`b", "www.evil.example", "_www.evil.example",
    "ftp://a.b/c", "me@evil.example", "mailto:me@evil.example", "@all", "``@all`", "#123", "GH-12",
    "owner/repo#1", "deadbeef1", "<http://evil.example>", "a|http://evil.example|b", "[x](http://y)",
]  # fmt: skip
# GitHub Flavored Markdown 0.29, 6.9, and what GitHub refers to, in text outside of code.
LIVE = re.compile(r"https?://|ftp://|www\.|[\w.+-]@\w|@\w|(?<!\w)#\d|\bGH-\d|\bdeadbeef1\b")


@pytest.mark.parametrize("text", LINKS)
def test_no_name_is_a_link(text: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    onnx.save(named(text), tmp_path / "MODEL.onnx")
    onnx.save(named(text + text), tmp_path / "OTHER.onnx")
    for command in [x for x in ASKED if "markdown" in x and "MODEL" in x]:
        out, _ = spoken(command, text, tmp_path, monkeypatch)
        html = MarkdownIt("commonmark").enable("table").render(out)
        seen = re.sub(r"<code[^>]*>.*?</code>", "", html, flags=re.DOTALL)
        assert "<a " not in html, command
        assert LIVE.search(seen) is None, command


# -- no name is an element -----------------------------------------------------------------------

ELEMENTS = [
    "</td></title><script>alert(1)</script>", "<img src=x onerror=alert(1)>", "\"><b onload='a'>", "<!--",
    "&lt;b&gt;&#60;", "</style><link href=//evil.example>",
]  # fmt: skip
OURS = {
    "html", "head", "meta", "title", "style", "body", "main", "h1", "h2", "h3", "h4", "div", "table",
    "thead", "tbody", "tr", "th", "td", "ul", "li", "p", "span", "b", "pre", "code", "details", "summary",
    "br",
}  # fmt: skip


@pytest.mark.parametrize("text", ELEMENTS)
def test_no_name_is_an_element(text: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    onnx.save(named(text), tmp_path / "MODEL.onnx")
    onnx.save(named(text + text), tmp_path / "OTHER.onnx")
    for command in [x for x in ASKED if "html" in x]:
        out, _ = spoken(command, text, tmp_path, monkeypatch)
        page = Page(out)
        assert page.seen <= OURS, command
        assert page.given <= {"lang", "charset", "name", "content", "style", "class"}, command
        if command.startswith("analyze"):
            assert text in "".join(page.words), "a reader sees the name as it is"


@needs_pipes
def test_a_pipe_or_a_device_is_no_model(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    os.mkfifo(tmp_path / "MODEL.onnx")
    (tmp_path / "OTHER.onnx").symlink_to("MODEL.onnx")
    for command in (
        "analyze MODEL",
        "lint OTHER",
        "check MODEL --limit params=1",
        "diff MODEL OTHER",
    ):
        _, error = spoken(command, "x", tmp_path, monkeypatch)
        assert "this is a pipe, not a file" in error
    _, error = spoken("check OTHER --config MODEL.onnx", "x", tmp_path, monkeypatch)
    assert "this is a pipe, not a file" in error
    _, error = spoken("analyze /dev/zero", "x", tmp_path, monkeypatch)
    assert "this is a device" in error
