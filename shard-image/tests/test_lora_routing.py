"""Batched LoRA against a loop over tokens, for all ways in which a batch can be mixed."""

import pytest
import torch

from lorax_shard.layers.lora import LoraSlot, LoraStack, rank_bucket, route_prompts, route_tokens

IN, OUTS, SLOTS = 24, (12, 20), 9
LENGTHS = {
    "identical": [5, 5, 5, 5, 5, 5],
    "uniform": [1, 2, 3, 4, 5, 6],
    "skewed": [40, 1, 1, 1, 1, 1],
}
ADAPTERS = {
    "none": [None] * 6,
    "identical": [3] * 6,
    "distinct": [0, 1, 2, 3, 4, 5],
    "far-apart": [0, 8, 0, 8, 8, 0],
    "with-base": [None, 7, None, 7, 2, None],
    "zipf": [0, 0, 0, 1, 0, 2],
}
TOLERANCE = {torch.float32: 1e-4, torch.bfloat16: 0.15}


def stacks(dtype: torch.dtype) -> dict[int, LoraStack]:
    """One stack for each of two buckets, filled with adapters of various ranks."""
    torch.manual_seed(0)
    filled = {}
    for bucket, ranks in ((8, [1, 3, 8]), (16, [9, 16, 12])):
        stack = LoraStack(bucket, IN, OUTS, torch.empty(0, dtype=dtype))
        stack.grow(SLOTS)
        for slot in range(SLOTS):
            rank = ranks[slot % 3]
            for part, out in enumerate(OUTS):
                if (slot + part) % 4:  # now and then an adapter lacks a projection
                    stack.put(slot, part, torch.randn(rank, IN), torch.randn(out, rank))
        filled[bucket] = stack
    return filled


def by_token(x: torch.Tensor, slots: list[LoraSlot | None], filled) -> torch.Tensor:
    """Each token alone, in float32."""
    rows = []
    for token, slot in zip(x.float(), slots, strict=True):
        if slot is None:
            rows.append(torch.zeros(sum(OUTS)))
            continue
        stack = filled[slot.bucket]
        hidden = (stack.down[slot.slot].float() @ token).split(slot.bucket)
        pieces = zip(hidden, stack.up, strict=True)
        rows.append(torch.cat([piece @ up[slot.slot].float() for piece, up in pieces]))
    return torch.stack(rows)


def mixed(adapters: list[int | None], buckets: list[int]) -> list[LoraSlot | None]:
    return [
        None if slot is None else LoraSlot(bucket, slot)
        for slot, bucket in zip(adapters, buckets, strict=True)
    ]


@pytest.mark.parametrize("dtype", TOLERANCE, ids=str)
@pytest.mark.parametrize("buckets", [[8] * 6, [8, 16, 8, 16, 16, 8]], ids=["one", "two"])
@pytest.mark.parametrize("adapters", ADAPTERS.values(), ids=list(ADAPTERS))
@pytest.mark.parametrize("lengths", [*LENGTHS.values(), None], ids=[*LENGTHS, "decode"])
def test_a_mixed_batch_equals_each_token_alone(adapters, buckets, lengths, dtype) -> None:
    # given
    filled, slots = stacks(dtype), mixed(adapters, buckets)
    counts = lengths or [1] * len(slots)
    x = torch.randn(sum(counts), IN).to(dtype)
    before = torch.randn(sum(counts), sum(OUTS)).to(dtype)
    after = before.clone()

    # when
    device = torch.device("cpu")
    routing = route_prompts(slots, lengths) if lengths else route_tokens(slots, device)
    for bucket in routing.buckets:
        bucket.add_to(after, x, filled[bucket.bucket])

    # then
    each = [slot for slot, count in zip(slots, counts, strict=True) for _ in range(count)]
    expected = before.float() + by_token(x, each, filled)
    error = (after.float() - expected).abs().max() / expected.abs().max().clamp(min=1)
    assert error < TOLERANCE[dtype]
    untouched = torch.tensor([slot is None for slot in each])
    assert torch.equal(after[untouched], before[untouched])


def test_ranks_are_padded_to_powers_of_two() -> None:
    assert [rank_bucket(rank) for rank in (1, 8, 9, 16, 17, 64, 65)] == [8, 8, 16, 16, 32, 64, 128]
