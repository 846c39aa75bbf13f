"""Where adapters come from. Only local directories, and only below configured roots."""

from dataclasses import dataclass
from enum import Enum
from pathlib import Path


class AdapterSource(Enum):
    """The sources that requests can name."""

    HUB = "hub"
    S3 = "s3"
    LOCAL = "local"
    PBASE = "pbase"


class AdapterNotFound(ValueError):
    """An adapter id that leads to no adapter, or to a place that is not to be read."""


@dataclass(frozen=True, slots=True)
class AdapterLocator:
    """Turns adapter ids into directories. Ids come from clients: nothing outside a root is read."""

    roots: tuple[Path, ...]

    def locate(self, adapter_id: str, source: AdapterSource) -> Path:
        """The directory of an adapter."""
        if source is not AdapterSource.LOCAL:
            raise AdapterNotFound(
                f"adapter {adapter_id}: source {source.value} is not available yet: expected local"
            )
        if not self.roots:
            raise AdapterNotFound(
                f"adapter {adapter_id}: source local has no adapter roots: set LORAX_ADAPTER_ROOTS"
            )
        if "\0" in adapter_id:
            raise AdapterNotFound(f"adapter id {adapter_id!r} holds a NUL character")
        candidates = [(root.resolve(), (root / adapter_id).resolve()) for root in self.roots]
        # Resolved first: neither ".." nor a symbolic link leads out of a root, and a root is no
        # adapter. The answer does not tell what exists outside.
        inside = [path for root, path in candidates if root in path.parents]
        if not inside:
            raise AdapterNotFound(f"adapter {adapter_id} is outside of the adapter roots")
        for path in inside:
            if path.is_dir():
                return path
        raise AdapterNotFound(f"adapter {adapter_id} does not exist in any adapter root")
