"""Several shards of one model give the answers of one."""

import grpc
import pytest
from conftest import ADAPTER_IDS
from hypothesis import given
from hypothesis import strategies as st
from shard_process import launch, start_group
from testing_router import TestingRouter
from tiny_model import ADAPTERS, TinyModel

from lorax_shard.layers.parallel import share_heads, split_evenly
from lorax_shard.pb import generate_pb2 as pb

PROMPTS = [tuple(range(60, 95)), tuple(range(120, 130)), (40, 41, 42)]


@pytest.mark.parametrize("world", [2, 4])
def test_a_group_of_shards_answers_like_transformers(
    tiny: TinyModel, greedy, tmp_path_factory: pytest.TempPathFactory, world: int
) -> None:
    # given shards that hold unequal numbers of heads, and adapters in other slots
    folder = tmp_path_factory.mktemp("group")
    group = start_group(folder, tiny.directory, tiny.adapter_root, world, extra=("--sharded",))
    try:
        router = TestingRouter(group)
        router.load_at_once(dict(enumerate(ADAPTERS, 1)))

        # when
        mix = [(prompt, adapter) for adapter in range(len(ADAPTER_IDS)) for prompt in PROMPTS]
        requests = [router.request(list(prompt), adapter) for prompt, adapter in mix]
        answers = router.run(*requests)
        sampled = [
            router.request(list(PROMPTS[0]), 1, temperature=1.1, do_sample=True, seed=seed)
            for seed in range(2 * world)
        ]
        drawn = router.run(*sampled)

        # and with prompts that come in chunks and begin with blocks of the same prompt before
        cut = [
            router.request(
                list(prompt), adapter, prefix_of=(before, len(prompt) // 33 * 32), chunk=2
            )
            for (prompt, adapter), before in zip(mix, requests, strict=True)
        ]
        running = router.prefill(*cut[::2])
        router.finish(router.prefill(*cut[1::2], joined=running))
        in_parts = [router.answers.pop(request.id) for request in cut]

        # then
        assert [answer.ids for answer in in_parts] == [answer.ids for answer in answers]
        assert [answer.ids for answer in answers] == [greedy(*pair, 12) for pair in mix]
        assert all(len(answer.ids) == answer.final.generated_tokens for answer in drawn)
        urls = router.master.ServiceDiscovery(pb.ServiceDiscoveryRequest()).urls
        assert list(urls) == [f"unix://{shard.socket_path}" for shard in group.shards]
    finally:
        group.stop()


def test_shards_tell_only_their_own_requests_and_notice_disorder(
    tiny: TinyModel, tmp_path_factory: pytest.TempPathFactory
) -> None:
    folder = tmp_path_factory.mktemp("group")
    group = start_group(folder, tiny.directory, tiny.adapter_root, 2)
    try:
        # given
        router = TestingRouter(group)
        requests = [router.request(list(PROMPTS[0])) for _ in range(3)]
        batch = pb.PrefillRequest(batch=pb.Batch(id=77, requests=requests, size=3))

        # when
        responses = router.fan_out("Prefill", batch)

        # then
        for rank, response in enumerate(responses):
            told = [generation.request_id for generation in response.generations]
            assert told == [request.id for request in requests if request.id % 2 == rank]
            assert list(response.batch.request_ids) == [request.id for request in requests]

        # when the shards are asked for different steps
        other = pb.Batch(id=78, requests=[router.request(list(PROMPTS[1]))], size=1)
        calls = [
            router.stubs[0].Decode.future(pb.DecodeRequest(batches=[responses[0].batch])),
            router.stubs[1].Prefill.future(pb.PrefillRequest(batch=other)),
        ]

        # and for the same requests in another order
        swapped = [router.request(list(PROMPTS[0])) for _ in range(2)]
        for stub, order in zip(router.stubs, (swapped, swapped[::-1]), strict=True):
            rows = pb.PrefillRequest(batch=pb.Batch(id=79, requests=order, size=2))
            calls.append(stub.Prefill.future(rows))

        # then all refuse and lose nothing
        for call in calls:
            with pytest.raises(grpc.RpcError) as refused:
                call.result(timeout=60)
            assert "shards disagree on the step to run" in refused.value.details()
        router.finish(responses[0].batch)
    finally:
        group.stop()


def test_more_shards_than_heads_are_refused(tiny: TinyModel, folder) -> None:
    with pytest.raises(ValueError, match="10 shards need at least 10 attention heads"):
        share_heads(query_heads=9, kv_heads=3, shards=10)


@given(st.integers(0, 200), st.integers(1, 20))
def test_even_splits_cover_everything_once(total: int, count: int) -> None:
    parts = split_evenly(total, count)

    assert [item for part in parts for item in part] == list(range(total))
    assert max(map(len, parts)) - min(map(len, parts)) <= 1


@given(st.integers(1, 8), st.integers(1, 8), st.data())
def test_every_query_head_is_dealt_once_with_its_kv_head(kv_heads: int, group: int, data) -> None:
    heads = kv_heads * group
    shares = share_heads(heads, kv_heads, data.draw(st.integers(1, heads)))

    assert [head for share in shares for head in share.query_heads] == list(range(heads))
    for share in shares:
        readers = share.queries_per_kv_head
        assert readers * len(share.kv_heads) == len(share.query_heads) > 0
        for place, head in enumerate(share.query_heads):
            assert share.kv_heads[place // readers] == head // group


def test_a_shard_that_is_told_a_wrong_place_says_so(tiny: TinyModel, folder) -> None:
    shard = launch(folder, [str(tiny.directory)], {"RANK": "2", "WORLD_SIZE": "2"})

    assert shard.process.wait(timeout=60) == 1
    assert "RANK 2 must be at least 0 and below WORLD_SIZE 2" in shard.log()
