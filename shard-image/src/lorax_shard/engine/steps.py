"""From sequences to the tensors of one step."""

from collections.abc import Sequence as List
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from lorax_shard.engine.sequence import Sequence
from lorax_shard.kv_cache import BLOCK_SIZE
from lorax_shard.layers.attention import DecodePlan
from lorax_shard.layers.native import native_kernels, uses_triton
from lorax_shard.layers.prefill import DecodedRows, PrefillPlan, Span
from lorax_shard.layers.routing import LoraRouting, LoraSlot, route_padded, route_segments
from lorax_shard.layers.step import StepContext


@dataclass(frozen=True, slots=True)
class Run:
    """Neighbouring tokens of one sequence, at positions start to stop."""

    sequence: Sequence
    start: int
    stop: int

    def __len__(self) -> int:
        """Tokens."""
        return self.stop - self.start


def step_of(sequences: List[Sequence], device: torch.device, dtype: torch.dtype) -> StepContext:
    """The planned tokens of all sequences, and their drafts, which no step with prompts has."""
    if all(sequence.is_decoding for sequence in sequences):
        return _decode_step(sequences, device, dtype)
    return _prefill_step(sequences, device)


def step_behind(before: StepContext, token_ids: Tensor) -> StepContext | None:
    """The decode step behind another one of the same sequences, which have all gone on by one.

    token_ids [B]: what the other one has brought them. Made of its tensors, on the device. None
    where its tables have no place for what comes behind it.
    """
    plan = before.attention
    assert isinstance(plan, DecodePlan)
    tables = plan.block_tables
    if plan.room == 0:
        return None
    positions = plan.lengths
    own = tables.gather(1, (positions // BLOCK_SIZE)[:, None])[:, 0]
    return StepContext(
        token_ids,
        positions,
        DecodePlan(
            slots=torch.add(positions % BLOCK_SIZE, own, alpha=BLOCK_SIZE),
            block_tables=tables,
            lengths=positions + 1,
            room=plan.room - 1,
        ),
        before.lora,
        None,
        before.logit_lora,
    )


def logit_count(sequence: Sequence) -> int:
    """Rows of logits that a step yields for a sequence.

    The last one and those of its draft, or all of a prompt.
    """
    wants_all = sequence.request.prefill_logprobs and sequence.is_prefilling
    return sequence.planned if wants_all else 1 + len(sequence.draft)


def _prefill_step(sequences: List[Sequence], device: torch.device) -> StepContext:
    """Parts of prompts and single tokens, one sequence after another."""
    lengths = [sequence.planned for sequence in sequences]
    wanted = [logit_count(sequence) for sequence in sequences]
    ends = np.cumsum(lengths)
    rows = [np.arange(end - count, end) for end, count in zip(ends, wanted, strict=True)]
    firsts = (ends - lengths).tolist()
    singles = [row for row, sequence in enumerate(sequences) if sequence.is_decoding]
    spans = [
        _span(sequence, first, device)
        for sequence, first in zip(sequences, firsts, strict=True)
        if not sequence.is_decoding
    ]
    decoded = None
    if singles:
        runs = [_next_run(sequences[row]) for row in singles]
        plan = _decode_plan(runs, _positions(runs), device)
        decoded = DecodedRows(_tensor(np.array([firsts[row] for row in singles]), device), plan)
    lora = _lora_slots(sequences)
    tokens = [seq.ids[seq.cached : seq.cached + seq.planned] for seq in sequences]
    positions = [np.arange(seq.cached, seq.cached + seq.planned) for seq in sequences]
    slots = [sequence.planned_slots() for sequence in sequences]
    return StepContext(
        token_ids=_tensor(np.concatenate(tokens), device),
        positions=_tensor(np.concatenate(positions), device),
        attention=PrefillPlan(spans, _tensor(np.concatenate(slots), device), decoded),
        lora=route_segments(lora, lengths, device),
        logit_rows=_tensor(np.concatenate(rows), device),
        logit_lora=route_segments(lora, wanted, device),
    )


def _span(sequence: Sequence, first_row: int, device: torch.device) -> Span:
    start, length = sequence.cached, sequence.planned
    blocks = None
    if start:
        blocks = _tensor(sequence.blocks[: -(-(start + length) // BLOCK_SIZE)], device)
    return Span(first_row, length, start, blocks)


def _decode_step(
    sequences: List[Sequence], device: torch.device, dtype: torch.dtype
) -> StepContext:
    """The last token of every sequence, which is not in the cache yet, and its draft behind it."""
    runs = [_next_run(sequence) for sequence in sequences]
    counts = [len(run) for run in runs]
    slots = _lora_slots(sequences)
    if native_kernels(device, dtype) is not None or uses_triton(device):
        # They read as far as a context goes, so tables may be wide enough for all that follows.
        width = max(sequence.used_blocks for sequence in sequences)
        lora = route_segments(slots, counts, device)
        return _rows_step(runs, None, lora, lora, device, width)
    by_row = [slot for slot, count in zip(slots, counts, strict=True) for _ in range(count)]
    lora = route_padded(by_row, device)
    return _rows_step(runs, None, lora, lora, device)


def replay_step(runs: List[Run], device: torch.device) -> StepContext:
    """Generated tokens that are not in the cache, each computed as a decode step would.

    Wanted logits: the last token of each run.
    """
    slots = _lora_slots([run.sequence for run in runs])
    counts = [len(run) for run in runs]
    return _rows_step(
        runs,
        _tensor(np.cumsum(counts) - 1, device),
        route_segments(slots, counts, device),
        route_segments(slots, [1] * len(runs), device),
        device,
    )


def _rows_step(
    runs: List[Run],
    logit_rows: Tensor | None,
    lora: LoraRouting,
    logit_lora: LoraRouting,
    device: torch.device,
    table_width: int = 0,
) -> StepContext:
    """Runs whose every token is a row of decode attention.

    A row sees the rows before it in its run: a layer writes all keys and values to the cache before
    any row attends.
    """
    tokens = [token for run in runs for token in run.sequence.tokens(run.start, run.stop)]
    positions = _positions(runs)
    return StepContext(
        token_ids=_tensor(np.array(tokens), device),
        positions=_tensor(positions, device),
        attention=_decode_plan(runs, positions, device, table_width),
        lora=lora,
        logit_rows=logit_rows,
        logit_lora=logit_lora,
    )


def _next_run(sequence: Sequence) -> Run:
    return Run(sequence, sequence.cached, sequence.cached + 1 + len(sequence.draft))


def _positions(runs: List[Run]) -> np.ndarray:
    """Places in their sequences: [sum of lengths]. Most runs are too short for arrays of theirs."""
    return np.array([place for run in runs for place in range(run.start, run.stop)])


def _decode_plan(
    runs: List[Run], positions: np.ndarray, device: torch.device, table_width: int = 0
) -> DecodePlan:
    """table_width: blocks of each sequence that there is place for; at least its context's."""
    longest = max(run.stop for run in runs)
    width = max(table_width, -(-longest // BLOCK_SIZE))
    tables = _block_tables([run.sequence for run in runs], width)
    if len(positions) > len(runs):
        tables = np.repeat(tables, [len(run) for run in runs], axis=0)
    own = tables[np.arange(len(positions)), positions // BLOCK_SIZE]
    return DecodePlan(
        slots=_tensor(own * BLOCK_SIZE + positions % BLOCK_SIZE, device),
        block_tables=_tensor(tables, device),
        lengths=_tensor(positions + 1, device),  # context, the token itself included
        has_followers=len(positions) > len(runs),
        room=width * BLOCK_SIZE - longest,
    )


def plan_chunks(sequences: List[Sequence], budget: int) -> None:
    """Says how much of each unfinished prompt the next step computes.

    Every prompt gets at least one token, and the oldest as many as the budget has, so that its
    first token comes soon. Ids count upwards. Upstream also takes the decoded tokens off the
    budget; here prompts go on as fast however many requests run.
    """
    left = budget
    unfinished = [sequence for sequence in sequences if sequence.is_prefilling]
    for sequence in sorted(unfinished, key=lambda sequence: sequence.request.id):
        rest = sequence.prompt_length - sequence.cached
        sequence.planned = max(1, min(rest, left))
        left -= sequence.planned


def _block_tables(sequences: List[Sequence], width: int) -> np.ndarray:
    """The first blocks of the sequences: [B, width], padded with block 0."""
    tables = np.zeros((len(sequences), width), dtype=np.int64)
    for row, sequence in enumerate(sequences):
        blocks = sequence.blocks[:width]
        tables[row, : len(blocks)] = blocks
    return tables


def _lora_slots(sequences: List[Sequence]) -> list[LoraSlot | None]:
    return [sequence.adapter.slot if sequence.adapter else None for sequence in sequences]


def _tensor(array: np.ndarray, device: torch.device) -> Tensor:
    return torch.from_numpy(np.ascontiguousarray(array, dtype=np.int64)).to(device)
