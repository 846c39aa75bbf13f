"""From a configuration to an engine that can serve: device, shard group, weights, adapters."""

import logging
import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import TypeAlias

import torch
import torch.distributed as dist

from lorax_shard.adapters.sources import AdapterDirectories
from lorax_shard.adapters.table import AdapterTable
from lorax_shard.downloads.downloader import AdapterDownloader
from lorax_shard.engine.chat import ChatRenderer
from lorax_shard.engine.limits import OutOfMemory, SpeculationLimits
from lorax_shard.engine.memory import DeviceMemory
from lorax_shard.engine.tokenizer import Tokenizer
from lorax_shard.layers.device_loads import writing_to
from lorax_shard.layers.native import describe_cpu, native_kernels
from lorax_shard.layers.packing import Packing
from lorax_shard.layers.parallel import ShardGroup
from lorax_shard.layers.quantisation import Quantisation
from lorax_shard.models import (
    Decoder,
    Encoder,
    EncoderConfig,
    ForeignConfig,
    ModelConfig,
    Task,
    label_of,
    load_encoder,
    load_model,
    read_model_config,
    weight_count,
)
from lorax_shard.models.sentence_files import is_sentence_model
from lorax_shard.server.abilities import Abilities, AbilityBuilder
from lorax_shard.server.config import ConfigurationError, NoDevice, ServeConfig, UnsupportedDtype
from lorax_shard.server.first_adapters import FirstAdapters, PreloadedAdapter
from lorax_shard.server.group_proof import prove_group
from lorax_shard.server.packed_models import check_packing, quantisation_of
from lorax_shard.server.replaying import capturing_for

_LOG = logging.getLogger(__name__)
# The processes of a group start together; a shard whose peer stays away this long fails.
_GROUP_TIMEOUT = timedelta(minutes=5)
AnyConfig: TypeAlias = ModelConfig | EncoderConfig | ForeignConfig
# Sequences of a step that speculates, unless it is said. docs/performance.md has what was measured
# on a CPU; the other figure is upstream's.
_SPECULATION_SEQUENCES = {"cpu": 16, "cuda": 32}


@dataclass(frozen=True, slots=True)
class Shard:
    """Everything that the servicers need."""

    config: ServeConfig
    dtype: torch.dtype
    device: torch.device
    abilities: Abilities
    chat: ChatRenderer
    memory: DeviceMemory
    directories: AdapterDirectories
    preloaded: Sequence[PreloadedAdapter]


def start_shard(config: ServeConfig, on_host: Callable[[], None] = lambda: None) -> Shard:
    """Loads the model and its first adapters. Runs in the compute thread.

    on_host: called there before anything is computed, if that is done by the host's processor.
    """
    device = _choose_device(config)
    if device.type == "cpu":
        on_host()
    model_config = _with_dtype(_read_config(config), config, device)
    tokenizer = Tokenizer(config.model)
    chat = ChatRenderer(config.model, tokenizer)
    memory = DeviceMemory(device, config.memory, config.world)
    name = label_of(config.model)
    packing = model_config.packing if isinstance(model_config, ModelConfig) else None
    check_packing(config, name, packing)
    quantisation = quantisation_of(config)
    count = weight_count(config.model, model_config)
    # What transformers computes is loaded whole before it is quantised.
    at_first = None if isinstance(model_config, ForeignConfig) else quantisation
    memory.check_weights(name, count, model_config.dtype, at_first)
    group = _join_group(config, device)
    model = _load_model(config, model_config, group, device, quantisation)
    _LOG.info(
        "loaded %s as shard %d of %d: %s%s on %s",
        name,
        config.rank,
        config.world,
        model_config.dtype,
        _linear_layers(quantisation, packing),
        device if device.type == "cuda" else f"cpu with {describe_cpu()}",
    )
    staging = device if device.type == "cuda" else None
    adapters = AdapterTable(model.linears(), writing_to(device), staging)
    downloader = AdapterDownloader(config.downloads.cache, config.downloads.timeout_s, os.environ)
    directories = AdapterDirectories(config.adapter_roots, config.downloads, downloader)
    first = FirstAdapters(config, directories, adapters, memory, group)
    first.install_static()
    preloaded = first.preload()
    builder = AbilityBuilder(
        config.model,
        tokenizer,
        adapters,
        memory,
        group,
        device,
        _speculation(config, device),
        None if isinstance(model, Encoder) else capturing_for(config, model, device),
    )
    abilities = (
        builder.of_encoder(model) if isinstance(model, Encoder) else builder.of_decoder(model)
    )
    if config.speculative_tokens and abilities.task is not Task.GENERATION:
        raise ConfigurationError(
            f"--speculative-tokens {config.speculative_tokens} is about models that generate, "
            f"{name} {abilities.task.value}: leave it out"
        )
    _LOG.info("%s %s", name, abilities.task.value)
    return Shard(
        config, model_config.dtype, device, abilities, chat, memory, directories, preloaded
    )


def _linear_layers(quantisation: Quantisation | None, packing: Packing | None) -> str:
    if packing is not None:
        return f" with linear layers in {packing}"
    return "" if quantisation is None else f" with linear layers in {quantisation.value}"


def _read_config(config: ServeConfig) -> AnyConfig:
    found = read_model_config(config.model)
    if isinstance(found, ForeignConfig):
        found.check_shards(config.world)
        _LOG.info("%s is computed by transformers", found.architecture)
    return found


def _speculation(config: ServeConfig, device: torch.device) -> SpeculationLimits:
    sequences = config.speculation_sequences
    if sequences is None:
        sequences = _SPECULATION_SEQUENCES[device.type]
    return SpeculationLimits(config.speculative_tokens, sequences)


def _choose_device(config: ServeConfig) -> torch.device:
    available = torch.cuda.is_available()
    if config.device == "cuda" and not available:
        raise NoDevice(_no_cuda())
    if config.device == "cpu" or not available:
        return torch.device("cpu")
    # In a container of its own a shard sees its GPU alone; in a shared one it sees them all.
    device = torch.device("cuda", config.rank % torch.cuda.device_count())
    torch.cuda.set_device(device)
    return device


def _no_cuda() -> str:
    if torch.version.cuda is None:
        return (
            f"device cuda was asked for, but this is torch {torch.__version__} without CUDA: use "
            "an image for GPUs, or set the device to cpu"
        )
    return (
        "device cuda was asked for, but torch finds no CUDA device: check nvidia-smi and that the "
        "container was given a GPU (nvidia.com/gpu), or set the device to cpu"
    )


def _with_dtype(model_config: AnyConfig, config: ServeConfig, device: torch.device) -> AnyConfig:
    if config.dtype is not None:
        dtype = getattr(torch, config.dtype)
    elif device.type == "cpu":
        dtype = _host_dtype(model_config, config, device)
    else:
        dtype = model_config.dtype
    if dtype is torch.bfloat16 and device.type == "cuda" and not _has_bfloat16():
        if config.dtype is not None:
            raise UnsupportedDtype(
                f"{torch.cuda.get_device_name(device)} does not compute in bfloat16: set --dtype "
                "float16"
            )
        _LOG.warning("the GPU does not compute in bfloat16, float16 is used instead")
        dtype = torch.float16
    return replace(model_config, dtype=dtype)


def _host_dtype(model_config: AnyConfig, config: ServeConfig, device: torch.device) -> torch.dtype:
    """The kernels widen bfloat16 without loss, so a model in it stays as small as it is.

    Otherwise exactness is worth more than the memory that a narrower dtype would save, but not
    where weights are quantised: those are multiplied several times as fast with one in bfloat16.
    Experts are no linear layers of ours, so they are wide anyway, and what is told of memory must
    be true.
    """
    stored = model_config.dtype
    is_packed = isinstance(model_config, ModelConfig) and model_config.packing is not None
    if stored is torch.float16 and (is_packed or config.quantize is not None):
        stored = torch.bfloat16
    kept = stored is torch.bfloat16 and native_kernels(device, stored) is not None
    if isinstance(model_config, ForeignConfig) and model_config.has_experts:
        kept = False
    return stored if kept else torch.float32


def _has_bfloat16() -> bool:
    return bool(torch.cuda.is_bf16_supported(including_emulation=False))


def _load_model(
    config: ServeConfig,
    model_config: AnyConfig,
    group: ShardGroup,
    device: torch.device,
    quantisation: Quantisation | None,
) -> Decoder | Encoder:
    try:
        model: Decoder | Encoder
        if isinstance(model_config, EncoderConfig):
            model = load_encoder(config.model, model_config, group, device, quantisation)
        else:
            has_head = not is_sentence_model(config.model)
            model = load_model(config.model, model_config, group, device, has_head, quantisation)
    # Something else took memory after it was measured.
    except (torch.OutOfMemoryError, MemoryError) as error:
        raise OutOfMemory(
            f"loading {label_of(config.model)} needs more memory than {device} has left: serve it "
            f"on more shards (--num-shard {config.world + 1}) or end what else uses {device} "
            f"({str(error).partition('. ')[0]})"
        ) from None
    if device.type == "cuda":
        # What was there before it was quantised or put into order is scratch that no step needs.
        torch.cuda.empty_cache()
    return model


def _join_group(config: ServeConfig, device: torch.device) -> ShardGroup:
    if config.world == 1:
        return ShardGroup()
    try:
        dist.init_process_group(
            "nccl" if device.type == "cuda" else "gloo",
            # Debian builds torch without libuv, which the store would use by default.
            init_method=f"tcp://{config.master_addr}:{config.master_port}?use_libuv=0",
            rank=config.rank,
            world_size=config.world,
            timeout=_GROUP_TIMEOUT,
        )
    except RuntimeError as error:
        raise ConfigurationError(
            f"shard {config.rank} of {config.world} could not join the others at "
            f"{config.master_addr}:{config.master_port} (MASTER_ADDR, MASTER_PORT): "
            f"{str(error).partition(chr(10))[0]}"
        ) from None
    group = ShardGroup(config.rank, config.world)
    prove_group(group, device)
    return group
