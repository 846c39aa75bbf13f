"""What the calls do that make a step."""

import asyncio

from lorax_shard.engine.messages import BatchRequest, InvalidRequest, StepResult
from lorax_shard.pb import extensions_pb2
from lorax_shard.pb import generate_pb2 as pb
from lorax_shard.server import translate
from lorax_shard.server.compute import ComputeThread
from lorax_shard.server.startup import Shard


class StepCalls:
    """Makes steps, however they are asked for and answered."""

    def __init__(self, shard: Shard, compute: ComputeThread) -> None:
        self._abilities = shard.abilities
        self._compute = compute

    async def prefill(self, request: pb.PrefillRequest, holds: bool = False) -> StepResult:
        """The first token of each prompt of a new batch, and a step of a cached one beside it.

        holds: whether unfinished prompts of the cached batch are left as they are.
        """
        joined = request.cached_batch.id if request.HasField("cached_batch") else None
        return await self._begin(translate.batch_request(request.batch), joined, holds)

    async def resume(self, request: extensions_pb2.ResumeRequest) -> StepResult:
        """The next token of requests that have generated on a shard which is gone."""
        return await self._begin(translate.resumed_batch(request))

    async def decode(self, request: pb.DecodeRequest) -> StepResult:
        """The next token of each sequence of the named batches."""
        batch_ids = [batch.id for batch in request.batches]
        return await self._compute.run(self._abilities.generation().decode, batch_ids)

    async def step(self, request: extensions_pb2.StepRequest) -> StepResult:
        """Whichever of the two it is."""
        match request.WhichOneof("step"):
            case "prefill":
                return await self.prefill(request.prefill, request.hold_prompts)
            case "decode":
                return await self.decode(request.decode)
            case _:
                raise InvalidRequest("a Step: expected prefill or decode, got neither")

    async def _begin(
        self, batch: BatchRequest, joined: int | None = None, holds: bool = False
    ) -> StepResult:
        """Schemas are compiled first, beside steps that run."""
        engine = self._abilities.generation()
        for schema in batch.schemas:
            await asyncio.to_thread(engine.grammars.prepare, schema)
        return await self._compute.run(engine.prefill, batch, joined, holds)
