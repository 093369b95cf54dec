"""What did the figures use to be? An earlier model's, for limits that are relative to them.

A baseline file is JSON: the figures of one or more models, as ``cnnscope baseline write``
writes them. What ``cnnscope check --format json`` and ``cnnscope analyze --format json`` write will
do as well. Models are told apart by their paths relative to the baseline's folder.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import field, replace
from fractions import Fraction
from pathlib import Path
from typing import Any, Final, TypeGuard

from cnnscope.analyzer.budgets.check import CHECK_SCHEMA_VERSION, Checked
from cnnscope.analyzer.budgets.figure import Figure, Figures, figures_list
from cnnscope.analyzer.budgets.limit import WHOLE, Scope
from cnnscope.analyzer.budgets.quantities import QUANTITIES
from cnnscope.analyzer.budgets.sketch import Sketch
from cnnscope.analyzer.budgets.totals import figure_of
from cnnscope.analyzer.model.remote_names import is_far
from cnnscope.analyzer.report.choosing import Choice
from cnnscope.analyzer.report.metric import Metric
from cnnscope.analyzer.values.diagnostics import CnnscopeError
from cnnscope.analyzer.values.plain_class import dataclass

#: what reports call the totals that budgets call otherwise
_TOTALS: Final = {
    "weights": "weight_bytes", "peak_activation": "peak_activation_bytes",
    "traffic": "traffic_bytes",
}  # fmt: skip
#: a number without a power of ten, which a few characters can make as long as they like
_EXACT: Final = re.compile(r"-?[0-9]{1,100}(?:\.[0-9]{1,100})?|-?[0-9]{1,100}/[1-9][0-9]{0,99}")
#: bytes of a baseline; a report of a network of a hundred thousand layers has as many
LARGEST: Final = 1 << 28
_LFS: Final = b"version https://git-lfs.github.com/spec/v1"


class BaselineError(CnnscopeError):
    """The baseline can't be read, or says nothing of the model."""


class _NoFigureError(ValueError):
    """A figure is none."""


class NotInCommitError(BaselineError):
    """The commit is there, and has no such file."""


@dataclass(frozen=True, slots=True)
class Baseline:
    """Figures of earlier models.

    Args:
        source: where they are from, as the user named it.
        models: by their paths, ``/`` between the folders, and the sizes they were judged at.
        single: it is one model's report, whatever that is called.
        sketches: by what models are known again that are called otherwise now.
    """

    source: str
    models: Mapping[tuple[str, str], Figures]
    single: bool = False
    sketches: Mapping[tuple[str, str], Sketch] = field(default_factory=dict)

    @property
    def names(self) -> tuple[str, ...]:
        """The models' paths, each once."""
        return tuple(dict.fromkeys(key for key, _ in self.models))

    def variants(self, key: str) -> list[str]:
        """The sizes at which a model is there."""
        return [variant for name, variant in self.models if name == key]

    def figures_for(
        self, key: str, variant: str = "", gone: Collection[str] | None = None
    ) -> Figures | None:
        """A model's figures; None where it has none of it.

        Args:
            key: the model's path relative to the baseline's folder.
            variant: the sizes it is judged at.
            gone: the models whose figures may be those of a file of the same name in another folder;
                None: any.
        """
        if (key, variant) in self.models:
            return self.models[key, variant]
        if self.single and len(self.models) == 1:
            return next(iter(self.models.values()))
        name = key.rpartition("/")[2]
        same = [
            found
            for (path, sizes), found in self.models.items()
            if path.rpartition("/")[2] == name
            and sizes == variant
            and (gone is None or path in gone)
        ]
        return same[0] if len(same) == 1 else None


def model_key(model: str, folder: Path) -> str:
    """A model's path as baselines in a folder have it: relative, ``/`` between the parts."""
    if is_far(model):
        return model
    try:
        relative = os.path.relpath(Path(model).absolute(), folder.absolute())
    except ValueError:  # another drive
        relative = str(Path(model).absolute())
    return Path(relative).as_posix()


def baseline_dict(models: Iterable[Checked], folder: Path) -> dict[str, object]:
    """The models' figures as a baseline file in a folder has them.

    A lower bound is kept as one; so is the interval of a time.
    """
    return {
        "schema_version": CHECK_SCHEMA_VERSION,
        "models": [
            {
                "model": model_key(x.model, folder),
                "variant": x.variant,
                **({} if x.report is None else {"graph": Sketch.of(x.report).to_dict()}),
                "figures": figures_list(x.figures),
            }
            for x in sorted(models, key=lambda x: (model_key(x.model, folder), x.variant))
        ],
    }


def is_json(data: bytes) -> bool:
    """The data is JSON's rather than a model's: an object or a list, by its first character.

    A model begins with a protobuf key, of which none is a bracket that JSON could begin with.
    """
    return data.lstrip(b" \t\r\n\xef\xbb\xbf")[:1] in (b"{", b"[")


def lfs_pointer(data: bytes) -> str | None:
    """The SHA-256 that a Git LFS pointer stands for; None for anything else."""
    if not data.startswith(_LFS) or len(data) > 1024:
        return None
    for line in data.decode("utf-8", "replace").splitlines():
        if line.startswith("oid sha256:"):
            return line.removeprefix("oid sha256:").strip()
    return ""


def read_baseline(data: bytes, source: str) -> Baseline:
    """A baseline from what a file holds.

    Args:
        data: the file's bytes.
        source: what to call it.

    Raises:
        BaselineError: it holds no figures.
    """
    try:
        document = json.loads(data.decode("utf-8-sig"))
    except (ValueError, RecursionError):
        raise BaselineError(f"{source}: no JSON that can be read") from None
    entries = document if isinstance(document, list) else [document]
    models: dict[tuple[str, str], Figures] = {}
    sketches: dict[tuple[str, str], Sketch] = {}
    named = False  # a file of figures says which models they are of
    try:
        for entry in entries:
            if isinstance(entry.get("models"), list):
                named = True
                for model in filter(is_entry, entry["models"]):
                    key = (str(model["model"]), str(model.get("variant", "")))
                    # A model may stand there twice, with limits on other parts of it.
                    models[key] = {**models.get(key, {}), **_read_figures(model["figures"])}
                    sketch = Sketch.read(model.get("graph"))
                    if sketch is not None:
                        sketches[key] = sketch
            else:
                path = entry["model"]["path"]
                models[Path(path or "").as_posix(), ""] = _of_report(entry)
    except (KeyError, TypeError, ValueError, AttributeError, ArithmeticError) as error:
        said = f" ({error})" if isinstance(error, _NoFigureError) else ""
        raise BaselineError(f"{source}: neither a baseline nor a report{said}") from None
    if not models:
        raise BaselineError(f"{source}: holds no model's figures")
    return Baseline(source, models, len(models) == 1 and not named, sketches)


def is_entry(entry: object) -> TypeGuard[dict[str, Any]]:
    """It is of a model, and has to be right. What is of none is another program's, and left alone."""
    return isinstance(entry, dict) and "model" in entry


def _read_figures(entries: Sequence[Mapping[str, object]]) -> Figures:
    found: dict[tuple[Scope, str], Sequence[Figure]] = {}
    for entry in entries:
        quantity, values = entry["quantity"], entry["values"]
        if quantity not in QUANTITIES or not isinstance(values, list) or not values:
            continue  # of a later version
        found[_scope(entry.get("scope")), str(quantity)] = tuple(_figure(x) for x in values)
    return found


def _scope(entry: object) -> Scope:
    if entry is None:
        return WHOLE
    fields = dict(entry)  # type: ignore[call-overload]  # raises TypeError for what is none
    kind, pattern = fields["kind"], fields["pattern"]
    among = fields.get("among")
    if kind not in ("kind", "module", "layer") and not (kind == "model" and among):
        raise ValueError(f"scope {kind!r}")
    if among is None:
        return Scope(kind, str(pattern))
    return Scope(kind, str(pattern), Choice.of(list(among["layers"]), list(among["only"])))


def _figure(entry: Mapping[str, object]) -> Figure:
    low, high, value = (_number(entry.get(key)) for key in ("low", "high", "value"))
    missing = _counts(entry.get("uncounted")) or {}
    figure = Figure(low, high, str(entry.get("reason") or ""), value, missing)
    if "most_at" not in entry:
        return figure
    least_at, most_at = _counts(entry.get("least_at")), _counts(entry["most_at"])
    return replace(figure, spread=True, least_at=least_at, most_at=most_at)


def _counts(given: object) -> dict[str, int] | None:
    """Whole numbers by name: what is missing, or the lengths of a size; None where none are told."""
    return {str(k): _whole(n) for k, n in given.items()} if isinstance(given, dict) else None


def _number(given: object) -> Fraction | None:
    if given is None:
        return None
    if isinstance(given, int) and not isinstance(given, bool) and given.bit_length() <= 400:
        return Fraction(given)
    if isinstance(given, str) and _EXACT.fullmatch(given):
        return Fraction(given)
    raise _NoFigureError(f"{str(given)[:60]!r} is no exact number")


def _count(given: object) -> int | None:
    """A whole number of a report's; None: it isn't known."""
    return None if given is None else _whole(given)


def _whole(given: object) -> int:
    if isinstance(given, int) and not isinstance(given, bool) and given.bit_length() <= 400:
        return given
    raise _NoFigureError(f"{str(given)[:60]!r} is no whole number")


def _of_report(entry: Mapping[str, object]) -> Figures:
    """The figures in what `Report.to_dict` gave."""
    totals, layers, model = entry["totals"], entry["layers"], entry["model"]
    if not isinstance(totals, dict) or not isinstance(layers, list) or not isinstance(model, dict):
        raise TypeError("no report")
    found: dict[tuple[Scope, str], Sequence[Figure]] = {}
    for key in QUANTITIES:
        total = totals.get(_TOTALS.get(key, key))
        if total is not None:
            metric = Metric(
                _count(total["value"]), _count(total["known"]), total["status"],
                total["uncounted"], total.get("formula"),
            )  # fmt: skip
            found[WHOLE, key] = (figure_of(metric),)
    found[WHOLE, "layers"] = (Figure.exactly(len(layers)),)
    sizes = {"opset": model["opsets"].get("ai.onnx"), "file_size": model["file_bytes"]}
    found.update({(WHOLE, k): (Figure.exactly(n),) for k, n in sizes.items() if n is not None})
    fields = _fields_of_report(layers)
    if fields:
        found[WHOLE, "receptive_field"] = fields
    return found


def _fields_of_report(layers: Sequence[Mapping[str, object]]) -> Sequence[Figure]:
    """As `figures` has them of a report: a lower bound where an axis is seen in unknown ways."""
    largest: dict[tuple[str, int], int] = {}
    unknown: set[tuple[str, int]] = set()
    strangers = {layer["name"] for layer in layers if layer["uncounted"]}
    for layer in layers:
        for axis in layer["receptive_field"]:  # type: ignore[attr-defined]  # else: TypeError
            place = (str(axis["input"]), _whole(axis["axis"]))
            collapsed = axis["global"] and axis["global_by"] not in strangers
            if axis["size"] is None and not collapsed:
                unknown.add(place)
            local = _count(axis["local_size"])
            if local is not None:
                largest[place] = max(largest.get(place, 0), local)
    return [
        Figure(low := Fraction(largest[place]) if place in largest else None,
               None if place in unknown else low)
        for place in sorted({*largest, *unknown})
    ]  # fmt: skip
