"""How does a test get a model's report? The pytest plugin: fixtures, a marker, a line in the summary.

pytest loads this module in every run of every project that has cnnscope installed (entry point
``pytest11``), so it imports nothing that isn't there anyway; onnx is loaded by the first test that
asks for a report::

    @pytest.mark.cnnscope("models/detector.onnx", shapes={"image": [1, 3, 640, 640]})
    def test_budget(cnnscope_report):
        assert_within(cnnscope_report, macs="4.2 G", params="26 M")

Which model: the marker's; else ``--cnnscope-model`` from the command line; else ``cnnscope_model``
from pytest's configuration. Several, or a pattern that fits several: the test runs once for each. A
path is relative to pytest's root folder, on the command line to the folder pytest was started in.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Final, NamedTuple, Protocol, cast

import pytest

if TYPE_CHECKING:
    from cnnscope.analyzer.model.own_sizes import Sizes
    from cnnscope.analyzer.report.examination import Source
    from cnnscope.analyzer.report.report import Report

MARKER: Final = "cnnscope"
_FIXTURE: Final = "cnnscope_report"
#: under this name worker processes of pytest-xdist hand over what they analysed
_WORKER_OUTPUT: Final = "cnnscope"

GivenShapes = Mapping[str, Sequence[int | None]]


class Analyze(Protocol):
    """What the fixture `cnnscope_analyze` gives: `cnnscope.analyze`, which remembers files."""

    def __call__(
        self,
        model: Source,
        *,
        shapes: GivenShapes | None = None,
        dims: Mapping[str, int] | None = None,
    ) -> Report: ...


class _Asked(NamedTuple):
    """What a test's marker asks for."""

    models: tuple[object, ...] = ()
    shapes: GivenShapes | None = None
    dims: Mapping[str, int] | None = None


class _Session:
    """The models analysed so far; each file once for each choice of sizes."""

    def __init__(self) -> None:
        self.reports: dict[object, Report] = {}
        self.lines: dict[str, None] = {}  # in order, each once
        self.sized: dict[object, tuple[list[Sizes], list[str]]] = {}

    def own_sizes(
        self, file: Path, models: Sequence[Path], asked: _Asked
    ) -> tuple[GivenShapes | None, Mapping[str, int] | None]:
        """What of the shapes and lengths that a marker gives to several models is one's own.

        Raises:
            LookupError: no model has what one is of.
        """
        from cnnscope.analyzer.model.own_sizes import Sizes, each_own

        given: tuple[object, ...] = (asked.shapes or {}, asked.dims or {})
        if len(models) < 2 or not all(isinstance(x, Mapping) for x in given):
            return asked.shapes, asked.dims  # if something is wrong with it, analyze says so
        key = tuple(models), repr(given)
        if key not in self.sized:
            sizes = Sizes(dict((asked.shapes or {}).items()), asked.dims or {})
            self.sized[key] = each_own(sizes, models)
        found, unmet = self.sized[key]
        if unmet:
            raise LookupError(f"{unmet[0]} (of the {len(models)} that the marker names)")
        own = found[models.index(file)]
        return {name: shape for name, shape in own.shapes.items() if name is not None}, own.dims

    def analyze(
        self,
        model: Source,
        *,
        shapes: GivenShapes | None = None,
        dims: Mapping[str, int] | None = None,
    ) -> Report:
        from cnnscope.analyzer.analysis import analyze
        from cnnscope.analyzer.render.subjects.assertion import totals_line

        if not isinstance(model, (str, os.PathLike)):
            return analyze(
                model, shapes=shapes, dims=dims, keep_fixed=True
            )  # may change, and has no name
        key = _identity(Path(model), shapes, dims)
        report = self.reports.get(key)
        if report is None:
            report = analyze(model, shapes=shapes, dims=dims, keep_fixed=True)
            self.reports[key] = report
            self.lines[totals_line(report)] = None
        return report


def _identity(path: Path, shapes: GivenShapes | None, dims: Mapping[str, int] | None) -> object:
    """Equal for two requests that the same report answers: a file that changed is another one."""
    try:
        found = path.stat()
        state: object = (found.st_mtime_ns, found.st_size)
    except OSError:
        state = None  # analyze() will say what is wrong with it
    sizes = tuple(sorted((name, tuple(shape)) for name, shape in (shapes or {}).items()))
    return str(path.absolute()), state, sizes, tuple(sorted((dims or {}).items()))


_SESSION: Final = pytest.StashKey[_Session]()


# -- configuration -----------------------------------------------------------------------------


def pytest_addoption(parser: pytest.Parser) -> None:
    """``--cnnscope-model`` and its place in the configuration."""
    group = parser.getgroup("cnnscope", "what ONNX models cost and see")
    group.addoption(
        "--cnnscope-model", action="append", default=[], metavar="FILE",
        help="ONNX model, or pattern, for tests that use cnnscope_report and name none. Repeatable.",
    )  # fmt: skip
    parser.addini(
        "cnnscope_model", type="linelist", default=[],
        help="ONNX models, or patterns, for tests that use cnnscope_report and name none",
    )  # fmt: skip


def pytest_configure(config: pytest.Config) -> None:
    """Registers the marker; a model on the command line that isn't there ends the run at once."""
    config.addinivalue_line(
        "markers",
        "cnnscope(*models, shapes=None, dims=None): the ONNX models, or patterns, that "
        "cnnscope_report analyses, and the sizes of their free dimensions",
    )
    config.stash[_SESSION] = _Session()
    for text in config.getoption("cnnscope_model"):
        try:
            _files(text, config.invocation_params.dir)
        except LookupError as error:
            raise pytest.UsageError(f"--cnnscope-model: {error.args[0]}") from None


# -- which models ------------------------------------------------------------------------------


def _asked(node: pytest.Item | pytest.FixtureRequest | pytest.Metafunc) -> _Asked:
    """What the markers of a test ask for, the closest first.

    Raises:
        LookupError: a marker has arguments that it doesn't take.
    """
    item = node.definition if isinstance(node, pytest.Metafunc) else node
    found = _Asked()
    for mark in cast("pytest.Item", item).iter_markers(MARKER):
        odd = sorted(mark.kwargs.keys() - {"shapes", "dims"})
        if odd:
            raise LookupError(f"the marker takes models, shapes and dims, not {', '.join(odd)}")
        dims = mark.kwargs.get("dims")
        if isinstance(dims, Mapping) and any(
            isinstance(x, (range, list, tuple)) for x in dims.values()
        ):
            raise LookupError(
                "the marker gives a dimension one length: leave it free, and give several to what judges it,"
                " assert_within(cnnscope_report, dims={'H': range(224, 641)}, macs='4 G')"
            )
        found = _Asked(
            found.models or mark.args,
            found.shapes or mark.kwargs.get("shapes"),
            found.dims or mark.kwargs.get("dims"),
        )
    return found


def _models(asked: _Asked, config: pytest.Config) -> list[Path]:
    """The files that a test is about.

    Raises:
        LookupError: there are none.
    """
    for models, folder in (
        (asked.models, config.rootpath),
        (config.getoption("cnnscope_model"), config.invocation_params.dir),
        (config.getini("cnnscope_model"), config.rootpath),
    ):
        if models:
            return list(dict.fromkeys(file for x in models for file in _files(x, folder)))
    raise LookupError(
        "which model? Mark the test with @pytest.mark.cnnscope('model.onnx'), "
        "or give --cnnscope-model or cnnscope_model in pytest's configuration"
    )


def _files(model: object, folder: Path) -> list[Path]:
    """The file of a name, or those that fit a pattern.

    Raises:
        LookupError: there is none, or it is no name.
    """
    if not isinstance(model, (str, os.PathLike)):
        raise LookupError(f"{model!r} is no path of a model")
    path = folder / Path(cast("str | os.PathLike[str]", model))
    if path.is_file():
        return [path]
    if any(c in str(model) for c in "*?["):
        from glob import glob

        names = glob(os.fspath(model), root_dir=folder, recursive=True)  # noqa: PTH207  # absolute ones, too
        found = [folder / name for name in sorted(names) if (folder / name).is_file()]
        if found:
            return found
        raise LookupError(f"no file matches {os.fspath(model)!r} in {folder}")
    what = "is a folder" if path.is_dir() else "there is no such file"
    raise LookupError(f"{os.fspath(model)!r}: {what} (looked for {path})")


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Runs a test once for each of several models."""
    if _FIXTURE not in metafunc.fixturenames:
        return
    for mark in metafunc.definition.iter_markers("parametrize"):
        names = mark.args[0] if mark.args else mark.kwargs.get("argnames", ())
        if _FIXTURE in (names.replace(" ", "").split(",") if isinstance(names, str) else names):
            return  # the test chooses itself
    try:
        models = _models(_asked(metafunc), metafunc.config)
    except LookupError:
        return  # the fixture says it, of the one test
    if len(models) > 1:
        metafunc.parametrize(_FIXTURE, models, indirect=True, ids=_ids(models))


def _ids(models: Sequence[Path]) -> list[str]:
    """Their names; with folders, as far as all of them aren't in one."""
    common = os.path.commonpath([model.parent for model in models])
    return [model.relative_to(common).as_posix() for model in models]


# -- fixtures ----------------------------------------------------------------------------------


@pytest.fixture(scope="session")
def cnnscope_analyze(request: pytest.FixtureRequest) -> Analyze:
    """`cnnscope.analyze`; a file is analysed once a session for each choice of sizes."""
    return request.config.stash[_SESSION].analyze


@pytest.fixture
def cnnscope_report(request: pytest.FixtureRequest, cnnscope_analyze: Analyze) -> Report:
    """The report of the model that the test is about: see the marker `cnnscope`."""
    from cnnscope.analyzer.values.diagnostics import CnnscopeError

    session = request.config.stash[_SESSION]
    try:
        asked = _asked(request.node)
        chosen = getattr(request, "param", None)
        if chosen is None:
            models = _models(asked, request.config)
            (file,) = models
        else:
            (file,) = _files(chosen, request.config.rootpath)
            models = _models(asked, request.config) if file == chosen else [file]
        shapes, dims = session.own_sizes(file, models, asked)
    except LookupError as error:
        pytest.fail(f"{_FIXTURE}: {error.args[0]}", pytrace=False)
    shown = _shown(file)
    try:
        return cnnscope_analyze(shown, shapes=shapes, dims=dims)
    except CnnscopeError as error:
        said = str(error)
    pytest.fail(f"{shown}: {said.removeprefix(f'{shown}: ')}", pytrace=False)


def _shown(path: Path) -> Path:
    """The path as messages have it: relative to the working folder, where it lies in that."""
    absolute, here = path.absolute(), Path.cwd()
    return absolute.relative_to(here) if absolute.is_relative_to(here) else absolute


# -- the summary -------------------------------------------------------------------------------


def pytest_sessionfinish(session: pytest.Session) -> None:
    """In a worker process of pytest-xdist: hands over what was analysed here."""
    output = getattr(session.config, "workeroutput", None)
    if output is not None:
        output[_WORKER_OUTPUT] = list(session.config.stash[_SESSION].lines)


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: object) -> None:
    """In the main process of pytest-xdist: takes it."""
    output = getattr(node, "workeroutput", None) or {}
    config = cast("pytest.Config", getattr(node, "config", None))
    config.stash[_SESSION].lines.update(dict.fromkeys(output.get(_WORKER_OUTPUT, ())))


def pytest_terminal_summary(
    terminalreporter: pytest.TerminalReporter, config: pytest.Config
) -> None:
    """What the analysed models come to."""
    lines = config.stash[_SESSION].lines
    if lines and config.get_verbosity() >= 0:
        terminalreporter.section("cnnscope")
        for line in sorted(lines):
            terminalreporter.write_line(line)
