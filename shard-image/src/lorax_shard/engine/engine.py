"""The engine: runs steps over cached batches."""

import sys
from collections.abc import Callable, Iterable
from collections.abc import Sequence as List

import torch

from lorax_shard.adapters.order import side_by_side
from lorax_shard.adapters.reader import Adapter, GiveWay, go_on
from lorax_shard.adapters.table import AdapterTable
from lorax_shard.engine.grammar import Grammars
from lorax_shard.engine.graphs import Capturing, DecodeGraphs
from lorax_shard.engine.limits import NO_SPECULATION, SpeculationLimits
from lorax_shard.engine.memory import DeviceMemory
from lorax_shard.engine.messages import (
    BatchRequest,
    BatchSummary,
    GenerationRequest,
    InvalidRequest,
    StepResult,
)
from lorax_shard.engine.observer import StepObserver, Unobserved
from lorax_shard.engine.outcome import finish
from lorax_shard.engine.passes import ForwardPasses, StepUnderWay
from lorax_shard.engine.sequence import (
    Sequence,
    check_blocks,
    check_parts,
    prompt_ids,
    tokens_needed,
)
from lorax_shard.engine.speculation import Speculation
from lorax_shard.engine.steps import plan_chunks
from lorax_shard.engine.tokenizer import Tokenizer
from lorax_shard.engine.warmup import warm_up
from lorax_shard.kv_cache import BLOCK_SIZE, KvCache, KvShape
from lorax_shard.layers.parallel import ShardGroup
from lorax_shard.models import Decoder

_PREFILL, _DECODE = 0, 1


class UnknownBatch(ValueError):
    """A batch id that is not cached."""


class Engine:
    """One model with its adapters, its cache and the batches that run on them.

    Confined to the compute thread but for load_adapter. A call that fails changes nothing: batches
    that were cached stay as they were. With several shards all get the same calls and come to the
    same results.
    """

    def __init__(
        self,
        model: Decoder,
        tokenizer: Tokenizer,
        adapters: AdapterTable,
        memory: DeviceMemory,
        group: ShardGroup,
        device: torch.device,
        speculation: SpeculationLimits = NO_SPECULATION,
        capturing: Capturing | None = None,
        overlaps: bool = False,
    ) -> None:
        """capturing: how decode steps are captured to be replayed; None launches their kernels.

        overlaps: whether steps may be begun before the one before has its tokens on the host, which
        is for devices that compute while this thread goes on, and for a model on one of them.
        """
        self.model = model
        self.adapters = adapters
        self.observer: StepObserver = Unobserved()
        self.speculation = Speculation(speculation)
        self.grammars = Grammars(tokenizer, model.config.vocab_size)
        self._tokenizer = tokenizer
        self._memory = memory
        self.group = group
        self._device = device
        self._capturing = capturing
        self._overlaps = overlaps
        self._cache: KvCache | None = None
        self._passes: ForwardPasses | None = None
        self._ahead: StepUnderWay | None = None
        self._prompt_tokens = sys.maxsize
        self._batches: dict[int, list[Sequence]] = {}

    @torch.inference_mode()
    def warm_up(self, batch: BatchRequest, prompt_tokens: int = 0) -> int:
        """Allocates the cache once and says how many tokens it holds. Drops cached batches.

        prompt_tokens: what a step may compute of prompts that go on in chunks; 0 = no bound.
        """
        self.clear(None)
        self._prompt_tokens = prompt_tokens or sys.maxsize
        if self._cache is None:
            config = self.model.config
            shape = KvShape(config.layers, self.model.kv_heads, config.head_dim, config.dtype)
            warmth = warm_up(
                self.model, self.adapters, self._capturing, shape, self._tokenizer, self._memory,
                batch, self._device,
            )  # fmt: skip
            self._cache = warmth.cache
            graphs = None
            if self._capturing is not None and warmth.can_replay:
                graphs = DecodeGraphs(
                    self.model, self._cache, self.adapters, self._capturing, self._device
                )
            self._passes = ForwardPasses(self.model, self._cache, graphs, self._device)
        return self._cache.tokens

    @torch.inference_mode()
    def prefill(
        self, batch: BatchRequest, joined: int | None = None, holds: bool = False
    ) -> StepResult:
        """Runs the prompts of a new batch, or their first chunks, beside a cached one.

        The first token now: a request may have generated others before, which are computed along.

        joined: the cached batch, which makes a step and takes the new requests in. Without one
        they become a batch of their own.

        holds: whether the prompts of the cached batch that are not finished make no step now.
        """
        cache = self._warm_cache()
        if batch.id in self._batches:
            raise InvalidRequest(f"batch {batch.id} is cached already")
        if not batch.requests:
            raise InvalidRequest(f"batch {batch.id} has no requests")
        cached = [] if joined is None else self._batch(joined)
        new = [self._admit(request, cache) for request in batch.requests]
        held = [sequence for sequence in cached if holds and sequence.is_prefilling]
        stepping = [sequence for sequence in cached if not (holds and sequence.is_prefilling)]
        batch_id = batch.id if joined is None else joined
        return self._step(_PREFILL, [batch_id], [*stepping, *new], held)

    @torch.inference_mode()
    def decode(
        self, batch_ids: List[int], goes_on: Callable[[], bool] = lambda: False
    ) -> StepResult:
        """One step of all the named batches, which become one under the first id.

        goes_on: whether another step of them will follow whatever this one brings. It may be begun
        before this one's tokens are known; then is_ahead.
        """
        self._warm_cache()
        if not batch_ids:
            raise InvalidRequest("decode names no batch")
        if len(set(batch_ids)) != len(batch_ids):
            raise InvalidRequest(f"decode names a batch twice: {list(batch_ids)}")
        sequences = [sequence for batch_id in batch_ids for sequence in self._batch(batch_id)]
        return self._step(_DECODE, batch_ids, sequences, goes_on=goes_on)

    @property
    def is_ahead(self) -> bool:
        """Whether a step of the batch that made the last one is under way; the next one is it.

        Calls that make it another one drop it, which is a step in vain and nothing else.
        """
        return self._ahead is not None

    def filter(self, batch_id: int, request_ids: List[int]) -> BatchSummary:
        """Keeps only the named requests of a cached batch."""
        sequences = self._batch(batch_id)
        unknown = set(request_ids) - {sequence.request.id for sequence in sequences}
        if unknown:
            raise InvalidRequest(f"batch {batch_id} does not hold requests {sorted(unknown)}")
        kept = [sequence for sequence in sequences if sequence.request.id in set(request_ids)]
        if not kept:
            raise InvalidRequest(f"batch {batch_id} would be left empty: clear it instead")
        self._batches[batch_id] = kept
        self.release_adapters()
        return _summary(batch_id, kept)

    def clear(self, batch_id: int | None) -> None:
        """Drops one cached batch, or all of them. An unknown id is no error: it is gone."""
        self._ahead = None
        if batch_id is None:
            self._batches.clear()
        else:
            self._batches.pop(batch_id, None)
        self.release_adapters()

    @torch.inference_mode()
    def load_adapter(self, index: int, adapter: Adapter, give_way: GiveWay = go_on) -> bool:
        """Makes an adapter usable under an index; runs in any thread, beside steps.

        Whether it is in the place of another one, whose memory release_adapters gives back.
        """
        return self.adapters.install(index, adapter, give_way)

    def release_adapters(self) -> None:
        """Gives back the memory of adapters that have left and whose rows have ended."""
        self.adapters.release_unused(
            lambda: [seq.adapter for batch in self._batches.values() for seq in batch]
        )

    def offload_adapter(self, index: int) -> bool:
        """Takes an adapter out; rows that run on it end with it. False when it was not loaded."""
        removed = self.adapters.remove(index)
        self.release_adapters()
        return removed

    def _admit(self, request: GenerationRequest, cache: KvCache) -> Sequence:
        if request.stopping.max_new_tokens < 1:
            raise InvalidRequest(f"request {request.id}: max_new_tokens must be positive, got 0")
        if len(request.generated) >= request.stopping.max_new_tokens:
            raise InvalidRequest(
                f"request {request.id}: expected fewer than max_new_tokens "
                f"({request.stopping.max_new_tokens}) generated tokens, got "
                f"{len(request.generated)}"
            )
        prompt = prompt_ids(request, self._tokenizer, self.model.config.vocab_size)
        check_parts(request, len(prompt))
        needed = tokens_needed(request, len(prompt))
        if needed > self.model.config.max_positions:
            raise InvalidRequest(
                f"request {request.id}: prompt and answer take {needed} positions, "
                f"the model has {self.model.config.max_positions}"
            )
        check_blocks(request, needed, cache.blocks)
        adapter = self.adapters.get(request.adapter_index)
        schema = request.sampling.schema
        grammar = self.grammars.start(schema) if schema is not None else None
        return Sequence(request, prompt, request.blocks, adapter, self._tokenizer, grammar)

    def _warm_cache(self) -> KvCache:
        if self._cache is None:
            raise InvalidRequest("the shard is not warmed up: call Warmup first")
        return self._cache

    def _warm_passes(self) -> ForwardPasses:
        self._warm_cache()
        assert self._passes is not None
        return self._passes

    def _batch(self, batch_id: int) -> list[Sequence]:
        if batch_id not in self._batches:
            raise UnknownBatch(f"Batch ID {batch_id} not found in cache.")
        return self._batches[batch_id]

    def _step(
        self,
        kind: int,
        batch_ids: List[int],
        members: List[Sequence],
        held: List[Sequence] = (),
        goes_on: Callable[[], bool] = lambda: False,
    ) -> StepResult:
        """One step of batches, which become one under the first id.

        Those that ended leave here, without a FilterBatch; those that are held stay as they are.
        """
        sequences = side_by_side(members)
        batch_id = batch_ids[0]
        step = self._take_ahead(kind, sequences) or self._begin(kind, batch_id, sequences)
        self._ahead = self._begin_behind(step, sequences, goes_on)
        try:
            outcomes = finish(step, sequences, self._warm_cache(), self._tokenizer)
        except BaseException:
            self._ahead = None
            raise
        self.observer.chosen()
        self.speculation.count(sequences, outcomes)
        running = [
            sequence
            for sequence, outcome in zip(sequences, outcomes, strict=True)
            if outcome is None or outcome.text is None
        ] + list(held)
        plan_chunks(running, self._prompt_tokens)
        for joined in batch_ids:
            self._batches.pop(joined, None)
        if running:
            self._batches[batch_id] = running
        else:
            self._ahead = None
        self.release_adapters()
        generations = [outcome for outcome in outcomes if outcome is not None]
        return StepResult(generations, _summary(batch_id, running) if running else None)

    def _begin(self, kind: int, batch_id: int, sequences: List[Sequence]) -> StepUnderWay:
        self.speculation.propose(sequences)
        total = sum(sequence.planned + len(sequence.draft) for sequence in sequences)
        self.group.agree(
            (kind, len(sequences), total, *_words(batch_id)),
            (sequence.request.id for sequence in sequences),
        )
        return self._warm_passes().begin(sequences, self.observer)

    def _begin_behind(
        self, step: StepUnderWay, sequences: List[Sequence], goes_on: Callable[[], bool]
    ) -> StepUnderWay | None:
        """The step behind one, where it may be begun before the tokens of that one are known."""
        # A step of others, too, who have ended, is followed by one without them.
        if not self._overlaps or step.sequences != sequences or self.speculation.is_for(sequences):
            return None
        return self._warm_passes().begin_behind(step) if goes_on() else None

    def _take_ahead(self, kind: int, sequences: List[Sequence]) -> StepUnderWay | None:
        """The step that has been begun ahead, if it is the one that these sequences make now.

        It may have others, that have ended meanwhile.
        """
        step, self._ahead = self._ahead, None
        if step is None or kind != _DECODE:
            return None
        cached = dict(zip(map(id, step.sequences), step.cached, strict=True))
        if any(cached.get(id(sequence)) != sequence.cached for sequence in sequences):
            return None
        self.observer.begins(sequences)
        self.observer.computed()
        return step


def _summary(batch_id: int, sequences: Iterable[Sequence]) -> BatchSummary:
    kept = list(sequences)
    return BatchSummary(
        id=batch_id,
        request_ids=[sequence.request.id for sequence in kept],
        max_tokens=sum(len(sequence.blocks) for sequence in kept) * BLOCK_SIZE,
        next_tokens=sum(sequence.planned for sequence in kept),
    )


def _words(number: int) -> tuple[int, int]:
    """An unsigned 64-bit id as two numbers that a signed tensor can hold."""
    return number >> 32, number & 0xFFFFFFFF
