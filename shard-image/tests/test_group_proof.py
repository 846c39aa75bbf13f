"""Shards that add up wrongly do not serve; those that serve say how fast they add up."""

from dataclasses import dataclass, field

import pytest
import torch
from shard_process import start_group
from tiny_model import TinyModel

from lorax_shard.layers.parallel import ShardGroup
from lorax_shard.server.group_proof import WrongSum, prove_group

CPU = torch.device("cpu")


@dataclass(frozen=True, slots=True)
class LosingGroup(ShardGroup):
    """Shard 1 of 2; the fourth sum loses what the other one has written to one place."""

    sums: list[torch.Tensor] = field(default_factory=list)

    def all_reduce(self, partial: torch.Tensor) -> torch.Tensor:
        whole = partial * 1.5
        self.sums.append(whole)
        if len(self.sums) == 4:
            whole[1000] = partial[1000]
        return whole


def test_a_number_that_is_lost_is_found() -> None:
    with pytest.raises(WrongSum) as refused:
        prove_group(LosingGroup(rank=1, world=2), CPU)

    assert str(refused.value) == (
        "the shards cannot add up: 1 of 16384 numbers are wrong on shard 1 of 2"
    )


def test_shards_say_how_fast_they_add_up(tiny: TinyModel, folder) -> None:
    group = start_group(folder, tiny.directory, tiny.adapter_root, 2, extra=("--sharded",))
    group.stop()

    for shard in group.shards:
        assert "the shards add up 64 KiB in " in shard.log()
