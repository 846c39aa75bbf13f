"""generate.v1 and the extensions, translated to calls of the engine."""

import asyncio
import logging
from typing import Any

import torch

from lorax_shard.adapters.reader import Adapter, adapter_bytes, read_adapter
from lorax_shard.kv_cache import BLOCK_SIZE
from lorax_shard.pb import extensions_pb2, extensions_pb2_grpc, generate_pb2_grpc
from lorax_shard.pb import generate_pb2 as pb
from lorax_shard.server import translate
from lorax_shard.server.compute import ComputeThread
from lorax_shard.server.errors import NotOffered
from lorax_shard.server.startup import Shard

_LOG = logging.getLogger(__name__)


class LoraxServicer(generate_pb2_grpc.LoraxServiceServicer):
    """The service that a router drives, ours or upstream's."""

    def __init__(self, shard: Shard, compute: ComputeThread) -> None:
        self._shard = shard
        self._engine = shard.engine
        self._compute = compute
        self._preloaded = {adapter.id: adapter for adapter in shard.preloaded}

    async def Info(self, request: pb.InfoRequest, context: Any) -> pb.InfoResponse:
        """What the model can do, and the adapters that are there already."""
        source = translate.wire_source(self._shard.config.preloaded_adapter_source)
        return pb.InfoResponse(
            requires_padding=False,
            dtype=str(self._shard.model_config.dtype),
            device_type=self._shard.device.type,
            block_size=BLOCK_SIZE,
            speculate=0,
            preloaded_adapters=[
                pb.PreloadedAdapter(
                    adapter_parameters=pb.AdapterParameters(adapter_ids=[adapter.id]),
                    adapter_source=source,
                    adapter_index=adapter.index,
                )
                for adapter in self._shard.preloaded
            ],
            supports_generation=True,
            requires_block_allocator=True,
        )

    async def Health(self, request: pb.HealthRequest, context: Any) -> pb.HealthResponse:
        """Answers while a step runs; on a GPU it also finds out whether that still answers."""
        if self._shard.device.type == "cuda":
            torch.zeros((2, 2), device=self._shard.device)
        return pb.HealthResponse()

    async def ServiceDiscovery(
        self, request: pb.ServiceDiscoveryRequest, context: Any
    ) -> pb.ServiceDiscoveryResponse:
        """The sockets of all shards."""
        return pb.ServiceDiscoveryResponse(urls=self._shard.config.socket_urls())

    async def ClearCache(
        self, request: pb.ClearCacheRequest, context: Any
    ) -> pb.ClearCacheResponse:
        """Forgets one batch, or all."""
        batch_id = request.id if request.HasField("id") else None
        await self._compute.run(self._engine.clear, batch_id)
        return pb.ClearCacheResponse()

    async def FilterBatch(
        self, request: pb.FilterBatchRequest, context: Any
    ) -> pb.FilterBatchResponse:
        """Drops the requests of a batch that are not named."""
        summary = await self._compute.run(
            self._engine.filter, request.batch_id, list(request.request_ids)
        )
        return pb.FilterBatchResponse(batch=translate.cached_batch(summary))

    async def Warmup(self, request: pb.WarmupRequest, context: Any) -> pb.WarmupResponse:
        """Says how many tokens the cache holds."""
        batch = translate.batch_request(request.batch)
        tokens = await self._compute.run(self._engine.warm_up, batch)
        _LOG.info("warmed up: the cache holds %d tokens", tokens)
        return pb.WarmupResponse(max_supported_total_tokens=tokens)

    async def Prefill(self, request: pb.PrefillRequest, context: Any) -> pb.PrefillResponse:
        """The first token of each prompt of a new batch."""
        if request.HasField("cached_batch"):
            raise ValueError("chunked prefill (cached_batch) is not supported")
        batch = translate.batch_request(request.batch)
        result = await self._compute.run(self._engine.prefill, batch)
        config = self._shard.config
        return pb.PrefillResponse(
            generations=translate.generations(result.generations, config.rank, config.world),
            batch=translate.cached_batch(result.batch),
        )

    async def Decode(self, request: pb.DecodeRequest, context: Any) -> pb.DecodeResponse:
        """The next token of each sequence of the named batches."""
        batch_ids = [batch.id for batch in request.batches]
        result = await self._compute.run(self._engine.decode, batch_ids)
        config = self._shard.config
        return pb.DecodeResponse(
            generations=translate.generations(result.generations, config.rank, config.world),
            batch=translate.cached_batch(result.batch),
        )

    async def Embed(self, request: pb.EmbedRequest, context: Any) -> pb.EmbedResponse:
        """Refused: a decoder has no embedding to give."""
        raise NotOffered("this model generates text, it does not embed")

    async def Classify(self, request: pb.ClassifyRequest, context: Any) -> pb.ClassifyResponse:
        """Refused: a decoder has no classes."""
        raise NotOffered("this model generates text, it does not classify")

    async def DownloadAdapter(
        self, request: pb.DownloadAdapterRequest, context: Any
    ) -> pb.DownloadAdapterResponse:
        """Whether the adapter's files are at hand and fit, and how much memory they take."""
        adapter_id = translate.adapter_id(request.adapter_parameters)
        if adapter_id == translate.BASE_MODEL_ID:
            return pb.DownloadAdapterResponse(downloaded=False, memory_fraction=0.0)
        if adapter_id in self._preloaded:
            share = self._preloaded[adapter_id].memory_share
            return pb.DownloadAdapterResponse(downloaded=True, memory_fraction=share)
        source = translate.adapter_source(request.adapter_source)
        directory = self._shard.locator.locate(adapter_id, source)
        size = await asyncio.to_thread(adapter_bytes, directory, adapter_id)
        share = self._shard.memory.adapter_share(adapter_id, size)
        return pb.DownloadAdapterResponse(downloaded=True, memory_fraction=share)

    async def LoadAdapter(
        self, request: pb.LoadAdapterRequest, context: Any
    ) -> pb.LoadAdapterResponse:
        """Makes an adapter usable. Files are read beside running steps, not in their way."""
        adapter_id = translate.adapter_id(request.adapter_parameters)
        index = request.adapter_index
        if adapter_id == translate.BASE_MODEL_ID:
            return pb.LoadAdapterResponse(loaded=False)
        if await self._compute.run(self._engine.adapters.holds, index, adapter_id):
            return pb.LoadAdapterResponse(loaded=True)
        self._check_index(index, adapter_id)
        source = translate.adapter_source(request.adapter_source)
        directory = self._shard.locator.locate(adapter_id, source)
        adapter: Adapter = await asyncio.to_thread(
            read_adapter, directory, adapter_id, self._engine.adapters.projections
        )
        await self._compute.run(self._engine.load_adapter, index, adapter)
        _LOG.info("loaded adapter %s under index %d", adapter_id, index)
        return pb.LoadAdapterResponse(loaded=True)

    async def OffloadAdapter(
        self, request: pb.OffloadAdapterRequest, context: Any
    ) -> pb.OffloadAdapterResponse:
        """Takes an adapter out of device memory; preloaded ones and the base model stay."""
        adapter_id = translate.adapter_id(request.adapter_parameters)
        if adapter_id == translate.BASE_MODEL_ID or adapter_id in self._preloaded:
            return pb.OffloadAdapterResponse(offloaded=False)
        offloaded = await self._compute.run(self._engine.offload_adapter, request.adapter_index)
        return pb.OffloadAdapterResponse(offloaded=offloaded)

    def _check_index(self, index: int, adapter_id: str) -> None:
        if index == 0:
            raise ValueError(f"adapter {adapter_id}: index 0 is the base model's")
        for preloaded in self._shard.preloaded:
            if preloaded.index == index:
                raise ValueError(
                    f"adapter {adapter_id}: index {index} is preloaded adapter {preloaded.id}'s"
                )


class ExtensionsServicer(extensions_pb2_grpc.ExtensionsServicer):
    """What this shard offers beyond upstream."""

    def __init__(self, shard: Shard) -> None:
        self._chat = shard.chat

    async def RenderChat(
        self, request: extensions_pb2.RenderChatRequest, context: Any
    ) -> extensions_pb2.RenderChatResponse:
        """The prompt text of a chat, rendered off the event loop: templates can be slow."""
        prompt = await asyncio.to_thread(
            self._chat.render,
            request.messages_json,
            request.tools_json,
            request.add_generation_prompt,
        )
        return extensions_pb2.RenderChatResponse(prompt=prompt)
