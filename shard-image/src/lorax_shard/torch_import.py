"""The first `import torch` of a shard, without the parts of it that serving never uses."""

import sys
import threading
from collections.abc import Sequence
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec
from types import ModuleType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from torch import Generator

# Together a third of the import, each with all that it imports in turn. A version of torch without
# one of them never asks for it.
POSTPONED = frozenset(
    {
        # Compiling and exporting graphs, and tensors without storage.
        "torch._meta_registrations",
        "torch.export",
        "torch.fx.passes",
        # Training.
        "torch.distributions",
        "torch.masked",
        "torch.optim",
        "torch.profiler",
        "torch.utils.data",
        # Quantisation of its own.
        "torch.nn.intrinsic",
        "torch.quantization",
        # Python's view of the driver, for compiling kernels at run time.
        "cuda.bindings.driver",
        "cuda.bindings.runtime",
    }
)


def import_torch() -> None:
    """Imports torch; a postponed module runs when somebody first uses a name of it."""
    finder = _Finder()
    sys.meta_path.insert(0, finder)
    try:
        import torch  # noqa: F401
    finally:
        sys.meta_path.remove(finder)


def seeded_generator(seed: int) -> "Generator":
    """A generator of torch's random numbers on the host; the first one takes a moment."""
    import torch

    try:
        return torch.Generator().manual_seed(seed)
    except RuntimeError:
        # Newer versions set them up in a module that otherwise comes along with a postponed one.
        import torch._prims.rng_prims

        return torch.Generator().manual_seed(seed)


class _Finder(MetaPathFinder):
    """Finds the postponed modules where they are."""

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """The module's own spec, with a loader that waits; None for every other module."""
        if fullname not in POSTPONED:
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
        self._has_begun = False

    def create_module(self, spec: ModuleSpec) -> ModuleType | None:
        """The module as its own loader makes it."""
        return self._loader.create_module(spec)

    def exec_module(self, module: ModuleType) -> None:
        """Runs nothing yet."""
        names = vars(module)

        def load_and_get(name: str) -> Any:
            missing = AttributeError(f"module {module.__name__!r} has no attribute {name!r}")
            if name.startswith("__"):
                raise missing
            with self._running:
                if not self._has_begun:
                    self._has_begun = True
                    self._loader.exec_module(module)
                    # A module may have brought one of its own.
                    if names["__getattr__"] is load_and_get:
                        del names["__getattr__"]
                elif names.get("__getattr__") is load_and_get and name not in names:
                    raise missing
            return getattr(module, name)

        names["__getattr__"] = load_and_get
