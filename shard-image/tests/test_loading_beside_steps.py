"""Adapters come while steps run: nobody waits for the compute thread, and no answer changes."""

import asyncio
import threading
from collections.abc import Iterator
from dataclasses import replace

import pytest
import torch
from safetensors.torch import load_file, save_file
from test_failed_requests import PROMPT, batch, new_engine, request
from tiny_model import TinyModel, write_adapter

from lorax_shard.adapters.merging import AdapterChoice
from lorax_shard.adapters.reader import read_adapter
from lorax_shard.adapters.sources import AdapterReference, AdapterSource
from lorax_shard.adapters.table import AdapterTable
from lorax_shard.checkpoint_files import CheckpointError
from lorax_shard.downloads.access import DownloadAccess
from lorax_shard.engine.engine import Engine
from lorax_shard.engine.limits import NO_SPECULATION
from lorax_shard.pb import extensions_pb2
from lorax_shard.server.adapter_calls import AdapterCalls
from lorax_shard.server.compute import ComputeThread
from lorax_shard.server.config import ServeConfig
from lorax_shard.server.servicer import ExtensionsServicer
from lorax_shard.server.startup import Shard, start_shard
from lorax_shard.server.steps import Steps

DEADLINE_SECONDS = 60


@pytest.fixture(scope="module")
def shard(tiny: TinyModel, tmp_path_factory: pytest.TempPathFactory) -> Shard:
    config = ServeConfig(
        model=tiny.directory,
        uds_path="unused",
        downloads=DownloadAccess(tmp_path_factory.mktemp("cache")),
        adapter_roots=(tiny.adapter_root,),
        device="cpu",
    )
    return start_shard(config)


@pytest.fixture
def busy() -> Iterator[ComputeThread]:
    """A compute thread in the middle of a step, until the test has ended."""
    compute = ComputeThread(timeout_s=10 * DEADLINE_SECONDS)
    began, ends = threading.Event(), threading.Event()

    def step() -> None:
        began.set()
        ends.wait()

    compute._executor.submit(step)
    assert began.wait(DEADLINE_SECONDS)
    yield compute
    ends.set()
    compute.close()


def choice(adapter_id: str) -> AdapterChoice:
    return AdapterChoice((AdapterReference(adapter_id, AdapterSource.LOCAL),), None)


def test_what_precedes_a_first_request_waits_for_no_step(shard: Shard, busy: ComputeThread) -> None:
    calls = AdapterCalls(shard, busy)
    extensions = ExtensionsServicer(shard, busy, Steps(busy, None))

    async def move() -> extensions_pb2.DescribeAdapterResponse:
        await calls.download(choice("every-module"), None)
        assert not await calls.offload(7)
        await calls.load(choice("every-module"), 7)
        question = extensions_pb2.DescribeAdapterRequest(adapter_index=7)
        return await extensions.DescribeAdapter(question, None)

    described = asyncio.run(asyncio.wait_for(move(), DEADLINE_SECONDS))

    assert described.rank == 8
    assert described.bytes > 0
    shard.abilities.engine.offload_adapter(7)


def test_adapters_that_replace_each_other_take_two_slots(shard: Shard) -> None:
    """No step comes that would free them."""
    compute = ComputeThread(timeout_s=DEADLINE_SECONDS)
    calls = AdapterCalls(shard, compute)
    table = shard.abilities.engine.adapters
    seen = set()

    async def load(adapter_id: str) -> None:
        await calls.load(choice(adapter_id), 8)

    for _ in range(4):
        for adapter_id in ("every-module", "one-layer"):  # of one rank
            asyncio.run(load(adapter_id))
            resident = table.find(8)
            assert resident is not None
            assert resident.id == adapter_id
            seen.add(resident.slot.slot)

    assert len(seen) == 2
    shard.abilities.engine.offload_adapter(8)
    compute.close()


def test_a_load_reads_an_adapter_anew(shard: Shard, tiny: TinyModel) -> None:
    """A router need not offload what one before it may have left under the index."""
    compute = ComputeThread(timeout_s=DEADLINE_SECONDS)
    calls = AdapterCalls(shard, compute)
    ranks = []
    for rank in (8, 4):
        write_adapter(tiny, "changing", seed=3, r=rank, lora_alpha=8, target_modules=["q_proj"])

        asyncio.run(calls.load(choice("changing"), 9))

        resident = shard.abilities.engine.adapters.find(9)
        assert resident is not None
        ranks.append(resident.rank)

    assert ranks == [8, 4]
    shard.abilities.engine.offload_adapter(9)
    compute.close()


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_a_stream_goes_on_alike_while_stacks_grow(tiny: TinyModel, dtype: torch.dtype) -> None:
    engine = new_engine(tiny, NO_SPECULATION, dtype)
    engine.warm_up(batch(0, request(0, (1, 2, 3))))
    install(engine, tiny, 1, "every-module")
    alone = stream(engine, 1, 40)
    done = threading.Event()

    def come_and_go() -> None:
        # Their slots are made while steps read the first one.
        for index in range(2, 40):
            install(engine, tiny, index, "one-layer" if index % 3 else "every-module")
        for index in range(2, 40):
            engine.adapters.remove(index)
        done.set()

    mover = threading.Thread(target=come_and_go)
    mover.start()
    rounds = 0
    while not done.is_set() or rounds == 0:
        rounds += 1
        assert stream(engine, 1 + rounds, 40) == alone
    mover.join()

    engine.release_adapters()
    install(engine, tiny, 50, "every-module")
    assert stream(engine, 0, 40, adapter=50) == alone


def test_numbers_whose_sum_overflows_are_no_infinite_numbers(tiny: TinyModel) -> None:
    # given
    write_adapter(tiny, "large", seed=3, r=8, lora_alpha=8, target_modules=["q_proj"])
    path = tiny.adapter_root / "large" / "adapter_model.safetensors"
    weights = load_file(path)
    name = next(name for name in weights if "lora_A" in name)
    projections = AdapterTable(new_engine(tiny, NO_SPECULATION).model.linears()).projections

    def read(value: float) -> None:
        save_file(weights | {name: torch.full_like(weights[name], value)}, path)
        read_adapter(path.parent, "large", projections)

    # then
    read(3e38)
    for value in (float("inf"), float("-inf"), float("nan")):
        with pytest.raises(CheckpointError, match=r"lora_A\.weight holds NaN or infinite values"):
            read(value)


def install(engine: Engine, tiny: TinyModel, index: int, adapter_id: str) -> None:
    table = engine.adapters
    directory = tiny.adapter_root / adapter_id
    engine.load_adapter(index, table.fit(read_adapter(directory, adapter_id, table.projections)))


def stream(engine: Engine, number: int, tokens: int, adapter: int = 1) -> list[int]:
    blocks = tuple(range(1, 1 + -(-(len(PROMPT) + tokens) // 16)))
    asked = replace(request(number, blocks, tokens), adapter_index=adapter)
    step = engine.prefill(batch(1000 + number, asked))
    ids = list(step.generations[0].next_tokens.ids)
    while step.batch is not None:
        step = engine.decode([step.batch.id])
        ids += step.generations[0].next_tokens.ids
    return ids
