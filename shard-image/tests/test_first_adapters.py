"""What a server is started with: a static or merged adapter, a model of the cache; .bin files."""

import shutil
from pathlib import Path

import grpc
import pytest
import torch
from safetensors.torch import load_file
from shard_process import Shard, launch, start_group
from testing_hub import TOKEN, repository_of, serving_hub
from testing_router import TestingRouter
from tiny_model import TinyModel

from lorax_shard.pb import generate_pb2 as pb
from lorax_shard.pb import generate_pb2_grpc

PROMPT = tuple(range(60, 95))
INDEX = 9


def test_a_static_adapter_serves_requests_that_name_none(
    tiny: TinyModel, folder: Path, greedy
) -> None:
    # given a private adapter, and the server's own token in a file
    (folder / "token").write_text(TOKEN + "\n")
    extra = ("--adapter-id=org/own@main", "--adapter-source=hub")
    with serving_hub() as hub:
        hub.repositories["org/own"] = repository_of(
            tiny.adapter_root / "every-module", private=True
        )
        environment = {
            "HF_ENDPOINT": hub.endpoint,
            "HF_TOKEN_PATH": str(folder / "token"),
            "HUGGINGFACE_HUB_CACHE": str(folder / "cache"),
        }
        group = start_group(
            folder, tiny.directory, tiny.adapter_root, extra=extra, environment=environment
        )
    router = TestingRouter(group)

    # when
    router.load(1, "attention")
    own, other = router.run(router.request(list(PROMPT)), router.request(list(PROMPT), 1))

    # then
    assert own.ids == greedy(PROMPT, 1, 12)
    assert other.ids == greedy(PROMPT, 2, 12)
    group.stop()


def test_a_merged_adapter_changes_the_base_model(tiny: TinyModel, folder: Path, greedy) -> None:
    # given
    extra = ("--adapter-id=every-module", "--merge-adapter-weights")
    group = start_group(folder, tiny.directory, tiny.adapter_root, extra=extra)
    router = TestingRouter(group)

    # when
    (answer,) = router.run(router.request(list(PROMPT)))

    # then
    assert answer.ids == greedy(PROMPT, 1, 12)
    with pytest.raises(grpc.RpcError) as refused:
        router.load(1, "attention")
    assert "with every-module merged into it" in refused.value.details()
    group.stop()


def test_pickled_weights_are_read_without_running_them(
    router: TestingRouter, tiny: TinyModel, greedy
) -> None:
    # given the same adapter as torch.save writes it, and one that would run code
    pickled = tiny.adapter_root / "pickled"
    shutil.copytree(tiny.adapter_root / "every-module", pickled)
    torch.save(load_file(pickled / "adapter_model.safetensors"), pickled / "adapter_model.bin")
    (pickled / "adapter_model.safetensors").unlink()
    trap = tiny.adapter_root / "trap"
    shutil.copytree(pickled, trap)
    torch.save({"weight": Trap()}, trap / "adapter_model.bin")

    # when
    router.load(INDEX, "pickled")
    (answer,) = router.run(router.request(list(PROMPT), INDEX))
    with pytest.raises(grpc.RpcError) as refused:
        router.load(INDEX + 1, "trap")

    # then
    assert answer.ids == greedy(PROMPT, 1, 12)
    assert "is no file of tensors alone" in refused.value.details()
    assert not Trap.sprung.exists()
    router.offload(INDEX, "pickled")
    shutil.rmtree(pickled)
    shutil.rmtree(trap)


class Trap:
    """Touches a file when it is unpickled."""

    sprung = Path("/tmp/lorax-test-trap")

    def __reduce__(self):
        return (Path.touch, (self.sprung,))


def test_a_model_is_found_in_the_cache_by_its_id(tiny: TinyModel, folder: Path) -> None:
    # given what a launcher left there
    cached = folder / "cache" / "models--org--tiny"
    commit = "0123456789abcdef0123456789abcdef01234567"
    shutil.copytree(tiny.directory, cached / "snapshots" / commit)
    (cached / "refs").mkdir()
    (cached / "refs" / "v1").write_text(commit)
    environment = {"HUGGINGFACE_HUB_CACHE": str(folder / "cache")}

    # when
    shard = launch(folder, ["org/tiny", "--revision=v1", "--json-output"], environment)
    shard.wait_until_serving()

    # then
    stub = generate_pb2_grpc.LoraxServiceStub(shard.channel)
    assert stub.Info(pb.InfoRequest()).supports_generation
    assert "loaded org/tiny@0123456789ab" in shard.log()
    assert shard.stop() == 0
    assert "--download-only downloads it" in failed(launch(folder, ["org/tiny"], environment))


def failed(shard: Shard) -> str:
    assert shard.process.wait(timeout=60) == 1
    return shard.log()
