"""Steps in the compute thread, with a span for each where requests of it are traced."""

import time
from collections.abc import Callable
from collections.abc import Sequence as List
from dataclasses import dataclass, field
from functools import wraps
from typing import TYPE_CHECKING, Any, TypeAlias, TypeVar

from lorax_shard.adapters.table import AdapterTable
from lorax_shard.engine.engine import Engine
from lorax_shard.engine.messages import BatchRequest, BatchSummary, StepResult
from lorax_shard.engine.observer import Unobserved
from lorax_shard.engine.sequence import Sequence
from lorax_shard.server.compute import ComputeThread

if TYPE_CHECKING:
    from lorax_shard.server.tracing import SpanSender, Traced

_T = TypeVar("_T")
Metadata: TypeAlias = List[tuple[str, str | bytes]]
TRACED_REQUESTS = "lorax-traced-requests"  # see extensions.proto


@dataclass(slots=True)
class _Record:
    """What is to be told of one step; a StepObserver. Times are nanoseconds since 1970."""

    arrived: int = field(default_factory=time.time_ns)
    began: int = 0
    ends: dict[str, int] = field(default_factory=dict)  # of phases, in order
    ended: int = 0
    requests: int = 0
    tokens: int = 0
    adapters: set[str] = field(default_factory=set)

    def begins(self, sequences: List[Sequence]) -> None:
        self.requests = len(sequences)
        self.tokens = sum(sequence.planned for sequence in sequences)
        self.adapters = {sequence.adapter.id for sequence in sequences if sequence.adapter}

    def computed(self) -> None:
        self.ends["forward"] = time.time_ns()

    def chosen(self) -> None:
        self.ends["sample"] = time.time_ns()

    def attributes(self) -> dict[str, Any]:
        """Without what the engine did not come to."""
        found: dict[str, Any] = {
            "lorax.step.requests": self.requests,
            "lorax.step.tokens": self.tokens,
            "lorax.step.adapters": sorted(self.adapters),
        }
        if not self.began:
            return found
        found["lorax.step.wait_ms"] = (self.began - self.arrived) / 1e6
        before = self.began
        for phase, end in self.ends.items():
            found[f"lorax.step.{phase}_ms"] = (end - before) / 1e6
            before = end
        if "sample" in self.ends:
            found["lorax.step.reply_ms"] = (self.ended - before) / 1e6
        return found


class Steps:
    """Runs what the router's calls ask for in the compute thread. Confined to the event loop."""

    def __init__(self, compute: ComputeThread, spans: "SpanSender | None") -> None:
        self._compute = compute
        self._spans = spans
        self._traced: dict[int, Traced] = {}  # by batch, as the engine has them

    async def prefill(
        self,
        engine: Engine,
        batch: BatchRequest,
        joined: int | None,
        holds: bool,
        metadata: Metadata,
    ) -> StepResult:
        """Engine.prefill."""
        if self._spans is None:
            return await self._compute.run(engine.prefill, batch, joined, holds)
        joined_ids = [] if joined is None else [joined]
        return await self._step(
            "prefill", engine, joined_ids, metadata, lambda: engine.prefill(batch, joined, holds)
        )

    async def decode(self, engine: Engine, batch_ids: List[int], metadata: Metadata) -> StepResult:
        """Engine.decode."""
        if self._spans is None:
            return await self._compute.run(engine.decode, batch_ids)
        return await self._step(
            "decode", engine, batch_ids, metadata, lambda: engine.decode(batch_ids)
        )

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
        if self._spans is None:
            return await self._compute.run(function, batch)
        traced = _named(metadata)
        if not traced:
            return await self._compute.run(function, batch)
        record = _Record()

        @wraps(function)
        def observed() -> _T:
            used = {adapters.find(request.adapter_index) for request in batch.requests}
            record.requests = len(batch.requests)
            record.adapters = {adapter.id for adapter in used if adapter is not None}
            # Those that came as tokens, as our router sends them.
            record.tokens = sum(len(request.token_ids) for request in batch.requests)
            return function(batch)

        return await self._observed(name, record, traced, observed)

    async def _step(
        self,
        name: str,
        engine: Engine,
        batch_ids: List[int],
        metadata: Metadata,
        run: Callable[[], StepResult],
    ) -> StepResult:
        traced: Traced = {}
        for batch_id in batch_ids:
            traced |= self._traced.get(batch_id, {})
        traced |= _named(metadata)
        record = _Record()

        def observed() -> StepResult:
            engine.observer = record
            try:
                return run()
            finally:
                engine.observer = Unobserved()

        observed.__name__ = name
        if traced:
            result = await self._observed(name, record, traced, observed)
        else:
            result = await self._compute.run(run)
        for batch_id in batch_ids:
            self._traced.pop(batch_id, None)
        self._keep(traced, result.batch)
        return result

    def _keep(self, traced: "Traced", batch: BatchSummary | None) -> None:
        if batch is not None:
            going_on = {key: traced[key] for key in batch.request_ids if key in traced}
            if going_on:
                self._traced[batch.id] = going_on

    async def _observed(
        self, name: str, record: _Record, traced: "Traced", run: Callable[[], _T]
    ) -> _T:
        failure = "cancelled"
        try:
            result = await self._compute.run(self._timed(record, run))
            failure = ""
            return result
        except Exception as error:
            failure = type(error).__name__
            raise
        finally:
            assert self._spans is not None
            end = record.ended or time.time_ns()
            attributes = record.attributes() | {
                "lorax.step.traced_requests": [key for key in traced if key >= 0]
            }
            times = (record.arrived, end)
            self._spans.send(name, traced, times, attributes, failure or None)

    @staticmethod
    def _timed(record: _Record, run: Callable[[], _T]) -> Callable[[], _T]:
        @wraps(run)
        def timed() -> _T:
            record.began = time.time_ns()
            try:
                return run()
            finally:
                record.ended = time.time_ns()

        return timed


def _named(metadata: Metadata) -> "Traced":
    from lorax_shard.server.tracing import traced_requests

    return traced_requests(metadata)
