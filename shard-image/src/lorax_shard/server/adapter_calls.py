"""What the router asks about adapters, carried out beside the steps of running streams."""

import asyncio
import logging
from concurrent.futures import ThreadPoolExecutor

import torch

from lorax_shard.adapters.host_tier import HostTier
from lorax_shard.adapters.merging import AdapterChoice, merge_adapters
from lorax_shard.adapters.reader import Adapter, GiveWay, adapter_bytes, read_adapter
from lorax_shard.adapters.sources import AdapterReference
from lorax_shard.downloads.files import version_of
from lorax_shard.server.compute import ComputeThread
from lorax_shard.server.load_pace import LoadPace
from lorax_shard.server.startup import Shard

_LOG = logging.getLogger(__name__)
# Reading may wait for a disk; what comes after it goes one by one in any case.
_AT_ONCE = 4


class AdapterCalls:
    """Downloads, loads and offloads. Only what frees memory waits for the step that runs."""

    def __init__(self, shard: Shard, compute: ComputeThread) -> None:
        self._shard = shard
        self._engine = shard.abilities.engine
        self._compute = compute
        self._preloaded = {adapter.reference: adapter for adapter in shard.preloaded}
        self._host = HostTier(shard.memory.host_adapter_bytes())
        self._loaders = ThreadPoolExecutor(_AT_ONCE, "load-adapter", _work_beside_steps)
        on_cores_of_steps = shard.device.type == "cpu"
        self._pace = LoadPace(lambda: on_cores_of_steps and compute.is_busy)

    async def download(self, adapter: AdapterChoice, api_token: str | None) -> float:
        """Makes the files available on this machine; the share of the reservation they take."""
        if adapter.merge is None and adapter.references[0] in self._preloaded:
            return self._preloaded[adapter.references[0]].memory_share
        self._refuse_beside_merged(adapter)
        token = self._shard.config.downloads.token_for_request(api_token)
        directories = self._shard.directories

        def size_of(reference: AdapterReference) -> int:
            return adapter_bytes(directories.fetch(reference, token), reference.id)

        sizes = [await asyncio.to_thread(size_of, each) for each in adapter.references]
        # Ranks must be the same: what is made of several is as large as the largest.
        return self._shard.memory.adapter_share(adapter.id, max(sizes))

    async def load(self, adapter: AdapterChoice, index: int) -> None:
        """Makes an adapter usable under an index, in place of what was there.

        It must have been downloaded.
        """
        if self._stays(index) and self._engine.adapters.holds(index, adapter.id):
            return
        self._check_index(index, adapter)
        self._refuse_beside_merged(adapter)
        loop = asyncio.get_running_loop()
        if await loop.run_in_executor(self._loaders, self._load, adapter, index):
            await self._compute.run(self._engine.release_adapters)
        _LOG.info("loaded adapter %s under index %d", adapter.id, index)

    async def offload(self, index: int) -> bool:
        """Takes an adapter out of device memory; False for preloaded ones, which stay."""
        if self._stays(index):
            return False
        # Routers ask for it before a load. Nothing is there, so there is nothing to wait for.
        if self._engine.adapters.find(index) is None:
            return False
        return await self._compute.run(self._engine.offload_adapter, index)

    def _load(self, choice: AdapterChoice, index: int) -> bool:
        with self._pace.load() as give_way:
            if choice.merge is None and self._engine.adapters.stages:
                return self._load_staged(choice, index, give_way)
            return self._engine.load_adapter(index, self._read(choice, give_way), give_way)

    def _load_staged(self, choice: AdapterChoice, index: int, give_way: GiveWay) -> bool:
        """As it lies in host memory, if it has not changed since it was put together there."""
        table, (reference,) = self._engine.adapters, choice.references
        key = reference, version_of(self._shard.directories.locate(reference))
        staged = self._host.find(key)
        if staged is None:
            adapter = self._read(choice, give_way)
            if not table.can_stage(adapter):
                return self._engine.load_adapter(index, adapter, give_way)
            staged = table.stage(adapter, give_way)
            self._host.keep(key, staged)
        return table.install_staged(index, staged)

    def _read(self, choice: AdapterChoice, give_way: GiveWay) -> Adapter:
        locate, projections = self._shard.directories.locate, self._engine.adapters.projections
        adapters = [
            read_adapter(locate(reference), reference.id, projections, give_way)
            for reference in choice.references
        ]
        if choice.merge is not None:
            return merge_adapters(adapters, choice.merge)
        return self._engine.adapters.fit(adapters[0])

    def _stays(self, index: int) -> bool:
        return index == 0 or any(index == preloaded.index for preloaded in self._shard.preloaded)

    def _check_index(self, index: int, adapter: AdapterChoice) -> None:
        if index == 0:
            raise ValueError(f"adapter {adapter.id}: index 0 is the base model's")
        for preloaded in self._shard.preloaded:
            if preloaded.index == index:
                raise ValueError(
                    f"adapter {adapter.id}: index {index} is preloaded adapter "
                    f"{preloaded.reference.id}'s"
                )

    def _refuse_beside_merged(self, adapter: AdapterChoice) -> None:
        merged = self._shard.config.static_adapter
        if merged is not None and self._shard.config.merges_static_adapter:
            raise ValueError(
                f"adapter {adapter.id} was not made for the base model with {merged.id} merged "
                "into it: start the server without --merge-adapter-weights to serve it"
            )


def _work_beside_steps() -> None:
    """Keeps the thread from having others compute along.

    An adapter is hundreds of small tensors, and for each it would wait for a second thread, on
    cores that steps keep busy. torch keeps the number of each thread that has computed before.
    """
    torch.set_num_threads(1)
