"""However narrow a terminal is: different names never look alike, and less important columns went first."""

from __future__ import annotations

import os
import re
from pathlib import Path

import pytest
from amounts import amount
from commanded import run
from hypothesis import example, given, settings
from hypothesis import strategies as st
from laid_out import report_text
from networks import network, node
from rich.cells import cell_len

import cnnscope
from cnnscope.analyzer.render.columns import Column
from cnnscope.analyzer.render.forms.terminal_grid import aligned
from cnnscope.analyzer.render.forms.terminal_names import apart, comfortable
from cnnscope.analyzer.render.forms.terminal_tables import table_lines
from cnnscope.analyzer.render.tables import Narrow, table
from cnnscope.analyzer.report.meant_layers import meant_layers
from cnnscope.analyzer.values.notation import name
from cnnscope.cli import main

STEPS = ["a", "b", "conv", "layer1", "layer2", "encoder_layer_11", "self_attention", "Relu", "Relu_1",
         "日本語", "…", "", "x" * 70, "y" * 69 + "z"]  # fmt: skip
paths = st.lists(st.sampled_from(STEPS), min_size=1, max_size=6).map("/".join)
OPS = ["Relu", "Conv", "BatchNormalization", "x"]


@settings(max_examples=amount(30, 5000))
@given(st.lists(paths, min_size=1, max_size=30), st.integers(8, 80), st.sampled_from(["", "Relu"]))
@example(["a", "b"] * 3, 8, "")
@example(["x" * i for i in range(1, 80)], 8, "")
@example(["…/conv", "a/b/c/d/e/conv", "f/b/c/d/e/conv"], 8, "")
def test_names_stay_different(names: list[str], width: int, beside: str) -> None:
    for cut in (apart(names, names, width, beside=[beside] * len(names)),
                apart(names, names, width, paths=False)):  # fmt: skip
        assert all(cell_len(text) <= width for text in cut)
        assert len(dict(zip(names, cut, strict=True))) == len(set(cut))
        for whole, text in zip(names, cut, strict=True):
            assert cell_len(whole) > width or text == whole or "…" in text or "~" in text


def test_texts_that_were_cut_before_are_told_apart_by_what_they_stand_for() -> None:
    keys = ["n" * 150 + c + "n" * 150 for c in "abc"]
    texts = [name(key) for key in keys]
    assert len(set(texts)) == 1
    assert len(set(apart(texts, keys, 40))) == 3
    assert len(set(apart(texts, [1, 1, 1], 40))) == 1


@pytest.mark.parametrize(
    ("names", "beside", "width", "cut"),
    [
        (["l1/0/conv/Conv", "l2/0/conv/Conv"], "Conv", 14, ["l1/0/conv/Conv", "l2/0/conv/Conv"]),
        (["m/l1/conv/Conv", "m/l2/conv/Conv"], "", 14, ["m/l1/conv/Conv", "m/l2/conv/Conv"]),
        (["m/l1/conv/Conv", "m/l2/conv/Conv"], "", 13, ["…/l1/…/Conv", "…/l2/…/Conv"]),
        (["m/l1/conv/Conv", "m/l2/conv/Conv"], "Conv", 13, ["m/l1/conv/…", "m/l2/conv/…"]),
        (["m/l1/relu/Relu", "m/l1/relu/Relu_1"], "Relu", 14, ["m/l1/relu/Relu", "…/relu/Relu_1"]),
        (["model/head/one", "model/head/two"], "", 10, ["…/head/one", "…/head/two"]),
    ],
)
def test_what_is_common_goes_first(
    names: list[str], beside: str, width: int, cut: list[str]
) -> None:
    assert apart(names, names, width, beside=[beside] * len(names)) == cut


def test_the_cells_in_which_whole_steps_tell_names_apart() -> None:
    names = [f"net/stage/{i}/conv/Conv" for i in range(12)] + ["fc"]
    assert comfortable(names) == len("…/11/conv/Conv")
    assert comfortable(names, ["Conv"] * 13) == len("…/11/conv/…")
    assert apart(names, names, 14)[-2:] == ["…/11/conv/Conv", "fc"]


layer_names: Column[tuple[str, str]] = Column(
    "name", "layer", lambda x: name(x[0]), lambda x: x[0], importance=100, least=20, names=lambda x: x[0],
    beside=lambda x: x[1],
)  # fmt: skip
operators: Column[tuple[str, str]] = Column(
    "op", "op", lambda x: x[1], lambda x: x[1], importance=90, least=24
)
others: list[Column[tuple[str, str]]] = [
    Column(f"n{i}", f"figure {i}", lambda x: "115.6 M", lambda x: 1, right=True,
                            importance=i)
    for i in (70, 65, 50, 20, 10)
]  # fmt: skip


@settings(max_examples=amount(25, 3000))
@given(
    st.lists(st.tuples(paths, st.sampled_from(OPS)), min_size=1, max_size=20, unique=True),
    st.integers(60, 200),
    st.sampled_from(["drop", "shorten", "below", "grow"]),
)
def test_no_two_names_of_a_table_look_alike(
    rows: list[tuple[str, str]], width: int, narrow: Narrow
) -> None:
    lines = list(table_lines(table((layer_names, operators, *others), rows, narrow), width))
    texts = ["".join(text for text, _ in line) for line in lines]
    if narrow != "grow":
        assert all(cell_len(text) <= width for text in texts)
    if narrow == "drop":
        shown = [line[0][0].rstrip() for line in lines[2:]]
        assert len(set(zip((x for x, _ in rows), shown, strict=True))) == len(set(shown))
        if any(whole != text for (whole, _), text in zip(rows, shown, strict=True)):
            assert all(f"figure {i}" not in texts[0] for i in (50, 20, 10))  # less than a name
            assert all(op in text for (_, op), text in zip(rows, texts[2:], strict=True))
    elif len(lines) == len(rows) + 2 - (narrow == "shorten"):
        names = {whole for whole, _ in rows}
        assert len({text.split("  ")[0] for text in texts[-len(rows) :]}) == len(names)


@pytest.mark.parametrize("width", [60, 80, 100, 140])
def test_the_names_of_real_models(samples: Path, width: int) -> None:
    for model in ("vit_b_16", "resnet50", "efficientnet_b0"):
        report = cnnscope.analyze(samples / f"{model}.onnx")
        lines = report_text(report, width).splitlines()
        rule = next(i for i, line in enumerate(lines) if line.startswith("---"))
        size = len(lines[rule].split()[0])
        shown = [line[:size].rstrip() for line in lines[rule + 1 : rule + 1 + len(report.layers)]]
        assert len(set(shown)) == len(report.layers)
        ops = [line[size + 2 :].split()[0] for line in lines[rule + 1 : rule + 1 + len(shown)]]
        assert ops == [x.op for x in report.layers]


def test_what_is_shown_of_a_name_finds_the_layer(samples: Path) -> None:
    layers = cnnscope.analyze(samples / "resnet50.onnx").layers
    names = [x.name for x in layers]
    shown = apart(names, names, 28, beside=[x.op for x in layers])
    assert sum("…" in text for text in shown) > 40
    for text, layer in zip(shown, layers, strict=True):
        assert meant_layers(layers, text) == (layer,)


@pytest.mark.parametrize(
    ("texts", "shown"),
    [
        (["9.41 k", "64", "1.00 M", "0", "?", "-"], ["9.41 k", "64  ", "1.00 M", "0  ", "?  ", "-  "]),
        (["100 B", "97.49 MiB"], ["100 B  ", "97.49 MiB"]),
        (["7", "all (427)", "2*H"], ["7", "all (427)", "2*H"]),
        (["+3.90 G", "-2", ""], ["+3.90 G", "-2  ", ""]),
        (["12.3 ms", "3.00 us", "? ms?"], ["12.3 ms", "3.00 us", "? ms?"]),
    ],
)  # fmt: skip
def test_units_stand_below_each_other(texts: list[str], shown: list[str]) -> None:
    assert aligned(texts) == shown


PLURALS = re.compile(
    r"\b1 (more |other |of 1 )?(layers|rows|tensors|kernels|limits|models|nodes|parameters|probes|runs)\b"
)


def test_one_is_no_plural() -> None:
    one, other = (
        network(node(op, "x w" if op == "Conv" else "x", "y"), x=(1, 1, 1, 1), w=(1, 1, 1, 1))
        for op in ("Conv", "Relu")
    )
    models = [one.SerializeToString(), other.SerializeToString()]
    report = cnnscope.analyze(models[0])
    for said in (
        report, repr(report), report.by_op(), report.by_module(), report.layers[0].explain(),
        cnnscope.lint(models[0]), cnnscope.diff(*models), cnnscope.diff(models[0], models[0]),
        cnnscope.check(models[0], {"params": "0"}), cnnscope.check(models[0], {"params": "9"}),
        cnnscope.compare(models), cnnscope.verify(models[0]),
    ):  # fmt: skip
        assert not PLURALS.search(str(said)), said


# -- where the text goes to ------------------------------------------------------------------


@pytest.fixture
def unset(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    for variable in ("COLUMNS", "NO_COLOR", "FORCE_COLOR", "TTY_COMPATIBLE"):
        monkeypatch.delenv(variable, raising=False)
    monkeypatch.setenv("TERM", "xterm-256color")
    return monkeypatch


def test_nothing_is_cut_for_a_pipe_or_a_file(
    samples: Path, tmp_path: Path, unset: pytest.MonkeyPatch
) -> None:
    model = str(samples / "vit_b_16.onnx")
    report = cnnscope.analyze(model)
    code, out, _ = run("analyze", model)
    assert code == 0
    assert "…" not in out
    for layer in report.layers:
        assert f"\n{layer.name} " in out
    title = next(line for line in out.splitlines() if line.startswith("layer "))
    assert title.split() == ["layer", "op", "kind", "output", "params", "MACs", "FLOPs", "read",
                             "written", "FLOP/B", "field", "step"]  # fmt: skip
    assert run("analyze", model, "-o", str(tmp_path / "out.txt"))[0] == 0
    assert (tmp_path / "out.txt").read_text("utf-8") == out
    unset.setenv("COLUMNS", "70")
    narrow = run("analyze", model)[1]
    assert max(map(cell_len, narrow.splitlines())) <= 70


@pytest.mark.skipif(os.name != "posix", reason="a terminal of its own")
@pytest.mark.parametrize(
    ("variables", "styled"),
    [
        ({}, True),
        ({"NO_COLOR": "1"}, False),
        ({"NO_COLOR": ""}, True),
        ({"TERM": "dumb"}, False),
        ({"NO_COLOR": "1", "FORCE_COLOR": "1"}, False),
    ],
)
def test_a_terminal_gets_its_width_and_no_style_where_none_is_wanted(
    variables: dict[str, str], styled: bool, samples: Path, unset: pytest.MonkeyPatch
) -> None:
    import fcntl
    import struct
    import termios

    from cnnscope.runtime.commands import output

    for key, value in variables.items():
        unset.setenv(key, value)
    ours, theirs = os.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 90, 0, 0))
    written: list[str] = []
    unset.setattr(output, "write", lambda text: written.append("".join(text)))
    with os.fdopen(theirs, "w") as terminal:
        unset.setattr("sys.stdout", terminal)
        unset.setattr("sys.__stdout__", terminal)
        with pytest.raises(SystemExit):
            main(["analyze", str(samples / "lenet5.onnx")])
    os.close(ours)
    (text,) = written
    assert ("\x1b[" in text) is styled
    rule = next(line for line in text.splitlines() if "-----" in line)
    assert 70 < rule.count("-") + rule.count(" ") <= 90


def test_a_job_log_may_ask_for_colours(samples: Path, unset: pytest.MonkeyPatch) -> None:
    unset.setenv("FORCE_COLOR", "1")
    out = run("analyze", str(samples / "vit_b_16.onnx"))[1]
    assert "\x1b[" in out
    assert "…" not in out


@pytest.mark.parametrize("width", [12, 20, 40, 300])
def test_what_goes_on_below_a_row_has_its_tone(width: int) -> None:
    columns = (
        Column("name", "name", lambda x: x[0], lambda x: x[0], importance=100),
        Column("said", "said", lambda x: x[1], lambda x: x[1], importance=90),
    )
    rows = [("one", "uno " * 30), ("two", "due " * 30)]
    told = table(columns, rows, "below", tone=lambda x: "error" if x[0] == "one" else "warning")
    styles: dict[str, set[str]] = {"uno": set(), "due": set()}
    for line in table_lines(told, width):
        text = "".join(part for part, _ in line)
        for word, found in styles.items():
            if word in text:
                found.update(style for _, style in line)
    assert styles == {"uno": {"error"}, "due": {"warning"}}
