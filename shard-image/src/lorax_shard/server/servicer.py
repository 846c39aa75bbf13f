"""generate.v1 and the extensions, translated to calls of the engine."""

import asyncio
import logging
from typing import Any

from lorax_shard.engine.engine import Engine
from lorax_shard.engine.messages import InvalidRequest
from lorax_shard.kv_cache import BLOCK_SIZE
from lorax_shard.models import Task
from lorax_shard.pb import extensions_pb2, extensions_pb2_grpc, generate_pb2_grpc
from lorax_shard.pb import generate_pb2 as pb
from lorax_shard.server import translate
from lorax_shard.server.adapter_calls import AdapterCalls
from lorax_shard.server.compute import ComputeThread
from lorax_shard.server.device import device_failure
from lorax_shard.server.endings import ExitCode, end_now
from lorax_shard.server.errors import NotLoaded, NotOffered, UnusableSchema
from lorax_shard.server.startup import Shard
from lorax_shard.server.step_calls import StepCalls
from lorax_shard.server.step_streams import StepStreams
from lorax_shard.server.steps import Metadata, Steps

_LOG = logging.getLogger(__name__)


class LoraxServicer(generate_pb2_grpc.LoraxServiceServicer):
    """The service that a router drives, ours or upstream's."""

    def __init__(self, shard: Shard, compute: ComputeThread, steps: Steps) -> None:
        self._shard = shard
        self._abilities = shard.abilities
        self._compute = compute
        self._steps = steps
        self._adapters = AdapterCalls(shard, compute)
        self._calls = StepCalls(shard, steps)

    async def Info(self, request: pb.InfoRequest, context: Any) -> pb.InfoResponse:
        """What the model can do, and the adapters that are there already."""
        return pb.InfoResponse(
            requires_padding=False,
            dtype=str(self._shard.dtype),
            device_type=self._shard.device.type,
            block_size=BLOCK_SIZE,
            speculate=self._shard.config.speculative_tokens,
            preloaded_adapters=[
                pb.PreloadedAdapter(
                    adapter_parameters=pb.AdapterParameters(adapter_ids=[adapter.reference.id]),
                    adapter_source=translate.wire_source(adapter.reference.source),
                    adapter_index=adapter.index,
                )
                for adapter in self._shard.preloaded
            ],
            supports_generation=self._generates,
            supports_embeddings=self._abilities.embedder is not None,
            supports_classification=self._abilities.classifier is not None,
            chunked_prefill=self._generates and self._shard.config.chunks_prompts,
            requires_block_allocator=self._generates,
        )

    async def Health(self, request: pb.HealthRequest, context: Any) -> pb.HealthResponse:
        """Answers while a step runs; ends a process whose GPU has failed for good."""
        failure = device_failure(wait=False, device=self._shard.device)
        if failure is not None:
            end_now(
                ExitCode.DEVICE_BROKEN,
                f"the GPU answers every call with the same error: {failure}; the shard ends so "
                "that the group can start again",
            )
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
        await self._compute.run(self._abilities.engine.clear, batch_id)
        self._steps.forget(batch_id)
        return pb.ClearCacheResponse()

    async def FilterBatch(
        self, request: pb.FilterBatchRequest, context: Any
    ) -> pb.FilterBatchResponse:
        """Drops the requests of a batch that are not named."""
        engine = self._abilities.generation()
        summary = await self._steps.filter(engine, request.batch_id, list(request.request_ids))
        return pb.FilterBatchResponse(batch=translate.cached_batch(summary))

    async def Warmup(self, request: pb.WarmupRequest, context: Any) -> pb.WarmupResponse:
        """Says how many tokens the cache holds; nothing where the model needs none."""
        batch = translate.batch_request(request.batch)
        tokens = await self._compute.run_long(
            self._abilities.engine.warm_up, batch, request.max_prefill_tokens
        )
        if tokens is None:
            _LOG.info("warmed up")
            return pb.WarmupResponse()
        _LOG.info("warmed up: the cache holds %d tokens", tokens)
        return pb.WarmupResponse(max_supported_total_tokens=tokens)

    async def Prefill(self, request: pb.PrefillRequest, context: Any) -> pb.PrefillResponse:
        """The first token of each prompt of a new batch, and a step of a cached one beside it."""
        config = self._shard.config
        return translate.prefill_response(
            await self._calls.prefill(request, _metadata(context)), config.rank, config.world
        )

    async def Decode(self, request: pb.DecodeRequest, context: Any) -> pb.DecodeResponse:
        """The next token of each sequence of the named batches."""
        result = await self._calls.decode(request, _metadata(context))
        config = self._shard.config
        return pb.DecodeResponse(
            generations=translate.generations(result.generations, config.rank, config.world),
            batch=translate.cached_batch(result.batch),
        )

    async def Embed(self, request: pb.EmbedRequest, context: Any) -> pb.EmbedResponse:
        """A vector for each text."""
        return await self._calls.embed(request, _metadata(context))

    async def Classify(self, request: pb.ClassifyRequest, context: Any) -> pb.ClassifyResponse:
        """The classes of each text or of its tokens."""
        return await self._calls.classify(request, _metadata(context))

    async def DownloadAdapter(
        self, request: pb.DownloadAdapterRequest, context: Any
    ) -> pb.DownloadAdapterResponse:
        """Whether the adapter's files are at hand and fit, and how much memory they take."""
        adapter = translate.adapter(request)
        if adapter.id == translate.BASE_MODEL_ID:
            return pb.DownloadAdapterResponse(downloaded=False, memory_fraction=0.0)
        share = await self._adapters.download(adapter, request.api_token)
        return pb.DownloadAdapterResponse(downloaded=True, memory_fraction=share)

    async def LoadAdapter(
        self, request: pb.LoadAdapterRequest, context: Any
    ) -> pb.LoadAdapterResponse:
        """Makes an adapter usable under an index."""
        adapter = translate.adapter(request)
        if adapter.id == translate.BASE_MODEL_ID:
            return pb.LoadAdapterResponse(loaded=False)
        await self._adapters.load(adapter, request.adapter_index)
        return pb.LoadAdapterResponse(loaded=True)

    async def OffloadAdapter(
        self, request: pb.OffloadAdapterRequest, context: Any
    ) -> pb.OffloadAdapterResponse:
        """Takes an adapter out of device memory; preloaded ones and the base model stay."""
        adapter = translate.adapter(request)
        if adapter.id == translate.BASE_MODEL_ID:
            return pb.OffloadAdapterResponse(offloaded=False)
        offloaded = await self._adapters.offload(request.adapter_index)
        return pb.OffloadAdapterResponse(offloaded=offloaded)

    @property
    def _generates(self) -> bool:
        return self._abilities.task is Task.GENERATION


class ExtensionsServicer(extensions_pb2_grpc.ExtensionsServicer):
    """What this shard offers beyond upstream."""

    def __init__(self, shard: Shard, compute: ComputeThread, steps: Steps) -> None:
        self._chat = shard.chat
        self._abilities = shard.abilities
        self._compute = compute
        self._config = shard.config
        self._calls = StepCalls(shard, steps)
        self._streams = StepStreams(shard, self._calls)

    def close(self) -> None:
        """Ends the calls that else end with their router."""
        self._streams.close()

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

    async def PrepareSchema(
        self, request: extensions_pb2.PrepareSchemaRequest, context: Any
    ) -> extensions_pb2.PrepareSchemaResponse:
        """Compiles a schema while steps run."""
        engine = self._abilities.engine
        if not isinstance(engine, Engine):
            raise NotOffered(f"this model {self._abilities.task.value}: it follows no schema")
        try:
            await asyncio.to_thread(engine.grammars.prepare, request.schema)
        except InvalidRequest as error:
            raise UnusableSchema(str(error)) from None
        return extensions_pb2.PrepareSchemaResponse()

    async def DescribeAdapter(
        self, request: extensions_pb2.DescribeAdapterRequest, context: Any
    ) -> extensions_pb2.DescribeAdapterResponse:
        """Rank and memory of a loaded adapter."""
        index = request.adapter_index
        # Not in the compute thread: a router asks before the first request, which waits for it.
        adapter = self._abilities.engine.adapters.find(index)
        if adapter is None:
            raise NotLoaded(f"adapter index {index} is not loaded")
        return extensions_pb2.DescribeAdapterResponse(rank=adapter.rank, bytes=adapter.bytes)

    async def Capabilities(
        self, request: extensions_pb2.CapabilitiesRequest, context: Any
    ) -> extensions_pb2.CapabilitiesResponse:
        """What a model that generates can do, and what all can."""
        generates = self._abilities.task is Task.GENERATION
        return extensions_pb2.CapabilitiesResponse(
            resume=generates,
            steps=generates,
            runs=generates,
            all_in_steps=generates,
            loads_replace=True,
        )

    async def Resume(
        self, request: extensions_pb2.ResumeRequest, context: Any
    ) -> pb.PrefillResponse:
        """The next token of requests that have generated on a shard which is gone."""
        result = await self._calls.resume(request, _metadata(context))
        return translate.prefill_response(result, self._config.rank, self._config.world)

    async def Steps(self, requests: Any, context: Any) -> None:
        """Prefills and Decodes of one router, one after the other."""
        await self._streams.serve(context)

    async def DescribeModel(
        self, request: extensions_pb2.DescribeModelRequest, context: Any
    ) -> extensions_pb2.DescribeModelResponse:
        """What Info has no field for."""
        return extensions_pb2.DescribeModelResponse(
            max_text_tokens=self._abilities.max_text_tokens,
            classification=translate.classification_kind(self._abilities.task),
        )


def _metadata(context: Any) -> Metadata:
    return context.invocation_metadata() or ()
