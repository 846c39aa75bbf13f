"""The adapters that a server is started with."""

import logging
from dataclasses import dataclass

from lorax_shard.adapters.reader import Adapter, adapter_bytes, read_adapter
from lorax_shard.adapters.sources import AdapterDirectories, AdapterNotFound, AdapterReference
from lorax_shard.adapters.table import BASE_INDEX, AdapterTable
from lorax_shard.engine.memory import DeviceMemory
from lorax_shard.layers.parallel import ShardGroup
from lorax_shard.server.config import ServeConfig

_LOG = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class PreloadedAdapter:
    """An adapter that was loaded before the socket was bound, and stays."""

    reference: AdapterReference
    index: int
    memory_share: float


@dataclass(frozen=True, slots=True)
class FirstAdapters:
    """Installs the adapters that the server was started with."""

    config: ServeConfig
    directories: AdapterDirectories
    table: AdapterTable
    memory: DeviceMemory
    group: ShardGroup

    def install_static(self) -> None:
        """The adapter of requests that name none, if there is one."""
        reference = self.config.static_adapter
        if reference is None:
            return
        adapter = self._read(reference)
        if self.config.merges_static_adapter:
            self.table.merge(adapter)
            _LOG.info("merged adapter %s into the base model", reference.id)
        else:
            self.table.install(BASE_INDEX, adapter)
            _LOG.info("loaded adapter %s for requests that name none", reference.id)

    def preload(self) -> list[PreloadedAdapter]:
        """The adapters that the router may use from the start, under the indices from 1 on."""
        preloaded = []
        for index, reference in enumerate(self.config.preloaded_adapters, start=1):
            self.table.install(index, self._read(reference))
            size = adapter_bytes(self.directories.locate(reference), reference.id)
            share = self.memory.share_of_all(size)
            preloaded.append(PreloadedAdapter(reference, index, share))
            _LOG.info("preloaded adapter %s under index %d", reference.id, index)
        return preloaded

    def _read(self, reference: AdapterReference) -> Adapter:
        if self.config.rank == 0:
            self._obtain(reference)
        # The others wait for the files here.
        self.group.barrier()
        directory = self.directories.locate(reference)
        return self.table.fit(read_adapter(directory, reference.id, self.table.projections))

    def _obtain(self, reference: AdapterReference) -> None:
        """Downloads what the launcher has not."""
        try:
            self.directories.locate(reference)
        except AdapterNotFound:
            self.directories.fetch(reference, self.config.downloads.server_token)
