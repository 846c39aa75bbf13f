"""Steps in the compute thread, with a span for each where requests of it are traced."""

import asyncio
import time
from collections.abc import Callable
from collections.abc import Sequence as List
from concurrent.futures import Future
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol, TypeAlias, TypeVar

from lorax_shard.adapters.table import AdapterTable
from lorax_shard.engine.engine import Engine
from lorax_shard.engine.messages import BatchRequest, BatchSummary, StepResult
from lorax_shard.engine.observer import StepObserver, Unobserved
from lorax_shard.engine.sequence import Sequence
from lorax_shard.server.compute import ComputeThread
from lorax_shard.server.step_record import StepRecord

if TYPE_CHECKING:
    from lorax_shard.server.tracing import SpanSender, Traced

_T = TypeVar("_T")
Metadata: TypeAlias = List[tuple[str, str | bytes]]
TRACED_REQUESTS = "lorax-traced-requests"  # see extensions.proto


class Run(Protocol):
    """Steps that follow one another unasked. Both are asked in the compute thread."""

    @property
    def is_wanted(self) -> bool:
        """Whether it goes on as far as is known before a step has its result."""

    def goes_on(self, result: StepResult) -> bool:
        """Whether it goes on after a step."""


@dataclass(slots=True)
class Step:
    """A step that the compute thread has been given, and may have made."""

    name: str
    batch_ids: List[int]  # of the cached batches in it
    record: StepRecord = field(default_factory=StepRecord)
    # The step that follows in a run is with the compute thread when this one is done.
    done: "Future[tuple[StepResult, Step | None]]" = field(default_factory=Future)


class Steps:
    """Runs what the router's calls ask for in the compute thread.

    Confined to the event loop but for what the compute thread does in a run.
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
        run: Run | None = None,
    ) -> Step:
        """Engine.prefill, and in a run a step after the other of the batch of its result."""
        joined_ids = [] if joined is None else [joined]
        return self._give(
            Step("prefill", joined_ids),
            engine,
            lambda: engine.prefill(batch, joined, holds),
            run,
            self._compute.give,
        )

    def decode(self, engine: Engine, batch_ids: List[int], run: Run | None = None) -> Step:
        """Engine.decode, and what follows as in prefill."""
        return self._decode(engine, batch_ids, run, self._compute.give)

    def _decode(
        self,
        engine: Engine,
        batch_ids: List[int],
        run: Run | None,
        give: Callable[[Callable[[], None]], "Future[None]"],
    ) -> Step:
        def work() -> StepResult:
            if run is None:
                return engine.decode(batch_ids)
            return engine.decode(batch_ids, lambda: run.is_wanted)

        return self._give(Step("decode", batch_ids), engine, work, run, give)

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
        run: Run | None,
        give: Callable[[Callable[[], None]], "Future[None]"],
    ) -> Step:
        """Gives a step to the compute thread, which gives itself those that follow.

        They come behind what else has been given to it meanwhile, and wait for no event loop. What
        came of a step that another one follows is told when that one computes: who is told needs
        Python, and the other one needs it less then.
        """

        def made() -> None:
            if not step.done.set_running_or_notify_cancel():
                self._compute.tell()
                return
            try:
                result, again = self._observed(step, engine, work, run)
            except BaseException as error:
                self._compute.tell()
                step.done.set_exception(error)
                raise
            self._compute.tell()
            if again and result.batch is not None:
                following = self._decode(engine, [result.batch.id], run, self._compute.follow)
                self._compute.hold(lambda: step.done.set_result((result, following)))
            else:
                step.done.set_result((result, None))

        made.__name__ = step.name
        given = give(made)
        # By a thread that ends.
        given.add_done_callback(lambda given: given.cancelled() and step.done.cancel())
        return step

    def _observed(
        self, step: Step, engine: Engine, work: Callable[[], StepResult], run: Run | None
    ) -> tuple[StepResult, bool]:
        observer = Unobserved() if self._spans is None else step.record
        engine.observer = _Telling(observer, self._compute.tell)
        try:
            return _timed(step.record, lambda: _decided(engine, work, run))
        finally:
            engine.observer = Unobserved()

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


class _Telling:
    """Has what is held told when a step begins to compute; a StepObserver."""

    def __init__(self, observer: StepObserver, tell: Callable[[], None]) -> None:
        self._tell = tell
        self.computed = observer.computed
        self.chosen = observer.chosen
        self._begins = observer.begins

    def begins(self, sequences: List[Sequence]) -> None:
        """See StepObserver."""
        self._tell()
        self._begins(sequences)


def _decided(
    engine: Engine, work: Callable[[], StepResult], run: Run | None
) -> tuple[StepResult, bool]:
    """What came of a step, and whether all shards of the model go on after it.

    They do in any case if the next step is under way.
    """
    if run is None:
        return work(), False
    wish = False
    try:
        result = work()
        wish = result.batch is not None and (run.goes_on(result) or engine.is_ahead)
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
