"""What the calls do that make a step."""

import asyncio
from typing import Any

import grpc

from lorax_shard.engine.messages import BatchRequest, InvalidRequest, StepResult
from lorax_shard.pb import extensions_pb2
from lorax_shard.pb import generate_pb2 as pb
from lorax_shard.server import columns, translate
from lorax_shard.server.errors import Failure
from lorax_shard.server.startup import Shard
from lorax_shard.server.steps import TRACED_REQUESTS, Metadata, Steps


class StepCalls:
    """Makes steps, however they are asked for and answered."""

    def __init__(self, shard: Shard, steps: Steps) -> None:
        self._abilities = shard.abilities
        self._steps = steps

    async def prefill(
        self, request: pb.PrefillRequest, metadata: Metadata, holds: bool = False
    ) -> StepResult:
        """The first token of each prompt of a new batch, and a step of a cached one beside it.

        holds: whether unfinished prompts of the cached batch are left as they are.
        """
        joined = request.cached_batch.id if request.HasField("cached_batch") else None
        return await self._begin(translate.batch_request(request.batch), metadata, joined, holds)

    async def resume(self, request: extensions_pb2.ResumeRequest, metadata: Metadata) -> StepResult:
        """The next token of requests that have generated on a shard which is gone."""
        return await self._begin(translate.resumed_batch(request), metadata)

    async def decode(self, request: pb.DecodeRequest, metadata: Metadata) -> StepResult:
        """The next token of each sequence of the named batches."""
        batch_ids = [batch.id for batch in request.batches]
        return await self._steps.decode(self._abilities.generation(), batch_ids, metadata)

    async def step(self, request: extensions_pb2.StepRequest) -> StepResult:
        """Whichever of the two it is."""
        traced = request.traced_requests
        metadata = ((TRACED_REQUESTS, traced),) if traced else ()
        match request.WhichOneof("step"):
            case "prefill":
                return await self.prefill(request.prefill, metadata, request.hold_prompts)
            case "decode":
                return await self.decode(request.decode, metadata)
            case _:
                raise InvalidRequest("a step: expected prefill or decode, got neither")

    async def _begin(
        self,
        batch: BatchRequest,
        metadata: Metadata,
        joined: int | None = None,
        holds: bool = False,
    ) -> StepResult:
        """Schemas are compiled first, beside steps that run."""
        engine = self._abilities.generation()
        for schema in batch.schemas:
            await asyncio.to_thread(engine.grammars.prepare, schema)
        return await self._steps.prefill(engine, batch, joined, holds, metadata)


class StepStreams:
    """The calls that carry all steps of a router. Confined to the event loop."""

    def __init__(self, shard: Shard, calls: StepCalls) -> None:
        self._config = shard.config
        self._calls = calls
        self._waiting: set[asyncio.Task[None]] = set()
        self._closed = False

    async def serve(self, context: Any) -> None:
        """Replies to each request, until the router ends the call or this shard stops."""
        while not self._closed:
            request = await self._next(context)
            if request is None:
                return
            await context.write(await self._reply(request))

    def close(self) -> None:
        """Ends all calls, which would else wait for routers for ever; steps under way are made."""
        self._closed = True
        for task in self._waiting:
            task.cancel()

    async def _next(self, context: Any) -> extensions_pb2.StepRequest | None:
        task = asyncio.current_task()
        assert task is not None
        self._waiting.add(task)
        try:
            request = await context.read()
        except asyncio.CancelledError:
            if self._closed:
                return None
            raise
        finally:
            self._waiting.discard(task)
        return None if request is grpc.aio.EOF else request

    async def _reply(self, request: extensions_pb2.StepRequest) -> extensions_pb2.StepReply:
        try:
            result = await self._calls.step(request)
            return columns.step_reply(result, self._config.rank, self._config.world)
        except Exception as error:
            name = (request.WhichOneof("step") or "step").capitalize()
            failure = Failure.of(error, name)
            return extensions_pb2.StepReply(
                failure=extensions_pb2.StepFailure(
                    status=failure.status.value[0],
                    message=failure.message,
                    request_ids=failure.request_ids,
                )
            )
