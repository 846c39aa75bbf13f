"""Warm-up: one run of a large batch, then the cache gets the memory that is left."""

import logging
from collections.abc import Sequence as List
from dataclasses import dataclass, replace

import torch

from lorax_shard.adapters.table import AdapterTable
from lorax_shard.engine.graph_proof import space_for_graphs
from lorax_shard.engine.graphs import Capturing
from lorax_shard.engine.limits import OutOfMemory
from lorax_shard.engine.memory import DeviceMemory
from lorax_shard.engine.messages import (
    BatchRequest,
    InvalidRequest,
    SamplingParameters,
    StoppingParameters,
)
from lorax_shard.engine.sequence import Sequence, prompt_ids
from lorax_shard.engine.steps import step_of
from lorax_shard.engine.tokenizer import Tokenizer
from lorax_shard.kv_cache import BLOCK_SIZE, KvCache, KvShape
from lorax_shard.layers.step import StepContext
from lorax_shard.models import Decoder

_LOG = logging.getLogger(__name__)
# Enough to start the thread pools and choose the kernels; what a host's activations take is given
# back to the system after each step, so there is nothing to measure there.
_HOST_TOKENS = 16


@dataclass(frozen=True, slots=True)
class Warmth:
    """What warm-up has found out."""

    cache: KvCache
    can_replay: bool  # whether decode steps may be captured and replayed


def warm_up(
    model: Decoder,
    adapters: AdapterTable,
    capturing: Capturing | None,
    shape: KvShape,
    tokenizer: Tokenizer,
    memory: DeviceMemory,
    batch: BatchRequest,
    device: torch.device,
) -> Warmth:
    """Runs the batch as far as it teaches something and allocates the cache.

    capturing: how decode steps may be captured; whether that works is tried.

    The router asks for sampling settings here that we refuse elsewhere (a watermark); what is
    measured does not depend on them, so they are left out.
    """
    sequences = _scratch_sequences(batch, tokenizer, model.config.vocab_size, device)
    blocks = 1 + sum(len(sequence.blocks) for sequence in sequences)
    scratch = KvCache(shape, blocks, device)
    space: int | None = None
    try:
        decoding = _run(model, scratch, sequences, device)
        if capturing is not None:
            space = space_for_graphs(model, scratch, adapters, capturing, memory, decoding, device)
    except torch.OutOfMemoryError:
        tokens = sum(sequence.prompt_length for sequence in sequences)
        raise OutOfMemory(
            f"Not enough memory to handle {tokens} prefill tokens. "
            "You need to decrease `--max-batch-prefill-tokens`"
        ) from None
    room = memory.cache_space(shape.block_bytes, space or 0)
    if room.blocks < 2:
        raise OutOfMemory(f"no memory is left for the cache, which needs 2 blocks: {room.account}")
    _LOG.info("the cache's %s", room.account)
    return Warmth(KvCache(shape, room.blocks, device), space is not None)


def _scratch_sequences(
    batch: BatchRequest, tokenizer: Tokenizer, vocab_size: int, device: torch.device
) -> list[Sequence]:
    if not batch.requests:
        raise InvalidRequest("the warm-up batch is empty")
    sequences: list[Sequence] = []
    block = 1
    for request in batch.requests if device.type == "cuda" else batch.requests[:1]:
        prompt = prompt_ids(request, tokenizer, vocab_size)
        if device.type != "cuda":
            prompt = prompt[:_HOST_TOKENS]
        plain = replace(
            request, sampling=SamplingParameters(), stopping=StoppingParameters(max_new_tokens=2)
        )
        count = len(prompt) // BLOCK_SIZE + 1
        blocks = range(block, block + count)
        block += count
        sequences.append(Sequence(plain, prompt, blocks, None, tokenizer))
    return sequences


def _run(
    model: Decoder, cache: KvCache, sequences: List[Sequence], device: torch.device
) -> StepContext:
    """Prompts, and the step after them, which is returned."""
    model.forward(step_of(sequences, device, model.config.dtype), cache.layers)
    for sequence in sequences:
        sequence.advance(sequence.ids[-1])
    decoding = step_of(sequences, device, model.config.dtype)
    model.forward(decoding, cache.layers)
    return decoding
