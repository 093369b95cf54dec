"""Is `cnnscope.toml` read right? Every key; mistakes with their line and what was meant; the schema."""

from __future__ import annotations

import re
import tomllib
from fractions import Fraction
from pathlib import Path

import jsonschema
import pytest

from cnnscope.analyzer.budgets.config import config_schema, find_config, read_config, read_settings
from cnnscope.analyzer.budgets.limit import WHOLE, Scope
from cnnscope.analyzer.budgets.quantities import QUANTITIES
from cnnscope.analyzer.budgets.settings import ConfigError

ROOT = Path(__file__).resolve().parent.parent

FULL = """\
baseline = "base.json"
allow_unknown = ["latency_p50"]

[limits]
params = "26 M"
buffers = 60_000
macs = "4.2 G, +2 %"
int_macs = 0
float_macs = "4.2 GMACs"
flops = 8.5e9
layers = "<= 200"
weights = "110 MB"
peak_activation = "32 MiB"
traffic = "+5 %"
file_size = "100 kB"
receptive_field = ">= 224"
effective_field = ">= 96"
effective_field_80 = ">= 64"
effective_field_50 = ">= 32"
share = "95 %"
lookahead = "<= 40 ms"
rate = 16000
opset = ">= 13, <= 17"
max_partial = 0
errors = 0
latency_p50 = "12 ms"
latency_p99 = "+10 %"
device_time = "2 ms"
host_bound = "40 %"
operators.forbid = ["Loop", "com.microsoft::*"]
operators.allow = ["*"]

[limits.kind."2-D depthwise convolution"]
macs = "300 M"

[limits.module."layer4"]
params = "15 M"
receptive_field = ">= -0"

[limits.layer."*"]
weights = "20 MiB"

[latency]
provider = "cpu"
threads = 1
seconds = 1.5
tolerance = "7.5 %"

[lint]
anything = 1

[defaults]
shapes.x = "1x3x?x224"
dims = {H = 224}
columns = ["name", "output"]

[[model]]
path = "models/*.onnx"

[[model]]
path = ["a.onnx", "b/**/*.onnx"]
shapes.x = "1x3x?x224"
shapes.y = [1, "?", 3]
dims.H = 224
limits.macs = false
limits.operators.allow = false
limits.params = "1 M"
limits.kind."*convolution".macs = "1 G"
allow_unknown = true

[[model]]
path = "c.onnx"
shapes = "1x3x224x224"
"""


def test_everything() -> None:
    settings = read_settings(FULL, Path("cnnscope.toml"))
    limits = {limit.key: limit for limit in settings.limits}
    assert {q for s, q in limits if s == WHOLE} == {
        *QUANTITIES, "operators.forbid", "operators.allow",
    }  # fmt: skip
    assert limits[WHOLE, "macs"].bounds[1].amount == Fraction(1, 50)
    assert limits[WHOLE, "macs"].origin == "cnnscope.toml:7"
    assert limits[WHOLE, "flops"].bounds[0].amount == 8_500_000_000
    assert limits[Scope("module", "layer4"), "params"].bounds[0].amount == 15_000_000
    assert settings.latency.tolerance == Fraction(3, 40)
    assert (settings.latency.provider, settings.latency.threads) == ("cpu", 1)
    assert settings.latency.seconds == 1.5
    assert settings.tables["lint"] == {"anything": 1}
    line = FULL.splitlines().index("anything = 1") + 1
    assert settings.where("lint", "anything") == f"cnnscope.toml:{line}"
    first, second, third = settings.models
    assert first.patterns == ("models/*.onnx",)
    assert second.shapes == {"x": (1, 3, None, 224), "y": (1, None, 3)}
    assert second.dims == {"H": 224}
    assert second.without == {(WHOLE, "macs"), (WHOLE, "operators.allow")}
    assert {limit.name for limit in second.limits} == {"params", "macs of kind *convolution"}
    assert second.allow_unknown is True
    assert third.shapes == {None: (1, 3, 224, 224)}


@pytest.mark.parametrize(
    ("text", "line", "said"),
    [
        ("[limits]\n\nmcas = '4 G'", 3, "did you mean macs"),
        ("[limits]\nmacs = '4 Gi'", 2, "isn't known"),
        ("[limits]\nmacs = [\n1]", 2, "no amount"),
        ("[limits]\nreceptive_field = 224", 2, "at most or at least"),
        ("[limits]\nmacs = false", 2, "one model"),
        ("[limits]\nmacs = true", 2, "no amount"),
        ("[limits]\nlatency_p50 = 12", 2, "no unit"),
        ("limits = 3", 1, "is a table"),
        ("[limits]\noperators.forbid = 'Loop'", 2, "list"),
        ("[limits]\noperators.forbiden = ['Loop']", 2, "did you mean forbid"),
        ("[limits]\noperators = ['Loop']", 2, "is a table"),
        ("[limits.kind.'depthwise convlution']\nmacs = 1", 2, "convolution"),
        ("[limits.module.a]\nopset = '>=3'", 2, "whole model"),
        ("[limits.modul.a]\nmacs = 3", 1, "did you mean module"),
        ("[limits.module]\na = 3", 2, "is a table"),
        ("macs = 3", 1, r"under \[limits\]"),
        ("[limit]\nmacs = 3", 1, "did you mean limits"),
        ("[model]\npath = 'x'", 1, "two brackets"),
        ("[[models]]\npath = 'x'", 1, r"under \[\[model"),
        ("[[model]]\npaht = 'x'", 2, "did you mean path"),
        ("[[model]]\npath = 3", 2, "needs a path"),
        ("[[model]]\npath = []", 2, "no paths"),
        ("[[model]]\npath = 'x'\nshapes.x = '1xq'", 3, "no shape"),
        ("[[model]]\npath = 'x'\nshapes.x = [1, true]", 3, "no shape"),
        ("[[model]]\npath = 'x'\ndims.H = -3", 3, "no length"),
        ("[[model]]\npath = 'x'\nallow_unknown = ['mcas']", 3, "did you mean macs"),
        ("allow_unknown = 3", 1, "true, false"),
        ("baseline = 3", 1, "a file"),
        ("[latency]\ntolerance = 5", 2, "below 100 %"),
        ("[latency]\ntolerance = '100 %'", 2, "below 100 %"),
        ("[latency]\nseconds = 0", 2, "above 0"),
        ("[latency]\nthreads = -1", 2, "number"),
        ("[latency]\nprovder = 'cpu'", 2, "did you mean provider"),
        ("lint = 3", 1, "is a table"),
    ],
)
def test_a_mistake_has_its_line_and_what_was_meant(text: str, line: int, said: str) -> None:
    with pytest.raises(ConfigError, match=said) as error:
        read_settings(text, Path("cnnscope.toml"))
    assert error.value.problems[0].startswith(f"cnnscope.toml:{line}: ")
    indented = "".join(
        f"[tool.cnnscope{'.' if x[1] != '[' else ''}{x.strip('[]')}]\n"
        if x.startswith("[") and not x.startswith("[[") else f"{x}\n"
        for x in text.split("\n")
    )  # fmt: skip
    if not text.startswith("[["):
        whole = f"[project]\nname = 'x'\n[tool.cnnscope]\n{indented}"
        with pytest.raises(ConfigError, match=said) as error:
            read_settings(whole, Path("pyproject.toml"))
        assert error.value.problems[0].startswith(f"pyproject.toml:{line + 3}: ")


def test_all_mistakes_are_said_at_once_in_order() -> None:
    with pytest.raises(ConfigError) as error:
        read_settings("[limits]\nmcas = 1\nparasm = 2\n[latency]\nx = 3", Path("cnnscope.toml"))
    assert [said.split(":")[1] for said in error.value.problems] == ["2", "3", "5"]


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"a = 1\n[limits\n", "no TOML.*line 2"),
        (b"x = 1\nx = 2", "no TOML"),
        (b"\xff\xfe", "UTF-8"),
        (b"x = " + b"[" * 100_000, "no TOML"),
        (b"# " + b"x" * (1 << 21), "too large"),
        (b"[limits]\nmacs = " + b"9" * 5000, "no TOML|no amount|beyond"),
    ],
    ids=["broken", "twice", "binary", "deep", "large", "digits"],
)
def test_a_file_that_is_none(tmp_path: Path, data: bytes, said: str) -> None:
    path = tmp_path / "cnnscope.toml"
    path.write_bytes(data)
    with pytest.raises(ConfigError, match=said):
        read_config(path)
    with pytest.raises(ConfigError, match="can't be read"):
        read_config(tmp_path / "nothing.toml")


def test_the_nearest_file_is_found(tmp_path: Path) -> None:
    deep = tmp_path / "a" / "b" / "c"
    deep.mkdir(parents=True)
    (tmp_path / "pyproject.toml").write_text("[tool.cnnscope.limits]\nmacs = 1\n")
    (tmp_path / "a" / "pyproject.toml").write_text("[tool.ruff]\n")
    assert find_config(deep) == tmp_path / "pyproject.toml"
    (tmp_path / "a" / "pyproject.toml").write_text("this isn't TOML, and isn't about us")
    assert find_config(deep) == tmp_path / "pyproject.toml"
    (tmp_path / "cnnscope.toml").write_text("")
    assert find_config(deep) == tmp_path / "cnnscope.toml"
    (tmp_path / "a" / "cnnscope.toml").write_text("")
    assert find_config(deep) == tmp_path / "a" / "cnnscope.toml"
    (tmp_path / "a" / "b" / "pyproject.toml").write_text("[tool.cnnscope\n")
    with pytest.raises(ConfigError, match="no TOML"):
        find_config(deep)


# -- the JSON Schema -------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def schema() -> jsonschema.Draft202012Validator:
    found = config_schema()
    jsonschema.Draft202012Validator.check_schema(found)
    return jsonschema.Draft202012Validator(found)


def test_the_schema_knows_what_the_reader_knows(schema: jsonschema.Draft202012Validator) -> None:
    schema.validate(tomllib.loads(FULL))
    definitions = schema.schema["$defs"]
    assert set(definitions["limits"]["properties"]) == {
        *QUANTITIES, "operators", "kind", "module", "layer", "rate", "share",
    }  # fmt: skip
    assert set(definitions["scoped_limits"]["properties"]) | {"opset"} == {
        key for key, q in QUANTITIES.items() if q.of_layers is not None
    } | {"opset"}


def test_the_examples_in_the_documentation(schema: jsonschema.Draft202012Validator) -> None:
    page = (ROOT / "docs" / "check.md").read_text("utf-8")
    blocks = re.findall(r"```toml\n(.*?)```", page, re.DOTALL)
    assert len(blocks) == 3
    for text in blocks:
        read_settings(text, Path("cnnscope.toml"))
        schema.validate(tomllib.loads(text))
    for key in QUANTITIES:
        assert f"`{key}`" in page


LIMITS = [
    '"4 G"', '"4.2G"', '"<= 4 G, +2%"', '"+100 k"', '"-5 %"', "61706", '"KB"', '"4 X Y Z"', '""',
    '"+"', '"=> 3"', "true", "[1]", '"1e3"', '"1_000"', '"4,"', '"- 3"', '"2 %"',
]  # fmt: skip


@pytest.mark.parametrize(
    "key", ["macs", "weights", "latency_p50", "receptive_field", "lookahead", "opset"]
)
@pytest.mark.parametrize("value", [*LIMITS, '"12 ms"', '">= 13"', '"32 MiB"', '">= -0"'])
def test_what_the_reader_takes_the_schema_takes(
    schema: jsonschema.Draft202012Validator, key: str, value: str
) -> None:
    """The other way round it is lenient only about words behind a count, ``4 GMACs``, and about a
    time for which there is no rate."""
    text = f"[limits]\n{key} = {value}"
    try:
        read_settings(text, Path("cnnscope.toml"))
    except ConfigError:
        if schema.is_valid(tomllib.loads(text)):
            assert key in ("macs", "lookahead")
            assert any(letter.isalpha() for letter in value)
        return
    schema.validate(tomllib.loads(text))
