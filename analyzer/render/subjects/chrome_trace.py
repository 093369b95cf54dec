"""How does one run look on a timeline, in the format that chrome://tracing and Perfetto read?

Complete events (``"ph": "X"``) in microseconds, one for each kernel of a typical profiled run, named
by the layers it contains; kernels of a subgraph lie inside their parent's. Names are escaped as
everywhere, and the file is ASCII.

Source: *Trace Event Format*, the Chromium project.
"""

from __future__ import annotations

import json

from cnnscope.analyzer.render.job_log import without_commands
from cnnscope.analyzer.render.subjects.kernel_rows import kernel_name
from cnnscope.analyzer.report.machine import TimeSpan
from cnnscope.analyzer.report.measurement import Profile
from cnnscope.analyzer.values.notation import escape, name


def chrome_trace(found: Profile) -> str:
    """The profile's timeline as JSON, one event a line."""
    process = {
        "name": "process_name", "ph": "M", "pid": 1, "tid": 1,
        "args": {"name": f"cnnscope: {name(found.model or 'model')} on {name(found.provider)}"},
    }  # fmt: skip
    thread = {
        "name": "thread_name", "ph": "M", "pid": 1, "tid": 1, "args": {"name": "kernels"}
    }  # fmt: skip
    events = [process, thread, *(_event(found, span) for span in found.timeline)]
    lines = ",\n".join(json.dumps(e, allow_nan=False, ensure_ascii=True) for e in events)
    about = {
        "model": escape(found.model or ""), "runtime": escape(found.runtime or ""),
        "hardware": escape(found.hardware or ""), "method": found.method,
    }  # fmt: skip
    text = (
        f'{{"displayTimeUnit": "ms", "otherData": {json.dumps(about)}, "traceEvents": [\n'
        f"{lines}\n]}}\n"
    )
    return without_commands(text, colon="\\u003a", sign="\\u0023")


def _event(found: Profile, span: TimeSpan) -> dict[str, object]:
    args: dict[str, object] = {"kernel": name(span.name), "op": name(span.op, 60)}
    label, kind = name(span.name), "subgraph"
    if span.row is not None:
        row = found.rows[span.row]
        label, kind = kernel_name(row), "inserted" if row.inserted else "layers"
        args.update(
            layers=[escape(layer) for layer in row.layers], provider=name(row.provider, 40),
            flops=row.flops, bytes=row.bytes, bound=row.bound,
        )  # fmt: skip
    return {
        "name": label, "cat": kind, "ph": "X", "pid": 1, "tid": 1,
        "ts": round(span.start * 1e6, 3), "dur": round(span.seconds * 1e6, 3), "args": args,
    }  # fmt: skip
