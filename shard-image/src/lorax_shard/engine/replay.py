"""Sequences that a shard which is gone has left unfinished: what they had generated, once more."""

from collections.abc import Iterator
from collections.abc import Sequence as List

import torch
from torch import Tensor

from lorax_shard.engine.sequence import Sequence
from lorax_shard.engine.steps import Run, replay_step
from lorax_shard.kv_cache import KvCache
from lorax_shard.models import Decoder

# Tokens of one forward pass: well below any prompt that warm-up has proved to fit.
_MOST_TOKENS = 256


def replay(
    model: Decoder,
    sequences: List[Sequence],
    logits: Tensor,
    cache: KvCache,
    device: torch.device,
) -> None:
    """Fills the cache with what sequences have generated that this step replays.

    Their prompts are there already.

    The tokens are computed as decode steps computed them the first time, but many at once. Where a
    kernel's result for a row does not depend on its neighbours, as on a host, keys, values and
    logits are the very same bits, so a greedy answer goes on as it would have.

    logits: [len(sequences), vocab], of the last planned token of each; rows of sequences that are
    replayed get those of their last token instead, in place.
    """
    row_of = {id(sequence): row for row, sequence in enumerate(sequences)}
    for runs in _parts(sequences):
        rows = [row_of[id(run.sequence)] for run in runs]
        logits[rows] = model.forward(replay_step(runs, device), cache.layers)


def _parts(sequences: List[Sequence]) -> Iterator[list[Run]]:
    """The generated tokens in passes of bounded size; the last run of a sequence comes last."""
    runs: list[Run] = []
    room = _MOST_TOKENS
    for sequence in sequences:
        if not sequence.is_replayed_by_step:
            continue
        start = sequence.prompt_length
        while start < len(sequence.ids):
            stop = min(start + room, len(sequence.ids))
            runs.append(Run(sequence, start, stop))
            room -= stop - start
            start = stop
            if room == 0:
                yield runs
                runs, room = [], _MOST_TOKENS
    if runs:
        yield runs
