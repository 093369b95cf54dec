"""What do the measurements come to, and are the targets met? Results in, Markdown out."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from measure import flatness

#: what each ratio may be at most
EIGHTH = 1 / 8  # of onnx-tool's time and memory on VGG-19
HALF = 1 / 2  # of onnx-tool's time in process
IMPORTS = 1.4  # times bare imports, for the whole command on ResNet-50
FLAT = 1.3  # times the cheapest size's cost per node

Results = Mapping[str, Any]


def markdown(results: Results) -> str:
    """The whole table."""
    parts = [_machine(results["machine"], results["quick"])]
    made = {"resnet50": _resnet50, "growth": _growth, "vgg19": _vgg19, "in_process": _in_process}
    parts.extend(table(results[name]) for name, table in made.items() if name in results)
    return "\n\n".join(parts) + "\n"


def median(found: Mapping[str, Any] | None, what: str = "seconds") -> float | None:
    """A tool's median; None where it failed."""
    if not found or "error" in found:
        return None
    value = found[what]["median"] if what in found else found["median"]
    return float(value)


def quotient(ours: float | None, theirs: float | None) -> float | None:
    return None if ours is None or not theirs else ours / theirs


def verdict(value: float | None, most: float) -> str:
    """
    >>> verdict(0.1, 1 / 8)
    'met (0.10 of at most 0.125)'
    """
    if value is None:
        return "not measured"
    return f"{'met' if value <= most else 'NOT MET'} ({value:.2f} of at most {most:.3g})"


# -- one table each ---------------------------------------------------------------------------------


def _machine(machine: Results, quick: bool) -> str:
    versions = ", ".join(f"{name} {version}" for name, version in machine["versions"].items())
    return (
        f"{machine['processor']}, {machine['cores']} cores, "
        f"{machine['memory_bytes'] / 2**30:.0f} GiB; {machine['system']}; "
        f"Python {machine['python']}; {versions}. Load before: {machine['load_before']}."
        + (" A quick run." if quick else "")
    )


def _resnet50(found: Results) -> str:
    tools = found["tools"]
    rows = [[name, *_process(tool)] for name, tool in tools.items()]
    value = quotient(median(tools["cnnscope"]), median(tools["imports"]))
    return _section(
        "ResNet-50, the whole command",
        ["", "seconds", "peak MB"],
        rows,
        f"cnnscope to imports: {verdict(value, IMPORTS)}.",
    )


def _vgg19(found: Results) -> str:
    tools = found["tools"]
    ours = tools["cnnscope"]
    rows = [
        [
            name, *_process(tool),
            _times(quotient(median(ours), median(tool))),
            _times(quotient(median(ours, "peak"), median(tool, "peak"))),
        ]
        for name, tool in tools.items()
    ]  # fmt: skip
    peer = tools["onnx-tool"]
    seconds = quotient(median(ours), median(peer))
    peak = quotient(median(ours, "peak"), median(peer, "peak"))
    return _section(
        f"VGG-19 with its weights inline ({found['file_bytes'] / 1e6:.0f} MB), whole processes",
        ["", "seconds", "peak MB", "cnnscope's time to it", "and memory"],
        rows,
        f"Time to onnx-tool's: {verdict(seconds, EIGHTH)}. Memory: {verdict(peak, EIGHTH)}.",
    )


def _growth(found: Results) -> str:
    rows, said = [], []
    for kind, sizes in found.items():
        times, sizes_of = {}, {}
        for size, row in sizes.items():
            if "error" in row:
                rows.append([kind, size, f"failed: {row['error']}", "", "", ""])
                continue
            nodes = int(size)
            times[nodes] = row["seconds"]["median"] / nodes
            sizes_of[nodes] = row["bytes"]["median"] / nodes
            command = row["command"]
            rows.append([
                kind, f"{nodes:,}", f"{times[nodes] * 1e6:.1f}", f"{sizes_of[nodes] / 1e3:.2f}",
                *_process(command),
            ])  # fmt: skip
        if len(times) > 1 and len(times) == len(sizes):
            said.append(
                f"{kind}: time per node {verdict(flatness(times), FLAT)}, "
                f"memory per node {verdict(flatness(sizes_of), FLAT)}."
            )
        else:
            said.append(f"{kind}: NOT MET, or measured at one size only.")
    return _section(
        "Growing graphs, in process (and the whole command)",
        ["", "nodes", "us per node", "kB per node", "command, s", "command, peak MB"],
        rows,
        " ".join(said),
    )


def _in_process(found: Results) -> str:
    tools: Sequence[str] = found["tools"]
    rows, ratios, printed = [], {}, {}
    for name, row in found["models"].items():
        value = quotient(median(row["cnnscope"]), median(row["onnx-tool"]))
        cells = [_milliseconds(row[tool]) for tool in tools]
        rows.append([name.removesuffix(".onnx"), *cells, _times(value)])
        if value is not None:
            ratios[name] = value
        ours, theirs = row.get("cnnscope, printed"), row.get("onnx-tool, printed")
        whole = quotient(median(ours), median(theirs))
        if whole is not None:
            printed[name] = whole
    failed = [n for n, row in found["models"].items() if "error" in row["cnnscope"]]
    lines = [
        f"cnnscope: {len(found['models']) - len(failed)} of {len(found['models'])} models; "
        f"onnx-tool: {sum('error' not in row['onnx-tool'] for row in found['models'].values())}.",
        _spread("To the figures, cnnscope's time to onnx-tool's", ratios),
    ]
    if printed:
        lines.append(_spread("To the printed table", printed))
    return _section(
        "In process, from the file to the figures (ms)",
        ["", *tools, "ratio"],
        rows,
        " ".join(lines),
    )


def _spread(what: str, ratios: Mapping[str, float]) -> str:
    """How many ratios are small enough, their geometric mean, and the worst."""
    if not ratios:
        return f"{what}: not measured."
    met = sum(value <= HALF for value in ratios.values())
    mean = math.exp(sum(math.log(value) for value in ratios.values()) / len(ratios))
    worst = max(ratios, key=lambda name: ratios[name])
    state = "met" if met == len(ratios) else "NOT MET"
    return (
        f"{what}: {state} (at most {HALF:g} on {met} of {len(ratios)}; "
        f"geometric mean {mean:.2f}, worst {ratios[worst]:.2f} on {worst.removesuffix('.onnx')})."
    )


# -- cells --------------------------------------------------------------------------------------------


def _section(heading: str, columns: Sequence[str], rows: Sequence[Sequence[str]], last: str) -> str:
    lines = [f"### {heading}", "", _row(columns), _row(["---"] * len(columns))]
    lines.extend(_row(row) for row in rows)
    return "\n".join([*lines, "", last])


def _row(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cell.replace('|', '/') for cell in cells)} |"


def _process(found: Results) -> list[str]:
    if "error" in found:
        return [f"failed: {found['error']}", ""]
    seconds, peak = found["seconds"], found["peak"]
    return [
        f"{seconds['median']:.2f} ({seconds['low']:.2f} to {seconds['high']:.2f})",
        f"{peak['median'] / 1e6:.0f}",
    ]


def _milliseconds(found: Results) -> str:
    if "error" in found:
        return f"failed: {found['error'][:60]}"
    return f"{found['median'] * 1e3:.1f} ({found['low'] * 1e3:.1f} to {found['high'] * 1e3:.1f})"


def _times(value: float | None) -> str:
    return "" if value is None else f"{value:.2f}"
