"""What the calls do that make a step."""

import asyncio
from typing import Any

from lorax_shard.engine.messages import BatchRequest, InvalidRequest, StepResult
from lorax_shard.pb import extensions_pb2
from lorax_shard.pb import generate_pb2 as pb
from lorax_shard.server import translate
from lorax_shard.server.startup import Shard
from lorax_shard.server.steps import Steps


class StepCalls:
    """Makes steps, however they are asked for and answered."""

    def __init__(self, shard: Shard, steps: Steps) -> None:
        self._abilities = shard.abilities
        self._steps = steps

    async def prefill(
        self, request: pb.PrefillRequest, context: Any, holds: bool = False
    ) -> StepResult:
        """The first token of each prompt of a new batch, and a step of a cached one beside it.

        holds: whether unfinished prompts of the cached batch are left as they are.
        """
        joined = request.cached_batch.id if request.HasField("cached_batch") else None
        return await self._begin(translate.batch_request(request.batch), context, joined, holds)

    async def resume(self, request: extensions_pb2.ResumeRequest, context: Any) -> StepResult:
        """The next token of requests that have generated on a shard which is gone."""
        return await self._begin(translate.resumed_batch(request), context)

    async def decode(self, request: pb.DecodeRequest, context: Any) -> StepResult:
        """The next token of each sequence of the named batches."""
        batch_ids = [batch.id for batch in request.batches]
        return await self._steps.decode(self._abilities.generation(), batch_ids, context)

    async def step(self, request: extensions_pb2.StepRequest, context: Any) -> StepResult:
        """Whichever of the two it is."""
        match request.WhichOneof("step"):
            case "prefill":
                return await self.prefill(request.prefill, context, request.hold_prompts)
            case "decode":
                return await self.decode(request.decode, context)
            case _:
                raise InvalidRequest("a Step: expected prefill or decode, got neither")

    async def _begin(
        self, batch: BatchRequest, context: Any, joined: int | None = None, holds: bool = False
    ) -> StepResult:
        """Schemas are compiled first, beside steps that run."""
        engine = self._abilities.generation()
        for schema in batch.schemas:
            await asyncio.to_thread(engine.grammars.prepare, schema)
        return await self._steps.prefill(engine, batch, joined, holds, context)
