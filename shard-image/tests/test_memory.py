"""What the cache may take, and the sum that says so."""

import re

import pytest
import torch
from testing_router import TestingRouter

from lorax_shard.engine.limits import MemoryLimits
from lorax_shard.engine.memory import DeviceMemory

GIB = 2**30


def test_the_log_has_the_sum(group, router: TestingRouter) -> None:
    (line,) = [
        record["message"]
        for record in group.shards[0].log_records()
        if record["message"].startswith("the cache's ")
    ]

    parts = re.fullmatch(
        r"the cache's (\S+) GiB are (\d+) blocks of (\d+) bytes: 0.4 of the (\S+) GiB that are "
        r"available",
        line,
    )
    assert parts is not None, line
    size, blocks, block, available = map(float, parts.groups())
    assert size == pytest.approx(0.4 * available, abs=0.1)
    assert blocks * block == pytest.approx(size * GIB, abs=0.1 * GIB)


@pytest.mark.parametrize(
    ("limits", "reserved", "blocks", "account"),
    [
        (
            MemoryLimits(),
            0,
            55 * 1024 + 819,
            "0.9 (MEMORY_WIGGLE_ROOM) of 70.0 GiB that are free less 8.0 GiB for adapters "
            "(ADAPTER_MEMORY_FRACTION 0.1)",
        ),
        (
            MemoryLimits(adapter_fraction=0.2, device_fraction=0.75, wiggle_room=0.5),
            2 * GIB,
            16 * 1024,
            "0.5 (MEMORY_WIGGLE_ROOM) of 70.0 GiB that are free less 16.0 GiB for adapters "
            "(ADAPTER_MEMORY_FRACTION 0.2) less 20.0 GiB by CUDA_MEMORY_FRACTION 0.75 less 2.0 GiB "
            "for CUDA graphs",
        ),
    ],
)
def test_what_a_gpu_has_for_the_cache(limits, reserved, blocks, account, monkeypatch) -> None:
    """Of 80 GiB 70 are free."""
    monkeypatch.setattr(torch.cuda, "mem_get_info", lambda device: (70 * GIB, 80 * GIB))

    space = DeviceMemory(torch.device("cuda"), limits, 1).cache_space(1 << 20, reserved)

    size = f"{blocks / 1024:.1f} GiB"
    assert space.blocks == blocks
    assert space.account == f"{size} are {blocks} blocks of 1048576 bytes: {account}"
