"""Adapters from a hub: downloaded beside running streams, with the token of the request alone."""

import time
from collections.abc import Iterator
from pathlib import Path

import grpc
import pytest
from shard_process import ShardGroup, start_group
from testing_hub import TOKEN, TestingHub, repository_of, serving_hub
from testing_router import TestingRouter
from tiny_model import TinyModel

from lorax_shard.pb import generate_pb2 as pb

PROMPT = tuple(range(60, 95))
INDEX = 9


@pytest.fixture(scope="module")
def hub_of_module() -> Iterator[TestingHub]:
    with serving_hub() as running:
        yield running


@pytest.fixture
def hub(hub_of_module: TestingHub) -> TestingHub:
    """The hub, empty, for whoever starts a shard with it."""
    hub_of_module.repositories.clear()
    hub_of_module.seen.clear()
    hub_of_module.seconds_per_request = 0.0
    return hub_of_module


@pytest.fixture
def slow_hub() -> Iterator[TestingHub]:
    with serving_hub() as running:
        yield running


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("hub-cache")


@pytest.fixture(scope="module")
def shard(
    hub_of_module: TestingHub,
    cache: Path,
    tiny: TinyModel,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[ShardGroup]:
    folder, with_hub = tmp_path_factory.mktemp("hub"), hub_environment(hub_of_module, cache)
    group = start_group(folder, tiny.directory, tiny.adapter_root, environment=with_hub)
    yield group
    group.stop()


def hub_environment(hub: TestingHub, cache: Path) -> dict[str, str]:
    return {
        "HF_ENDPOINT": hub.endpoint,
        "HUGGINGFACE_HUB_CACHE": str(cache),
        # The server's own token must not open its private adapters to everybody.
        "HF_TOKEN": TOKEN,
    }


def download(group: ShardGroup, adapter_id: str, token: str | None = None) -> float:
    request = pb.DownloadAdapterRequest(
        adapter_parameters=pb.AdapterParameters(adapter_ids=[adapter_id]),
        adapter_source=pb.HUB,
        api_token=token,
    )
    answer = group.stubs()[0].DownloadAdapter(request, timeout=60)
    assert answer.downloaded
    return answer.memory_fraction


def refusal(group: ShardGroup, adapter_id: str, token: str | None = None) -> str:
    with pytest.raises(grpc.RpcError) as refused:
        download(group, adapter_id, token)
    return refused.value.details()


def test_an_adapter_comes_from_the_hub_and_serves(
    hub: TestingHub, shard: ShardGroup, tiny: TinyModel, greedy, cache: Path
) -> None:
    # given an adapter with more in its repository than is needed
    hub.repositories["org/sums"] = repository_of(tiny.adapter_root / "every-module")
    hub.repositories["org/sums"].files["optimizer.pt"] = b"x" * 5000
    router = TestingRouter(shard)

    # when
    assert download(shard, "org/sums") > 0
    request = {
        "adapter_parameters": pb.AdapterParameters(adapter_ids=["org/sums"]),
        "adapter_source": pb.HUB,
    }
    router.fan_out("LoadAdapter", pb.LoadAdapterRequest(**request, adapter_index=INDEX))
    (answer,) = router.run(router.request(list(PROMPT), INDEX))

    # then it is what PEFT makes of it, in the layout that other programs share
    assert answer.ids == greedy(PROMPT, 1, 12)
    snapshot = cache / "models--org--sums" / "snapshots" / hub.repositories["org/sums"].commit
    names = {path.name for path in snapshot.iterdir()}
    assert names == {"adapter_config.json", "adapter_model.safetensors"}
    assert all(path.is_symlink() for path in snapshot.iterdir())

    # and what is here already is only asked for, not sent again
    hub.seen.clear()
    download(shard, "org/sums")
    assert hub.paths("api") == ["/api/models/org/sums/revision/main"]
    assert hub.paths("content") == []


def test_only_the_token_of_the_request_opens_an_adapter(
    hub: TestingHub, shard: ShardGroup, tiny: TinyModel
) -> None:
    # given
    hub.repositories["org/secret"] = repository_of(tiny.adapter_root / "head", private=True)

    # when, then: nothing for those without it, before and after it was downloaded
    assert "this request came with none: send it as api_token" in refusal(shard, "org/secret")
    assert download(shard, "org/secret", TOKEN) > 0
    assert "it is private and needs a token" in refusal(shard, "org/secret")
    assert "does not know the token" in refusal(shard, "org/secret", "hf_wrong")
    assert {request.authorization for request in hub.seen if request.host == "content"} == {None}
    log = shard.shards[0].log()
    assert TOKEN not in log
    assert "hf_wrong" not in log


REFUSALS = {
    "org/nothing": "was not found on",
    "org/gated": "is gated: accept its conditions at",
    "org/sums@v9": "has no branch, tag or commit v9",
    "org/base": "has no adapter_config.json",
    "org/empty": "has no weights at",
    "../../etc": "is no id of source hub: expected owner/name",
    "org/sums@../../x": "the revision after @ must be",
    "org/damaged": "adapter_model.safetensors came damaged: expected sha256",
}


def test_what_cannot_be_had_is_said_in_a_sentence(
    hub: TestingHub, shard: ShardGroup, tiny: TinyModel
) -> None:
    # given
    head = tiny.adapter_root / "head"
    hub.repositories |= {
        "org/sums": repository_of(head),
        "org/gated": repository_of(head, gated=True),
        "org/damaged": repository_of(head, damage=b"garbage"),
        "org/base": repository_of(head),
        "org/empty": repository_of(head),
    }
    del hub.repositories["org/base"].files["adapter_config.json"]
    del hub.repositories["org/empty"].files["adapter_model.safetensors"]

    for adapter_id, reason in REFUSALS.items():
        # when
        message = refusal(shard, adapter_id)

        # then
        assert reason in message
        assert message.startswith("adapter ")
        assert "\n" not in message
        assert shard.shards[0].log_records()[-1]["exception"] is None

    # and a hub that is mended is asked again
    hub.repositories["org/damaged"].damage = b""
    assert download(shard, "org/damaged") > 0


def test_a_slow_hub_delays_no_stream_and_no_stop(
    slow_hub: TestingHub, cache: Path, tiny: TinyModel, folder: Path
) -> None:
    # given a hub that takes its time
    slow_hub.repositories["org/slow"] = repository_of(tiny.adapter_root / "head")
    slow_hub.seconds_per_request = 60
    short = hub_environment(slow_hub, cache) | {"LORAX_ADAPTER_DOWNLOAD_TIMEOUT_S": "4"}
    group = start_group(folder, tiny.directory, tiny.adapter_root, environment=short)
    router = TestingRouter(group)
    stub = group.stubs()[0]
    request = pb.DownloadAdapterRequest(
        adapter_parameters=pb.AdapterParameters(adapter_ids=["org/slow"]), adapter_source=pb.HUB
    )

    # when
    waiting = stub.DownloadAdapter.future(request, timeout=60)
    answers = 0
    while not waiting.done():
        router.run(router.request(list(PROMPT)))
        answers += 1

    # then
    assert "did not come from hub within 4 s" in waiting.exception().details()
    assert answers > 10

    # when it stops in the middle of the next one
    slow_hub.seen.clear()
    # kept: a call that nobody holds any more is cancelled, and may never reach the shard
    unanswered = stub.DownloadAdapter.future(request, timeout=60)
    while not slow_hub.seen:
        assert not unanswered.done(), unanswered.exception()
        time.sleep(0.01)
    began = time.monotonic()

    # then
    assert group.shards[0].stop() == 0
    assert time.monotonic() - began < 3.5
    assert "this shard is stopping" in unanswered.exception().details()


def test_offline_serves_the_cache_and_says_so(
    hub: TestingHub, shard: ShardGroup, cache: Path, tiny: TinyModel, folder: Path
) -> None:
    # given one adapter in the cache
    hub.repositories["org/cached"] = repository_of(tiny.adapter_root / "head")
    download(shard, "org/cached")
    hub.seen.clear()

    # when
    offline = hub_environment(hub, cache) | {"HF_HUB_OFFLINE": "1"}
    group = start_group(folder, tiny.directory, tiny.adapter_root, environment=offline)

    # then
    assert download(group, "org/cached") > 0
    assert "unset HF_HUB_OFFLINE to download it" in refusal(group, "org/other")
    assert hub.seen == []
    group.stop()
