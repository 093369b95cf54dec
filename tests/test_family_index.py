"""Does the index say in which family's file each operator is?

With CNNSCOPE_WRITE_PAGES=1 in the environment it is written anew.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import textwrap
from pathlib import Path

from cnnscope.analyzer.operators.family_index import FAMILIES

ROOT = Path(__file__).resolve().parent.parent
INDEX = ROOT / "analyzer" / "operators" / "family_index.py"

#: loads all families in a process of its own and prints which file said what of which operator
ALL = """
import json, sys
from cnnscope.analyzer.operators import arithmetic, bounding, definition, homes, schema_rows, spelling

found = {}
def noting(what, module, operators):
    say = getattr(module, what)
    def said(*words, **options):
        frame = sys._getframe(1)
        while frame.f_code.co_name != "<module>":
            frame = frame.f_back
        family = frame.f_globals["__name__"].rpartition(".")[2]
        for domain, name in operators(words, options):
            found.setdefault(family, {}).setdefault(f"{what} {domain}", set()).add(name)
        say(*words, **options)
    setattr(module, what, said)

def named(words, options):
    return [(options.get("domain", ""), name) for name in words]
noting("define", definition, named)
noting("reckons", arithmetic, named)
noting("calculates", arithmetic, named)
noting("bounds", bounding, named)
noting("spell", spelling, named)
noting("schema_rows", schema_rows, lambda words, options: [(words[0], row[0]) for row in words[1]])
homes.load_families()
print(json.dumps({k: {w: sorted(x) for w, x in v.items()} for k, v in found.items()}))
"""


def registered() -> dict[str, dict[tuple[str, str], list[str]]]:
    done = subprocess.run(
        [sys.executable, "-c", ALL], capture_output=True, text=True, check=True, timeout=300
    )
    return {
        family: {(words.split(" ")[0], words.split(" ")[1]): names for words, names in said.items()}
        for family, said in sorted(json.loads(done.stdout).items())
    }


def written(found: dict[str, dict[tuple[str, str], list[str]]]) -> str:
    head, mark, _ = INDEX.read_text(encoding="utf-8").partition("] = {")
    lines = [head + mark]
    for family, said in found.items():
        lines.append(f"    {json.dumps(family)}: {{")
        for (what, domain), names in sorted(said.items()):
            key, rows = (
                f"({json.dumps(what)}, {json.dumps(domain)}):",
                textwrap.wrap(" ".join(names), 82),
            )
            if len(rows) == 1 and len(key + rows[0]) < 88:
                lines.append(f'        {key} "{rows[0]}",')
            else:
                lines.append(f"        {key}")
                lines += [f'            "{row} "' for row in rows]
                lines[-1] = lines[-1][:-2] + '",'
        lines.append("    },")
    return "\n".join([*lines, "}  # fmt: skip", ""])


def test_the_index_is_what_loading_all_families_registers() -> None:
    found = registered()
    if os.environ.get("CNNSCOPE_WRITE_PAGES") == "1":
        INDEX.write_text(written(found), encoding="utf-8")
        return
    assert {
        family: {key: names.split() for key, names in said.items()}
        for family, said in FAMILIES.items()
    } == found


def test_each_operator_has_one_home() -> None:
    """What two files say of one operator would be half known while one of them is loaded."""
    homes: dict[tuple[str, str, str], list[str]] = {}
    for family, said in FAMILIES.items():
        for (what, domain), names in said.items():
            for name in names.split():
                homes.setdefault((what, domain, name), []).append(family)
    assert [key for key, families in homes.items() if len(families) > 1] == []
