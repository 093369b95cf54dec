"""Shell completion: are the candidates right, in real shells, and does no name do anything?"""

from __future__ import annotations

import importlib
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import onnx
import pytest
from amounts import amount
from onnx import helper
from shells import Shell, environment

import cnnscope
from cnnscope.cli import COMMANDS, main
from cnnscope.runtime.commands import candidates
from cnnscope.runtime.commands.shell_words import words_of
from cnnscope.runtime.commands.signature import signature_of

TEXT = """<ir_version: 8, opset_import: ["" : 17]>
g (float[N,3,H,W] x, float[?,4] z) => (float[N,3,H,W] y, float[?,4] u) { y = Relu(x)  u = Relu(z) }"""
HOSTILE = [
    "a b", "$(touch ran)", "`touch ran`", "it's", 'say "hi"', "semi;touch ran", "star*", "!bang",
    "back\\slash", "{a,b}", "#hash", "pipe|x", "col:on/one", "col:on/two", "eq=ual", "\u00e9\u00e8", "~tilde",
]  # fmt: skip
#: never offered: what moves a terminal's cursor, hides, or is a runner's command
UNSEEN = ["x\x1b[31m", "x\nnew", "x\ttab", "x\u202eleft", "x##vso[task]", "x" * 400]
Run = Callable[..., list[str]]


def chain(names: list[str]) -> onnx.ModelProto:
    """Relu after Relu, of these names."""
    model = onnx.parser.parse_model(TEXT)
    (first, other) = list(model.graph.node)
    del model.graph.node[:]
    before = "x"
    for i, name in enumerate(names):
        after = "y" if i == len(names) - 1 else f"t{i}"
        model.graph.node.append(helper.make_node("Relu", [before], [after], name=name))
        before = after
    model.graph.node.append(other)
    assert first.op_type == "Relu"
    return model


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    found = tmp_path_factory.mktemp("line")
    onnx.save(chain([*HOSTILE, *UNSEEN]), found / "m.onnx")
    onnx.save(chain([f"/net/{i // 10}/{i % 10}/relu" for i in range(60)]), found / "my model.onnx")
    (found / "other.txt").write_text("")
    (found / "broken.onnx").write_bytes(b"\x00\x01")
    (found / "sub").mkdir()
    return found


@pytest.fixture
def ask(folder: Path, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Run:
    """What the scripts of zsh and fish are answered; the first line says whether files do, too."""
    monkeypatch.chdir(folder)

    def call(*words: str, shell: str = "zsh") -> list[str]:
        with pytest.raises(SystemExit, match="0"):
            main(["--complete", shell, *words])
        out, err = capfd.readouterr()
        assert err == ""
        return out.splitlines()

    return call


def words_in(lines: list[str]) -> list[str]:
    assert all(line.startswith("=") for line in lines[1:])
    return [line[1:].partition("\t")[0] for line in lines[1:]]


@pytest.mark.parametrize(
    ("words", "files", "some"),
    [
        ([""], "models", [*COMMANDS]),
        (["e"], "models", ["explain"]),
        (["--"], "words", ["--version", "--install-completion", "--sort"]),
        (["--install-completion", ""], "words", ["bash", "zsh", "fish"]),
        (["analyze", ""], "models", []),
        (["m.onnx", ""], "models", []),
        (["m.onnx", "--f"], "words", ["--format"]),
        (["m.onnx", "-"], "words", ["-f", "-o", "--help"]),
        (["m.onnx", "--format", "j"], "words", ["json"]),
        (["m.onnx", "-f", "j"], "words", ["json"]),
        (["m.onnx", "--format=j"], "words", ["--format=json"]),
        (["--format", "json", "m.onnx", "--by", "mo"], "words", ["module"]),
        (["m.onnx", "--dim", ""], "words", ["N=", "H=", "W=", "z:0="]),
        (["m.onnx", "--dim=H"], "words", ["--dim=H="]),
        (["m.onnx", "--shape", ""], "words", ["x=", "z="]),
        (["verify", "m.onnx", "--input", ""], "words", ["x=", "z="]),
        (["m.onnx", "--sort", "ma"], "words", ["macs"]),
        (["m.onnx", "--by", "op", "--sort", "la"], "words", ["layers"]),
        (["profile", "m.onnx", "--sort", "ti"], "words", ["time"]),
        (["m.onnx", "--columns", "name,ou"], "words", ["name,output"]),
        (["m.onnx", "--columns=name,ou"], "words", ["--columns=name,output"]),
        (["rule", "CNS10"], "words", ["CNS101", "CNS102"]),
        (["lint", "m.onnx", "--ignore", "CNS101,CNS10"], "words", ["CNS101,CNS102"]),
        (["check", "m.onnx", "--limit", "mac"], "words", ["macs="]),
        (["check", "m.onnx", "--report", "sa"], "words", ["sarif="]),
        (["diff", "m.onnx", ""], "models", []),
        (["diff", "m.onnx", "m.onnx", "--fail-on", "shape,wei"], "words", ["shape,weights"]),
        (["m.onnx", "--convention", "th"], "words", ["thop"]),
        (["operators", "ConvT"], "words", ["ConvTranspose"]),
        (["m.onnx", "-o", ""], "files", []),
        (["baseline", "u"], "words", ["update"]),
        (["baseline", "write", ""], "models", []),
        (["baseline", "show", ""], "files", []),
        (["baseline", "write", "m.onnx", "--dim", "H"], "words", ["H="]),
        (["lint", "m.onnx", "--severity", "w"], "words", ["warning"]),
        (["explain", "m.onnx", "col"], "words", ["col:on/one", "col:on/two"]),
        (["explain", "m.onnx", "--dim", "H=3", "--", "sta"], "words", ["star*"]),
        (["m.onnx", "--layer", "sta"], "words", ["star*"]),
        (["explain", "my model.onnx", ""], "words", ["/net/", "Relu_60"]),
        (["explain", "my model.onnx", "/net/"], "words", ["/net/0/", "/net/5/"]),
        (["explain", "my model.onnx", "/net/3/"], "words", ["/net/3/0/relu", "/net/3/9/relu"]),
    ],
)  # fmt: skip
def test_candidates(ask: Run, words: list[str], files: str, some: list[str]) -> None:
    lines = ask(*words)
    found = words_in(lines)
    assert lines[0] == files
    assert {*some} <= {*found}
    assert all(x.startswith(words[-1]) for x in found)
    assert bool(found) == bool(some)


@pytest.mark.parametrize(
    "words",
    [
        ["nope", ""], ["explain", "no.onnx", ""], ["explain", "broken.onnx", ""], ["explain", "sub", ""],
        ["explain", "-", ""], ["explain", "/dev/zero", ""], ["m.onnx", "--top", ""], ["m.onnx", "--strict="],
        ["explain", "m.onnx", "a", ""], ["--version", ""], ["explain", "m.onnx", "zzz"],
    ],
    ids=" ".join,
)  # fmt: skip
def test_nothing_is_offered_silently(ask: Run, words: list[str]) -> None:
    assert ask(*words) in (["words"], [])
    assert ask(shell="fish") == []  # nor is nonsense answered


def test_paths_go_before_the_names_of_the_file(
    ask: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    model = chain(["node_relu_7", "/a/Relu"])
    entry = model.graph.node[0].metadata_props.add()
    entry.key, entry.value = "pkg.torch.onnx.name_scopes", "['', 'head', 'head.act', 'relu_7']"
    model.producer_name = "pytorch"
    onnx.save(model, tmp_path / "m.onnx")
    monkeypatch.chdir(tmp_path)
    path = cnnscope.analyze("m.onnx").layers[0].path
    assert path != "node_relu_7"
    found = words_in(ask("explain", "m.onnx", ""))
    assert found[0] == path
    assert "node_relu_7" in found[1:]


def test_every_layer_can_be_typed_so(ask: Run) -> None:
    """Whatever is offered is taken: each candidate names a layer."""
    report = cnnscope.analyze("m.onnx")
    offered = words_in(ask("explain", "m.onnx", ""))
    assert {*HOSTILE} <= {*offered}
    assert not {*UNSEEN} & {*offered}
    for name in offered:
        report.layers.find(name)


def test_every_option_says_what_its_value_could_be() -> None:
    """Options whose values are numbers or free text are listed here: a new one is thought of."""
    free = {
        "--free", "--channel", "--prove", "--pairs", "--patches", "--rate", "--tile",
        "--top", "--depth", "--until", "--unit", "--seed", "--timeout", "--probes", "--batch",
        "--threads", "--draws", "--seconds", "--tolerance", "--target-opset", "--ridge", "--since",
        "--ceilings", "--workers", "--memory",
    }  # fmt: skip
    for name in COMMANDS:
        module = importlib.import_module(f"cnnscope.runtime.commands.{name}")
        options, arguments = signature_of(getattr(module, name))
        for x in options:
            known = x.flag or x.choices or x.path or x.names[0] in candidates.FILES
            assert known or x.names[0] in {*candidates.VALUES} | free, (name, x)
            assert all(n.startswith("-") for n in x.names)
        assert all(
            x.choices or x.name in candidates.MODELS or x.name in candidates.ARGUMENTS
            for x in arguments
        )
        # what typer makes of the same signature has the same names
        page = help_of(name)
        assert all(n in page for x in options for n in x.names), name


def help_of(name: str) -> str:
    import contextlib
    import io

    out = io.StringIO()
    with contextlib.redirect_stdout(out), pytest.raises(SystemExit):
        main([name, "--help"])
    return out.getvalue()


# -- bash's words -------------------------------------------------------------------------------------


@pytest.mark.skipif(shutil.which("bash") is None, reason="there is no bash here")
def test_what_is_quoted_for_bash_is_the_word_again() -> None:
    """bash itself reads back what it would be given, for every way in which a word may have begun."""
    lines, wanted = [], []
    for whole in [*HOSTILE, "plain", "x\\", "''", '"', "a  b\\ c"]:
        for cut in range(len(whole) + 1):
            begun = [
                "".join(f"\\{c}" for c in whole[:cut]),
                "'" + whole[:cut].replace("'", "'\\''"),
                '"' + "".join(f"\\{c}" if c in '$`"\\' else c for c in whole[:cut]),
            ]
            for raw in begun:
                word = words_of(f"cnnscope explain {raw}")[-1]
                assert (word.text, word.expands) == (whole[:cut], False)
                rest = word.finished(whole)
                assert rest is not None
                typed = raw[: word.kept] + rest
                quote = words_of(f"cnnscope {typed}")[-1].quote
                lines.append(f"printf '%s\\0' {typed}{quote}\n")
                wanted.append(whole)
    done = subprocess.run(
        ["bash"], input="".join(lines), capture_output=True, text=True, check=True
    )
    assert done.stdout.split("\0")[:-1] == wanted
    assert done.stderr == ""


# -- real shells --------------------------------------------------------------------------------------


@pytest.fixture(scope="module", params=["bash", "zsh", "fish"])
def shell(
    request: pytest.FixtureRequest, folder: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Shell]:
    if shutil.which(request.param) is None:
        pytest.skip(f"there is no {request.param} here")
    if shutil.which("cnnscope", path=environment(folder)["PATH"]) is None:
        pytest.skip("cnnscope isn't installed as a command")
    started = Shell(request.param, folder, tmp_path_factory.mktemp("home"))
    yield started
    started.close()


#: what is typed, and what Tab makes of it; the first few in every run
LINES = [
    ("cnnscope explain m.onnx \\$", "cnnscope explain m.onnx \\$\\(touch\\ ran\\) "),
    ("cnnscope explain $(touch ran) a", "cnnscope explain $(touch ran) a"),
    ("cnnscope explain my", "cnnscope explain my\\ model.onnx "),
    ("cnnscope expl", "cnnscope explain "),
    ("cnnscope m.onnx --dim H", "cnnscope m.onnx --dim H="),
    ("cnnscope m.onnx --format=js", "cnnscope m.onnx --format=json "),
    ("cnnscope m.onnx --columns name,outp", "cnnscope m.onnx --columns name,output "),
    ("cnnscope explain m.onnx 'sem", "cnnscope explain m.onnx 'semi;touch ran' "),
    ("cnnscope explain m.onnx x", "cnnscope explain m.onnx x"),
    (
        "cnnscope explain 'my model.onnx' /net/3/4",
        "cnnscope explain 'my model.onnx' /net/3/4/relu ",
    ),
    ("cnnscope explain m.onnx col:on/o", "cnnscope explain m.onnx col:on/one "),
]


@pytest.mark.parametrize(("typed", "line"), LINES[: amount(2, len(LINES))])
def test_a_shell_completes(shell: Shell, folder: Path, typed: str, line: str) -> None:
    found, out = shell.completed(typed)
    assert found == line
    assert b"\x1b[31m" not in out
    assert not (folder / "ran").exists()


def test_it_gives_up_in_time_and_silently(folder: Path) -> None:
    code = (
        "import sys, time; from cnnscope.runtime.commands import candidates, completion; "
        "completion.PATIENCE = 0.2; "
        "slow = lambda line: 'x'.join(str(i) for i in range(1 << 30)) and []; "
        "candidates.ARGUMENTS = {'layer': slow}; "
        "completion.print_candidates(['zsh', 'explain', 'm.onnx', ''], {'explain': ''})"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=folder, capture_output=True, timeout=50)
    assert (done.returncode, done.stdout, done.stderr) == (-signal.SIGALRM, b"", b"")


# -- installing it ------------------------------------------------------------------------------------


def test_installing_and_showing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    for name, value in {
        "HOME": tmp_path,
        "XDG_DATA_HOME": "",
        "XDG_CONFIG_HOME": "",
        "ZDOTDIR": "",
    }.items():
        monkeypatch.setenv(name, str(value))
    (tmp_path / ".bashrc").write_text("alias x=y")

    def call(*words: str) -> tuple[int, str, str]:
        with pytest.raises(SystemExit) as stop:
            main(list(words))
        return int(stop.value.code or 0), *capfd.readouterr()

    for shell, place in {
        "bash": ".local/share/cnnscope/completion.bash", "zsh": ".local/share/cnnscope/completion.zsh",
        "fish": ".config/fish/completions/cnnscope.fish",
    }.items():  # fmt: skip
        script = call("--show-completion", shell)
        assert script == call(f"--show-completion={shell}")
        for _ in range(2):
            code, out, err = call("--install-completion", shell)
            assert (code, err) == (0, "")
            assert str(tmp_path / place) in out
        assert (tmp_path / place).read_text() == script[1]
    bashrc = (tmp_path / ".bashrc").read_text().splitlines()
    assert bashrc[0] == "alias x=y"
    assert len(bashrc) == 2
    assert (tmp_path / ".zshrc").read_text().count("\n") == 1
    if shutil.which("bash"):
        asked = ["bash", "--rcfile", str(tmp_path / ".bashrc"), "-i", "-c", "complete -p cnnscope"]
        done = subprocess.run(asked, capture_output=True, text=True, env={**os.environ})
        assert "_cnnscope_completion cnnscope" in done.stdout
    for words, said in {
        ("--install-completion", "ksh"): "there is for bash, zsh, fish",
        ("--show-completion", "zsh", "bash"): "takes one shell",
    }.items():
        code, out, err = call(*words)
        assert (code, out, said in err, err.count("\n")) == (2, "", True, 1)
    (tmp_path / ".zshrc").unlink()
    (tmp_path / ".zshrc").mkdir()
    assert call("--install-completion", "zsh")[0] == 2
