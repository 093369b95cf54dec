"""What would ten million models take: cores, requests, bytes, money? Reckoned from what `fleet.py` measured.

    python benchmarks/plan.py          what docs/fleet-planning.md shows, from results/fleet.json
    python benchmarks/plan.py --write  into that page

Prices are assumptions; the page says of when and invites to put in others.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tables import table

HERE = Path(__file__).resolve().parent
RESULTS = HERE / "results" / "fleet.json"
PAGE = HERE.parent / "docs" / "fleet-planning.md"
BEGIN, END = "<!-- plan -->", "<!-- /plan -->"
MODELS = 10_000_000
CORES = 64
#: seconds that one request waits, in the cloud's own network
WAIT = 0.03
#: US dollars: a core for an hour, 1,000 reads, a GB out to the internet
CORE_HOUR, READS, OUT = 0.08, 0.0004, 0.09


@dataclass(frozen=True)
class Kind:
    """Models of one kind.

    Args:
        name: which they are.
        cpu: seconds of processor time a model, opening, analysing and keeping its row.
        requests, size: over HTTP, a model, and bytes of them.
    """

    name: str
    cpu: float
    requests: float
    size: float

    @property
    def core_hours(self) -> float:
        return MODELS * self.cpu / 3600

    @property
    def workers_a_core(self) -> float:
        """So many wait for answers while one computes."""
        return 1 + self.requests * WAIT / self.cpu

    @property
    def money(self) -> tuple[float, float, float]:
        """For cores, for reads, and for bytes if they leave the cloud."""
        return (
            self.core_hours * CORE_HOUR, MODELS * self.requests / 1000 * READS,
            MODELS * self.size / 1e9 * OUT,
        )  # fmt: skip


def kinds(results: Mapping[str, Any]) -> list[Kind]:
    """The generated fleet, and real models with their weights inside, as docs/remote.md has ResNet-50."""
    far = results["over_http"]["found"]["ranges"]
    models, asked = far["models"], far["asked"]
    real = [row["cnnscope"] for row in results["corpus"]["found"]["models"].values()]
    seconds = [value for value in real if isinstance(value, float)]
    # What a scan adds to the analysis of a model far away is the same for both.
    near = results["generated"]["found"]
    added = max(0.0, far["cpu"] / models - near["cpu"] / near["models"])
    return [
        Kind("small, as generated", far["cpu"] / models, asked["requests"] / models, asked["bytes"] / models),
        Kind("real, weights inside", sum(seconds) / len(seconds) + added, 66, 752_032),
    ]  # fmt: skip


def measured(results: Mapping[str, Any]) -> str:
    far = results["over_http"]["found"]["ranges"]
    told, models = far["account"], far["models"]
    count, last = list(results["memory"]["found"].items())[-1]
    on = results["over_http"]["machine"]
    rows = [
        [kind.name, f"{kind.cpu * 1e3:.0f} ms", f"{kind.requests:.1f}", f"{kind.size / 1e3:,.0f} kB"]
        for kind in kinds(results)
    ]  # fmt: skip
    return (
        table(["models", "*t*, processor time a model", "*q*, requests", "*b*, sent"], rows)
        + f"\n\nA row is {told['json_bytes'] / models / 1e3:.1f} kB in a journal and"
        f" {told['table_bytes'] / models:.0f} bytes in Parquet; the table is written at"
        f" {last['rate']:,.0f} rows a second, by a process that takes {last['peak'] / 1e6:.0f} MB at"
        f" {int(count):,} rows. {on['processor']}, {on['date']}."
    )


def example(results: Mapping[str, Any]) -> str:
    far = results["over_http"]["found"]["ranges"]
    line = far["account"]["json_bytes"] / far["models"]
    each = kinds(results)
    money = [kind.money for kind in each]
    rows = [
        ["core hours, *N t* / 3600", *(f"{kind.core_hours:,.0f}" for kind in each)],
        [f"hours on {CORES} cores", *(f"{kind.core_hours / CORES:.1f}" for kind in each)],
        ["workers a core, 1 + *q L* / *t*", *(f"{kind.workers_a_core:.1f}" for kind in each)],
        ["requests, *N q*", *(f"{MODELS * kind.requests / 1e6:,.0f} million" for kind in each)],
        ["a second", *(f"{kind.requests * CORES / kind.cpu:,.0f}" for kind in each)],
        ["bytes, *N b*", *(f"{MODELS * kind.size / 1e12:.1f} TB" for kind in each)],
        ["journals while it runs", *(f"{MODELS * line / 1e9:.0f} GB" for _ in each)],
        ["cores", *(f"${cores:,.0f}" for cores, _, _ in money)],
        ["reads", *(f"${reads:,.0f}" for _, reads, _ in money)],
        ["bytes, if they leave the cloud", *(f"${out:,.0f}" for _, _, out in money)],
    ]
    return table(["", *(kind.name for kind in each)], rows)


def block(results: Mapping[str, Any]) -> str:
    prices = (
        f"*N* = {MODELS:,}; a request waits *L* = {WAIT * 1e3:.0f} ms; a core costs ${CORE_HOUR:g} an hour,"
        f" 1,000 reads ${READS:g}, a GB out of the cloud ${OUT:g}, within it nothing."
    )
    return "\n\n".join([BEGIN, measured(results), prices, example(results), END])


def page(text: str, results: Mapping[str, Any]) -> str:
    """The page with its tables as they are by now."""
    before, _, rest = text.partition(BEGIN)
    return before + block(results) + rest.partition(END)[2]


def main() -> None:
    results = json.loads(RESULTS.read_text("utf-8"))
    if "--write" in sys.argv[1:]:
        PAGE.write_text(page(PAGE.read_text("utf-8"), results), "utf-8")
    print(block(results))


if __name__ == "__main__":
    main()
