"""Where does JSON have a value otherwise than its class, and what must hold of it besides its types?"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from types import MappingProxyType

from cnnscope.analyzer.report.device import RowDevice
from cnnscope.analyzer.report.json_values import WrongDataError, entries
from cnnscope.analyzer.report.kernel_row import Row
from cnnscope.analyzer.report.layer import Layer
from cnnscope.analyzer.report.measurement import Profile
from cnnscope.analyzer.report.metric import Metric
from cnnscope.analyzer.report.model_info import ModelInfo
from cnnscope.analyzer.report.receptive_field import ReceptiveField
from cnnscope.analyzer.report.typed_data import Reader
from cnnscope.analyzer.values.dimension import Dim
from cnnscope.analyzer.values.formula_table import FormulaTable
from cnnscope.analyzer.values.phases import LISTED_UNITS, Phases

#: what members are called where not as the fields are
ALIASES: Mapping[tuple[type, str], str] = MappingProxyType({
    (ModelInfo, "folded"): "folded_nodes",
    (Layer, "how"): "shapes_from",
    (ReceptiveField, "global_"): "global",
    (FormulaTable, "formulas"): "terms",
    (RowDevice, "seconds"): "device_seconds",
    (RowDevice, "median"): "device_median",
    (RowDevice, "interval"): "device_interval",
    (RowDevice, "gap"): "gap_seconds",
    (RowDevice, "count"): "kernel_count",
    (RowDevice, "host"): "host_seconds",
})  # fmt: skip
#: fields that hold the name of a node, or several
NODES = frozenset({"layer", "layers", "global_by", "predicted_layer", "measured_layer", "on_host"})


def _metric(reader: Reader, data: object) -> Metric:
    found = Metric(**reader.members(Metric, data))
    if found.formula is not None and "moments" not in entries(data):
        found = replace(found, moments=(reader.read(Dim, found.formula),))
    known = {
        "complete": found.value is not None and found.known == found.value and not found.uncounted,
        "partial": (found.value is None and found.known is not None) or found.formula is not None,
        "unavailable": found.value is None and found.known is None,
    }
    if not known[found.status]:
        raise WrongDataError(f"its figures aren't those of a total that is {found.status}")
    return found


def _field(reader: Reader, data: object) -> ReceptiveField:
    found = reader.members(ReceptiveField, data, ("phases",))
    if entries(data).get("spans") is not None:
        found["phases"] = reader.read(Phases, data)
    return ReceptiveField(**found)


def _phases(reader: Reader, data: object) -> Phases:
    found = Phases(**reader.members(Phases, data))
    units = len(found.spans)
    if not 0 < units <= LISTED_UNITS or found.period not in (None, units):
        raise WrongDataError("there aren't as many spans as units in a period")
    return found


def _row(reader: Reader, data: object) -> Row:
    found = Row(**reader.members(Row, data, ("device",)))
    if len(found.layers) != len(found.ops):
        raise WrongDataError("there aren't as many operators as layers")
    if entries(data).get("device_seconds") is None:
        return found
    return replace(found, device=reader.read(RowDevice, data))


def _profile(reader: Reader, data: object) -> Profile:
    found = Profile(**reader.members(Profile, data))
    if not found.latencies:
        raise WrongDataError("no run was timed")
    return found


#: how classes are read whose data isn't made like them
SPECIAL: Mapping[object, Callable[[Reader, object], object]] = MappingProxyType({
    Metric: _metric, ReceptiveField: _field, Phases: _phases, Row: _row, Profile: _profile,
})  # fmt: skip
