"""What stands in a model's README on the Hugging Face hub? Front matter in YAML, and tables in Markdown.

The hub reads ``library_name`` and ``tags`` (https://huggingface.co/docs/hub/model-cards); a licence, data and
what the model is good for are its author's to add.
"""

from __future__ import annotations

from collections.abc import Iterable

from cnnscope.analyzer.render.document import Document, Figures, Heading, Note, Notes, Section
from cnnscope.analyzer.render.forms.markdown import pages
from cnnscope.analyzer.render.job_log import without_commands
from cnnscope.analyzer.render.subjects.report import field_lines
from cnnscope.analyzer.render.subjects.totals import metric, total_lines
from cnnscope.analyzer.render.tables import text_table
from cnnscope.analyzer.render.viewers.exported import Exported, Wish, model_name
from cnnscope.analyzer.report.network_input import Input
from cnnscope.analyzer.report.report import Report
from cnnscope.analyzer.report.total_facts import total_facts
from cnnscope.analyzer.values.notation import count, name, shape
from cnnscope.analyzer.values.tensor import plain_shape


def model_card(report: Report, wish: Wish) -> Exported:
    """The report as a model card."""
    front = without_commands(_front_matter(report), colon="\\x3a", sign="\\x23")
    return Exported(f"{front}\n{without_commands(pages([_body(report)]))}")


def _front_matter(report: Report) -> str:
    lines = ["---", "library_name: onnx", "tags:", "- onnx", "cnnscope:"]
    lines += [f"  {quoted(key)}: {_value(value)}" for key, value in total_facts(report).items()]
    return "\n".join([*lines, "---", ""])


def _value(value: int | float | str) -> str:
    return quoted(value) if isinstance(value, str) else str(value)


def quoted(text: str) -> str:
    r"""A text in YAML (1.2, 7.3.1, double-quoted): all but plain ASCII as escapes; nothing in it ends it.

    >>> print(quoted('a: "b"\n---'))
    "a: \"b\"\n---"
    """
    return f'"{"".join(map(_character, text))}"'


def _character(c: str) -> str:
    if c in '"\\':
        return f"\\{c}"
    if " " <= c <= "~":
        return c
    if c == "\n":
        return "\\n"
    code = ord(c)
    if 0xD800 <= code < 0xE000:  # half a character: YAML has none
        code = 0xFFFD
    return (
        f"\\x{code:02x}" if code < 256 else f"\\u{code:04x}" if code < 65536 else f"\\U{code:08x}"
    )


def _body(report: Report) -> Document:
    totals = Figures(("figure", "value", "meaning"), tuple(total_lines(report)))
    kinds = text_table(
        ("kind", "layers", "parameters", "MACs", "FLOPs"), (False, True, True, True, True),
        [
            (name(x.name), str(x.layers), count(x.params), metric(x.macs), metric(x.flops))
            for x in report.by_kind()
        ],
    )  # fmt: skip
    sees = tuple(Note(text) for text in field_lines(report))
    return Document(
        name(model_name(report)),
        (
            Section((Heading(name(model_name(report)), level=1),)),
            Section((_ends(report.inputs),), "Inputs", 2),
            Section((_ends(report.outputs),), "Outputs", 2),
            Section((totals, Notes(sees)), "What it costs and sees", 2),
            Section((kinds,), "Where the cost is", 2),
            Section((Notes((Note("Counted by cnnscope from the graph, without running it."),), False),)),
        ),
    )  # fmt: skip


def _ends(ends: Iterable[Input]) -> Figures:
    rows = tuple((name(x.name), shape(plain_shape(x.shape)), x.dtype or "?") for x in ends)
    return Figures(("name", "shape", "type"), rows)
