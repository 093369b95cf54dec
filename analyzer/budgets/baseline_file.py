"""How is a baseline's file changed, so that nothing in it is lost that isn't understood?

What an earlier, a later or another program put there (keys, entries, figures of other quantities) stays as it
is; only the entries of the models that are written, and in them only what cnnscope writes, are made anew.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Mapping
from dataclasses import field
from pathlib import Path
from typing import Final

from cnnscope.analyzer.budgets.baselines import (
    BaselineError,
    baseline_dict,
    is_entry,
    read_baseline,
)
from cnnscope.analyzer.budgets.check import CHECK_SCHEMA_VERSION, Checked
from cnnscope.analyzer.budgets.figure import Figures
from cnnscope.analyzer.budgets.quantities import QUANTITIES
from cnnscope.analyzer.budgets.saved_figures import SavedFigures, SavedModel
from cnnscope.analyzer.budgets.since import moved_figures
from cnnscope.analyzer.values.plain_class import dataclass

#: what cnnscope writes of a model; every other key is somebody else's
_OWN: Final = frozenset({"model", "variant", "graph", "figures"})
Key = tuple[str, str]


@dataclass(frozen=True, slots=True)
class BaselineFile:
    """A baseline's file, or one that is still to be written.

    Args:
        source: where it is.
        document: the JSON in it; empty: there is none yet.
        figures: what of it is understood, by model and sizes.
    """

    source: str
    document: Mapping[str, object] = field(default_factory=dict)
    figures: Mapping[Key, Figures] = field(default_factory=dict)

    @classmethod
    def read(cls, data: bytes, source: str) -> BaselineFile:
        """A file's.

        Raises:
            BaselineError: it is no baseline, or a later version's, whose meaning isn't known.
        """
        try:
            document = json.loads(data.decode("utf-8-sig"), parse_constant=_refused)
        except (ValueError, RecursionError):
            raise BaselineError(f"{source}: no JSON that can be read") from None
        if not isinstance(document, dict) or not isinstance(document.get("models"), list):
            raise BaselineError(f"{source}: no baseline: it has no list of models")
        version = document.get("schema_version", CHECK_SCHEMA_VERSION)
        if version != CHECK_SCHEMA_VERSION:
            raise BaselineError(
                f"{source}: of another version of cnnscope (schema {version!s:.20})"
            )
        known = [entry for entry in document["models"] if _key(entry) is not None]
        figures = read_baseline(json.dumps({"models": known}).encode(), source) if known else None
        return cls(source, document, {} if figures is None else figures.models)

    @property
    def strangers(self) -> int:
        """How many entries are none of cnnscope's."""
        return sum(_key(entry) is None for entry in self._entries)

    @property
    def _entries(self) -> list[object]:
        found = self.document.get("models", [])
        return found if isinstance(found, list) else []

    def written(
        self, models: Iterable[Checked], folder: Path, *, whole: bool, gone: Collection[str] = ()
    ) -> str:
        """The file's new text.

        Args:
            models: those whose figures are written.
            folder: the file's, from which they are named.
            whole: it is to have these models and no others; else the others stay.
            gone: models to be taken out.
        """
        fresh = baseline_dict(models, folder)["models"]
        assert isinstance(fresh, list)
        new: dict[Key, dict[str, object]] = {(x["model"], x["variant"]): x for x in fresh}
        kept: dict[Key, object] = {}
        strange = []
        for entry in self._entries:
            key = _key(entry)
            if key is None:
                strange.append(entry)
            elif key in new:
                assert isinstance(entry, dict)
                new[key] = _united(entry, new[key])
            elif not whole and key[0] not in gone:
                kept[key] = entry if key not in kept else _twice(kept[key], entry)
        ordered = [x for _, x in sorted({**kept, **new}.items(), key=lambda pair: pair[0])]
        document = {
            **self.document, "schema_version": CHECK_SCHEMA_VERSION, "models": [*ordered, *strange]
        }  # fmt: skip
        return json.dumps(document, indent=1, allow_nan=False) + "\n"

    def shown(self, folder: Path | None, only: Collection[str] = ()) -> SavedFigures:
        """What is in it, to be shown.

        Args:
            folder: the file's; None: it isn't a folder of today's, and nothing is said of files.
            only: these models, by the names that the file has; none: all.
        """
        rows = [
            SavedModel(
                name, variant, figures,
                "" if folder is None or (folder / name).exists() else "gone",
            )
            for (name, variant), figures in self.figures.items() if not only or name in only
        ]  # fmt: skip
        return SavedFigures(self.source, tuple(rows), self.strangers)

    def compared(self, after: BaselineFile) -> SavedFigures:
        """What is in a later state of it, and what became of each model's figures."""
        rows = []
        for (name, variant), figures in after.figures.items():
            earlier = self.figures.get((name, variant))
            moved = () if earlier is None else moved_figures(earlier, figures)
            became = "new" if earlier is None else "changed" if moved else "same"
            rows.append(SavedModel(name, variant, figures, became, moved))
        rows += [
            SavedModel(*key, figures, "taken out")
            for key, figures in self.figures.items() if key not in after.figures
        ]  # fmt: skip
        return SavedFigures(self.source, tuple(rows), after.strangers)


def _refused(constant: str) -> object:
    raise ValueError(constant)


def _key(entry: object) -> Key | None:
    """Which model an entry is of; None for what is none of cnnscope's."""
    if not is_entry(entry):
        return None
    return str(entry["model"]), str(entry.get("variant", ""))


def _united(old: Mapping[str, object], new: Mapping[str, object]) -> dict[str, object]:
    """A model's new entry, with what of the old one isn't cnnscope's, or of a quantity of no name here."""
    strange = {key: value for key, value in old.items() if key not in _OWN}
    own, figures = new["figures"], old["figures"]
    assert isinstance(own, list)
    assert isinstance(figures, list)
    return {**new, "figures": [*own, *(x for x in figures if not _known(x))], **strange}


def _known(figure: Mapping[str, object]) -> bool:
    return figure.get("quantity") in QUANTITIES


def _twice(one: object, other: object) -> object:
    """Two entries of one model, with figures of other parts of it, as one: the later one's figures count."""
    assert isinstance(one, dict)
    assert isinstance(other, dict)
    return {**one, **other, "figures": [*one["figures"], *other["figures"]]}
