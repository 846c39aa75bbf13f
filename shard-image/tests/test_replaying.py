"""When decode steps are replayed as graphs. That answers stay the same is in graph_cases.py."""

from dataclasses import replace

import pytest
import torch
from tiny_model import TinyModel

from lorax_shard.downloads.access import DownloadAccess
from lorax_shard.layers.parallel import ShardGroup
from lorax_shard.models import Decoder, load_model, read_model_config
from lorax_shard.server import replaying
from lorax_shard.server.config import ServeConfig
from lorax_shard.server.replaying import capturing_for

CPU, GPU = torch.device("cpu"), torch.device("cuda")


@pytest.fixture(scope="module")
def model(tiny: TinyModel) -> Decoder:
    return load_model(tiny.directory, read_model_config(tiny.directory), ShardGroup(), CPU)


@pytest.mark.parametrize(
    ("changes", "has_triton", "reason"),
    [
        ({"captures_steps": False}, True, "--compile was not given"),
        ({"world": 2}, True, "the model is on 2 shards, whose sums are not captured"),
        ({}, False, "there is no Triton, whose kernels they are made of"),
    ],
)
def test_the_log_says_why_a_gpu_does_without_graphs(
    tiny: TinyModel, model: Decoder, changes, has_triton, reason, monkeypatch, caplog
) -> None:
    monkeypatch.setattr(replaying, "uses_triton", lambda device: has_triton)
    caplog.set_level("INFO")

    assert capturing_for(replace(config_of(tiny), **changes), model, GPU) is None
    assert caplog.messages == [f"no CUDA graphs: {reason}"]


def test_a_host_has_no_graphs_and_says_nothing(tiny: TinyModel, model: Decoder, caplog) -> None:
    caplog.set_level("INFO")

    assert capturing_for(config_of(tiny), model, CPU) is None
    assert caplog.messages == []


def config_of(tiny: TinyModel) -> ServeConfig:
    return ServeConfig(
        model=tiny.directory,
        uds_path="unused",
        downloads=DownloadAccess(tiny.directory),
        captures_steps=True,
    )
