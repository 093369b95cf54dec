"""How are two scans compared?"""

from __future__ import annotations

from cnnscope.analyzer.fleet.change_table import ChangeTable
from cnnscope.analyzer.fleet.figure_columns import FIGURES
from cnnscope.analyzer.fleet.row_store import READ, RowStore
from cnnscope.analyzer.fleet.scan_difference import FleetTotal, ScanDifference
from cnnscope.analyzer.fleet.summary import Rows


def diff_scans(before: Rows, after: Rows, names: tuple[str, str]) -> ScanDifference:
    """What changed from one scan to the next.

    Args:
        before, after: their rows, each gone through once.
        names: what they are called.
    """
    store = RowStore()
    store.keep("before", before.rows(READ))
    store.keep("after", after.rows(READ))
    table = ChangeTable(store)
    old, new = store.sums["before"], store.sums["after"]
    totals = tuple(
        FleetTotal(
            x.name, old.get(x.name, 0), new.get(x.name, 0),
            store.known["before"].get(x.name, 0), store.known["after"].get(x.name, 0),
        )
        for x in FIGURES
        if x.adds_up
    )  # fmt: skip
    return ScanDifference(
        *names, (store.counts["before"], store.counts["after"]), table.counts(), table.graphs(),
        table.reanalysed(), totals, (tuple(store.versions["before"]), tuple(store.versions["after"])), table,
    )  # fmt: skip
