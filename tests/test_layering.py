"""Does every module import only what lies below it, and are the things absent that should be?

The imports are read from the source, so one inside a function counts like one at the top.
"""

from __future__ import annotations

import ast
import os
import subprocess
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import networkx
import onnx.defs
import pytest

ROOT = Path(__file__).resolve().parent.parent

# From the bottom up: a module may import the rooms before its own and, inside its room, whatever makes no
# circle. A room is a folder with what lies in it, or one module. Names are below `cnnscope.`; the
# root package itself is "". A new module inside a room needs no entry.
ROOMS = [
    "analyzer.values",
    "analyzer.model",
    "analyzer.operators",
    "analyzer.passes",
    "analyzer.fields",
    "analyzer.layers",
    "analyzer.explanation",
    "analyzer.report",
    "analyzer.counters",
    "analyzer.difference",
    "analyzer.budgets",
    "analyzer.lint",
    "analyzer.render",
    "analyzer.analysis",
    "analyzer",
    "runtime.engine",
    "runtime.probe",
    "runtime.verify",
    "runtime.profile",
    "runtime.gates",
    "runtime.public",
    "runtime",
    "cli",
    "",
]

# Imports that the list forbids and that are right nevertheless: (importer, imported) -> reason.
IMPORT_EXCEPTIONS: dict[tuple[str, str], str] = {
    ("analyzer.explanation.explanation", "analyzer.render.subjects.explain"): "shows itself",
    ("analyzer.report.comparison", "analyzer.render.subjects.comparison"): "likewise",
    ("analyzer.difference.difference", "analyzer.render.subjects.difference"): "likewise",
    ("analyzer.report.report", "analyzer.render.forms.html"): "a report shows itself in a notebook",
    ("analyzer.report.report", "analyzer.render.forms.terminal"): "and when it is printed",
    ("analyzer.report.verification", "analyzer.render.subjects.verification"): "likewise",
    ("analyzer.report.measurement", "analyzer.render.subjects.profile"): "likewise",
    ("analyzer.budgets.verdicts", "analyzer.render.subjects.check"): "likewise",
    ("analyzer.lint.linting", "analyzer.render.subjects.findings"): "likewise",
    ("analyzer.lint.linting", "analyzer.render.subjects.rules"): "likewise",
    ("analyzer.lint.linting", "analyzer.analysis"): "examines the model that it is given",
}

# Circles inside a room that are right nevertheless.
CIRCLES: dict[frozenset[str], str] = {
    frozenset({"analyzer.report.report", "analyzer.report.groups"}): "a report groups its layers",
}

# Standard library and numpy only.
PURE = ["analyzer.values.dimension", "analyzer.values.window", "analyzer.values.tensor"]

# What may know an operator by its name: its rules, and other counters' tables of operators. Everything
# else applies rules that it looks up; a new module is guarded without being listed.
NAMING = {
    "analyzer.operators.families": "each family's rules",
    "analyzer.counters": "other tools' tables, by operator",
    "runtime.engine": "models are written in ONNX's operators to be run",
    "runtime.probe": "likewise",
    "runtime.verify": "likewise",
    "runtime.profile": "likewise; and ONNX Runtime's fused kernels go by the names of what they hold",
}

# Strings that happen to be, or have to be, an operator's name: (module, string) -> reason.
NAME_EXCEPTIONS: dict[tuple[str, str], str] = {
    (
        "analyzer.model.graph",
        "Identity",
    ): "a function that hands an input through needs a node for it",
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


def room(module: str) -> str | None:
    """The entry of ROOMS that holds a module: itself or the nearest folder; None when none does."""
    while module not in ROOMS:
        if "." not in module:
            return None
        module = module.rpartition(".")[0]
    # A package that stands for its own names is no room for modules that lie beside the rooms.
    return module


def rank(module: str) -> int | None:
    """The place of a module's room in ROOMS; None when it is in no room."""
    found = room(module)
    if found is None or (found in {"analyzer", "runtime"} and module != found):
        return None
    return ROOMS.index(found)


def imported_names(source: ast.Module, siblings: set[str]) -> Iterator[str]:
    """The absolute name of everything a module imports.

    `from package import name` imports `package.name` where that is one of *siblings*, the known
    modules, and otherwise `package`.

    >>> code = "from cnnscope.analyzer import graph, analyze\\nimport numpy.linalg"
    >>> sorted(imported_names(ast.parse(code), {"cnnscope.analyzer.model.graph"}))
    ['cnnscope.analyzer', 'cnnscope.analyzer.model.graph', 'numpy.linalg']
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


def above(importer: str, imported: str) -> bool:
    """Whether *imported* lies in a room that *importer* may not know."""
    own, theirs = rank(importer), rank(imported)
    return own is None or theirs is None or theirs > own


def circles(arrows: dict[str, set[str]]) -> list[set[str]]:
    """The groups of modules that import each other.

    >>> circles({"a": {"b"}, "b": {"a", "c"}, "c": set()}) == [{"a", "b"}]
    True
    """
    graph = networkx.DiGraph()
    graph.add_edges_from((a, b) for a, targets in arrows.items() for b in targets)
    return [set(group) for group in networkx.strongly_connected_components(graph) if len(group) > 1]


def door(docstring: str | None) -> set[str]:
    """What a room's docstring says that others may import.

    >>> sorted(door("What it is for.\\n\\nDoor: one, two,\\nthree."))
    ['one', 'three', 'two']
    """
    said = (docstring or "").partition("Door:")[2].partition("\n\n")[0]
    return {name.strip(" \n.") for name in said.split(",") if name.strip(" \n.")}


@pytest.mark.parametrize("module", MODULES)
def test_every_module_is_in_a_room(module: str) -> None:
    assert rank(module) is not None, f"{module} is in no room: move it into one"


@pytest.mark.parametrize("module", MODULES)
def test_imports_go_down(module: str) -> None:
    wrong = {
        name
        for name in own_imports(module)
        if above(module, name) and (module, name) not in IMPORT_EXCEPTIONS
    }
    assert not wrong, f"{module} may not import {sorted(wrong)}"


@pytest.mark.parametrize("place", [place for place in ROOMS if place])
def test_no_circle_inside_a_room(place: str) -> None:
    inside = {module: own_imports(module) for module in MODULES if room(module) == place}
    inside = {m: {name for name in found if name in inside} for m, found in inside.items()}
    assert not [group for group in circles(inside) if frozenset(group) not in CIRCLES]


def behind_the_door(importer: str, imported: str) -> bool:
    """Whether *imported* is a room's own and *importer* stands outside."""
    theirs = room(imported)
    if theirs is None or theirs == room(importer) or theirs not in DOORS or theirs == imported:
        return False
    return imported.removeprefix(f"{theirs}.").split(".")[0] not in DOORS[theirs]


# A room that is one module, and the packages that stand for their own names, have no door.
DOORS = {
    name: door(ast.get_docstring(tree(name)))
    for name in ROOMS
    if "." in name and MODULES[name].name == "__init__.py"
}


@pytest.mark.parametrize("place", DOORS)
def test_a_room_says_what_it_is_for_and_names_its_door(place: str) -> None:
    said = ast.get_docstring(tree(place)) or ""
    first = said.split("\n\n")[0]
    assert first.endswith(".")
    assert first.count(". ") == 0, "one sentence"
    assert DOORS[place], f"{place} has no door"
    known = {name.removeprefix(f"{place}.").split(".")[0] for name in MODULES if name != place}
    assert DOORS[place] <= known, f"no such module: {sorted(DOORS[place] - known)}"


@pytest.mark.parametrize("module", MODULES)
def test_rooms_are_entered_by_their_doors(module: str) -> None:
    wrong = {name for name in own_imports(module) if behind_the_door(module, name)}
    assert not wrong, f"{module} may not import {sorted(wrong)}: not named in the room's door"


@pytest.mark.parametrize("place", DOORS)
def test_no_door_is_wider_than_what_goes_through(place: str) -> None:
    used = {
        name.removeprefix(f"{place}.").split(".")[0]
        for module in MODULES
        if room(module) != place
        for name in own_imports(module)
        if name != place and room(name) == place
    }
    public = place == "runtime.public"  # imported by programs, not by us
    assert public or DOORS[place] <= used, f"nobody asks for {sorted(DOORS[place] - used)}"


@pytest.mark.parametrize("module", MODULES)
def test_imports_are_absolute_and_by_the_one_name(module: str) -> None:
    second_copies = {"analyzer", "runtime", "cli"}
    wrong = {n for n in imports(module) if n.startswith(".") or n.split(".")[0] in second_copies}
    assert not wrong


def test_the_exceptions_are_still_needed() -> None:
    unused = [
        pair
        for pair in IMPORT_EXCEPTIONS
        if pair[1] not in own_imports(pair[0]) or not above(*pair)
    ]
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


def first_sentence(module: str) -> str:
    """What a module says first of itself."""
    paragraph = (ast.get_docstring(tree(module)) or "").split("\n\n")[0]
    return " ".join(paragraph.split())


def rooms_table() -> str:
    """The rooms from the bottom up, with their purpose and their door, as Markdown."""
    lines = ["| room | what it is for | its door |", "| --- | --- | --- |"]
    for place in ROOMS:
        if place in DOORS:
            named = ", ".join(f"`{name}`" for name in sorted(DOORS[place]))
            where = f"`{place.replace('.', '/')}/`"
        else:
            named = ""
            where = f"`{MODULES[place].relative_to(ROOT).as_posix()}`"
        lines.append(
            f"| {where} | {first_sentence(place).partition('. ')[0].rstrip('.')} | {named} |"
        )
    return "\n".join(lines)


def modules_page() -> str:
    """Every module with the question that it answers, as a page."""
    parts = [
        "# Modules",
        "Every module with what it says of itself, rooms from the bottom up. Written by a test.",
    ]
    for place in ROOMS:
        inside = sorted(module for module in MODULES if room(module) == place and module != place)
        if not inside:
            continue
        parts.append(f"## `{place.replace('.', '/')}/`")
        parts.append(first_sentence(place))
        parts.append("\n".join(
            f"- `{MODULES[module].relative_to(ROOT / place.replace('.', '/')).as_posix()}`: "
            + first_sentence(module)
            for module in inside
        ))  # fmt: skip
    return "\n\n".join(parts) + "\n"


def test_the_page_shows_the_rooms() -> None:
    page = ROOT / "docs" / "architecture.md"
    text = page.read_text(encoding="utf-8")
    before, rest = text.split("<!-- rooms -->")
    written = f"{before}<!-- rooms -->\n{rooms_table()}\n<!-- /rooms -->{rest.split('<!-- /rooms -->')[1]}"
    modules = ROOT / "docs" / "modules.md"
    if os.environ.get("CNNSCOPE_WRITE_PAGES") == "1":
        page.write_text(written, encoding="utf-8")
        modules.write_text(modules_page(), encoding="utf-8")
    assert page.read_text(encoding="utf-8") == written
    assert modules.read_text(encoding="utf-8") == modules_page()


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


@pytest.mark.parametrize("module", [name for name in MODULES if not name.startswith(tuple(NAMING))])
def test_no_other_module_knows_an_operator_by_name(module: str) -> None:
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
    assert rank("analyzer.operators.families.conv") == rank("analyzer.operators.definition")
    assert rank("analyzer.unheard_of") is None
    assert rank("unheard_of") is None
    assert above("analyzer.model.graph", "analyzer.passes.shapes")
    assert not above("analyzer.passes.shapes", "analyzer.model.graph")
    assert behind_the_door("cli", "analyzer.difference.matching")
    assert not behind_the_door("cli", "analyzer.difference.difference")
    hidden = "def f():\n    from cnnscope.analyzer.passes import shapes\n    import_module('onnxruntime')"
    assert set(imported_names(ast.parse(hidden), {"cnnscope.analyzer.passes.shapes"})) == {
        "cnnscope.analyzer.passes.shapes",
        "onnxruntime",
    }
    assert set(imported_names(ast.parse("from . import x"), set())) == {"."}
