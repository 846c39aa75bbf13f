"""The first `import torch` of a shard, without the part of it that serving never uses."""

import sys
import threading
from collections.abc import Sequence
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec
from types import ModuleType
from typing import Any

# For tensors without storage and for torch.compile, and a fifth of the import.
_POSTPONED = "torch._meta_registrations"


def import_torch() -> None:
    """Imports torch; the postponed module runs when somebody first uses a name of it."""
    finder = _Finder()
    sys.meta_path.insert(0, finder)
    try:
        import torch
    finally:
        sys.meta_path.remove(finder)
    try:
        torch.Generator()
    except RuntimeError:
        # Newer versions set up their random numbers in a module that came along with the other.
        import torch._prims.rng_prims


class _Finder(MetaPathFinder):
    """Finds the postponed module where it is."""

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """The module's own spec, with a loader that waits; None for every other module."""
        if fullname != _POSTPONED:
            return None
        for finder in sys.meta_path:
            spec = None if finder is self else finder.find_spec(fullname, path, target)
            if spec is not None and spec.loader is not None:
                spec.loader = _Loader(spec.loader)
                return spec
        return None


class _Loader(Loader):
    """Leaves a module empty until somebody asks for one of its names.

    `importlib.util.LazyLoader` would not wait: it counts the import system's own questions, too.
    """

    def __init__(self, loader: Loader) -> None:
        self._loader = loader
        # Reentrant, as a module may ask for its own names while it runs.
        self._running = threading.RLock()

    def create_module(self, spec: ModuleSpec) -> ModuleType | None:
        """The module as its own loader makes it."""
        return self._loader.create_module(spec)

    def exec_module(self, module: ModuleType) -> None:
        """Runs nothing yet."""

        def load_and_get(name: str) -> Any:
            if name.startswith("__"):
                raise AttributeError(f"module {module.__name__!r} has no attribute {name!r}")
            with self._running:
                if module.__dict__.pop("__getattr__", None) is not None:
                    self._loader.exec_module(module)
            return getattr(module, name)

        module.__dict__["__getattr__"] = load_and_get
