"""How is onnx loaded for a command that may need no more of it than messages and schemas?

These are a quarter of what `import onnx` takes, and enough for nearly every model. The rest is loaded as soon
as anything of it is asked for, `onnx.helper` as well as `import onnx.reference`; from then on it is whole.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from importlib import import_module
from importlib.machinery import ModuleSpec
from importlib.util import find_spec, module_from_spec
from types import ModuleType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from importlib.abc import Loader
else:
    Loader = object  # the real one brings files from archives along, a tenth of what numpy takes


def load_part_of_onnx() -> None:
    """Load onnx's messages and schemas, unless onnx is loaded already or isn't there."""
    spec = None if "onnx" in sys.modules else find_spec("onnx")
    if spec is None:
        return
    package = module_from_spec(spec)
    package.__class__ = _InPart
    sys.modules["onnx"] = package
    messages = vars(import_module("onnx.onnx_ml_pb2"))
    vars(package).update({name: x for name, x in messages.items() if name.endswith("Proto")})
    for part in ("onnx.defs", "onnx.shape_inference"):
        import_module(part)
    if isinstance(package, _InPart):  # else this onnx's schemas have asked for the rest
        sys.meta_path.insert(0, _Rest(package))


class _InPart(ModuleType):
    """The package, loaded in part: asked for what isn't there yet, it loads the rest."""

    def __getattr__(self, name: str) -> object:
        load_rest(self)
        return getattr(self, name)


def load_rest(package: ModuleType) -> None:
    spec = package.__spec__
    assert spec is not None and spec.loader is not None
    sys.meta_path[:] = [x for x in sys.meta_path if not isinstance(x, _Rest)]
    package.__class__ = ModuleType
    spec.loader.exec_module(package)


class _Rest:
    """Finds a module of the package that isn't loaded yet: as it would be found after the package itself."""

    def __init__(self, package: ModuleType) -> None:
        self._package = package

    def find_spec(
        self, name: str, path: Sequence[str] | None = None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        if not name.startswith("onnx."):
            return None
        load_rest(self._package)
        loaded = sys.modules.get(name)
        return None if loaded is None else ModuleSpec(name, _Loaded(loaded))


class _Loaded(Loader):
    """Loads what the rest of the package has just loaded: by leaving it as it is."""

    def __init__(self, module: ModuleType) -> None:
        self._module = module
        self._spec = module.__spec__

    def create_module(self, spec: ModuleSpec) -> ModuleType:
        return self._module

    def exec_module(self, module: ModuleType) -> None:
        module.__spec__ = self._spec
