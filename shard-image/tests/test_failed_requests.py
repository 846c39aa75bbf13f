"""A step that fails because of some of its requests names them and can be made without them."""

from dataclasses import replace
from pathlib import Path

import grpc
import pytest
import torch
from safetensors.torch import load_file, save_file
from shard_process import ShardGroup as Group
from testing_router import StepStream, TestingRouter
from tiny_model import TinyModel, write_forgetful_model

from lorax_shard.adapters.table import AdapterTable
from lorax_shard.engine.engine import Engine
from lorax_shard.engine.limits import MemoryLimits, SpeculationLimits
from lorax_shard.engine.memory import DeviceMemory
from lorax_shard.engine.messages import (
    BatchRequest,
    GenerationRequest,
    RequestsFailed,
    SamplingParameters,
    StepResult,
    StoppingParameters,
)
from lorax_shard.engine.tokenizer import Tokenizer
from lorax_shard.layers.parallel import ShardGroup
from lorax_shard.models import load_model, read_model_config
from lorax_shard.pb import extensions_pb2
from lorax_shard.pb import generate_pb2 as pb

PROMPT = tuple(range(60, 80))
CPU = torch.device("cpu")


@pytest.fixture
def overflowing(tiny: TinyModel) -> str:
    """An adapter whose numbers are finite, and too large to compute with."""
    directory = tiny.adapter_root / "overflowing"
    directory.mkdir(exist_ok=True)
    good: Path = tiny.adapter_root / "every-module"
    (directory / "adapter_config.json").write_text((good / "adapter_config.json").read_text())
    weights = load_file(good / "adapter_model.safetensors")
    huge = {name: 1e30 * tensor for name, tensor in weights.items()}
    save_file(huge, directory / "adapter_model.safetensors")
    return directory.name


def test_a_prefill_names_the_requests_of_an_adapter_that_overflows(
    router: TestingRouter, group: Group, overflowing: str
) -> None:
    # given
    router.load(60, overflowing)
    (alone,) = router.run(router.request(list(PROMPT), adapter=2))
    good, bad = (router.request(list(PROMPT), adapter=index) for index in (2, 60))

    # when
    with pytest.raises(grpc.RpcError) as failed:
        router.prefill(good, bad)

    # then
    assert failed.value.code() is grpc.StatusCode.INTERNAL
    assert failed.value.details() == "the model yields NaN or infinite logits with overflowing"
    assert dict(failed.value.trailing_metadata())["lorax-failed-requests"] == str(bad.id)
    line = group.shards[0].log_records()[-1]
    assert line["message"] == f"Prefill failed: {failed.value.details()}"
    assert line["extra"] == {"request_ids": str(bad.id)}
    assert router.run(good)[0].ids == alone.ids
    assert router.offload(60, overflowing)


def test_a_step_that_fails_in_a_stream_names_them_too(
    router: TestingRouter, group: Group, overflowing: str
) -> None:
    # given
    router.load(60, overflowing)
    good, bad = (router.request(list(PROMPT), adapter=index) for index in (2, 60))
    batch = pb.Batch(id=870, requests=[good, bad], size=2)
    stream = StepStream(group.extensions())

    # when
    stream.ask(extensions_pb2.StepRequest(prefill=pb.PrefillRequest(batch=batch)))

    # then
    failure = stream.reply().failure
    assert failure.status == grpc.StatusCode.INTERNAL.value[0]
    assert failure.message == "the model yields NaN or infinite logits with overflowing"
    assert failure.request_ids == [bad.id]
    line = group.shards[0].log_records()[-1]
    assert line["message"] == f"Prefill failed: {failure.message}"
    assert line["extra"] == {"request_ids": str(bad.id)}
    assert router.offload(60, overflowing)


@pytest.mark.parametrize("chunk", [None, 2])
def test_a_request_that_overflows_leaves_a_shared_prefix_alone(
    router: TestingRouter, overflowing: str, chunk: int | None
) -> None:
    # given blocks that others read, which no router would lend to another adapter
    router.load(60, overflowing)
    story = list(range(60, 100))
    source = router.request(story, adapter=2)
    (alone,) = router.run(source)

    # when
    bad = router.request(story, adapter=60, prefix_of=(source, 32), chunk=chunk)
    with pytest.raises(grpc.RpcError) as failed:
        router.prefill(bad)

    # then
    assert dict(failed.value.trailing_metadata())["lorax-failed-requests"] == str(bad.id)
    assert router.run(router.request(story, adapter=2, prefix_of=(source, 32)))[0].ids == alone.ids
    assert router.offload(60, overflowing)


def test_a_decode_goes_on_without_the_requests_that_it_names(tiny: TinyModel) -> None:
    """Here one whose cache is damaged, which no client can do."""
    # given
    engine = new_engine(tiny, SpeculationLimits())
    engine.warm_up(batch(0, request(0, ())))
    started = engine.prefill(batch(1, request(1, (1, 2, 3))))
    alone = finish(engine, started)

    # when
    result = engine.prefill(batch(2, request(2, (1, 2, 3)), request(3, (4, 5, 6))))
    cache = engine._cache
    assert cache is not None
    with torch.inference_mode():
        cache.layers[0].keys[5, 1] = torch.nan
    with pytest.raises(RequestsFailed, match="with no adapter") as failed:
        engine.decode([2])
    engine.filter(2, [2])
    going_on = finish(engine, result)

    # then
    assert failed.value.request_ids == [3]
    assert going_on[2] == alone[1]
    assert not cache.layers[0].keys[4:7].isnan().any()


@pytest.mark.parametrize("dtype", [torch.float32, torch.float16], ids=["kernels", "operators"])
@torch.inference_mode()
def test_a_draft_that_overflows_is_not_followed_and_leaves_nothing_behind(
    tmp_path: Path, dtype: torch.dtype
) -> None:
    """Here because the embedding of a token is damaged while the token is only proposed.

    In float16 PyTorch's operators compute, which multiply masked places of the cache by zero.
    """
    # given
    engine = new_engine(write_forgetful_model(tmp_path), SpeculationLimits(4, 8), dtype)
    engine.warm_up(batch(0, request(0, ())))
    blocks = tuple(range(1, 8))
    alone = finish(engine, engine.prefill(batch(1, request(1, blocks, max_new_tokens=60))))
    started = engine.prefill(batch(2, request(2, blocks, max_new_tokens=60)))
    (sequence,) = engine._batches[2]
    tokens = list(started.generations[0].next_tokens.ids)
    embedding, cache = engine.model.embedding, engine._cache
    assert cache is not None

    # when the second token of each draft is damaged, unless the step needs it in any case
    damaged = 0
    while engine._batches:
        engine.speculation.propose([sequence])
        second = sequence.draft[1:2]
        if second and second[0] not in (sequence.ids[-1], sequence.draft[0]):
            kept = embedding[second].clone()
            embedding[second] = torch.nan
            (generation,) = engine.decode([2]).generations
            embedding[second] = kept
            damaged += 1
            assert len(generation.next_tokens.ids) <= 2
        else:
            (generation,) = engine.decode([2]).generations
        tokens += generation.next_tokens.ids

        # then
        assert not any(layer.keys[:8].isnan().any() for layer in cache.layers)
        assert not any(layer.values[:8].isnan().any() for layer in cache.layers)
    assert damaged > 5
    assert tokens == alone[1]


def new_engine(
    tiny: TinyModel,
    speculation: SpeculationLimits,
    dtype: torch.dtype = torch.float32,
    overlaps: bool = False,
) -> Engine:
    config = replace(read_model_config(tiny.directory), dtype=dtype)
    model = load_model(tiny.directory, config, ShardGroup(), CPU)
    memory = DeviceMemory(CPU, MemoryLimits(wiggle_room=0.01), 1)
    adapters = AdapterTable(model.linears())
    tokenizer = Tokenizer(tiny.directory)
    return Engine(
        model, tokenizer, adapters, memory, ShardGroup(), CPU, speculation, overlaps=overlaps
    )


def request(number: int, blocks: tuple[int, ...], max_new_tokens: int = 12) -> GenerationRequest:
    return GenerationRequest(
        id=number,
        inputs="",
        token_ids=PROMPT,
        truncate=0,
        sampling=SamplingParameters(),
        stopping=StoppingParameters(max_new_tokens=max_new_tokens, ignore_eos=True),
        blocks=blocks,
    )


def batch(number: int, *requests: GenerationRequest) -> BatchRequest:
    return BatchRequest(number, requests)


def finish(engine: Engine, started: StepResult) -> dict[int, list[int]]:
    """Tokens by request, from the first step to the end."""
    tokens = {g.request_id: list(g.next_tokens.ids) for g in started.generations}
    batch_after = started.batch
    while batch_after is not None:
        result = engine.decode([batch_after.id])
        for generation in result.generations:
            tokens[generation.request_id] += generation.next_tokens.ids
        batch_after = result.batch
    return tokens
