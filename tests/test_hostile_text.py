"""Configurations, baselines and arguments that want to take for ever, or to see more than is theirs.

Whoever opens a pull request writes them. Each is one line, at once, and never Python's own words.
"""

from __future__ import annotations

import json
import os
import time
import tracemalloc
from decimal import Decimal
from fractions import Fraction
from pathlib import Path

import pytest

import cnnscope
from cnnscope.analyzer.budgets.baselines import BaselineError, read_baseline
from cnnscope.analyzer.budgets.config import read_settings
from cnnscope.analyzer.budgets.limit_text import parse_limit
from cnnscope.analyzer.budgets.settings import ConfigError, parse_tolerance
from cnnscope.analyzer.budgets.toml_lines import too_deep
from cnnscope.analyzer.lint.settings import LintError
from cnnscope.analyzer.lint.table import settings_from
from cnnscope.analyzer.values.amounts import parse_amount
from cnnscope.analyzer.values.diagnostics import CnnscopeError
from cnnscope.cli import main
from cnnscope.runtime.gates import model_paths
from cnnscope.runtime.gates.model_paths import PathError, Search

SECONDS = 2.0  # of computing
PYTHONS_WORDS = ("Error", "Traceback", "NaN to", "object", "literal", "exceeds the limit", "<class")
HUGE_NUMBERS = ("1e99999999", "1e-99999999", "nan", "inf", "-inf", "+nan", "1e400", "9" * 4000,
                "0x" + "f" * 5000, "0.1e999999999")  # fmt: skip


def said(error: BaseException) -> str:
    text = str(error)
    assert not any(word in text for word in PYTHONS_WORDS), text
    assert "\n" not in text
    return text


# -- numbers -------------------------------------------------------------------------------------


@pytest.mark.parametrize("number", HUGE_NUMBERS)
@pytest.mark.parametrize(
    "text",
    ["[limits]\nmacs = {}", "[latency]\nseconds = {}", "[latency]\ntolerance = {}", "[lint]\nridge = {}",
     "[[model]]\npath = {}", '[[model]]\npath = "a"\nshapes = [{}]', '[[model]]\npath = "a"\ndims.H = {}',
     "[limits]\nlatency_p50 = {}", "[limits.operators]\nforbid = {}", "baseline = {}",
     "allow_unknown = {}", "[limits]\nfile_size = {}", "{} = 3"],
)  # fmt: skip
def test_numbers_of_a_configuration(number: str, text: str):
    began = time.process_time()
    refused = None
    try:
        settings_from(read_settings(text.format(number), Path("c.toml")).tables.get("lint", {}))
    except (ConfigError, LintError) as error:
        refused = said(error)
    assert refused
    assert time.process_time() - began < SECONDS


@pytest.mark.parametrize("number", [n for n in HUGE_NUMBERS if len(n) < 100])
@pytest.mark.parametrize(
    "limit", ["macs={}", "macs=+{}%", "macs=+{}", "receptive_field>={}", "params<={} M", "macs={}G"]
)
def test_limits_of_the_command(number: str, limit: str):
    with pytest.raises(ValueError, match=r"\w") as refused:
        parse_limit(limit.format(number))
    said(refused.value)


@pytest.mark.parametrize(
    "given",
    [Decimal("1e99999999"), Decimal("nan"), Decimal("-inf"), float("nan"), float("inf"), 10**5000,
     -(10**5000), "1e99999999", "9" * 10**6, Fraction(10**70), True, None, [], ""],
    ids=lambda given: str(given)[:12] if not isinstance(given, int) else "int",
)  # fmt: skip
def test_amounts(given: object):
    began = time.process_time()
    with pytest.raises(ValueError, match=r"\w") as refused:
        parse_amount(given, "count")
    said(refused.value)
    assert time.process_time() - began < SECONDS


@pytest.mark.parametrize("given", ["1e99999999 %", "nan %", "100 %", "-1 %", "%", 5, "5"])
def test_tolerances(given: object):
    with pytest.raises(ValueError, match="tolerance"):
        parse_tolerance(given)


def figures(number: object) -> str:
    figure = {"low": number, "high": number, "value": number}
    model = {"model": "a", "figures": [{"quantity": "params", "values": [figure]}]}
    return json.dumps({"schema_version": 1, "models": [model]})


def report_of(samples: Path, **totals: object) -> str:
    made = cnnscope.analyze(samples / "lenet5.onnx").to_dict()
    found = made["totals"]
    assert isinstance(found, dict)
    found["macs"] = {**found["macs"], **totals}
    return json.dumps(made)


@pytest.mark.parametrize(
    "number",
    ["1e99999999", "-1E9999999", "nan", "inf", "1/0", "9" * 200, float("nan"), float("inf"), 1e308,
     True, [], {}, " 1", "1_0", "1e5", "\u0661"],
    ids=repr,
)  # fmt: skip
def test_numbers_of_a_baseline(number: object, samples: Path):
    for text in (
        figures(number),
        report_of(samples, value=number),
        report_of(samples, known=number, value=None),
    ):
        began = time.process_time()
        with pytest.raises(BaselineError, match="neither a baseline nor a report") as refused:
            read_baseline(text.encode(), "base.json")
        said(refused.value)
        assert time.process_time() - began < SECONDS


def test_numbers_that_a_baseline_holds():
    for number, value in ((5, 5), ("7/3", Fraction(7, 3)), ("1.25", Fraction(5, 4)), (None, None)):
        read = read_baseline(figures(number).encode(), "base.json")
        ((figure,),) = next(iter(read.models.values())).values()
        assert figure.low == value


@pytest.mark.parametrize("name", ["exponent.toml", "nan.toml", "exponent_baseline.json"])
def test_cases(name: str, cases: Path, samples: Path, capsys: pytest.CaptureFixture[str]):
    words = ["check", str(samples / "lenet5.onnx")]
    if name.endswith(".json"):
        words += ["--limit", "params=+2%", "--baseline", str(cases / name)]
    else:
        words += ["--config", str(cases / name)]
    began = time.process_time()
    with pytest.raises(SystemExit) as stop:
        main(words)
    assert stop.value.code == 2
    assert time.process_time() - began < 5 * SECONDS
    err = capsys.readouterr().err
    assert len(err.splitlines()) == 1
    assert not any(word in err for word in PYTHONS_WORDS)


# -- depth ---------------------------------------------------------------------------------------

DEEP = {
    "dotted key": ".".join("a" * 20_000) + " = 1",
    "quoted keys": ".".join(['"a,=["'] * 8_000) + " = 1",
    "header": "[" + ".".join("a" * 20_000) + "]",
    "arrays": "a = " + "[" * 50_000,
    "closed arrays": "a = " + "[" * 300 + "]" * 300,
    "tables": "a = " + "{b = " * 20_000,
    "behind an unclosed bracket": "a = [\n" * 20_000,
    "in a table": "x = {" + ".".join("a" * 20_000) + " = 1}",
}


@pytest.mark.parametrize("name", DEEP)
def test_depth(name: str):
    tracemalloc.start()
    began = time.process_time()
    with pytest.raises(ConfigError, match=r"no TOML"):
        read_settings(DEEP[name], Path("c.toml"))
    taken = time.process_time() - began
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert taken < SECONDS
    assert peak < 20 << 20


@pytest.mark.parametrize(
    "text",
    ["a = 1.5\nb = [1.5, 2.5, " + "3.5, " * 1000 + "]", 'a = "' + "." * 100 + '"',
     "a = '''\n" + "[" * 100 + "\n'''\n", 'a = """\n\\"""" + ' + '"""', "# " + "." * 100,
     'a = "\\\\" # ' + "[" * 100, "a = '\\' # " + "." * 100, '"a.b.c.d".e = 1', "a = []\n" * 100],
)  # fmt: skip
def test_not_deep(text: str):
    assert too_deep(text) is None


def test_many_problems_are_cut_short():
    began = time.process_time()
    with pytest.raises(ConfigError) as refused:
        read_settings("".join(f"k{i} = 1\n" for i in range(5_000)), Path("c.toml"))
    assert len(refused.value.problems) == 100
    assert time.process_time() - began < SECONDS


def test_deep_json():
    for text in ("[" * 10**6, '{"models": ' * 10**5, "[" * 900 + "]" * 900):
        with pytest.raises(BaselineError):
            read_baseline(text.encode(), "base.json")


# -- paths ---------------------------------------------------------------------------------------


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A folder with models in it, more beside it, and links of every kind."""
    inside = tmp_path / "project"
    for name in ("m.onnx", "a/m.onnx", "a/b/m.onnx", "a/b/n.txt", ".hidden/m.onnx", "x[1].onnx"):
        path = inside / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"")
    (tmp_path / "outside").mkdir()
    (tmp_path / "outside" / "secret.onnx").write_bytes(b"")
    (inside / "circle").symlink_to(inside)
    (inside / "out").symlink_to(tmp_path / "outside")
    (inside / "a" / "link.onnx").symlink_to(inside / "m.onnx")
    return inside


PATTERNS = {
    "m.onnx": ["m.onnx"],
    "*.onnx": ["m.onnx", "x[1].onnx"],
    "x[1].onnx": ["x[1].onnx"],
    "**/*.onnx": ["a/b/m.onnx", "a/link.onnx", "a/m.onnx", "m.onnx", "x[1].onnx"],
    "a/**": ["a/b/m.onnx", "a/b/n.txt", "a/link.onnx", "a/m.onnx"],
    "a/**/m.onnx": ["a/b/m.onnx", "a/m.onnx"],
    "**/**/b/*": ["a/b/m.onnx", "a/b/n.txt"],
    "*/m.onnx": ["a/m.onnx", "circle/m.onnx"],
    ".hidden/*": [".hidden/m.onnx"],
    "a/../m.onnx": ["m.onnx"],
    "[ab]/?.onnx": ["a/m.onnx"],
    "nothing/*.onnx": [],
    "a": [],
}


@pytest.mark.parametrize("pattern", PATTERNS)
def test_patterns(pattern: str, project: Path):
    search = Search(project)
    found = search.files(pattern)
    assert [x.relative_to(project).as_posix() for x in found] == PATTERNS[pattern]
    for path in project.rglob("*"):
        if path.is_file() and not path.is_symlink() and "circle" not in path.parts:
            assert search.fits(pattern, path) == (path in found), path


@pytest.mark.parametrize("pattern", ["/**/*.onnx", "../../**", "../outside/*.onnx", "/etc/passwd",
                                     "..", "a/../../outside/secret.onnx", "**/../../../*",
                                     "out/secret.onnx", "a\0b"])  # fmt: skip
def test_patterns_that_lead_out(pattern: str, project: Path):
    search = Search(project)
    with pytest.raises(PathError):
        search.files(pattern)
    assert search.seen == 0


def test_links_that_lead_out(project: Path):
    assert Search(project).files("out/*") == []
    assert "secret.onnx" not in {x.name for x in Search(project).files("**")}
    (project / "a" / "stolen.onnx").symlink_to(project.parent / "outside" / "secret.onnx")
    with pytest.raises(PathError, match=r"a/stolen\.onnx is a link out"):
        Search(project).files("a/*")
    found = Search(project, anywhere=True).files("../outside/*")
    assert [x.name for x in found] == ["secret.onnx"]
    assert Search(project).fits("../outside/*.onnx", project.parent / "outside" / "secret.onnx")


def test_a_search_that_is_given_up(project: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(model_paths, "MOST_ENTRIES", 5)
    with pytest.raises(PathError, match="5 seen"):
        Search(project).files("**")
    monkeypatch.undo()
    search = Search(project)
    search.until = time.monotonic() - 1
    with pytest.raises(PathError, match="more files than can be searched"):
        search.files("**")


def test_patterns_that_take_for_ever(project: Path):
    began = time.process_time()
    Search(project).files("*a" * 2000 + "b")
    Search(project).files("**/" * 1000 + "m.onnx")
    assert not Search(project).fits("**/" * 1000 + "*a" * 1000, project / "a" / ("a" * 200))
    assert time.process_time() - began < SECONDS


def test_a_configuration_that_leads_out(project: Path, samples: Path, monkeypatch, capsys):
    (project.parent / "outside" / "secret.onnx").write_bytes((samples / "lenet5.onnx").read_bytes())
    text = '[[model]]\npath = "../outside/*.onnx"\nlimits.macs = "1 G"\n'
    (project / "cnnscope.toml").write_text(text)
    monkeypatch.chdir(project)
    for words, code in (([], 2), (["--anywhere"], 0), (["../outside/secret.onnx"], 0)):
        with pytest.raises(SystemExit) as stop:
            main(["check", *words])
        assert stop.value.code == code, words
    assert "leads out of the configuration's folder" in capsys.readouterr().err
    assert cnnscope.check(config="cnnscope.toml", anywhere=True).ok
    assert not cnnscope.check(config="cnnscope.toml").ok


def test_many_entries_of_one_file(tmp_path: Path, samples: Path, monkeypatch: pytest.MonkeyPatch):
    (tmp_path / "m.onnx").write_bytes((samples / "lenet5.onnx").read_bytes())
    (tmp_path / "cnnscope.toml").write_text(
        '[limits]\nmacs = "1 G"\n' + '[[model]]\npath = "m.onnx"\n' * 2_000
    )
    began = time.process_time()
    found = cnnscope.check(config=tmp_path / "cnnscope.toml")
    assert len(found.models) == 1
    assert time.process_time() - began < 5 * SECONDS


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no pipes here")
def test_a_baseline_that_is_a_pipe(tmp_path: Path, samples: Path):
    os.mkfifo(tmp_path / "base.json")
    with pytest.raises(CnnscopeError, match="this is a pipe, not a file"):
        cnnscope.check(samples / "lenet5.onnx", {"macs": "+2 %"}, baseline=tmp_path / "base.json")
