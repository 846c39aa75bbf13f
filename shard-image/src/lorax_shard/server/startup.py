"""From a configuration to an engine that can serve: device, shard group, weights, adapters."""

import logging
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import timedelta

import torch
import torch.distributed as dist

from lorax_shard.adapters.reader import adapter_bytes, read_adapter
from lorax_shard.adapters.sources import AdapterLocator
from lorax_shard.adapters.table import AdapterTable
from lorax_shard.engine.chat import ChatRenderer
from lorax_shard.engine.engine import Engine
from lorax_shard.engine.memory import DeviceMemory
from lorax_shard.engine.tokenizer import Tokenizer
from lorax_shard.layers.parallel import ShardGroup
from lorax_shard.models import ModelConfig, load_model, read_model_config
from lorax_shard.server.config import ConfigurationError, ServeConfig

_LOG = logging.getLogger(__name__)
# The processes of a group start together; a shard whose peer stays away this long fails.
_GROUP_TIMEOUT = timedelta(minutes=5)


@dataclass(frozen=True, slots=True)
class PreloadedAdapter:
    """An adapter that was loaded before the socket was bound, and stays."""

    id: str
    index: int
    memory_share: float


@dataclass(frozen=True, slots=True)
class Shard:
    """Everything that the servicers need."""

    config: ServeConfig
    model_config: ModelConfig
    device: torch.device
    engine: Engine
    chat: ChatRenderer
    memory: DeviceMemory
    locator: AdapterLocator
    preloaded: Sequence[PreloadedAdapter]


def start_shard(config: ServeConfig) -> Shard:
    """Loads the model and the preloaded adapters. Runs in the compute thread."""
    device = _choose_device(config)
    model_config = _with_dtype(read_model_config(config.model), config, device)
    tokenizer = Tokenizer(config.model)
    chat = ChatRenderer(config.model, tokenizer)
    group = _join_group(config, device)
    model = load_model(config.model, model_config, group, device)
    _LOG.info(
        "loaded %s as shard %d of %d: %s on %s",
        config.model.name,
        config.rank,
        config.world,
        model_config.dtype,
        device,
    )
    adapters = AdapterTable(model.linears())
    memory = DeviceMemory(device, config.memory, config.world)
    locator = AdapterLocator(config.adapter_roots)
    preloaded = _preload(config, locator, adapters, memory)
    engine = Engine(model, tokenizer, adapters, memory, group, device)
    return Shard(config, model_config, device, engine, chat, memory, locator, preloaded)


def _choose_device(config: ServeConfig) -> torch.device:
    available = torch.cuda.is_available()
    if config.device == "cuda" and not available:
        raise ConfigurationError("device cuda was asked for, but torch finds no CUDA device")
    if config.device == "cpu" or not available:
        return torch.device("cpu")
    # In a container of its own a shard sees its GPU alone; in a shared one it sees them all.
    device = torch.device("cuda", config.rank % torch.cuda.device_count())
    torch.cuda.set_device(device)
    return device


def _with_dtype(
    model_config: ModelConfig, config: ServeConfig, device: torch.device
) -> ModelConfig:
    if config.dtype is not None:
        return replace(model_config, dtype=getattr(torch, config.dtype))
    # On a CPU exactness is worth more than the memory that a narrower dtype would save.
    return replace(model_config, dtype=torch.float32) if device.type == "cpu" else model_config


def _join_group(config: ServeConfig, device: torch.device) -> ShardGroup:
    if config.world > 1:
        dist.init_process_group(
            "nccl" if device.type == "cuda" else "gloo",
            # Debian builds torch without libuv, which the store would use by default.
            init_method=f"tcp://{config.master_addr}:{config.master_port}?use_libuv=0",
            rank=config.rank,
            world_size=config.world,
            timeout=_GROUP_TIMEOUT,
        )
    return ShardGroup(config.rank, config.world)


def _preload(
    config: ServeConfig, locator: AdapterLocator, adapters: AdapterTable, memory: DeviceMemory
) -> list[PreloadedAdapter]:
    preloaded = []
    for index, adapter_id in enumerate(config.preloaded_adapter_ids, start=1):
        directory = locator.locate(adapter_id, config.preloaded_adapter_source)
        adapters.install(index, read_adapter(directory, adapter_id, adapters.projections))
        share = memory.share_of_all(adapter_bytes(directory, adapter_id))
        preloaded.append(PreloadedAdapter(adapter_id, index, share))
        _LOG.info("preloaded adapter %s under index %d", adapter_id, index)
    return preloaded
