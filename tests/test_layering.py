"""Does every module import only what lies below it, and are the things absent that should be?

The imports are read from the source, so one inside a function counts like one at the top.
"""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator
from fnmatch import fnmatchcase
from functools import cache
from pathlib import Path

import onnx.defs
import pytest

ROOT = Path(__file__).resolve().parent.parent

# Lowest first. A module may import modules of the lines above its own here, and none of its own
# line. Names are below `cnnscope.`; the root package itself is "". `*` stands for one name.
LAYERS = [
    ["analyzer.dimension"],
    ["analyzer.window"],
    ["analyzer.tensor"],
    ["analyzer.diagnostics", "analyzer.toml_lines", "analyzer.regular_file"],
    ["analyzer.reckoning"],
    ["analyzer.finding", "analyzer.quantities", "analyzer.expansion", "analyzer.arguments"],
    ["analyzer.graph", "analyzer.operator", "analyzer.model_file", "analyzer.binding"],
    ["analyzer.operators.*", "analyzer.answers", "analyzer.likeness", "analyzer.guests"],
    ["analyzer.operators"],
    ["analyzer.custom"],
    ["analyzer.plugins"],
    ["analyzer.shapes", "analyzer.coverage"],
    ["analyzer.places"],
    ["analyzer.costs", "analyzer.memory", "analyzer.weights", "analyzer.reads"],
    ["analyzer.digits"],
    ["analyzer.boxes"],
    ["analyzer.borders"],
    ["analyzer.fields", "analyzer.batch"],
    [
        "analyzer.regions",
        "analyzer.touched",
        "analyzer.kinds",
        "analyzer.padding",
        "analyzer.formulas",
    ],
    ["analyzer.paths", "analyzer.connections", "analyzer.patterns", "analyzer.blocks"],
    ["analyzer.sequences"],
    ["analyzer.matching", "analyzer.fingerprints", "analyzer.particulars"],
    ["analyzer.constants"],
    ["analyzer.settings"],
    ["analyzer.explanation"],
    ["analyzer.derivation"],
    ["analyzer.verification", "analyzer.measurement"],
    ["analyzer.execution"],
    ["analyzer.report"],
    ["analyzer.verdicts", "analyzer.rule"],
    ["analyzer.groups", "analyzer.comparison", "analyzer.figures"],
    ["analyzer.stages"],
    ["analyzer.changes"],
    ["analyzer.structure", "analyzer.difference"],
    ["analyzer.sites"],
    ["analyzer.differing"],
    ["analyzer.budgets"],
    ["analyzer.config", "analyzer.baselines"],
    ["analyzer.forms", "analyzer.peers"],
    ["analyzer.conventions"],
    ["analyzer.render.numbers", "analyzer.render.job_log"],
    ["analyzer.render.columns"],
    ["analyzer.render.conventions", "analyzer.render.beside"],
    [
        "analyzer.render.terminal",
        "analyzer.render.markdown",
        "analyzer.render.delimited",
        "analyzer.render.machine",
        "analyzer.render.derivations",
    ],
    ["analyzer.render.profile", "analyzer.render.fingerprint", "analyzer.render.github"],
    ["analyzer.render.changes"],
    ["analyzer.render.check"],
    ["analyzer.render.*"],
    ["analyzer.render"],
    ["analyzer.rules.*"],
    ["analyzer.rules"],
    ["analyzer.analysis"],
    ["analyzer.lint"],
    ["analyzer"],
    ["runtime.worker"],
    ["runtime.child"],
    ["runtime.input_ranges", "runtime.departures", "runtime.branches"],
    ["runtime.flat", "runtime.inputs", "runtime.providers", "runtime.trace"],
    ["runtime.kernel_coverage"],
    ["runtime.linting"],
    ["runtime.weights", "runtime.sessions", "runtime.probe_site"],
    ["runtime.interpolation", "runtime.probe_rule"],
    ["runtime.probe_rules", "runtime.probe_skeletons"],
    ["runtime.probe_copy"],
    ["runtime.probe_comparison"],
    ["runtime.probe", "runtime.shape_check", "runtime.memory_check"],
    ["runtime.verifying"],
    ["runtime.timing", "runtime.kernels", "runtime.hardware", "runtime.batches"],
    ["runtime.latency", "runtime.kernel_times"],
    ["runtime.ceilings", "runtime.placement"],
    ["runtime.rows"],
    ["runtime.profiling", "runtime.git", "runtime.model_paths"],
    ["runtime.checking"],
    ["runtime.public.testing", "runtime.public.pytest_plugin"],
    ["runtime.public"],
    ["runtime"],
    ["cli"],
    [""],
]

# Imports that the list forbids and that are right nevertheless: (importer, imported) -> reason.
IMPORT_EXCEPTIONS: dict[tuple[str, str], str] = {
    ("analyzer.explanation", "analyzer.render.explain"): "an explanation shows itself, likewise",
    ("analyzer.comparison", "analyzer.render.compare"): "likewise a comparison, when printed",
    ("analyzer.difference", "analyzer.render.difference"): "likewise a difference",
    ("analyzer.report", "analyzer.groups"): "a report groups its layers when asked to",
    ("analyzer.report", "analyzer.render.html"): "a report shows itself in a notebook",
    ("analyzer.report", "analyzer.render.terminal"): "and when it is printed; loaded only then",
    ("analyzer.verification", "analyzer.render.verification"): "likewise",
    ("analyzer.measurement", "analyzer.render.profile"): "likewise",
    ("analyzer.verdicts", "analyzer.render.check"): "likewise",
}

# Standard library and numpy only.
PURE = ["analyzer.dimension", "analyzer.window", "analyzer.tensor"]

# They apply rules looked up by operator; none may know an operator by its name.
NAMELESS = [
    "analyzer.graph",
    "analyzer.answers",
    "analyzer.likeness",
    "analyzer.custom",
    "analyzer.plugins",
    "analyzer.shapes",
    "analyzer.costs",
    "analyzer.weights",
    "analyzer.memory",
    "analyzer.reads",
    "analyzer.digits",
    "analyzer.fields",
    "analyzer.boxes",
    "analyzer.borders",
    "analyzer.regions",
    "analyzer.touched",
    "analyzer.kinds",
    "analyzer.padding",
    "analyzer.formulas",
    "analyzer.paths",
    "analyzer.connections",
    "analyzer.explanation",
    "analyzer.derivation",
    "analyzer.blocks",
    "analyzer.patterns",
    "analyzer.groups",
    "analyzer.comparison",
    "analyzer.conventions",
    "analyzer.changes",
    "analyzer.structure",
    "analyzer.matching",
    "analyzer.sequences",
    "analyzer.fingerprints",
    "analyzer.constants",
    "analyzer.settings",
    "analyzer.stages",
    "analyzer.difference",
    "analyzer.sites",
    "analyzer.differing",
    "analyzer.report",
    "analyzer.analysis",
    "analyzer.particulars",
    "analyzer.rule",
    "analyzer.rules.cost",
    "analyzer.rules.deployment",
    "analyzer.rules.graph",
    "analyzer.rules.padding",
    "analyzer.rules.receptive_field",
    "analyzer.rules.upsampling",
    "analyzer.lint",
]

# Strings that happen to be, or have to be, an operator's name: (module, string) -> reason.
NAME_EXCEPTIONS: dict[tuple[str, str], str] = {
    ("analyzer.graph", "Identity"): "a function that hands an input through needs a node for it",
}

# Modules that are also found one level below the package (`__path__` in the root `__init__`).
PUBLIC = {
    name: f"runtime.public.{name}" for name in ("testing", "pytest_plugin")
}  # fmt: skip

PACKAGE_FOLDERS = ["analyzer", "runtime"]


def module_files() -> dict[str, Path]:
    """Every module of the package in this tree, by its name below `cnnscope.`."""
    files = [*ROOT.glob("*.py"), *(f for p in PACKAGE_FOLDERS for f in (ROOT / p).rglob("*.py"))]
    found = {}
    for file in sorted(files):
        parts = file.relative_to(ROOT).with_suffix("").parts
        found[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = file
    return found


MODULES = module_files()


@cache
def tree(module: str) -> ast.Module:
    return ast.parse(MODULES[module].read_text(encoding="utf-8"))


def rank(module: str) -> int | None:
    """The line of LAYERS that a module is on; None when it is on none."""
    for position, names in enumerate(LAYERS):
        for name in names:
            # fnmatch's `*` also crosses dots, hence the comparison of depths.
            if fnmatchcase(module, name) and module.count(".") == name.count("."):
                return position
    return None


def imported_names(source: ast.Module, siblings: set[str]) -> Iterator[str]:
    """The absolute name of everything a module imports.

    `from package import name` imports `package.name` where that is one of *siblings*, the known
    modules, and otherwise `package`.

    >>> code = "from cnnscope.analyzer import graph, analyze\\nimport numpy.linalg"
    >>> sorted(imported_names(ast.parse(code), {"cnnscope.analyzer.graph"}))
    ['cnnscope.analyzer', 'cnnscope.analyzer.graph', 'numpy.linalg']
    """
    for node in ast.walk(source):
        match node:
            case ast.Import(names=names):
                yield from (alias.name for alias in names)
            case ast.ImportFrom(module=str(package), names=names, level=0):
                for alias in names:
                    full = f"{package}.{alias.name}"
                    yield full if full in siblings else package
            case ast.ImportFrom():
                yield "." * node.level + (node.module or "")
            case ast.Call(
                func=ast.Name(id="import_module" | "__import__")
                | ast.Attribute(attr="import_module"),
                args=[ast.Constant(value=str(name)), *_],
            ):
                yield name


@cache
def imports(module: str) -> frozenset[str]:
    known = {f"cnnscope.{name}" for name in MODULES if name}
    return frozenset(imported_names(tree(module), known))


def own_imports(module: str) -> set[str]:
    """The modules of this package that a module imports, by their names below `cnnscope.`."""
    return {
        PUBLIC.get(short := name.removeprefix("cnnscope").removeprefix("."), short)
        for name in imports(module)
        if name.split(".")[0] == "cnnscope"
    }


def importers(package: str) -> set[str]:
    return {m for m in MODULES if any(name.split(".")[0] == package for name in imports(m))}


@pytest.mark.parametrize("module", MODULES)
def test_every_module_is_on_the_list(module: str) -> None:
    assert rank(module) is not None, f"{module} is new: give it a place in LAYERS"


@pytest.mark.parametrize("module", MODULES)
def test_imports_go_down(module: str) -> None:
    own = rank(module)
    if own is None:
        pytest.fail(f"{module} has no rank")
    wrong = {
        name
        for name in own_imports(module)
        if (module, name) not in IMPORT_EXCEPTIONS
        and ((theirs := rank(name)) is None or theirs >= own)
    }
    assert not wrong, f"{module} may not import {sorted(wrong)}"


@pytest.mark.parametrize("module", MODULES)
def test_imports_are_absolute_and_by_the_one_name(module: str) -> None:
    second_copies = {"analyzer", "runtime", "cli"}
    wrong = {n for n in imports(module) if n.startswith(".") or n.split(".")[0] in second_copies}
    assert not wrong


def test_the_exceptions_are_still_needed() -> None:
    unused = [pair for pair in IMPORT_EXCEPTIONS if pair[1] not in own_imports(pair[0])]
    unused += [pair for pair in NAME_EXCEPTIONS if pair[1] not in strings(pair[0])]
    assert not unused


@pytest.mark.parametrize("module", [module for module in PURE if module in MODULES])
def test_the_lowest_modules_are_pure(module: str) -> None:
    allowed = sys.stdlib_module_names | {"numpy", "cnnscope"}
    assert {name.split(".")[0] for name in imports(module)} <= allowed


def test_onnxruntime_lives_in_runtime() -> None:
    assert not {m for m in importers("onnxruntime") if not m.startswith("runtime")}


def test_only_rendering_and_the_command_line_know_rich() -> None:
    allowed = ("analyzer.render", "cli")
    assert not {module for module in importers("rich") if not module.startswith(allowed)}


def test_only_the_command_line_knows_typer() -> None:
    assert importers("typer") | importers("click") <= {"cli"}


EXITS = {"exit", "quit", "_exit", "abort", "SystemExit", "Exit", "Abort"}


@pytest.mark.parametrize("module", [module for module in MODULES if module != "cli"])
def test_only_the_command_line_exits(module: str) -> None:
    """Calls of sys.exit, os._exit, os.abort, exit and quit; SystemExit, typer.Exit and Abort."""
    found = [
        f"line {node.lineno}"
        for node in ast.walk(tree(module))
        if isinstance(node, ast.Call | ast.Raise)
        for target in [node.func if isinstance(node, ast.Call) else node.exc]
        if (isinstance(target, ast.Name) and target.id in EXITS)
        or (isinstance(target, ast.Attribute) and target.attr in EXITS)
    ]
    assert not found


def docstrings(source: ast.Module) -> set[ast.expr]:
    """Every string that stands as a statement: docstrings, and those after an attribute."""
    return {node.value for node in ast.walk(source) if isinstance(node, ast.Expr)}


@cache
def strings(module: str) -> dict[str, int]:
    """Every string literal of a module outside its docstrings, with a line it stands on."""
    ignored = docstrings(tree(module))
    return {
        node.value: node.lineno
        for node in ast.walk(tree(module))
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and node not in ignored
    }


@pytest.mark.parametrize("module", [module for module in NAMELESS if module in MODULES])
def test_no_pass_knows_an_operator_by_name(module: str) -> None:
    operators = {schema.name for schema in onnx.defs.get_all_schemas()}
    found = {
        string: f"line {line}"
        for string, line in strings(module).items()
        if string in operators and (module, string) not in NAME_EXCEPTIONS
    }
    assert not found, f"{module} names operators: say it in their define(...) instead"


def loaded_after(statements: str, packages: set[str]) -> set[str]:
    """Which of *packages* a new interpreter has loaded once it ran *statements*."""
    code = f"{statements}\nimport sys\nprint('\\nLOADED', *({packages!r} & sys.modules.keys()))"
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=False, timeout=120
    )
    assert done.returncode == 0, done.stderr
    return set(done.stdout.splitlines()[-1].split()[1:])


def test_the_version_is_said_without_loading_the_analyser() -> None:
    say_version = (
        "import sys\nfrom cnnscope.cli import main\nsys.argv = ['cnnscope', '--version']\n"
        "try:\n    main()\nexcept SystemExit as done:\n    assert not done.code, done.code"
    )
    heavy = {"onnx", "numpy", "networkx", "rich", "onnxruntime"}
    assert loaded_after(say_version, heavy) == set()


def test_importing_the_package_loads_no_runtime() -> None:
    assert loaded_after("import cnnscope", {"onnxruntime", "onnx.reference"}) == set()


def test_this_test_would_notice() -> None:
    """The reading of imports and of layers, on code that is wrong in each way it looks for."""
    assert rank("analyzer.operators.conv") == rank("analyzer.operators.pool")
    assert rank("analyzer.unheard_of") is None
    assert rank("analyzer.render.deeper.still") is None
    below, above = rank("analyzer.graph"), rank("analyzer.shapes")
    assert below is not None
    assert above is not None
    assert below < above
    hidden = "def f():\n    from cnnscope.analyzer import shapes\n    import_module('onnxruntime')"
    assert set(imported_names(ast.parse(hidden), {"cnnscope.analyzer.shapes"})) == {
        "cnnscope.analyzer.shapes",
        "onnxruntime",
    }
    assert set(imported_names(ast.parse("from . import x"), set())) == {"."}
