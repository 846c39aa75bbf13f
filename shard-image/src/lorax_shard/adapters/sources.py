"""Where adapters come from: local directories below configured roots, a hub, an object store."""

from dataclasses import dataclass
from enum import Enum
from pathlib import Path

from lorax_shard.downloads.access import DownloadAccess
from lorax_shard.downloads.downloader import AdapterDownloader, DownloadOrder
from lorax_shard.downloads.files import holds_adapter
from lorax_shard.downloads.places import HubPlace, Place, S3Place, cached_snapshot
from lorax_shard.failure import CodedError, FailureCode


class AdapterSource(Enum):
    """The sources that requests can name."""

    HUB = "hub"
    S3 = "s3"
    LOCAL = "local"
    PBASE = "pbase"


class AdapterNotFound(CodedError):
    """An adapter id that leads to no adapter, or to a place that is not to be read."""

    code = FailureCode.MODEL_NOT_FOUND


@dataclass(frozen=True, slots=True)
class AdapterReference:
    """An adapter as whoever asks for it names it."""

    id: str
    source: AdapterSource


@dataclass(frozen=True, slots=True)
class AdapterDirectories:
    """Turns references into directories. Ids come from clients: nothing else is ever read."""

    roots: tuple[Path, ...]
    access: DownloadAccess
    downloader: AdapterDownloader

    def locate(self, adapter: AdapterReference) -> Path:
        """The directory of an adapter that is on this machine already."""
        match adapter.source:
            case AdapterSource.LOCAL:
                return self._below_roots(adapter.id)
            case AdapterSource.HUB:
                return self._cached(adapter, HubPlace.parse(adapter.id))
            case AdapterSource.S3:
                return self._cached(adapter, S3Place.parse(adapter.id))
            case AdapterSource.PBASE:
                raise AdapterNotFound(
                    f"adapter {adapter.id}: source pbase is not supported: expected hub, s3 or "
                    "local"
                )

    def fetch(self, adapter: AdapterReference, token: str | None) -> Path:
        """The directory of an adapter, downloaded first where that is needed. Blocks.

        A hub is asked even for what the cache holds, because it decides whether this token may have
        it; an object store because it may hold something newer.
        """
        if adapter.source not in (AdapterSource.HUB, AdapterSource.S3):
            return self.locate(adapter)
        if adapter.source is AdapterSource.HUB:
            HubPlace.parse(adapter.id)
            if self.access.offline:
                return self.locate(adapter)
        else:
            S3Place.parse(adapter.id)
        return self.downloader.download(DownloadOrder(adapter.id, adapter.source.value, token))

    def _cached(self, adapter: AdapterReference, place: Place) -> Path:
        snapshot = cached_snapshot(self.access.cache, place)
        if snapshot is None or not holds_adapter(snapshot):
            offline = (
                ": unset HF_HUB_OFFLINE to download it, or put it there"
                if self.access.offline
                else ""
            )
            raise AdapterNotFound(
                f"adapter {adapter.id} of source {adapter.source.value} is not in the cache "
                f"{self.access.cache}{offline}"
            )
        return snapshot

    def _below_roots(self, adapter_id: str) -> Path:
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
