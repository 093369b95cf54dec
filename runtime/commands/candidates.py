"""Which words does an option or an argument take: names of columns and rules, of what is in the models?

Each list is made when a shell asks for it. What is in a model is read from the models that stand on the line;
one that can't be read has nothing to offer.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Final, get_args

from cnnscope.runtime.commands.first_word import STANDARD_INPUT

if TYPE_CHECKING:
    from cnnscope.analyzer.report.layer import Layer
    from cnnscope.analyzer.values.tensor import Tensor
    from cnnscope.runtime.commands.typed_line import Candidate, Line

#: models on the line that are looked into, and nodes of one that is analysed
_MODELS, _NODES = 4, 20_000


def _models(line: Line) -> list[str]:
    """The paths of the models on the line."""
    places = [i for i, argument in enumerate(line.arguments) if argument.name in MODELS]
    several = line.arguments[-1].several if line.arguments else False
    words = (
        line.given[places[0] :]
        if several and places
        else [line.given[i] for i in places if i < len(line.given)]
    )
    return [word for word in words if word != STANDARD_INPUT][:_MODELS]


def _declared(line: Line) -> Iterator[tuple[str, Tensor]]:
    """Each input of the models, as the file declares it."""
    from cnnscope.analyzer.model.file import open_model
    from cnnscope.analyzer.model.graph_reading import read_graph
    from cnnscope.analyzer.values.diagnostics import CnnscopeError

    for path in _models(line):
        try:
            declared = read_graph(open_model(path).model).inputs
        except CnnscopeError:
            continue
        yield from declared.items()


def _inputs(line: Line) -> Iterator[tuple[str, str, list[str]]]:
    """Each input of the models: its name, its shape, the names of its free dimensions."""
    from cnnscope.analyzer.model.binding import show

    for name, tensor in _declared(line):
        free = [
            f"{name}:{i}" if str(dim) == "?" else str(dim)
            for i, dim in enumerate(tensor.shape or ())
            if not isinstance(dim, int)
        ]
        yield name, show(tensor.shape), free


def _input_names(line: Line) -> Iterable[Candidate]:
    return [(f"{name}=", shape) for name, shape, _ in _inputs(line)]


def _whole_input_names(line: Line) -> Iterable[Candidate]:
    return [(name, shape) for name, shape, _ in _inputs(line)]


def _input_axes(line: Line) -> Iterable[Candidate]:
    return [
        (f"{name}:{axis}", f"length {length}")
        for name, tensor in _declared(line)
        for axis, length in enumerate(tensor.shape or ())
    ]


def _dims(line: Line) -> Iterable[Candidate]:
    return [
        (f"{dim}=", f"of {name}, {shape}") for name, shape, free in _inputs(line) for dim in free
    ]


def _layers(line: Line) -> Iterable[Candidate]:
    """What layers are known by; then their names in the file, where these are others."""
    from cnnscope.analyzer.analysis import analyze
    from cnnscope.analyzer.model.file import open_model
    from cnnscope.analyzer.values.diagnostics import CnnscopeError

    found: list[Layer] = []
    for path in _models(line):
        try:
            if len(open_model(path).model.graph.node) <= _NODES:
                found += analyze(path).layers
        except CnnscopeError:
            continue
    paths = {x.path: x.op for x in found}
    return [*paths.items(), *((str(x.name), x.op) for x in found if x.name not in paths)]


def _facts(line: Line) -> Iterable[Candidate]:
    from cnnscope.analyzer.report.layer_conditions import LAYER_FACTS

    return [(f"{name}=", "") for name in LAYER_FACTS]


def _sort_keys(line: Line) -> Iterable[Candidate]:
    if line.command == "profile":
        from cnnscope.analyzer.render.subjects import profile_rows

        return _named_in_refusal(lambda: profile_rows.check_sort(""))
    return _of_table(line, sort="")


def _columns(line: Line) -> Iterable[Candidate]:
    return _of_table(line, columns=("",))


def _of_table(
    line: Line, sort: str | None = None, columns: tuple[str, ...] | None = None
) -> Iterable[Candidate]:
    """What the table that the line asks for has instead of what no table has."""
    from cnnscope.analyzer.render.subjects.selection import Selection, check_selection
    from cnnscope.analyzer.report.group import By

    by = next((x for x in get_args(By) if x == line.used.get("--by")), None)
    shown = Selection(columns, sort, by=by, convention=line.used.get("--convention"))
    return _named_in_refusal(lambda: check_selection(shown, run="--run" in line.used))


def _named_in_refusal(ask: Callable[[], None]) -> Iterable[Candidate]:
    """The names that a refusal lists: what there is hangs on the other options, and it knows them all."""
    try:
        ask()
    except ValueError as error:
        return [(x, "") for x in str(error).partition("there are: ")[2].split(", ") if x]
    return []


def _rules(line: Line) -> Iterable[Candidate]:
    from cnnscope.analyzer.lint.selection import all_rules

    return [(rule.code, rule.name) for rule in all_rules()]


def _limits(line: Line) -> Iterable[Candidate]:
    from cnnscope.analyzer.budgets.quantities import QUANTITIES

    return [(f"{key}=", quantity.meaning) for key, quantity in QUANTITIES.items()]


def _wishes(line: Line) -> Iterable[Candidate]:
    from cnnscope.analyzer.sizes.wish import QUANTITIES

    return [(f"{key}<=", "") for key in QUANTITIES]


def _free_names(line: Line) -> Iterable[Candidate]:
    return [(dim, f"of {name}, {shape}") for name, shape, free in _inputs(line) for dim in free]


def _conventions(line: Line) -> Iterable[Candidate]:
    from cnnscope.analyzer.counters.side_by_side import conventions

    return [(convention.name, "") for convention in conventions()]


def _changes(line: Line) -> Iterable[Candidate]:
    from cnnscope.analyzer.difference.difference import CONDITIONS

    return [(condition, "") for condition in CONDITIONS]


def _reports(line: Line) -> Iterable[Candidate]:
    from cnnscope.analyzer.render.formats import formats_for

    return [(f"{name}=", "") for name in formats_for("outcome")]


def _operators(line: Line) -> Iterable[Candidate]:
    from cnnscope.analyzer.operators.coverage import find_coverage

    return [(row.op, row.domain) for row in find_coverage()]


def _providers(line: Line) -> Iterable[Candidate]:
    return [(name, "") for name in ("auto", "cpu", "cuda", "tensorrt")]


def _metrics(line: Line) -> Iterable[Candidate]:
    from cnnscope.analyzer.render.viewers.scale import METRICS

    return [(name, "") for name in METRICS]


def _figures(line: Line) -> Iterable[Candidate]:
    from cnnscope.analyzer.plotting import KINDS

    return KINDS.items()


def _figure_metrics(line: Line) -> Iterable[Candidate]:
    from cnnscope.analyzer.charts.cost import METRICS

    return [(name, "") for name in METRICS]


def _dtypes(line: Line) -> Iterable[Candidate]:
    return [("float16", "")]


def _engines(line: Line) -> Iterable[Candidate]:
    return [
        ("local", "processes of this machine"),
        ("dask", "by Dask; dask=ADDRESS: a cluster"),
        ("ray", "by Ray; ray=ADDRESS: a cluster"),
    ]


#: arguments that are models
MODELS: Final = frozenset(("model", "models", "before", "after", "paths", "other", "where"))
#: options whose value is a list with commas
LISTS: Final = frozenset(("--columns", "--select", "--ignore", "--fail-on"))
#: options whose value is a file, though it may be something else
FILES: Final = frozenset(("--baseline",))
ARGUMENTS: Final[Mapping[str, Callable[[Line], Iterable[Candidate]]]] = {
    "layer": _layers, "code": _rules, "filter": _operators,
}  # fmt: skip
VALUES: Final[Mapping[str, Callable[[Line], Iterable[Candidate]]]] = {
    "--axis": _input_axes, "--shape": _input_names, "--value": _input_names, "--input": _input_names,
    "--dim": _dims, "--layer": _layers, "--only": _facts, "--sort": _sort_keys, "--columns": _columns,
    "--select": _rules,
    "--ignore": _rules, "--limit": _limits, "--convention": _conventions, "--fail-on": _changes,
    "--report": _reports, "--solve": _wishes, "--over": _free_names, "--provider": _providers,
    "--dtype": _dtypes, "--of": _whole_input_names, "--color": _metrics, "--kind": _figures,
    "--metric": _figure_metrics, "--engine": _engines,
}  # fmt: skip
