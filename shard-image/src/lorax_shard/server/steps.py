"""Steps in the compute thread, with a span for each where requests of it are traced."""

import asyncio
import time
from collections.abc import Callable
from collections.abc import Sequence as List
from concurrent.futures import Future
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypeAlias, TypeVar

from lorax_shard.adapters.table import AdapterTable
from lorax_shard.engine.engine import Engine
from lorax_shard.engine.messages import BatchRequest, BatchSummary, StepResult
from lorax_shard.engine.observer import Unobserved
from lorax_shard.server.compute import ComputeThread
from lorax_shard.server.step_record import StepRecord

if TYPE_CHECKING:
    from lorax_shard.server.tracing import SpanSender, Traced

_T = TypeVar("_T")
Metadata: TypeAlias = List[tuple[str, str | bytes]]
TRACED_REQUESTS = "lorax-traced-requests"  # see extensions.proto
GoesOn: TypeAlias = Callable[[StepResult], bool]


@dataclass(slots=True)
class Step:
    """A step that the compute thread has been given, and may have made."""

    name: str
    batch_ids: List[int]  # of the cached batches in it
    record: StepRecord = field(default_factory=StepRecord)
    # The step that follows in a run is with the compute thread when this one is done.
    done: "Future[tuple[StepResult, Step | None]]" = field(init=False)


class Steps:
    """Runs what the router's calls ask for in the compute thread.

    Confined to the event loop but for decode, which the compute thread calls in a run.
    """

    def __init__(self, compute: ComputeThread, spans: "SpanSender | None") -> None:
        self._compute = compute
        self._spans = spans
        self._traced: dict[int, Traced] = {}  # by batch, as the engine has them

    def prefill(
        self,
        engine: Engine,
        batch: BatchRequest,
        joined: int | None,
        holds: bool,
        goes_on: GoesOn | None = None,
    ) -> Step:
        """Engine.prefill, and a step after the other of the batch of its result.

        goes_on: whether another one follows; asked after each, in the compute thread.
        """
        joined_ids = [] if joined is None else [joined]
        return self._give(
            Step("prefill", joined_ids),
            engine,
            lambda: engine.prefill(batch, joined, holds),
            goes_on,
        )

    def decode(self, engine: Engine, batch_ids: List[int], goes_on: GoesOn | None = None) -> Step:
        """Engine.decode, and what follows as in prefill."""
        step = Step("decode", batch_ids)
        return self._give(step, engine, lambda: engine.decode(batch_ids), goes_on)

    async def made(self, step: Step, metadata: Metadata = ()) -> tuple[StepResult, Step | None]:
        """What came of a step, and the one that follows without being asked."""
        failure = "cancelled"
        traced: Traced = {}
        try:
            result, following = await asyncio.wrap_future(step.done)
            failure = ""
        except Exception as error:
            failure = type(error).__name__
            raise
        finally:
            if self._spans is not None:
                for batch_id in step.batch_ids:
                    traced |= self._traced.get(batch_id, {})
                traced |= _named(metadata)
                if traced:
                    self._tell(step.name, step.record, traced, failure)
        for batch_id in step.batch_ids:
            self._traced.pop(batch_id, None)
        self._keep(traced, result.batch)
        return result, following

    async def filter(self, engine: Engine, batch_id: int, kept: List[int]) -> BatchSummary:
        """Engine.filter."""
        summary = await self._compute.run(engine.filter, batch_id, kept)
        self._keep(self._traced.pop(batch_id, {}), summary)
        return summary

    def forget(self, batch_id: int | None) -> None:
        """The engine has dropped a batch, or all of them."""
        if batch_id is None:
            self._traced.clear()
        else:
            self._traced.pop(batch_id, None)

    async def texts(
        self,
        name: str,
        function: Callable[[BatchRequest], _T],
        batch: BatchRequest,
        adapters: AdapterTable,
        metadata: Metadata,
    ) -> _T:
        """A call that reads texts: Embedder.embed or Classifier.classify."""
        traced = {} if self._spans is None else _named(metadata)
        if not traced:
            return await self._compute.run(function, batch)
        record = StepRecord()

        def observed() -> _T:
            used = {adapters.find(request.adapter_index) for request in batch.requests}
            record.requests = len(batch.requests)
            record.adapters = {adapter.id for adapter in used if adapter is not None}
            # Those that came as tokens, as our router sends them.
            record.tokens = sum(len(request.token_ids) for request in batch.requests)
            return _timed(record, lambda: function(batch))

        observed.__name__ = name
        failure = "cancelled"
        try:
            result = await self._compute.run(observed)
            failure = ""
            return result
        except Exception as error:
            failure = type(error).__name__
            raise
        finally:
            self._tell(name, record, traced, failure)

    def _give(
        self,
        step: Step,
        engine: Engine,
        work: Callable[[], StepResult],
        goes_on: GoesOn | None,
    ) -> Step:
        """Gives a step to the compute thread, which gives itself those that follow.

        They come behind what else has been given to it meanwhile, and wait for no event loop.
        """

        def observed() -> tuple[StepResult, Step | None]:
            if self._spans is None:
                result, again = _decided(engine, work, goes_on)
            else:
                engine.observer = step.record
                try:
                    result, again = _timed(step.record, lambda: _decided(engine, work, goes_on))
                finally:
                    engine.observer = Unobserved()
            if not again or result.batch is None:
                return result, None
            return result, self.decode(engine, [result.batch.id], goes_on)

        observed.__name__ = step.name
        step.done = self._compute.give(observed)
        return step

    def _keep(self, traced: "Traced", batch: BatchSummary | None) -> None:
        if batch is not None:
            going_on = {key: traced[key] for key in batch.request_ids if key in traced}
            if going_on:
                self._traced[batch.id] = going_on

    def _tell(self, name: str, record: StepRecord, traced: "Traced", failure: str) -> None:
        assert self._spans is not None
        attributes = record.attributes() | {
            "lorax.step.traced_requests": [key for key in traced if key >= 0]
        }
        times = (record.arrived, record.ended or time.time_ns())
        self._spans.send(name, traced, times, attributes, failure or None)


def _decided(
    engine: Engine, work: Callable[[], StepResult], goes_on: GoesOn | None
) -> tuple[StepResult, bool]:
    """What came of a step, and whether all shards of the model go on after it."""
    if goes_on is None:
        return work(), False
    wish = False
    try:
        result = work()
        wish = result.batch is not None and goes_on(result)
    finally:
        # A shard whose step failed says so, too: the others wait for its answer.
        again = engine.group.unanimous(wish)
    return result, again


def _timed(record: StepRecord, run: Callable[[], _T]) -> _T:
    record.began = time.time_ns()
    try:
        return run()
    finally:
        record.ended = time.time_ns()


def _named(metadata: Metadata) -> "Traced":
    from lorax_shard.server.tracing import traced_requests

    return traced_requests(metadata)
