"""Does every module import only what lies below it, and are the things absent that should be?

The imports are read from the source, so one inside a function counts like one at the top.
"""

from __future__ import annotations

import ast
import gc
import os
import subprocess
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
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
    "analyzer.filters",
    "analyzer.report",
    "analyzer.sizes",
    "analyzer.charts",
    "analyzer.streaming",
    "analyzer.counters",
    "analyzer.difference",
    "analyzer.budgets",
    "analyzer.lint",
    "analyzer.fleet",
    "analyzer.render",
    "analyzer.analysis",
    "analyzer.sizing",
    "analyzer.paging",
    "analyzer.plotting",
    "analyzer.exporting",
    "analyzer",
    "runtime.engine",
    "runtime.device",
    "runtime.probe",
    "runtime.gradients",
    "runtime.verify",
    "runtime.profile",
    "runtime.proofs",
    "runtime.gates",
    "runtime.fleet",
    "runtime.public",
    "runtime.commands",
    "runtime",
    "cli",
    "",
]

# Imports that the list forbids and that are right nevertheless: (importer, imported) -> reason.
IMPORT_EXCEPTIONS: dict[tuple[str, str], str] = {
    (
        "analyzer.values.shown",
        "analyzer.render.showing",
    ): "a value shows itself, by one lazy import",
    (
        "analyzer.report.report",
        "analyzer.plotting",
    ): "a report draws itself, by one lazy import",
    ("analyzer.report.report", "analyzer.paging"): "and makes its page, likewise",
}

# Circles inside a room that are right nevertheless.
CIRCLES: dict[frozenset[str], str] = {}

# Standard library and numpy only.
# fmt: off
PURE = [
    f"analyzer.values.{name}" for name in (
        "dimension", "extremes", "field", "narrower", "phases", "polynomial", "spans", "substitution",
        "tensor", "window",
    )
]
# fmt: on

# What may know an operator by its name: its rules, and other counters' tables of operators. Everything
# else applies rules that it looks up; a new module is guarded without being listed.
NAMING = {
    "analyzer.operators.families": "each family's rules",
    "analyzer.operators.family_index": "written from what the families define",
    "analyzer.counters": "other tools' tables, by operator",
    "runtime.engine": "models are written in ONNX's operators to be run",
    "runtime.probe": "likewise",
    "runtime.gradients": "likewise",
    "runtime.verify": "likewise",
    "runtime.profile": "likewise; and ONNX Runtime's fused kernels go by the names of what they hold",
}

# Strings that happen to be, or have to be, an operator's name: (module, string) -> reason.
NAME_EXCEPTIONS: dict[tuple[str, str], str] = {
    (
        "analyzer.model.graph_reading",
        "Identity",
    ): "a function that hands an input through needs a node for it",
    (
        "analyzer.render.viewers.adapter_names",
        "If",
    ): "Model Explorer's adapter draws this operator's subgraphs otherwise than others'",
    ("analyzer.sizes.patch_nodes", "Slice"): "it writes one",
    ("analyzer.sizes.patch_nodes", "Concat"): "likewise",
    ("analyzer.sizes.patch_nodes", "Constant"): "likewise",
    ("", "Scan"): "a class that is called so, too: what `cnnscope scan` wrote",
    ("analyzer", "Scan"): "likewise",
}

# Modules that are also found one level below the package (`__path__` in the root `__init__`).
PUBLIC = {
    name: f"runtime.public.{name}" for name in ("testing", "pytest_plugin")
}  # fmt: skip

# Rooms whose door leads to programs, or to a table of names: no import of ours shows who asks.
BY_NAME = {"runtime.public", "runtime.commands"}

# Packages, and what may import them.
KNOWN_BY: dict[str, tuple[str, ...]] = {
    "onnxruntime": ("runtime",),
    "matplotlib": ("analyzer.render.plots", "analyzer.plotting"),
    "rich": ("analyzer.render", "runtime.commands"),
    "typer": ("cli", "runtime.commands"),
    "click": ("cli", "runtime.commands"),
}

EXITS = {"exit", "quit", "_exit", "abort", "SystemExit", "Exit", "Abort"}

PACKAGE_FOLDERS = ["analyzer", "runtime"]


def module_files() -> dict[str, Path]:
    """Every module of the package in this tree, by its name below `cnnscope.`."""
    files = [*ROOT.glob("*.py"), *(f for p in PACKAGE_FOLDERS for f in (ROOT / p).rglob("*.py"))]
    found = {}
    for file in sorted(files):
        parts = file.relative_to(ROOT).with_suffix("").parts
        found[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = file
    return found


@cache
def parsed(text: str) -> ast.Module:
    return ast.parse(text)


@cache
def nodes_of(tree: ast.Module) -> list[ast.AST]:
    """As `ast.walk`, which takes as long as the parsing, once for all rules."""
    return list(ast.walk(tree))


@cache
def docstring(text: str) -> str | None:
    return ast.get_docstring(parsed(text))


@cache
def names_in(text: str, siblings: frozenset[str]) -> frozenset[str]:
    return frozenset(imported_names(parsed(text), siblings))


@cache
def strings_in(text: str) -> dict[str, int]:
    """Every string literal outside docstrings, with a line it stands on."""
    tree = parsed(text)
    said = {node.value for node in nodes_of(tree) if isinstance(node, ast.Expr)}
    return {
        node.value: node.lineno
        for node in nodes_of(tree)
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and node not in said
    }


@cache
def exits_in(text: str) -> list[int]:
    """Lines that call sys.exit, os._exit, os.abort, exit or quit, or raise SystemExit and its like."""
    return [
        node.lineno
        for node in nodes_of(parsed(text))
        if isinstance(node, ast.Call | ast.Raise)
        for target in [node.func if isinstance(node, ast.Call) else node.exc]
        if (isinstance(target, ast.Name) and target.id in EXITS)
        or (isinstance(target, ast.Attribute) and target.attr in EXITS)
    ]


class House:
    """The package's modules by their source, so that a breach can be planted without touching a file."""

    def __init__(self, sources: Mapping[str, str]) -> None:
        self.sources = dict(sources)
        known = frozenset(f"cnnscope.{name}" for name in self.sources if name)
        self.imports = {module: names_in(text, known) for module, text in self.sources.items()}
        self.own_imports = {module: own(found) for module, found in self.imports.items()}
        self.docstrings = {module: docstring(text) for module, text in self.sources.items()}
        # A room that is one module, and the packages that stand for their own names, have no door.
        self.doors = {
            place: door(self.docstrings[place])
            for place in ROOMS
            if place not in {"", "analyzer", "runtime"} and MODULES[place].name == "__init__.py"
        }

    def with_breach(self, module: str, text: str) -> House:
        """The house with some lines more in one module, or with one more module."""
        return House({**self.sources, module: f"{self.sources.get(module, '')}\n{text}\n"})

    def importers(self, package: str) -> set[str]:
        """Which modules import a package or something in it."""
        return {
            module
            for module, names in self.imports.items()
            if any(name.split(".")[0] == package for name in names)
        }


def own(names: Iterable[str]) -> set[str]:
    """The modules of this package among those imported, by their names below `cnnscope.`."""
    return {
        PUBLIC.get(short := name.removeprefix("cnnscope").removeprefix("."), short)
        for name in names
        if name.split(".")[0] == "cnnscope"
    }


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
    for node in nodes_of(source):
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


MODULES = module_files()


@cache
def house_today() -> House:
    """This tree's. Read by the first test that asks: every process that collects tests would pay for it."""
    gc.disable()  # half a million nodes that stay: the cycle collector would look at them again and again
    try:
        return House({name: file.read_text(encoding="utf-8") for name, file in MODULES.items()})
    finally:
        gc.enable()


# -- what can be wrong: each gives a line for every breach, and none for a house in order ------------


def outside_the_rooms(house: House) -> list[str]:
    return [f"{m} is in no room: move it into one" for m in house.sources if rank(m) is None]


def upward_imports(house: House) -> list[str]:
    return [
        f"{module} may not import {name}"
        for module, names in house.own_imports.items()
        for name in sorted(names)
        if above(module, name) and (module, name) not in IMPORT_EXCEPTIONS
    ]


def circles_in_rooms(house: House) -> list[str]:
    arrows = {
        module: {name for name in names if room(name) == room(module) and name in house.sources}
        for module, names in house.own_imports.items()
    }
    return [
        f"a circle: {sorted(group)}"
        for group in circles(arrows)
        if frozenset(group) not in CIRCLES and "" not in group
    ]


def behind_the_door(house: House, importer: str, imported: str) -> bool:
    """Whether *imported* is a room's own and *importer* stands outside."""
    theirs = room(imported)
    if theirs not in house.doors or theirs in {room(importer), imported}:
        return False
    return imported.removeprefix(f"{theirs}.").split(".")[0] not in house.doors[theirs]


def past_the_doors(house: House) -> list[str]:
    return [
        f"{module} may not import {name}: its room's door doesn't name it"
        for module, names in house.own_imports.items()
        for name in sorted(names)
        if behind_the_door(house, module, name)
    ]


def rooms_ill_described(house: House) -> list[str]:
    found = []
    for place, named in house.doors.items():
        first = (house.docstrings[place] or "").split("\n\n")[0]
        if not first.endswith(".") or ". " in first:
            found.append(f"{place} doesn't say in one sentence what it is for")
        inside = {
            name.removeprefix(f"{place}.").split(".")[0]
            for name in house.sources
            if name.startswith(f"{place}.")
        }
        used = {
            name.removeprefix(f"{place}.").split(".")[0]
            for module, names in house.own_imports.items()
            if room(module) != place
            for name in names
            if name.startswith(f"{place}.")
        }
        if not named:
            found.append(f"{place} names no door")
        found += [f"{place}'s door: there is no {name}" for name in sorted(named - inside)]
        if place not in BY_NAME:
            found += [f"{place}'s door: nobody asks for {name}" for name in sorted(named - used)]
    return found


def operators_named(house: House) -> list[str]:
    operators = {schema.name for schema in onnx.defs.get_all_schemas()}
    return [
        f"{module}, line {line}, names {string}: say it in the operator's define(...) instead"
        for module in house.sources
        if not module.startswith(tuple(NAMING))
        for string, line in strings_in(house.sources[module]).items()
        if string in operators and (module, string) not in NAME_EXCEPTIONS
    ]


def second_copies(house: House) -> list[str]:
    return [
        f"{module} imports {name}: a relative import, or the package by a second name"
        for module, names in house.imports.items()
        for name in sorted(names)
        if name.startswith(".") or name.split(".")[0] in {"analyzer", "runtime", "cli"}
    ]


def exits(house: House) -> list[str]:
    return [
        f"{module}, line {line}, exits"
        for module, text in house.sources.items()
        if module != "cli"
        for line in exits_in(text)
    ]


def strangers(house: House) -> list[str]:
    """Packages that are imported where they have no business."""
    allowed = sys.stdlib_module_names | {"numpy", "cnnscope"}
    found = [
        f"{module} needs {name}"
        for module in PURE
        for name in sorted({name.split(".")[0] for name in house.imports[module]} - allowed)
    ]
    return found + [
        f"{module} imports {package}"
        for package, places in KNOWN_BY.items()
        for module in sorted(house.importers(package))
        if not module.startswith(places)
    ]


def other_dataclasses(house: House) -> list[str]:
    """Classes of facts are made in one way, which costs a command no time."""
    return [
        f"{module} makes classes by dataclasses: values.plain_class has a dataclass that is made faster"
        for module, text in house.sources.items()
        if "dataclasses" in text  # else nothing is gone through
        for node in ast.walk(parsed(text))
        if isinstance(node, ast.ImportFrom) and node.module == "dataclasses"
        if "dataclass" in {alias.name for alias in node.names}
        if module != "analyzer.values.plain_class"  # for type checkers
    ]


RULES = [
    outside_the_rooms, upward_imports, circles_in_rooms, past_the_doors, rooms_ill_described,
    operators_named, second_copies, exits, strangers, other_dataclasses,
]  # fmt: skip


@pytest.mark.parametrize("rule", RULES)
def test_the_house_is_in_order(rule: Callable[[House], list[str]]) -> None:
    assert rule(house_today()) == []


@pytest.mark.parametrize(
    ("rule", "module", "text"),
    [
        (outside_the_rooms, "analyzer.helpers", ""),
        (outside_the_rooms, "helpers", ""),
        (upward_imports, "analyzer.values.window", "import cnnscope.analyzer.model.graph"),
        (upward_imports, "analyzer.passes.costs", "from cnnscope.analyzer.layers import kinds"),
        (upward_imports, "analyzer.report.report",
         "def lazily():\n    from cnnscope.analyzer.render import columns"),
        (upward_imports, "analyzer.fields.boxes",
         "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    import cnnscope.runtime.gates.checking"),
        (upward_imports, "analyzer.lint.rule", "import_module('cnnscope.runtime.gates.linting')"),
        (circles_in_rooms, "analyzer.values.dimension",
         "def lazily():\n    from cnnscope.analyzer.values.tensor import Tensor"),
        (past_the_doors, "cli", "from cnnscope.analyzer.difference import matching"),
        (past_the_doors, "analyzer.lint.rule", "import cnnscope.analyzer.difference.sequences"),
        (rooms_ill_described, "analyzer.difference.heard", ""),
        (operators_named, "analyzer.passes.costs", "KIND = 'Conv'"),
        (operators_named, "analyzer.report.unheard_of", "def f(op):\n    return op == 'Softmax'"),
        (second_copies, "analyzer.passes.costs", "from . import shapes"),
        (second_copies, "runtime.gates.git", "import analyzer.analysis"),
        (exits, "runtime.gates.git", "import sys\nsys.exit(1)"),
        (exits, "analyzer.budgets.config", "raise SystemExit"),
        (strangers, "analyzer.values.tensor", "import onnx"),
        (strangers, "analyzer.model.file", "def f():\n    import onnxruntime"),
        (strangers, "analyzer.report.report", "from rich.console import Console"),
        (strangers, "runtime.gates.checking", "import typer"),
        (other_dataclasses, "analyzer.report.metric", "from dataclasses import dataclass"),
    ],
)  # fmt: skip
def test_a_planted_breach_is_seen(
    rule: Callable[[House], list[str]], module: str, text: str
) -> None:
    if rule is rooms_ill_described:  # a door of what isn't there
        place = "analyzer.difference"
        sources = {
            **house_today().sources,
            place: house_today().sources[place].replace("Door: ", "Door: heard, "),
        }
        assert len(rule(House(sources))) == 2
        return
    assert rule(house_today().with_breach(module, text))


def test_the_exceptions_are_still_needed() -> None:
    unused = [
        pair
        for pair in IMPORT_EXCEPTIONS
        if pair[1] not in house_today().own_imports[pair[0]] or not above(*pair)
    ]
    unused += [
        pair
        for pair in NAME_EXCEPTIONS
        if pair[1] not in strings_in(house_today().sources[pair[0]])
    ]
    assert not unused


# -- pages -----------------------------------------------------------------------------------------


def first_sentence(module: str) -> str:
    """What a module says first of itself."""
    paragraph = (house_today().docstrings[module] or "").split("\n\n")[0]
    return " ".join(paragraph.split())


def rooms_table() -> str:
    """The rooms from the bottom up, with their purpose and their door, as Markdown."""
    lines = ["| room | what it is for | its door |", "| --- | --- | --- |"]
    for place in ROOMS:
        if place in house_today().doors:
            named = ", ".join(f"`{name}`" for name in sorted(house_today().doors[place]))
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


def loaded_after(statements: str, packages: set[str]) -> set[str]:
    """Which of *packages* a new interpreter has loaded once it ran *statements*."""
    code = f"{statements}\nimport sys\nprint('\\nLOADED', *({packages!r} & sys.modules.keys()))"
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=False, timeout=300
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
    hidden = "def f():\n    from cnnscope.analyzer.passes import shapes\n    import_module('onnxruntime')"
    assert set(imported_names(ast.parse(hidden), {"cnnscope.analyzer.passes.shapes"})) == {
        "cnnscope.analyzer.passes.shapes",
        "onnxruntime",
    }
    assert set(imported_names(ast.parse("from . import x"), set())) == {"."}
