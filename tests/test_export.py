"""Exports for other programs, each read back by a reader that isn't ours; names in them are hostile."""

from __future__ import annotations

import io
import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import networkx
import onnx
import pytest
import yaml
from export_models import HOSTILE, convolutions, functions, hostile, nameless, nested
from markdown_it import MarkdownIt

import cnnscope
from cnnscope.cli import main

FORMS = ("netron", "model-explorer", "dot", "graphml", "mermaid", "model-card", "cyclonedx")
#: a line that CI runners take for a command
COMMAND = re.compile(r"^\s*::|##\w*\[", re.MULTILINE)


@pytest.fixture(scope="module")
def report() -> cnnscope.Report:
    return cnnscope.analyze(hostile())


def run(capfd: pytest.CaptureFixture[str], *words: object) -> tuple[int, str, str]:
    with pytest.raises(SystemExit) as left:
        main(["export", *map(str, words)])
    assert isinstance(left.value.code, int)
    return left.value.code, *capfd.readouterr()


# -- Netron ------------------------------------------------------------------------------------


def entries(
    model: onnx.ModelProto, part: str = "metrics"
) -> dict[tuple[str, str], dict[str, object]]:
    found: dict[tuple[str, str], dict[str, object]] = {}
    data = json.loads(cnnscope.export(model, "netron"))
    assert data["signature"] == "netron:attachment"
    for x in data[part]:
        found.setdefault((x["kind"], x["target"]), {})[x["name"]] = x["value"]
    return found


def test_netron() -> None:
    found = entries(convolutions())
    assert found["node", "/stem/conv/Conv"]["macs"] == 1024 * 432
    assert found["model", ""]["macs"] == found["graph", "two"]["macs"] == 1024 * 560
    said = entries(convolutions(), "metadata")["node", "/stem/conv/Conv"]
    assert said == {"kind": "2-D convolution", "output": "1x16x32x32"}


def test_netron_tells_nodes_without_a_name_by_their_tensors() -> None:
    """What Netron shows for a key it shows for every node with that name, in functions, too."""
    found = {key for key in entries(nameless()) if key[0] in ("node", "value")}
    # y1: no name. y2, y3: one name. y4: as in the function. t: likewise; y: a tensor of another name.
    assert found == {("value", x) for x in ("y1", "y2", "y3", "y4", "z", "t", "y")}


def test_netron_says_of_which_nodes_it_has_nothing(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    text = """<ir_version: 8, opset_import: ["": 17]> g (float[1] x, bool c) => (float[1] y) {
    y = If (c) <then_branch = a () => (float[1] u) { u = Relu(x) }, else_branch = b () => (float[1] u)
    { u = Tanh(x) }> }"""
    onnx.save(onnx.parser.parse_model(text), tmp_path / "m.onnx")
    code, _, err = run(capfd, tmp_path / "m.onnx", "--netron", tmp_path / "n.json")
    assert code == 0
    assert "2 nodes can't be told from others by any name" in err


def test_netron_keys_are_first_lines() -> None:
    """`target` is compared with a name up to its first line's end."""
    found = entries(hostile())
    assert ("node", "/two") in found
    assert {name for kind, name in found if kind == "node"} == {
        (f"/{x}/{x}" if i % 2 else x).split("\n")[0] for i, x in enumerate(HOSTILE)
    }


def test_numbers_beyond_javascript_are_texts() -> None:
    text = """<ir_version: 8, opset_import: ["": 17]>
    g (float[1000000, 1000000] x, float[1000000, 1000000] w) => (float[1000000, 1000000] y)
    { [m] y = MatMul(x, w) }"""
    found = entries(onnx.parser.parse_model(text))["node", "m"]
    assert found["macs"] == str(10**18)
    assert found["bytes_written"] == 4 * 10**12


# -- Model Explorer ----------------------------------------------------------------------------


def test_model_explorer() -> None:
    data = json.loads(cnnscope.export(convolutions(), "model-explorer", color="params"))
    results = data["two"]["results"]
    assert {k: x["value"] for k, x in results.items()} == {
        "/stem/conv/Conv": 432, "/stem/act/Relu": 0, "/head/conv/Conv": 128,
    }  # fmt: skip
    stops = [x["stop"] for x in data["two"]["gradient"]]
    assert stops[0] == 0
    assert stops[-1] == 1
    assert stops == sorted(stops)


def test_model_explorer_goes_by_the_adapters_names() -> None:
    """As model-explorer-onnx 0.4.2 names graphs and nodes: read off what it makes of these models."""
    assert explored(functions()) == {
        "g": {"a": 384, "b": 384, "i": 192, "i/then_branch/r": 192, "i/else_branch/q": 192},
        "[function]f::twice": {"o": 192, "p": 192}, "[function]f::once": {"s": 192},
    }  # fmt: skip
    found = explored(nameless())
    assert set(found["g"]) == {"node", "same", "same_1", "inner", "node_1"}
    assert set(found["[function]f::twice"]) == {"inner", "node"}
    assert set(explored(nested())) == {"g", "loop/body", "if/then_branch/turn/body"}


def explored(model: onnx.ModelProto) -> dict[str, dict[str, int]]:
    data = json.loads(cnnscope.export(model, "model-explorer", color="flops"))
    return {g: {k: x["value"] for k, x in part["results"].items()} for g, part in data.items()}


@pytest.mark.parametrize("model", [functions, nameless, hostile, nested, convolutions])
def test_model_explorers_adapter_has_all_of_them(
    model: Callable[[], onnx.ModelProto], tmp_path: Path
) -> None:
    adapter = pytest.importorskip(
        "model_explorer_onnx.main", reason="model-explorer-onnx isn't installed"
    )
    onnx.save(model(), tmp_path / "m.onnx")
    shown = {
        graph.id: {node.id for node in graph.nodes}
        for graph in adapter.ONNXAdapter().convert(str(tmp_path / "m.onnx"), {})["graphs"]
    }
    for graph, values in explored(model()).items():
        assert set(values) <= shown[graph]


# -- drawings ----------------------------------------------------------------------------------


def test_graphml_is_read_by_networkx(report: cnnscope.Report) -> None:
    found = networkx.read_graphml(io.StringIO(cnnscope.export(report, "graphml")))
    assert set(found.edges) == set(report.graph.edges)
    for node, facts in report.graph.nodes(data=True):
        assert found.nodes[node] == facts
    folded = networkx.read_graphml(
        io.StringIO(cnnscope.export(convolutions(), "graphml", depth=1, color="macs"))
    )
    assert list(folded.edges) == [("x", "stem"), ("stem", "head"), ("head", "y")]
    assert folded.nodes["stem"]["macs"] == 1024 * 432
    assert folded.nodes["stem"]["layers"] == 2
    assert folded.nodes["stem"]["color"] != folded.nodes["head"]["color"]


def dot_tokens(text: str) -> list[str]:
    """As https://graphviz.org/doc/info/lang.html has it: quoted texts, names, signs."""
    tokens = re.findall(r'"(?:[^"\\]|\\.)*"|[\w.]+|->|[{}\[\]=;]|\S', text, re.DOTALL)
    assert all(x[0] == '"' or re.fullmatch(r"[\w.]+|->|[{}\[\]=;]", x) for x in tokens)
    return tokens


def test_dot_has_nothing_but_its_own_words(report: cnnscope.Report) -> None:
    text = cnnscope.export(report, "dot", color="flops")
    tokens = dot_tokens(text)
    assert {x for x in tokens if x[0] != '"'} <= {
        "digraph", "node", "graph", "subgraph", "label", "tooltip", "shape", "box", "oval", "style",
        "rounded", "fillcolor", "fontcolor", "fontname", "color", "->", "{", "}", "[", "]", "=",
        *(f"cluster_{i}" for i in range(50)),
    }  # fmt: skip
    arrows = [(tokens[i - 1], tokens[i + 1]) for i, x in enumerate(tokens) if x == "->"]
    assert len(arrows) == len(HOSTILE) + 1
    assert '"/#quot;&amp;quot;/#quot;&amp;quot;' in text  # in labels Graphviz knows HTML's entities
    assert text.isprintable() or all(x.isprintable() or x == "\n" for x in text)


def test_dot_is_read_by_pydot(report: cnnscope.Report) -> None:
    pydot = pytest.importorskip("pydot", reason="pydot isn't installed")
    for depth in (None, 1, 2):
        (graph,) = pydot.graph_from_dot_data(cnnscope.export(report, "dot", depth=depth))
        names = {x.get_name() for x in everything(graph)}
        ends = {
            x for edge in graph.get_edges() for x in (edge.get_source(), edge.get_destination())
        }
        assert ends <= names
        if depth is None:
            assert len(ends) == len(report.graph)


def everything(graph: Any) -> list[Any]:
    return [*graph.get_nodes(), *(x for inner in graph.get_subgraphs() for x in everything(inner))]


def test_modules_are_folded_at_a_depth() -> None:
    text = cnnscope.export(convolutions(), "mermaid", depth=1)
    assert re.findall(r'\["(\w+)<br>(\d layers?)', text) == [
        ("stem", "2 layers"),
        ("head", "1 layer"),
    ]
    assert text.count("-->") == 3
    assert "subgraph" not in text
    text = cnnscope.export(convolutions(), "mermaid", depth=2)
    assert re.findall(r'subgraph m\d+\["(.*?)"\]', text) == ["stem"]  # none around one node alone
    assert text.count("-->") == 4


def test_mermaid_has_nothing_but_its_own_words(report: cnnscope.Report) -> None:
    text = cnnscope.export(report, "mermaid", color="flops")
    word = r'"(?:[\w ]|#\d+;|<br>)*"'
    line = re.compile(
        rf'flowchart TD|  +(?:n\d+(?:\[{word}\]|\(\[{word}\]\))|subgraph m\d+\[{word}\]|end|n\d+ --> n\d+'
        r"|classDef c\d fill:#\w{6},color:#\w{6}|class [n\d,]+ c\d)"
    )  # fmt: skip
    assert [x for x in text.splitlines() if not line.fullmatch(x)] == []


def test_the_drawing_in_the_docs_is_what_is_written(samples: Path) -> None:
    page = (samples.parent / "docs" / "export.md").read_text(encoding="utf-8")
    text = cnnscope.export(samples / "resnet50.onnx", "mermaid", depth=1, color="macs")
    assert f"```mermaid\n{text}```" in page


def test_too_large_a_drawing_is_said(capfd: pytest.CaptureFixture[str], samples: Path) -> None:
    code, out, err = run(capfd, samples / "vit_b_16.onnx", "--mermaid", "-")
    assert code == 0
    assert out.startswith("flowchart TD\n")
    assert "fold modules with --depth" in err
    assert run(capfd, samples / "vit_b_16.onnx", "--mermaid", "-", "--depth", 1)[2] == ""


def test_colors_go_from_none_to_the_most() -> None:
    text = cnnscope.export(convolutions(), "dot", color="macs")
    colors = dict(re.findall(r'"(/\w+/\w+/\w+)" \[.*?fillcolor="(#\w+)"', text))
    assert colors["/stem/act/Relu"] == "#f7fbff"
    assert colors["/stem/conv/Conv"] == "#08519c"
    assert colors["/head/conv/Conv"] == "#c6dbef"  # 128 of 432, in sevenths: 2


# -- cards and bills ---------------------------------------------------------------------------


def front_matter(text: str) -> tuple[dict[str, Any], str]:
    found = re.fullmatch(r"---\n(.*?)\n---\n(.*)", text, re.DOTALL)
    assert found is not None
    return yaml.safe_load(found[1]), found[2]


def test_model_card(report: cnnscope.Report) -> None:
    data, body = front_matter(cnnscope.export(convolutions(), "model-card"))
    assert data["library_name"] == "onnx"
    assert data["cnnscope"]["params"] == 560
    assert data["cnnscope"]["input:x"] == "1x3x32x32"
    assert "| parameters | 560 |" in body
    data, body = front_matter(cnnscope.export(report, "model-card"))
    assert set(data) == {"library_name", "tags", "cnnscope"}
    assert f"input:{HOSTILE[0]} in" in data["cnnscope"]
    html = MarkdownIt("gfm-like", {"html": True, "linkify": False}).render(body)
    assert "<script" not in html
    assert "<b>" not in html


def test_hostile_ends_in_yaml() -> None:
    """Every name as an input's: read back, each is what it was."""
    text = ", ".join(f"float[1] i{i}" for i in range(len(HOSTILE)))
    model = onnx.parser.parse_model(
        f'<ir_version: 8, opset_import: ["": 17]> g ({text}) => (float[1] y) {{ y = Relu(i0) }}'
    )
    for value, name in zip(model.graph.input, HOSTILE, strict=True):
        value.name = name
    model.graph.node[0].input[0] = HOSTILE[0]
    data, _ = front_matter(cnnscope.export(model, "model-card"))
    assert {f"input:{x}" for x in HOSTILE} <= set(data["cnnscope"])
    bill = json.loads(cnnscope.export(model, "cyclonedx"))
    properties = bill["metadata"]["component"]["properties"]
    assert {f"cnnscope:input:{x}" for x in HOSTILE} <= {x["name"] for x in properties}


def test_model_card_is_read_by_the_hubs_library(report: cnnscope.Report) -> None:
    hub = pytest.importorskip("huggingface_hub", reason="huggingface_hub isn't installed")
    for model in (report, convolutions()):
        card = hub.ModelCard(cnnscope.export(model, "model-card"), ignore_metadata_errors=False)
        assert (card.data.library_name, card.data.tags) == ("onnx", ["onnx"])
        assert not card.text.startswith("---")


def test_cyclonedx(tmp_path: Path) -> None:
    import hashlib

    onnx.save(convolutions(), tmp_path / "two.onnx")
    bill = json.loads(cnnscope.export(tmp_path / "two.onnx", "cyclonedx"))
    component = bill["metadata"]["component"]
    assert (bill["specVersion"], component["type"]) == ("1.6", "machine-learning-model")
    assert component["name"] == "two.onnx"
    assert component["hashes"] == [
        {
            "alg": "SHA-256",
            "content": hashlib.sha256((tmp_path / "two.onnx").read_bytes()).hexdigest(),
        }
    ]
    properties = {x["name"]: x["value"] for x in component["properties"]}
    assert properties["cnnscope:params"] == "560"
    assert all(name.startswith("cnnscope:") for name in properties)


def test_the_folders_of_another_system_are_no_part_of_a_models_name(
    report: cnnscope.Report,
) -> None:
    data = report.to_dict()
    data["model"]["path"] = "C:\\Users\\ada\\two.onnx"  # type: ignore[index]
    read = cnnscope.load(json.dumps(data).encode())
    bill = json.loads(cnnscope.export(read, "cyclonedx"))
    assert bill["metadata"]["component"]["name"] == "two.onnx"
    assert "ada" not in cnnscope.export(read, "model-card")
    assert "ada" not in cnnscope.export(read, "dot")


def test_cyclonedx_fits_its_schema(report: cnnscope.Report) -> None:
    validation = pytest.importorskip(
        "cyclonedx.validation.json", reason="cyclonedx-python-lib isn't installed"
    )
    from cyclonedx.schema import SchemaVersion

    judge = validation.JsonStrictValidator(SchemaVersion.V1_6)
    for model in (report, convolutions(), functions()):
        assert judge.validate_str(cnnscope.export(model, "cyclonedx")) is None


# -- all of them, and the command --------------------------------------------------------------


@pytest.mark.parametrize("form", FORMS)
def test_every_text_is_safe_and_the_same_again(form: str, report: cnnscope.Report) -> None:
    text = cnnscope.export(report, form)
    assert cnnscope.export(hostile(), form) == text
    assert COMMAND.search(text) is None
    assert all(x.isprintable() or x == "\n" for x in text)


def test_free_sizes_are_formulas() -> None:
    text = """<ir_version: 8, opset_import: ["": 17]> g (float[1,3,H,W] x) => (float[1,3,H,W] y)
    { [r] y = Relu(x) }"""
    model = onnx.parser.parse_model(text)
    assert entries(model)["node", "r"]["flops"] == "3*H*W"
    for form in FORMS:
        assert cnnscope.export(model, form)
    assert entries_with(model, H=2, W=5)["flops"] == 30


def entries_with(model: onnx.ModelProto, **dims: int) -> dict[str, object]:
    data = json.loads(cnnscope.export(model, "netron", dims=dims))
    return {x["name"]: x["value"] for x in data["metrics"] if x["target"] == "r"}


def test_several_files_at_once(
    tmp_path: Path, capfd: pytest.CaptureFixture[str], samples: Path
) -> None:
    files = {form: tmp_path / f"{form}.txt" for form in FORMS[1:]}
    words = [x for form, file in files.items() for x in (f"--{form}", file)]
    lenet = samples / "lenet5.onnx"
    noted = tmp_path / "noted.onnx"
    code, out, err = run(capfd, lenet, "--netron", "-", "--annotate", noted, "--depth", 1, *words)
    assert (code, err) == (0, "")
    assert out == cnnscope.export(lenet, "netron")
    for form, file in files.items():
        depth = 1 if form in ("dot", "graphml", "mermaid") else None
        assert file.read_text(encoding="utf-8") == cnnscope.export(lenet, form, depth=depth)
    assert noted.exists()
    assert len(list(tmp_path.iterdir())) == len(FORMS)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ([], "say what to write"),
        (["--dot", "-", "--netron", "-"], "two exports go to the same place"),
        (
            ["--netron", "{folder}/n.json", "--color", "macs"],
            "--color goes with --model-explorer, --dot",
        ),
        (
            ["--cyclonedx", "{folder}/n.json", "--depth", "1"],
            "--depth goes with --dot, --graphml, --mermaid",
        ),
        (["--dot", "-", "--color", "beauty"], "there is no metric 'beauty'"),
        (["--dot", "-", "--depth", "0"], "--depth"),
        (["--annotate", "-"], "--annotate needs a file"),
        (["--dot", "{folder}"], "this is a folder"),
        (["--dot", "{folder}/none/x.dot"], "there is no folder"),
        (["--annotate", "{model}"], "this is the model itself"),
        (["--netron", "{model}"], "this is the model itself"),
    ],
)
def test_refusals(
    words: list[str], said: str, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    onnx.save(convolutions(), tmp_path / "m.onnx")
    before = (tmp_path / "m.onnx").read_bytes()
    known = [x.format(folder=tmp_path, model=tmp_path / "m.onnx") for x in words]
    code, out, err = run(capfd, tmp_path / "m.onnx", *known)
    assert (code, out) == (2, "")
    assert said in err
    assert len(err.splitlines()) == 1
    assert (tmp_path / "m.onnx").read_bytes() == before
    assert len(list(tmp_path.iterdir())) == 1


@pytest.mark.parametrize(
    ("ask", "said"),
    [
        (lambda: cnnscope.export(convolutions(), "svg"), "there is no export 'svg'; there are: netron"),
        (lambda: cnnscope.export(convolutions(), "netron", depth=1), "depth doesn't go with netron"),
        (lambda: cnnscope.export(convolutions(), "dot", depth=0), "depth is 0"),
        (lambda: cnnscope.export(convolutions(), "dot", color="x"), "no metric 'x'"),
    ],
)  # fmt: skip
def test_refusals_of_the_api(ask: Callable[[], object], said: str) -> None:
    with pytest.raises(ValueError, match=said):
        ask()


def test_a_report_from_data_is_exported_as_far_as_it_goes(tmp_path: Path) -> None:
    report = cnnscope.analyze(convolutions())
    (tmp_path / "report.json").write_text(json.dumps(report.to_dict()))
    read = cnnscope.load(tmp_path / "report.json")
    assert isinstance(read, cnnscope.Report)
    for form in ("dot", "mermaid", "graphml", "model-card", "cyclonedx"):
        assert cnnscope.export(read, form) == cnnscope.export(report, form)
    for form in ("netron", "model-explorer"):
        with pytest.raises(ValueError, match="analyse the model"):
            cnnscope.export(read, form)
