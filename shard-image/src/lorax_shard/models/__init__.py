"""Models: configuration, weights and the forward pass."""

from pathlib import Path

import torch

from lorax_shard.checkpoint_files import label_of
from lorax_shard.layers.packing import Packing, PackingMethod
from lorax_shard.layers.parallel import ShardGroup
from lorax_shard.layers.quantisation import Quantisation
from lorax_shard.levelled_weights import LevelledCheckpoint
from lorax_shard.models.classification import ClassificationHead
from lorax_shard.models.config import ModelConfig, read_model_config
from lorax_shard.models.decoder import LlamaDecoder
from lorax_shard.models.decoding import Decoder
from lorax_shard.models.encoder import Encoder
from lorax_shard.models.encoder_config import EncoderConfig
from lorax_shard.models.foreign.config import ForeignConfig
from lorax_shard.models.foreign.decoder import load_foreign_decoder
from lorax_shard.models.sentence_files import is_sentence_model
from lorax_shard.models.task import Task
from lorax_shard.packed_weights import PackedCheckpoint
from lorax_shard.weights import Checkpoint, WeightCount, stored_tensors

__all__ = [
    "ClassificationHead",
    "Decoder",
    "Encoder",
    "EncoderConfig",
    "ForeignConfig",
    "ModelConfig",
    "Task",
    "WeightCount",
    "label_of",
    "load_classification_head",
    "load_encoder",
    "load_model",
    "read_model_config",
    "weight_count",
]


def weight_count(
    directory: Path, config: ModelConfig | EncoderConfig | ForeignConfig
) -> WeightCount:
    """The numbers in the weights of a model, by what may be quantised, from its files' headers."""
    table = config.vocab_size * config.hidden_size
    tensors = list(stored_tensors(directory))
    if isinstance(config, ModelConfig) and config.packing is not None:
        if config.packing.method is PackingMethod.BITSANDBYTES:
            plain, packed = LevelledCheckpoint.count(tensors)
        else:
            plain, packed = PackedCheckpoint.count(tensors, config.packing)
        # What is plain stays so, the head too, so that nobody needs to know how much of it is head.
        return WeightCount(table, plain - table, packed=packed)
    rest = sum(tensor.numbers for tensor in tensors) - table
    if isinstance(config, EncoderConfig) or is_sentence_model(directory):
        return WeightCount(table, rest)
    if config.tied_embeddings:
        return WeightCount(table, rest, head=table, is_tied=True)
    return WeightCount(table, rest - table, head=table)


@torch.inference_mode()
def load_model(
    directory: Path,
    config: ModelConfig | ForeignConfig,
    group: ShardGroup,
    device: torch.device,
    has_head: bool = True,
    quantisation: Quantisation | None = None,
) -> Decoder:
    """The decoder of a directory in HF layout, with this shard's part of the weights."""
    if isinstance(config, ForeignConfig):
        return load_foreign_decoder(directory, config, device, quantisation)
    model = LlamaDecoder(config, group, device, has_head)
    # What is saved without a head is saved without the name of what the head is beside.
    if config.packing is not None:
        assert quantisation is None
        model.load(_packed_checkpoint(directory, config.packing, config.dtype, device))
    else:
        model.load(Checkpoint(directory, config.dtype, device, "model.", quantisation))
    return model


def _packed_checkpoint(
    directory: Path, packing: Packing, dtype: torch.dtype, device: torch.device
) -> Checkpoint:
    if packing.method is PackingMethod.BITSANDBYTES:
        return LevelledCheckpoint(directory, dtype, device, "model.")
    return PackedCheckpoint(directory, packing, dtype, device, "model.")


@torch.inference_mode()
def load_encoder(
    directory: Path,
    config: EncoderConfig,
    group: ShardGroup,
    device: torch.device,
    quantisation: Quantisation | None = None,
) -> Encoder:
    """The encoder of a directory in HF layout, with this shard's part of the weights."""
    checkpoint = Checkpoint(directory, config.dtype, device, quantisation=quantisation)
    is_part = checkpoint.holds(f"{config.prefix}embeddings.word_embeddings.weight")
    model = Encoder(config, config.prefix if is_part else "", group, device)
    model.load(checkpoint)
    return model


@torch.inference_mode()
def load_classification_head(
    directory: Path, config: EncoderConfig, device: torch.device
) -> ClassificationHead:
    """What classifies behind the encoder of a directory."""
    head = ClassificationHead(config)
    head.load(Checkpoint(directory, config.dtype, device))
    return head
