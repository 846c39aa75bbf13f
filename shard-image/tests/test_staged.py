"""Adapters that are put together on the host and copied in one piece, as for a GPU.

In float16, which the kernels of a CPU know nothing of: the stacks are those of PyTorch's operators.
"""

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch
from tiny_model import ADAPTERS, TinyModel, write_adapter

from lorax_shard.adapters.host_tier import HostTier
from lorax_shard.adapters.merging import AdapterChoice
from lorax_shard.adapters.reader import read_adapter
from lorax_shard.adapters.sources import AdapterReference, AdapterSource
from lorax_shard.adapters.table import AdapterTable
from lorax_shard.downloads.access import DownloadAccess
from lorax_shard.layers import staged
from lorax_shard.layers.staged import StagedAdapter
from lorax_shard.server import adapter_calls
from lorax_shard.server.adapter_calls import AdapterCalls
from lorax_shard.server.compute import ComputeThread
from lorax_shard.server.config import ServeConfig
from lorax_shard.server.startup import Shard, start_shard

CPU = torch.device("cpu")
NAMES = list(ADAPTERS)


@pytest.fixture
def shard(tiny: TinyModel, tmp_path: Path) -> Shard:
    config = ServeConfig(
        model=tiny.directory,
        uds_path="unused",
        downloads=DownloadAccess(tmp_path),
        adapter_roots=(tiny.adapter_root,),
        device="cpu",
        dtype="float16",
    )
    return start_shard(config)


def staging(shard: Shard) -> AdapterTable:
    table = shard.abilities.engine.adapters
    table._staging = CPU
    return table


def stacks(table: AdapterTable) -> list[torch.Tensor]:
    return [tensor.clone() for tensor in table.stacks((8, 16))]


@pytest.mark.parametrize("at_once", [1, 10_000, 1 << 30], ids=["one by one", "some", "all"])
def test_what_is_staged_lies_as_what_is_written_piece_by_piece(
    tiny: TinyModel, tmp_path: Path, at_once: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also where one comes into a slot that another one has filled."""
    monkeypatch.setattr(staged, "_AT_ONCE_BYTES", at_once)
    write_adapter(tiny, "with-dora", r=8, target_modules=["q_proj"], use_dora=True)
    names = [*NAMES, "with-dora"]
    found = []
    for stages in (False, True):
        config = ServeConfig(
            model=tiny.directory, uds_path="unused", downloads=DownloadAccess(tmp_path),
            device="cpu", dtype="float16",
        )  # fmt: skip
        table = start_shard(config).abilities.engine.adapters
        table._staging = CPU if stages else None
        assert table.stages == stages
        # The second half comes into the slots of the first.
        for index, name in enumerate([*names, *reversed(names)]):
            adapter = read_adapter(tiny.adapter_root / name, name, table.projections)
            table.install(1 + index % len(names), table.fit(adapter))
            table.release_unused(list)
        found.append(stacks(table))

    for direct, copied in zip(*found, strict=True):
        assert direct.count_nonzero()
        assert torch.equal(direct, copied)


@pytest.fixture
def calls(shard: Shard) -> Iterator[AdapterCalls]:
    staging(shard)
    compute = ComputeThread(timeout_s=60)
    made = AdapterCalls(shard, compute)
    made._host = HostTier(1 << 30)
    yield made
    compute.close()


def choice(name: str) -> AdapterChoice:
    return AdapterChoice((AdapterReference(name, AdapterSource.LOCAL),), None)


def load(calls: AdapterCalls, name: str, index: int) -> None:
    asyncio.run(asyncio.wait_for(calls.load(choice(name), index), 60))


def test_an_adapter_that_was_loaded_lately_is_not_read_again(
    calls: AdapterCalls, shard: Shard, monkeypatch: pytest.MonkeyPatch
) -> None:
    table = shard.abilities.engine.adapters
    load(calls, "every-module", 1)
    load(calls, "patterned", 2)
    before = stacks(table)
    assert asyncio.run(calls.offload(1))
    with torch.inference_mode():
        for stack in table.stacks((8,)):
            stack.fill_(7)

    def fail(*_: object) -> None:
        raise AssertionError("read again")

    monkeypatch.setattr(adapter_calls, "read_adapter", fail)
    load(calls, "every-module", 3)

    resident = table.find(3)
    assert resident is not None
    assert resident.id == "every-module"
    assert resident.slot.slot == 0
    for old, new in zip(before, stacks(table), strict=True):
        assert torch.equal(old[0], new[0])


def test_an_adapter_that_has_changed_is_read_again(
    calls: AdapterCalls, shard: Shard, tiny: TinyModel
) -> None:
    table = shard.abilities.engine.adapters
    ranks = []
    for rank in (8, 4):
        write_adapter(tiny, "changing", seed=3, r=rank, lora_alpha=8, target_modules=["q_proj"])
        load(calls, "changing", 1)
        resident = table.find(1)
        assert resident is not None
        ranks.append(resident.rank)

    assert ranks == [8, 4]


def adapter_of(numbers: int) -> StagedAdapter:
    return StagedAdapter("some", 8, torch.zeros(numbers, dtype=torch.float16), frozenset())


def test_those_that_were_used_last_stay() -> None:
    tier = HostTier(most_bytes=4 * 1024)  # four of 512 numbers
    for name in "abcd":
        tier.keep(name, adapter_of(512))
    tier.find("a")

    tier.keep("e", adapter_of(300))  # takes as much, in powers of two
    tier.keep("f", adapter_of(512 * 5))  # does not fit at all
    tier.keep("e", adapter_of(512))

    assert [name for name in "abcdef" if tier.find(name)] == ["a", "c", "d", "e"]


def test_nothing_stays_without_room() -> None:
    tier = HostTier(0)
    tier.keep("a", adapter_of(1))
    assert tier.find("a") is None
