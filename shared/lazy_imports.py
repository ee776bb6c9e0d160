"""Puts off loading a module until something of it is used, for what is imported everywhere and used almost nowhere."""

import sys
from importlib.util import find_spec, module_from_spec
from types import ModuleType
from typing import Any


class _LoadedWhenUsed(ModuleType):
    """Stands for a module; the first attribute asked of it loads it in place."""

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        self.__class__ = ModuleType  # type: ignore[assignment]
        spec = self.__spec__
        if spec is None or spec.loader is None:
            raise AttributeError(name)
        spec.loader.exec_module(self)
        return getattr(self, name)


def load_when_used(name: str) -> None:
    """Make `import name` cost nothing until the module is used; a module that is loaded already stays as it is."""
    if name in sys.modules:
        return
    spec = find_spec(name)
    if spec is None:
        return
    module = module_from_spec(spec)
    module.__class__ = _LoadedWhenUsed
    sys.modules[name] = module
