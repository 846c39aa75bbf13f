"""What a call that starts a batch does."""

import asyncio
from typing import Any

from lorax_shard.engine.messages import BatchRequest
from lorax_shard.pb import generate_pb2 as pb
from lorax_shard.server import translate
from lorax_shard.server.startup import Shard
from lorax_shard.server.steps import Steps


class PrefillCalls:
    """Starts batches, be their requests new or not."""

    def __init__(self, shard: Shard, steps: Steps) -> None:
        self._config = shard.config
        self._abilities = shard.abilities
        self._steps = steps

    async def run(
        self, batch: BatchRequest, context: Any, joined: int | None = None
    ) -> pb.PrefillResponse:
        """The next token of each request, and a step of the cached batch that takes them in.

        Schemas are compiled first, beside steps that run.
        """
        engine = self._abilities.generation()
        for schema in batch.schemas:
            await asyncio.to_thread(engine.grammars.prepare, schema)
        result = await self._steps.prefill(engine, batch, joined, context)
        return pb.PrefillResponse(
            generations=translate.generations(
                result.generations, self._config.rank, self._config.world
            ),
            batch=translate.cached_batch(result.batch),
        )
