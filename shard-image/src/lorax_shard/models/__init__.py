"""Decoder models: configuration, weights and the forward pass."""

from pathlib import Path

import torch

from lorax_shard.layers.parallel import ShardGroup
from lorax_shard.models.config import ModelConfig, read_model_config
from lorax_shard.models.decoder import Decoder
from lorax_shard.weights import Checkpoint, label_of, parameter_count

__all__ = [
    "Decoder",
    "ModelConfig",
    "label_of",
    "load_model",
    "parameter_count",
    "read_model_config",
]


@torch.inference_mode()
def load_model(
    directory: Path, config: ModelConfig, group: ShardGroup, device: torch.device
) -> Decoder:
    """The model of a directory in HF layout, with this shard's part of the weights."""
    model = Decoder(config, group, device)
    model.load(Checkpoint(directory, config.dtype, device))
    return model
