"""What most tests share: the tiny model, one shard that serves it, and reference answers."""

from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path

import pytest
import torch
from shard_process import ShardGroup, start_group
from testing_router import TestingRouter
from tiny_model import ADAPTERS, TinyModel, write_tiny_model

from lorax_shard.layers.native import NativeKernels, library, usable_levels
from lorax_shard.pb import generate_pb2

ADAPTER_IDS = [None, *ADAPTERS]  # by index; 0 is the base model
torch.set_num_threads(1)


@pytest.fixture(scope="session")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> TinyModel:
    return write_tiny_model(tmp_path_factory.mktemp("models"))


@pytest.fixture(scope="session")
def group(tiny: TinyModel, tmp_path_factory: pytest.TempPathFactory) -> Iterator[ShardGroup]:
    running = start_group(tmp_path_factory.mktemp("sockets"), tiny.directory, tiny.adapter_root)
    yield running
    running.stop()


@pytest.fixture(scope="session")
def serving(group: ShardGroup) -> TestingRouter:
    """A router that has loaded every adapter under its place in ADAPTER_IDS."""
    router = TestingRouter(group)
    for index, adapter_id in enumerate(ADAPTER_IDS):
        if adapter_id is not None:
            router.load(index, adapter_id)
    return router


@pytest.fixture
def router(serving: TestingRouter) -> Iterator[TestingRouter]:
    """The router, on a shard without cached batches."""
    yield serving
    serving.fan_out("ClearCache", generate_pb2.ClearCacheRequest())


@pytest.fixture(scope="session")
def greedy(tiny: TinyModel) -> Callable[[tuple[int, ...], int, int], list[int]]:
    """Greedy continuations by transformers and PEFT: (prompt, adapter index, tokens)."""
    reference = cache(tiny.reference)

    @cache
    def generate(prompt: tuple[int, ...], adapter: int, count: int) -> list[int]:
        return greedy_tokens(reference(ADAPTER_IDS[adapter]), prompt, count)

    return generate


def greedy_tokens(model, prompt: tuple[int, ...], count: int) -> list[int]:
    """The continuation without the prompt; ends with the end-of-sequence token if it comes."""
    inputs = torch.tensor([prompt])
    with torch.inference_mode():
        output = model.generate(
            input_ids=inputs,
            attention_mask=torch.ones_like(inputs),
            max_new_tokens=count,
            do_sample=False,
            pad_token_id=0,
        )
    return output[0, len(prompt) :].tolist()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder whose path is short enough for a socket."""
    return tmp_path


@pytest.fixture(scope="module", params=usable_levels())
def level(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(scope="module")
def kernels(level: str) -> NativeKernels:
    return NativeKernels(library(level))


@pytest.fixture
def seeded() -> None:
    torch.manual_seed(0)
