"""Forward passes, and the tokens behind them, before any sequence knows of them.

A step of a device that computes by itself, as a GPU does, can be begun behind another one whose
tokens are not on the host yet: they are on the device.
"""

from collections.abc import Sequence as List
from dataclasses import dataclass
from itertools import accumulate
from typing import NamedTuple

import torch
from torch import Tensor

from lorax_shard.engine.choice import Choices, Fetch
from lorax_shard.engine.drawing import draw_tokens
from lorax_shard.engine.graphs import DecodeGraphs
from lorax_shard.engine.observer import StepObserver, Unobserved
from lorax_shard.engine.replay import replay
from lorax_shard.engine.sampling import likeliest_tokens
from lorax_shard.engine.sequence import Sequence
from lorax_shard.engine.steps import logit_count, step_behind, step_of
from lorax_shard.kv_cache import KvCache
from lorax_shard.layers.device_loads import near
from lorax_shard.layers.step import StepContext
from lorax_shard.models import Decoder


@dataclass(frozen=True, slots=True)
class StepUnderWay:
    """A step that has been begun; no sequence knows of it, so it may be dropped."""

    sequences: List[Sequence]
    cached: List[int]  # tokens of each that were in the cache before it
    context: StepContext
    choices: Choices  # behind the rows of `last`
    fetch: Fetch  # of those
    logits: Tensor  # [L, vocab] all that it yields: counts rows for each sequence
    counts: List[int]
    last: Tensor  # [T, vocab] of those the last: last_counts rows for each
    last_counts: List[int]
    are_rows: bool = False  # whether each sequence has one, of a token that was generated

    def shares(self) -> dict[int, "Share"]:
        """What each sequence has of it, by id()."""
        rows = accumulate(self.last_counts, initial=0)
        firsts = accumulate(self.counts, initial=0)
        return {
            id(sequence): Share(range(row, row + count), first)
            for sequence, row, count, first in zip(
                self.sequences, rows, self.last_counts, firsts, strict=False
            )
        }


class Share(NamedTuple):
    """What one sequence has of a step's rows."""

    rows: range  # of StepUnderWay.last, one behind its last token and one behind each of its draft
    first: int  # of all its rows of StepUnderWay.logits


class ForwardPasses:
    """Steps of one model on one cache. Confined to the compute thread; changes no sequence."""

    def __init__(
        self, model: Decoder, cache: KvCache, graphs: DecodeGraphs | None, device: torch.device
    ) -> None:
        self._model = model
        self._cache = cache
        self.graphs = graphs
        self._device = device
        self._before: _DecodeStep | None = None

    def begin(self, sequences: List[Sequence], observer: StepObserver) -> StepUnderWay:
        """Computes what sequences have planned, and their drafts."""
        cached = [sequence.cached for sequence in sequences]
        are_rows = all(sequence.is_one_row for sequence in sequences)
        context = self._following(sequences, cached) if are_rows else None
        if context is None:
            context = step_of(sequences, self._device, self._model.config.dtype)
        observer.begins(sequences)
        if are_rows:
            return self._compute_rows(sequences, cached, context, observer, 0)
        return self._compute(sequences, cached, context, observer)

    def begin_behind(self, step: StepUnderWay) -> StepUnderWay | None:
        """The step behind one that is under way, as if all of its sequences went on.

        None where it takes more than the tokens that they get: a choice that depends on them, say.
        """
        if not (step.are_rows and all(map(_goes_on_in_any_case, step.sequences))):
            return None
        context = step_behind(step.context, step.choices.ids)
        if context is None:
            return None
        cached = [count + 1 for count in step.cached]
        return self._compute_rows(step.sequences, cached, context, Unobserved(), 1)

    def _compute_rows(
        self,
        sequences: List[Sequence],
        cached: List[int],
        context: StepContext,
        observer: StepObserver,
        ahead: int,
    ) -> StepUnderWay:
        """A row for each sequence. ahead: how many tokens the sequences do not know of."""
        logits = self._forward(context)
        observer.computed()
        ones = [1] * len(sequences)
        choices = _choose(sequences, logits, ones, ahead)
        stand = all([sequence.chooser.takes_logits_as_they_are for sequence in sequences])
        self._before = _DecodeStep(sequences, cached, context, choices.ids if stand else None)
        return StepUnderWay(
            sequences, cached, context, choices, choices.fetch(), logits, ones, logits, ones,
            are_rows=True,
        )  # fmt: skip

    def _compute(
        self,
        sequences: List[Sequence],
        cached: List[int],
        context: StepContext,
        observer: StepObserver,
    ) -> StepUnderWay:
        """With prompts or drafts."""
        logits = self._forward(context)
        counts = [logit_count(sequence) for sequence in sequences]
        last_counts = [1 + len(sequence.draft) for sequence in sequences]
        # Where no prompt wants all of its rows they are the same ones, and a copy of them takes as
        # long as the choice. Replay then writes into rows that nobody else reads.
        last = logits if counts == last_counts else logits[_last_rows(counts, last_counts)]
        replay(self._model, sequences, last, self._cache, self._device)
        observer.computed()
        choices = _choose(sequences, last, last_counts, 0)
        self._before = None
        return StepUnderWay(
            sequences, cached, context, choices, choices.fetch(), logits, counts, last, last_counts
        )

    def _forward(self, context: StepContext) -> Tensor:
        if self.graphs is not None:
            return self.graphs.forward(context)
        return self._model.forward(context, self._cache.layers)

    def _following(self, sequences: List[Sequence], cached: List[int]) -> StepContext | None:
        """The step of rows of these sequences, if they have gone on by one since the last step."""
        before = self._before
        if before is None or before.sequences != sequences:
            return None
        if [count + 1 for count in before.cached] != cached:
            return None
        ids = before.ids
        if ids is None:
            tokens = torch.tensor([sequence.ids[-1] for sequence in sequences])
            ids = near(tokens, self._device)
        return step_behind(before.context, ids)


@dataclass(frozen=True, slots=True)
class _DecodeStep:
    """What another step of the same sequences is made of."""

    sequences: List[Sequence]
    cached: List[int]
    context: StepContext
    ids: Tensor | None  # what it has brought them, where that is what was chosen at once


def _goes_on_in_any_case(sequence: Sequence) -> bool:
    """Whether what comes behind the next token is computed and chosen whatever that token is.

    It may end the answer; then the step behind it has a row in vain.
    """
    return (
        sequence.draft_room > 0
        and sequence.chooser.takes_logits_as_they_are
        and not sequence.request.sampling.alternatives
    )


def _choose(sequences: List[Sequence], logits: Tensor, counts: List[int], ahead: int) -> Choices:
    """A token behind each row of logits [T, vocab], counts of them for each sequence.

    The likeliest, or behind the first row of a sequence that draws from logits as they stand the
    one that it draws.
    """
    ids, likeliest = likeliest_tokens(logits)
    drawing: list[tuple[int, Sequence]] = []
    row = 0
    for sequence, count in zip(sequences, counts, strict=True):
        if sequence.chooser.is_drawn and sequence.is_completed_by_step:
            drawing.append((row, sequence))
        row += count
    if not drawing:
        return Choices(ids, likeliest, likeliest)
    rows = [row for row, _ in drawing]
    drawn, drawn_logprobs = draw_tokens(
        logits,
        rows,
        [sequence.chooser.parameters for _, sequence in drawing],
        [sequence.chooser.uniform(ahead) for _, sequence in drawing],
    )
    places = near(torch.tensor(rows), logits.device)
    return Choices(
        ids.index_copy(0, places, drawn),
        likeliest.index_copy(0, places, drawn_logprobs.to(likeliest.dtype)),
        likeliest,
    )


def _last_rows(counts: List[int], choices: List[int]) -> list[int]:
    """Where the last rows of each run of rows lie, so many as choices, for runs in turn."""
    rows: list[int] = []
    end = 0
    for count, wanted in zip(counts, choices, strict=True):
        end += count
        rows += range(end - wanted, end)
    return rows
