"""From sequences to the tensors of one step."""

from collections.abc import Sequence as List
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from lorax_shard.engine.sequence import Sequence
from lorax_shard.kv_cache import BLOCK_SIZE
from lorax_shard.layers.attention import DecodePlan, PrefillPlan
from lorax_shard.layers.native import native_kernels, uses_triton
from lorax_shard.layers.routing import LoraRouting, LoraSlot, route_padded, route_segments
from lorax_shard.layers.step import StepContext


@dataclass(frozen=True, slots=True)
class Run:
    """Neighbouring tokens of one sequence, at positions start to stop."""

    sequence: Sequence
    start: int
    stop: int


def prefill_step(sequences: List[Sequence], device: torch.device) -> StepContext:
    """All prompts, one after another. Wanted logits: the last token, or the whole prompt."""
    lengths = [sequence.prompt_length for sequence in sequences]
    wanted = [logit_count(sequence) for sequence in sequences]
    ends = np.cumsum(lengths)
    rows = np.concatenate(
        [np.arange(end - count, end) for end, count in zip(ends, wanted, strict=True)]
    )
    slots = _lora_slots(sequences)
    cache_slots = [sequence.slots(0, sequence.prompt_length) for sequence in sequences]
    return StepContext(
        token_ids=_tensor(np.concatenate([sequence.prompt for sequence in sequences]), device),
        positions=_tensor(np.concatenate([np.arange(length) for length in lengths]), device),
        attention=PrefillPlan(
            lengths,
            _tensor(np.concatenate(cache_slots), device),
        ),
        lora=route_segments(slots, lengths, device),
        logit_rows=_tensor(rows, device),
        logit_lora=route_segments(slots, wanted, device),
    )


def logit_count(sequence: Sequence) -> int:
    """Rows of logits that a prompt yields."""
    return sequence.prompt_length if sequence.request.prefill_logprobs else 1


def decode_step(sequences: List[Sequence], device: torch.device, dtype: torch.dtype) -> StepContext:
    """The last token of every sequence, which is not in the cache yet."""
    lengths = np.array([len(sequence.ids) for sequence in sequences])  # context, new token included
    tables = _block_tables(sequences, int(lengths.max()))
    positions = lengths - 1
    own = np.take_along_axis(tables, (positions // BLOCK_SIZE)[:, None], axis=1)[:, 0]
    lora = _route_decode(_lora_slots(sequences), device, dtype)
    return StepContext(
        token_ids=_tensor(np.array([sequence.ids[-1] for sequence in sequences]), device),
        positions=_tensor(positions, device),
        attention=DecodePlan(
            _tensor(own * BLOCK_SIZE + positions % BLOCK_SIZE, device),
            _tensor(tables, device),
            _tensor(lengths, device),
        ),
        lora=lora,
        logit_rows=None,
        logit_lora=lora,
    )


def replay_step(runs: List[Run], device: torch.device) -> StepContext:
    """Generated tokens that are not in the cache, each computed as a decode step would.

    A row sees the rows before it in its sequence: a layer writes all keys and values to the cache
    before any row attends. Wanted logits: the last token of each run.
    """
    counts = [run.stop - run.start for run in runs]
    sequences = [run.sequence for run in runs]
    slots = _lora_slots(sequences)
    positions = np.concatenate([np.arange(run.start, run.stop) for run in runs])
    tables = _block_tables(sequences, max(run.stop for run in runs))
    return StepContext(
        token_ids=_tensor(
            np.concatenate([run.sequence.ids[run.start : run.stop] for run in runs]), device
        ),
        positions=_tensor(positions, device),
        attention=DecodePlan(
            _tensor(
                np.concatenate([run.sequence.slots(run.start, run.stop) for run in runs]), device
            ),
            _tensor(np.repeat(tables, counts, axis=0), device),
            _tensor(positions + 1, device),
        ),
        lora=route_segments(slots, counts, device),
        logit_rows=_tensor(np.cumsum(counts) - 1, device),
        logit_lora=route_segments(slots, [1] * len(runs), device),
    )


def order_by_adapter(sequences: List[Sequence]) -> list[Sequence]:
    """The same sequences, those of one adapter side by side and those without one first."""

    def place(sequence: Sequence) -> tuple[int, int]:
        slot = sequence.adapter.slot if sequence.adapter else None
        return (slot.bucket, slot.slot) if slot else (0, 0)

    return sorted(sequences, key=place)


def _block_tables(sequences: List[Sequence], context: int) -> np.ndarray:
    """Blocks of the sequences as far as the longest context goes: [B, N], padded with block 0."""
    width = (context + BLOCK_SIZE - 1) // BLOCK_SIZE
    tables = np.zeros((len(sequences), width), dtype=np.int64)
    for row, sequence in enumerate(sequences):
        blocks = sequence.blocks[:width]
        tables[row, : len(blocks)] = blocks
    return tables


def _route_decode(
    slots: list[LoraSlot | None], device: torch.device, dtype: torch.dtype
) -> LoraRouting:
    if native_kernels(device, dtype) is not None or uses_triton(device):
        return route_segments(slots, [1] * len(slots), device)
    return route_padded(slots, device)


def _lora_slots(sequences: List[Sequence]) -> list[LoraSlot | None]:
    return [sequence.adapter.slot if sequence.adapter else None for sequence in sequences]


def _tensor(array: np.ndarray, device: torch.device) -> Tensor:
    return torch.from_numpy(np.ascontiguousarray(array, dtype=np.int64)).to(device)
