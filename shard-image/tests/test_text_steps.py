"""Laws of reading many texts at once: nothing is lost, and nobody sees anybody else."""

from itertools import pairwise

import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.nn import functional

from lorax_shard.adapters.table import ResidentAdapter
from lorax_shard.engine.texts import Text, steps
from lorax_shard.layers.routing import LoraSlot
from lorax_shard.layers.text_attention import TextAttention
from lorax_shard.models.pooling import Embedding, Pooling, normalise

LENGTHS = st.lists(st.integers(1, 100), min_size=1, max_size=12)
ADAPTERS = [None, *(ResidentAdapter("", LoraSlot(8, slot), 8, 0) for slot in range(2))]


@settings(deadline=None)
@given(LENGTHS, st.integers(0, 2**16))
def test_texts_attend_to_themselves_alone(lengths: list[int], seed: int) -> None:
    # given
    heads, dim = 2, 4
    qkv = torch.randn(sum(lengths), 3 * heads * dim, generator=torch.Generator().manual_seed(seed))

    # when
    together = TextAttention(lengths, torch.device("cpu")).attend(qkv, heads)

    # then
    for text, output in zip(qkv.split(lengths), together.split(lengths), strict=True):
        query, key, value = text.unflatten(1, (3, heads, dim)).permute(1, 2, 0, 3)
        alone = functional.scaled_dot_product_attention(query, key, value)
        torch.testing.assert_close(output, alone.transpose(0, 1).flatten(1), atol=1e-5, rtol=1e-4)


@given(
    st.lists(st.tuples(st.integers(1, 60), st.sampled_from(ADAPTERS)), min_size=1, max_size=30),
    st.integers(1, 100),
)
def test_steps_hold_every_text_once_and_keep_to_the_budget(
    asked: list[tuple[int, ResidentAdapter | None]], budget: int
) -> None:
    # given
    texts = [Text(place, [1] * length, adapter) for place, (length, adapter) in enumerate(asked)]

    # when
    cut = list(steps(texts, budget))

    # then
    assert sorted(text.request_id for step in cut for text in step) == list(range(len(texts)))
    for step in cut:
        assert len(step) == 1 or sum(map(len, step)) <= budget
    runs = [text.adapter for step in cut for text in step]
    changes = sum(before is not after for before, after in pairwise(runs))
    assert changes == len(set(map(id, runs))) - 1


@settings(deadline=None)
@given(LENGTHS, st.sampled_from(Pooling), st.booleans())
def test_pooling_looks_at_one_text_at_a_time(
    lengths: list[int], pooling: Pooling, normalises: bool
) -> None:
    hidden = torch.randn(sum(lengths), 3, generator=torch.Generator().manual_seed(1))
    embedding = Embedding(pooling, 100, (normalise,) if normalises else ())

    pooled = embedding.pool(hidden, lengths)

    alone = [embedding.pool(text, [len(text)]) for text in hidden.split(lengths)]
    torch.testing.assert_close(pooled, torch.cat(alone))
    if normalises:
        torch.testing.assert_close(pooled.norm(dim=1), torch.ones(len(lengths)))
