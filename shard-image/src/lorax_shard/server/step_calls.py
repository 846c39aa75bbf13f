"""What the calls do that make a step."""

import asyncio
from collections.abc import Callable
from typing import TypeVar

from lorax_shard.engine.messages import BatchRequest, InvalidRequest, StepResult
from lorax_shard.pb import extensions_pb2
from lorax_shard.pb import generate_pb2 as pb
from lorax_shard.server import translate
from lorax_shard.server.errors import NotOffered
from lorax_shard.server.startup import Shard
from lorax_shard.server.steps import TRACED_REQUESTS, Metadata, Run, Step, Steps

_T = TypeVar("_T")


def metadata_of(request: extensions_pb2.StepRequest) -> Metadata:
    """What a step says as a call of its own does beside its message."""
    traced = request.traced_requests
    return ((TRACED_REQUESTS, traced),) if traced else ()


class StepCalls:
    """Makes steps, however they are asked for and answered."""

    def __init__(self, shard: Shard, steps: Steps) -> None:
        self._abilities = shard.abilities
        self._config = shard.config
        self._steps = steps

    async def prefill(self, request: pb.PrefillRequest, metadata: Metadata) -> StepResult:
        """The first token of each prompt of a new batch, and a step of a cached one beside it."""
        return await self._made(await self._prefill(request), metadata)

    async def resume(self, request: extensions_pb2.ResumeRequest, metadata: Metadata) -> StepResult:
        """The next token of requests that have generated on a shard which is gone."""
        return await self._made(await self._begin(translate.resumed_batch(request)), metadata)

    async def decode(self, request: pb.DecodeRequest, metadata: Metadata) -> StepResult:
        """The next token of each sequence of the named batches."""
        return await self._made(self._decode(request), metadata)

    async def step(
        self, request: extensions_pb2.StepRequest, run: Run | None
    ) -> tuple[StepResult, Step | None]:
        """A prefill, decode or resume, and the step that follows in a run while that goes on."""
        metadata = metadata_of(request)
        match request.WhichOneof("step"):
            case "prefill":
                step = await self._prefill(request.prefill, request.hold_prompts, run)
            case "decode":
                step = self._decode(request.decode, run)
            case "resume":
                step = await self._begin(translate.resumed_batch(request.resume), run=run)
            case _:
                raise InvalidRequest("a step: expected prefill, decode or resume, got none of them")
        return await self._steps.made(step, metadata)

    async def embed(self, request: pb.EmbedRequest, metadata: Metadata) -> pb.EmbedResponse:
        """A vector for each text that falls to this shard."""
        embedder = self._abilities.embedder
        if embedder is None:
            raise NotOffered(f"this model {self._abilities.task.value}, it does not embed")
        items = await self._read("embed", embedder.embed, request.batch, metadata)
        return pb.EmbedResponse(
            embeddings=translate.embeddings(items, self._config.rank, self._config.world)
        )

    async def classify(
        self, request: pb.ClassifyRequest, metadata: Metadata
    ) -> pb.ClassifyResponse:
        """The classes of each text that falls to this shard, or of its tokens."""
        classifier = self._abilities.classifier
        if classifier is None:
            raise NotOffered(f"this model {self._abilities.task.value}, it does not classify")
        items = await self._read("classify", classifier.classify, request.batch, metadata)
        return pb.ClassifyResponse(
            classify_prediction_lists=translate.classifications(
                items, self._config.rank, self._config.world
            )
        )

    async def following(self, step: Step) -> tuple[StepResult, Step | None]:
        """What came of a step that followed in a run, and the next one."""
        return await self._steps.made(step)

    async def _read(
        self, name: str, function: Callable[[BatchRequest], _T], batch: pb.Batch, metadata: Metadata
    ) -> _T:
        texts = translate.batch_request(batch)
        adapters = self._abilities.engine.adapters
        return await self._steps.texts(name, function, texts, adapters, metadata)

    async def _prefill(
        self, request: pb.PrefillRequest, holds: bool = False, run: Run | None = None
    ) -> Step:
        joined = request.cached_batch.id if request.HasField("cached_batch") else None
        return await self._begin(translate.batch_request(request.batch), joined, holds, run)

    def _decode(self, request: pb.DecodeRequest, run: Run | None = None) -> Step:
        batch_ids = [batch.id for batch in request.batches]
        return self._steps.decode(self._abilities.generation(), batch_ids, run)

    async def _begin(
        self,
        batch: BatchRequest,
        joined: int | None = None,
        holds: bool = False,
        run: Run | None = None,
    ) -> Step:
        """Schemas are compiled first, beside steps that run."""
        engine = self._abilities.generation()
        for schema in batch.schemas:
            await asyncio.to_thread(engine.grammars.prepare, schema)
        return self._steps.prefill(engine, batch, joined, holds, run)

    async def _made(self, step: Step, metadata: Metadata) -> StepResult:
        result, _ = await self._steps.made(step, metadata)
        return result
