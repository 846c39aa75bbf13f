"""Warm-up: one run of a large batch, then the cache gets the memory that is left."""

from collections.abc import Sequence as List
from dataclasses import replace

import torch

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
from lorax_shard.models import Decoder

# Enough to start the thread pools and choose the kernels; what a host's activations take is given
# back to the system after each step, so there is nothing to measure there.
_HOST_TOKENS = 16


def warm_up(
    model: Decoder,
    shape: KvShape,
    tokenizer: Tokenizer,
    memory: DeviceMemory,
    batch: BatchRequest,
    device: torch.device,
) -> KvCache:
    """Runs the batch as far as it teaches something and allocates the cache.

    The router asks for sampling settings here that we refuse elsewhere (a watermark); what is
    measured does not depend on them, so they are left out.
    """
    sequences = _scratch_sequences(batch, tokenizer, model.config.vocab_size, device)
    blocks = 1 + sum(len(sequence.blocks) for sequence in sequences)
    try:
        _run(model, KvCache(shape, blocks, device), sequences, device)
    except torch.OutOfMemoryError:
        tokens = sum(sequence.prompt_length for sequence in sequences)
        raise OutOfMemory(
            f"Not enough memory to handle {tokens} prefill tokens. "
            "You need to decrease `--max-batch-prefill-tokens`"
        ) from None
    available = memory.cache_blocks(shape.block_bytes)
    if available < 2:
        raise OutOfMemory(
            f"no memory is left for the cache: 2 blocks of {shape.block_bytes} bytes do not fit"
        )
    return KvCache(shape, available, device)


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


def _run(model: Decoder, cache: KvCache, sequences: List[Sequence], device: torch.device) -> None:
    model.forward(step_of(sequences, device, model.config.dtype), cache.layers)
    for sequence in sequences:
        sequence.advance(sequence.ids[-1])
    model.forward(step_of(sequences, device, model.config.dtype), cache.layers)
