"""Batched LoRA against a loop over tokens, for all ways in which a batch can be mixed."""

import pytest
import torch
from kernel_numbers import rounds, taken

from lorax_shard.layers.lora import new_stack
from lorax_shard.layers.native import native_kernels
from lorax_shard.layers.routing import LoraSlot, rank_bucket, route_padded, route_segments

CPU = torch.device("cpu")
IN, OUTS, SLOTS = 24, (12, 40), 9
LENGTHS = {
    "identical": [5, 5, 5, 5, 5, 5],
    "uniform": [1, 2, 3, 4, 5, 6],
    "skewed": [40, 1, 1, 1, 1, 1],
    "zipf": [60, 30, 20, 15, 12, 10],
    "decode": [1, 1, 1, 1, 1, 1],
}
ADAPTERS = {
    "none": [None] * 6,
    "identical": [3] * 6,
    "distinct": [0, 1, 2, 3, 4, 5],
    "far-apart": [0, 8, 0, 8, 8, 0],
    "with-base": [None, 7, None, 7, 2, None],
    "zipf": [0, 0, 0, 1, 0, 2],
}
KINDS = {"kernels": 1e-5, "segments": 1e-5, "padded": 1e-5, "padded-bf16": 0.15}
WAYS = [
    *((kind, lengths) for kind in ("kernels", "segments") for lengths in LENGTHS),
    # all that padding is for
    *((kind, "decode") for kind in ("padded", "padded-bf16")),
]


def adapters(dtype: torch.dtype) -> dict[tuple[int, int, int], tuple[torch.Tensor, torch.Tensor]]:
    """(bucket, slot, projection) -> the two matrices; now and then an adapter lacks one."""
    torch.manual_seed(0)
    return {
        (bucket, slot, part): (
            torch.randn(ranks[slot % 3], IN).to(dtype),
            torch.randn(out, ranks[slot % 3]).to(dtype),
        )
        for bucket, ranks in ((8, [1, 3, 8]), (16, [9, 16, 12]))
        for slot in range(SLOTS)
        for part, out in enumerate(OUTS)
        if (slot + part) % 4
    }


def by_token(
    x: torch.Tensor, slots: list[LoraSlot | None], matrices, dtype: torch.dtype
) -> torch.Tensor:
    """Each token alone, as products with adapters in this dtype take it."""
    rows = []
    for token, slot in zip(taken(x.float(), dtype).float(), slots, strict=True):
        pieces = [torch.zeros(out) for out in OUTS]
        for part in range(len(OUTS)):
            pair = matrices.get((slot.bucket, slot.slot, part)) if slot else None
            if pair is not None:
                hidden = taken(pair[0].float() @ token, dtype).float()
                pieces[part] = pair[1].float() @ hidden
        rows.append(torch.cat(pieces))
    return torch.stack(rows)


@pytest.mark.parametrize("stored", [torch.float32, torch.bfloat16], ids=str)
@pytest.mark.parametrize("buckets", [[8] * 6, [8, 16, 8, 16, 16, 8]], ids=["one", "two"])
@pytest.mark.parametrize("mix", ADAPTERS)
@pytest.mark.parametrize(("kind", "lengths"), WAYS)
def test_a_mixed_batch_equals_each_token_alone(kind, stored, mix, buckets, lengths) -> None:
    # given stacks that hold every adapter
    computed = torch.bfloat16 if kind == "padded-bf16" else torch.float32
    kept = stored if kind == "kernels" else computed
    kernels = native_kernels(CPU, kept) if kind == "kernels" else None
    assert (kernels is None) == (kind != "kernels"), "build_kernels.py was not run"
    matrices = adapters(stored)
    stacks = {
        bucket: new_stack(bucket, IN, OUTS, torch.empty(0, dtype=kept), kernels)
        for bucket in (8, 16)
    }
    for (bucket, slot, part), (down, up) in matrices.items():
        stacks[bucket].grow(SLOTS)
        stacks[bucket].put(slot, part, down, up / 2, scale=2.0)
    slots = [
        None if slot is None else LoraSlot(bucket, slot)
        for slot, bucket in zip(ADAPTERS[mix], buckets, strict=True)
    ]
    counts = LENGTHS[lengths]
    x = torch.randn(sum(counts), IN).to(computed)
    before = torch.randn(sum(counts), sum(OUTS)).to(computed)
    after = before.clone()

    # when
    if kind.startswith("padded"):
        routing = route_padded(slots, CPU)
    else:
        routing = route_segments(slots, counts, CPU)
    for bucket in routing.buckets:
        stacks[bucket.bucket].add(after, x, bucket)

    # then
    each = [slot for slot, count in zip(slots, counts, strict=True) for _ in range(count)]
    multiplied = stored if kind == "kernels" else torch.float32
    expected = before.float() + by_token(x, each, matrices, multiplied)
    error = (after.float() - expected).abs().max() / expected.abs().max().clamp(min=1)
    # What lies between two numbers of bfloat16 may be rounded to either.
    assert error < (2**-9 if rounds(multiplied) else KINDS[kind])
    untouched = torch.tensor([slot is None for slot in each])
    assert torch.equal(after[untouched], before[untouched])


def test_a_slot_that_is_given_away_holds_nothing_of_its_former_adapter() -> None:
    for kernels in (None, native_kernels(CPU, torch.float32)):
        # given
        stack = new_stack(8, IN, OUTS, torch.empty(0), kernels)
        stack.grow(2)
        stack.put(1, 0, torch.randn(8, IN), torch.randn(OUTS[0], 8), scale=1.0)

        # when
        stack.clear(1)
        stack.grow(4)

        # then
        output = torch.ones(1, sum(OUTS))
        (bucket,) = route_segments([LoraSlot(8, 1)], [1], CPU).buckets
        stack.add(output, torch.randn(1, IN), bucket)
        assert torch.equal(output, torch.ones(1, sum(OUTS)))


def test_neighbours_of_one_adapter_are_one_segment() -> None:
    slots = [None, LoraSlot(8, 2), LoraSlot(8, 2), LoraSlot(16, 2), LoraSlot(8, 0)]

    eight, sixteen = route_segments(slots, [3, 1, 4, 2, 5], CPU).buckets

    assert eight.runs == [(3, 8, 2), (10, 15, 0)]
    assert eight.table.tolist() == [[3, 8, 2], [10, 15, 0]]
    assert sixteen.table.tolist() == [[8, 10, 2]]


def test_ranks_are_padded_to_powers_of_two() -> None:
    assert [rank_bucket(rank) for rank in (1, 8, 9, 16, 17, 64, 65)] == [8, 8, 16, 16, 32, 64, 128]
