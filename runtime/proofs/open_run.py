"""How is a model run at sizes that change from run to run, of which the file may fix some?

Of a model a copy is opened once, with lengths of its inputs that are free, its shapes in between left to
ONNX Runtime, its weights those of the file or made-up ones. Nothing is optimised: what runs is what was
analysed, node by node.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np
import onnx

from cnnscope.analyzer.model.file import ModelFile, open_model
from cnnscope.analyzer.model.opening import Opening
from cnnscope.analyzer.report.examination import Analysis, Source, examine
from cnnscope.analyzer.values.plain_class import dataclass
from cnnscope.runtime.engine.flat import flat_model
from cnnscope.runtime.engine.inputs import make_inputs
from cnnscope.runtime.engine.providers import Provider
from cnnscope.runtime.engine.sessions import Session, SessionSettings, open_session
from cnnscope.runtime.engine.weights import find_values


@dataclass(frozen=True, eq=False)
class OpenRun:
    """A model that runs at any size.

    Args:
        session: with free lengths.
        file: the model's, its inputs' lengths free.
        seed: of what is made up.
    """

    session: Session
    file: ModelFile
    seed: int

    def feeds(self, shapes: Mapping[str, Sequence[int]]) -> dict[str, object]:
        """Random inputs of these shapes."""
        analysis = examine(self.file, shapes={name: list(shape) for name, shape in shapes.items()})
        return make_inputs(analysis, self.seed)

    def run(
        self, feeds: Mapping[str, object], outputs: Sequence[str] | None = None
    ) -> list[object]:
        """Run once; all outputs if None.

        Raises:
            RunError: ONNX Runtime refuses it.
        """
        return self.session.run(outputs, feeds)


def open_run(
    model: Source, opening: Opening, provider: Provider, seed: int = 0,
    fetched: Sequence[str] = (), verbose: bool = False,
) -> OpenRun:  # fmt: skip
    """A model ready to run at any size.

    Args:
        model: as `analyze` takes it.
        opening: what the file fixes and is opened.
        provider: what runs it.
        seed: of made-up weights and inputs.
        fetched: tensors in between that can be fetched, too.
        verbose: let ONNX Runtime's own log be seen.

    Raises:
        RunError: ONNX Runtime can't open it.
    """
    file = open_model(model)
    left = replace(file, model=_opened(file.model, opening))
    analysis = _analysed(left)
    flat = flat_model(analysis)
    known = {value.name for value in flat.proto.graph.output}
    for name in fetched:
        if name not in known:
            flat.proto.graph.output.add(name=name)
    weights = find_values(left, flat, seed)
    session = open_session(flat.proto, provider, SessionSettings(verbose=verbose), weights.arrays)
    return OpenRun(session, left, seed)


def _analysed(file: ModelFile) -> Analysis:
    """With all free lengths left free, the batch too."""
    shapes = {}
    for value in file.model.graph.input:
        tensor = value.type.tensor_type
        if value.type.HasField("tensor_type") and tensor.HasField("shape"):
            shapes[value.name] = [
                dim.dim_value if dim.HasField("dim_value") else None for dim in tensor.shape.dim
            ]
    stored = {tensor.name for tensor in file.model.graph.initializer}
    return examine(file, shapes={name: x for name, x in shapes.items() if name not in stored})


def _opened(model: onnx.ModelProto, opening: Opening) -> onnx.ModelProto:
    copy = onnx.ModelProto()
    copy.CopyFrom(model)
    for value in copy.graph.input:
        for axis, label in opening.get(value.name, {}).items():
            dim = value.type.tensor_type.shape.dim[axis]
            dim.Clear()
            dim.dim_param = label
    if opening:  # what the file says of other tensors was written for the old lengths
        del copy.graph.value_info[:]
        for value in copy.graph.output:
            if value.type.HasField("tensor_type"):
                value.type.tensor_type.ClearField("shape")
    return copy


def is_empty(value: object) -> bool:
    """Is it an array without elements?"""
    return isinstance(value, np.ndarray) and value.size == 0
