"""Does each rule find what it should and nothing else, and is what was asked for asked?"""

from __future__ import annotations

import json
import os
from functools import cache
from pathlib import Path

import numpy as np
import onnx
import pytest
from amounts import some
from lint_models import EXAMPLES, NORM, Example, beside, single, stack, stored
from networks import network, node
from onnx import numpy_helper

import cnnscope
from cnnscope.analyzer.lint.linting import lint_report
from cnnscope.analyzer.lint.rule import Options, rule
from cnnscope.analyzer.lint.selection import all_rules, find_rule, selected
from cnnscope.analyzer.lint.settings import LintError, LintSettings
from cnnscope.analyzer.lint.table import settings_from
from cnnscope.analyzer.values.diagnostics import OutsideFolderError, RunError
from cnnscope.runtime.gates.kernel_coverage import KernelCoverage

# Of these the model is on disk: test_external_data.
ON_DISK = {"CNS606", "CNS607"}

# Which rules fire on the sample models, at the size they are made for; CNS607 (no weights) apart.
SAMPLES = {
    "alexnet": "401 402 404 405",
    "c3d": "201 402 404",
    "deeplabv3_resnet50": "105 107 201 404 501",
    "densenet121": "501",
    "efficientnet_b0": "405 501",
    "fcn8s": "107 401 404",
    "googlenet": "404 501",
    "lenet5": "401 402 404 405",
    "mobilenet_v2": "405 501",
    "resnet50": "105 501",
    "unet": "103 404",
    "vgg16": "401 402 404 405",
    "vit_b_16": "",
    "wavenet": "103",
    "xception": "105 501",
}


def found_in(example: Example) -> list[cnnscope.analyzer.report.finding.Finding]:
    told = dict(example.told)
    if told.get("providers") == ["cuda"]:  # not a question to ONNX Runtime here
        options = Options(providers=("cuda",))
        settings = LintSettings((example.code,), options=options)
        return list(lint_report(cnnscope.analyze(example.build()), settings))
    if "providers" in told:
        need_kernel_list()
    return list(cnnscope.lint(example.build(), select=[example.code], **told))


@cache
def no_kernel_list() -> str:
    """Why the installed ONNX Runtime can't list its kernels; empty where it can."""
    try:
        KernelCoverage([])
    except RunError as error:
        return str(error)
    return ""


def need_kernel_list() -> None:
    """Skip where there is none: a build for a GPU without that GPU's libraries."""
    if no_kernel_list():
        pytest.skip(no_kernel_list())


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda x: x.code)
def test_rules(example: Example) -> None:
    found = found_in(example)
    if example.stake is None:
        assert not found
        return
    assert len(found) == example.findings
    for finding in found:
        assert finding.code == example.code
        assert dict(finding.stake) == dict(example.stake)
        assert finding.severity == (example.severity or find_rule(example.code).severity)
        assert finding.hint
        if example.layers is not None:
            assert len(finding.layers) == example.layers


def test_every_rule_has_a_positive_and_a_negative_example() -> None:
    codes = {rule.code for rule in all_rules()} - ON_DISK
    assert {x.code for x in EXAMPLES if x.stake is not None} == codes
    assert {x.code for x in EXAMPLES if x.stake is None} == codes


@pytest.mark.parametrize("pads", [0, 2])
def test_of_a_map_without_lengths_no_share_is_said(pads: int) -> None:
    """That it is padded can be said, not how much of it: unknown isn't 0."""
    model = network(
        node("BatchNormalization", "x scale shift mean var", "n"),
        node("Conv", "n w", "y", pads=[pads] * 4),
        x=(1, 1, 8, "W"), w=(1, 1, 3, 3), **NORM,
    )  # fmt: skip
    found = {x.code: x for x in cnnscope.lint(model) if x.code.startswith("CNS2")}
    assert set(found) == ({"CNS203", "CNS204"} if pads else set())
    for finding in found.values():
        assert "%" not in finding.message
        assert not finding.stake


@pytest.mark.parametrize("name", SAMPLES)
def test_sample_models(name: str, samples: Path) -> None:
    found = cnnscope.lint(samples / f"{name}.onnx")
    assert " ".join(sorted(code[3:] for code in found.codes - {"CNS607"})) == SAMPLES[name]


def test_the_table_has_every_sample(samples: Path) -> None:
    assert {path.stem for path in samples.glob("*.onnx")} == set(SAMPLES)


# -- where the data is -----------------------------------------------------------------------------


def saved(folder: Path, location: str) -> Path:
    """A model whose weights are said to be somewhere."""
    model = network(node("Add", "x w", "y"), x=(1, 2000), w=(2000,))
    tensor = model.graph.initializer[0]
    tensor.ClearField("raw_data")
    tensor.data_location = onnx.TensorProto.EXTERNAL
    tensor.external_data.add(key="location", value=location)
    path = folder / "model.onnx"
    path.write_bytes(model.SerializeToString())
    return path


def test_external_data(tmp_path: Path) -> None:
    outside = saved(tmp_path, "../weights.bin")
    (finding,) = cnnscope.lint(outside)
    assert (finding.code, finding.severity, finding.model) == ("CNS606", "error", str(outside))
    with pytest.raises(OutsideFolderError):
        cnnscope.lint(outside, ignore=["CNS606"])

    missing = saved(tmp_path, "weights.bin")
    (finding,) = cnnscope.lint(missing, select=["CNS606", "CNS607"])
    assert finding.code == "CNS607"
    assert finding.stake == {"bytes": 8000}
    (tmp_path / "weights.bin").write_bytes(np.zeros(2000, np.float32).tobytes())
    assert not cnnscope.lint(missing, select=["CNS6"])


# -- which rules are asked -------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("select", "ignore", "asked", "not_asked"),
    [
        ("", "", "CNS101 CNS609", ""),
        ("ALL", "", "CNS101 CNS609", ""),
        ("CNS1", "", "CNS101 CNS106", "CNS201"),
        ("cns1", "CNS105", "CNS101", "CNS105"),
        ("CNS105", "CNS1", "CNS105", "CNS101"),
        ("CNS105", "CNS105", "", "CNS105"),
        ("", "dead-layers", "CNS501", "CNS503"),
        ("dead-layers", "", "CNS503", "CNS501"),
        ("", "ALL", "", "CNS101"),
    ],
)
def test_selection(select: str, ignore: str, asked: str, not_asked: str) -> None:
    codes = {r.code for r in selected(LintSettings(tuple(select.split()), tuple(ignore.split())))}
    assert codes >= set(asked.split())
    assert not codes & set(not_asked.split())


def test_a_code_that_there_is_not() -> None:
    with pytest.raises(LintError, match="did you mean CNS101"):
        cnnscope.lint(single(8, 3)(), select=["CNS11"])
    with pytest.raises(LintError, match="did you mean dead-layers"):
        find_rule("dead-layer")


def test_layers_are_ignored_by_glob() -> None:
    model = stack(4, 4, 4, 4, 64)()
    assert cnnscope.lint(model, select=["CNS401"]).codes == {"CNS401"}
    assert not cnnscope.lint(model, select=["CNS401"], per_layer_ignores={"t*": ["CNS4"]})
    assert cnnscope.lint(model, select=["CNS401"], per_layer_ignores={"t1": ["CNS4"]})
    assert cnnscope.lint(model, select=["CNS401"], per_layer_ignores={"t*": ["CNS5"]})


@pytest.mark.parametrize(
    ("text", "left"),
    [
        ("CNS401", False), ("CNS4", False), ("dominant-layer", False), ("CNS402,CNS401", False),
        ("CNS401:t4", False), ("CNS401:t*", False), ("CNS401:t1", True), ("CNS5", True),
        ("CNS9, nonsense, :, ,,", True), ("", True),
    ],
)  # fmt: skip
def test_the_model_says_what_to_ignore(text: str, left: bool) -> None:
    model = stack(4, 4, 4, 4, 64)()
    model.metadata_props.add(key="cnnscope.lint.ignore", value=text)
    found = cnnscope.lint(model, select=["CNS401"])
    assert bool(found) is left
    assert dict(found.suppressed) == ({} if left else {"CNS401": 1})
    assert cnnscope.lint(model, select=["CNS401"], inline=False)


def test_settings_from_a_configuration() -> None:
    settings = settings_from(
        {
            "select": ["CNS4"], "ignore": "CNS404", "severity": "error", "ridge": 50,
            "severities": {"CNS4": "error", "CNS401": "warning"}, "target_opset": 17,
            "per-layer-ignores": {"t1": ["CNS401"]}, "providers": ["cpu"], "weights": True,
        }
    )  # fmt: skip
    assert settings.options == Options(50.0, 0.5, 17, ("cpu",), True)
    assert settings.threshold == "error"
    found = lint_report(cnnscope.analyze(stack(4, 4, 4, 4, 64)()), settings)
    assert {x.code: x.severity for x in found} == {"CNS401": "warning", "CNS405": "error"}


@pytest.mark.parametrize(
    ("table", "said"),
    [
        ({"ignor": []}, "did you mean ignore"),
        ({"ignore": [1]}, "list of texts"),
        ({"ignore": ["CNS9"]}, "begins with 'CNS9'"),
        ({"severity": "bad"}, "one of info, warning, error"),
        ({"severities": {"CNS9": "info"}}, "begins with 'CNS9'"),
        ({"severities": 3}, "is a table"),
        ({"per-layer-ignores": {"x": ["nothing"]}}, "begins with 'nothing'"),
        ({"ridge": True}, "a number above 0"),
        ({"target-opset": "17"}, "a number"),
        ({"weights": 1}, "true or false"),
    ],
)
def test_settings_that_make_no_sense(table: dict[str, object], said: str) -> None:
    with pytest.raises(LintError, match=said):
        settings_from(table)


@pytest.mark.parametrize(
    ("table", "keys"),
    [
        ({"select": ["ALL"], "ignor": []}, ("ignor",)),
        ({"select": ["ALL"], "ignore": ["CNS9"]}, ("ignore",)),
        ({"heavy": 0.5, "target_opset": "17"}, ("target_opset",)),
    ],
)
def test_settings_that_make_no_sense_say_where(
    table: dict[str, object], keys: tuple[str, ...]
) -> None:
    with pytest.raises(LintError) as raised:
        settings_from(table)
    assert raised.value.keys == keys


# -- results ---------------------------------------------------------------------------------------


def test_findings_are_a_sequence_with_the_worst_first() -> None:
    found = cnnscope.lint(beside("y")(), target_opset=17)
    assert [x.severity for x in found] == ["error", "warning", "info", "info"]
    assert found[0].code == "CNS604"
    assert len(found.at_least("warning")) == 2
    assert found.counts() == {"error": 1, "warning": 1, "info": 2}
    plain = json.loads(json.dumps(found.to_dict()))
    assert [x["code"] for x in plain["findings"]] == [x.code for x in found]
    assert "CNS604 error" in str(found)
    assert repr(found) == "<cnnscope.Findings of model: 4>"
    pytest.importorskip("pandas")
    assert list(found.to_dataframe()["code"]) == [x.code for x in found]


def test_nothing_found() -> None:
    found = cnnscope.lint(stored(False)())
    assert len(found) == 0
    assert "nothing found" in str(found)
    pytest.importorskip("pandas")
    assert len(found.to_dataframe()) == 0


def test_names_are_shown_as_text() -> None:
    evil = "\x1b[31m\n::error::x"
    model = network(
        node("MaxPool", "x", "y", kernel_shape=[2, 2], strides=[2, 2], name=evil), x=(1, 1, 7, 7)
    )
    shown = str(cnnscope.lint(model))
    assert "\x1b" not in shown
    assert "\n::error" not in shown


def test_a_report_read_without_its_model() -> None:
    report = cnnscope.analyze(single(8, 3)())
    object.__setattr__(report, "_analysis", None)
    with pytest.raises(ValueError, match="analyse it anew"):
        lint_report(report)


def test_a_code_is_given_once() -> None:
    page = find_rule("CNS101").page
    with pytest.raises(ValueError, match="twice"):
        rule("CNS101", "another", "info", page)(lambda subject: ())
    with pytest.raises(ValueError, match="isn't a rule's code"):
        rule("CNS901", "another", "info", page)(lambda subject: ())


# -- kernels ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("op", "version", "dtype", "missing"),
    [
        ("Conv", 17, "float32", None),
        ("Conv", 17, "float16", "Conv for float16"),
        ("MaxPool", 12, "bfloat16", "MaxPool for bfloat16"),
        ("HardSwish", 17, "float32", None),  # a function, put in terms of others
        ("Nothing", 1, "float32", "Nothing, which ONNX Runtime doesn't know"),
    ],
)
def test_kernels_of_the_cpu(op: str, version: int, dtype: str, missing: str | None) -> None:
    need_kernel_list()
    coverage = KernelCoverage(["cpu"])
    assert coverage.missing("cpu", "", op, version, [dtype, dtype], [dtype]) == missing


def test_kernels_agree_with_a_session() -> None:
    """What the list says runs, runs; what it says doesn't, is refused."""
    need_kernel_list()
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.log_severity_level = 4
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    wide = network(
        node("Cast", "x", "h", to=onnx.TensorProto.DOUBLE), node("Conv", "h w", "y"),
        x=(1, 1, 8, 8), w=np.ones((1, 1, 3, 3)),
    )  # fmt: skip
    for model, runs in ((single(8, 3)(), True), (wide, False)):
        assert bool(cnnscope.lint(model, providers=["cpu"], select=["CNS605"])) is not runs
        for value in model.graph.output:
            value.CopyFrom(onnx.shape_inference.infer_shapes(model).graph.output[0])
        try:
            onnxruntime.InferenceSession(
                model.SerializeToString(), options, providers=["CPUExecutionProvider"]
            )
        except Exception:  # noqa: BLE001  # ONNX Runtime's errors share no narrower base
            assert not runs
        else:
            assert runs


def test_a_provider_without_a_list_of_kernels() -> None:
    with pytest.raises(RunError, match=r"lists? (no|its) kernels"):
        cnnscope.lint(single(8, 3)(), providers=["openvino"])


# -- the corpus ------------------------------------------------------------------------------------


def test_no_rule_breaks_on_the_corpus(corpus: Path) -> None:
    for path in some(sorted(corpus.glob("models/*.onnx")), 8):
        found = cnnscope.lint(path)
        json.dumps(found.to_dict(), allow_nan=False)
        assert len(found) < 20, path.name


def test_weights_are_read_where_they_are(tmp_path: Path) -> None:
    model = network(node("Add", "x w", "y"), x=(1, 4000), w=(4000,))
    numbers = np.ones(4000, np.float32)
    numbers[7] = np.inf
    model.graph.initializer[0].CopyFrom(numpy_helper.from_array(numbers, "w"))
    path = tmp_path / "model.onnx"
    onnx.save_model(
        model, os.fspath(path), save_as_external_data=True, location="w.bin", size_threshold=0
    )
    (finding,) = cnnscope.lint(path, weights=True, select=["CNS608"])
    assert finding.stake == {"params": 1}
