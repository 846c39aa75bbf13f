"""Adapters from an S3-compatible store, with the server's credentials."""

from collections.abc import Iterator
from pathlib import Path

import grpc
import pytest
from shard_process import ShardGroup, start_group
from testing_router import TestingRouter
from testing_s3 import BUCKET, TestingStore, serving_store
from tiny_model import TinyModel

from lorax_shard.pb import generate_pb2 as pb

PROMPT = tuple(range(60, 95))
INDEX = 9


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TestingStore]:
    with serving_store(tmp_path_factory.mktemp("store")) as running:
        yield running


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("s3-cache")


@pytest.fixture(scope="module")
def shard(
    store: TestingStore, cache: Path, tiny: TinyModel, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[ShardGroup]:
    environment = store.environment() | {"HUGGINGFACE_HUB_CACHE": str(cache)}
    folder = tmp_path_factory.mktemp("s3")
    group = start_group(folder, tiny.directory, tiny.adapter_root, environment=environment)
    yield group
    group.stop()


def parameters(adapter_id: str) -> dict:
    return {
        "adapter_parameters": pb.AdapterParameters(adapter_ids=[adapter_id]),
        "adapter_source": pb.S3,
    }


def download(group: ShardGroup, adapter_id: str) -> float:
    request = pb.DownloadAdapterRequest(**parameters(adapter_id))
    return group.stubs()[0].DownloadAdapter(request, timeout=60).memory_fraction


def refusal(group: ShardGroup, adapter_id: str) -> str:
    with pytest.raises(grpc.RpcError) as refused:
        download(group, adapter_id)
    return refused.value.details()


def answer(router: TestingRouter, adapter_id: str) -> list[int]:
    router.fan_out(
        "LoadAdapter", pb.LoadAdapterRequest(**parameters(adapter_id), adapter_index=INDEX)
    )
    (answered,) = router.run(router.request(list(PROMPT), INDEX))
    router.offload(INDEX, adapter_id)
    return answered.ids


def test_an_adapter_comes_from_the_store_and_follows_it(
    store: TestingStore, shard: ShardGroup, tiny: TinyModel, cache: Path, greedy
) -> None:
    # given
    router = TestingRouter(shard)
    store.upload(tiny.adapter_root / "every-module", "team/sums")

    # when, then
    assert download(shard, f"s3://{BUCKET}/team/sums") > 0
    assert answer(router, f"s3://{BUCKET}/team/sums") == greedy(PROMPT, 1, 12)
    (snapshot,) = (cache / f"s3--{BUCKET}--team--sums" / "snapshots").iterdir()
    names = {path.name for path in snapshot.iterdir()}
    assert names == {"adapter_config.json", "adapter_model.safetensors"}

    # when it is asked for again, then nothing is sent
    sent = store.downloads()
    assert download(shard, f"{BUCKET}/team/sums") > 0
    assert store.downloads() == sent

    # when somebody puts another one there, then that one is served
    store.upload(tiny.adapter_root / "attention", "team/sums")
    assert download(shard, f"{BUCKET}/team/sums") > 0
    assert answer(router, f"{BUCKET}/team/sums") == greedy(PROMPT, 2, 12)


def test_what_the_store_refuses_is_said_in_a_sentence(
    store: TestingStore, shard: ShardGroup, tiny: TinyModel
) -> None:
    assert "nothing lies below that prefix" in refusal(shard, f"{BUCKET}/team/nothing")
    assert "may not read bucket hidden" in refusal(shard, "hidden/team/sums")
    for adapter_id in (f"{BUCKET}/../etc", f"{BUCKET}/a--b", BUCKET, "s3://Not_A_Bucket/x"):
        assert "is no id of source s3: expected s3://bucket/prefix" in refusal(shard, adapter_id)


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"AWS_SECRET_ACCESS_KEY": "wrong"}, "the store refuses the server's credentials"),
        ({"AWS_ACCESS_KEY_ID": "", "AWS_SECRET_ACCESS_KEY": ""}, "set AWS_ACCESS_KEY_ID and AWS_"),
        ({"S3_ENDPOINT_URL": "http://127.0.0.1:9"}, "http://127.0.0.1:9 cannot be used"),
    ],
)
def test_a_server_without_access_says_why_at_its_start(
    store: TestingStore, tiny: TinyModel, folder: Path, changes: dict[str, str], reason: str
) -> None:
    from shard_process import launch

    environment = store.environment() | {
        "HUGGINGFACE_HUB_CACHE": str(folder),
        "HOME": str(folder),
    }
    arguments = [str(tiny.directory), f"--adapter-id={BUCKET}/team/own", "--adapter-source=s3"]

    starting = launch(folder, arguments, environment | changes)

    assert starting.process.wait(timeout=120) == 1
    assert reason in starting.log().splitlines()[-1]
