"""Encoders of the BERT family, as a configuration describes them."""

from collections.abc import Iterator
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional

from lorax_shard.layers.linear import ColumnParallelLinear, RowParallelLinear, TensorReader
from lorax_shard.layers.lora_linear import LoraLinear, Projection
from lorax_shard.layers.native import native_kernels
from lorax_shard.layers.norm import LayerNorm
from lorax_shard.layers.parallel import ShardGroup, share_heads
from lorax_shard.layers.routing import LoraRouting
from lorax_shard.layers.text_attention import TextAttention
from lorax_shard.models.encoder_config import EncoderConfig


@dataclass(frozen=True, slots=True)
class TextStep:
    """The tokens of whole texts that lie one after another, and which adapters they use."""

    token_ids: Tensor  # [T]
    positions: Tensor  # [T], from 0 in each text
    attention: TextAttention
    lora: LoraRouting


class EncoderLayer:
    """Attention and MLP, each added to its input and normalised after that."""

    def __init__(self, config: EncoderConfig, name: str, group: ShardGroup) -> None:
        names, hidden, inner = config.layer_names, config.hidden_size, config.intermediate_size
        share = share_heads(config.heads, config.heads, group.world)[group.rank]
        rows = range(
            share.query_heads.start * config.head_dim, share.query_heads.stop * config.head_dim
        )
        projections = [Projection(f"{name}.{part}", hidden, hidden) for part in names.projections]
        self._heads = len(share.query_heads)
        self._activate = config.activate
        self.qkv = ColumnParallelLinear(projections, [[rows]] * 3)
        self.output = RowParallelLinear(
            Projection(f"{name}.{names.output}", hidden, hidden), rows, group
        )
        self.attention_norm = LayerNorm(
            f"{name}.{names.attention_norm}", hidden, config.norm_epsilon
        )
        share_of_inner = group.share_of(inner)
        up = Projection(f"{name}.{names.up}", hidden, inner)
        self.up = ColumnParallelLinear([up], [[share_of_inner]])
        self.down = RowParallelLinear(
            Projection(f"{name}.{names.down}", inner, hidden), share_of_inner, group
        )
        self.output_norm = LayerNorm(f"{name}.{names.output_norm}", hidden, config.norm_epsilon)

    def load(self, reader: TensorReader) -> None:
        """Reads this shard's part of the layer."""
        for linear in self.linears():
            linear.load_shard(reader, has_bias=True)
        self.attention_norm.load(reader)
        self.output_norm.load(reader)

    def linears(self) -> tuple[ColumnParallelLinear | RowParallelLinear, ...]:
        """Every place that adapters can touch."""
        return self.qkv, self.output, self.up, self.down

    def __call__(self, hidden: Tensor, step: TextStep) -> Tensor:
        """[T, hidden] -> [T, hidden]."""
        attended = step.attention.attend(self.qkv(hidden, step.lora), self._heads)
        hidden = self.attention_norm(hidden + self.output(attended, step.lora))
        inner = self._activate(self.up(hidden, step.lora))
        return self.output_norm(hidden + self.down(inner, step.lora))


class Encoder:
    """An encoder, or one shard of it; every shard returns the same hidden states."""

    _tokens: Tensor  # [vocab, hidden], held whole by every shard
    _positions: Tensor  # [max_positions, hidden]; the first segment's row is added already

    def __init__(
        self, config: EncoderConfig, prefix: str, group: ShardGroup, device: torch.device
    ) -> None:
        """prefix: what precedes the names of the encoder's own tensors in the checkpoint."""
        self.config = config
        self._name = f"{prefix}embeddings"
        self._wide = native_kernels(device, config.dtype) is not None
        self._norm = LayerNorm(f"{self._name}.LayerNorm", config.hidden_size, config.norm_epsilon)
        self.layers = [
            EncoderLayer(config, f"{prefix}{config.layer_prefix}.{index}", group)
            for index in range(config.layers)
        ]

    def linears(self) -> Iterator[LoraLinear]:
        """Every linear layer, which is also every place that adapters can touch."""
        for layer in self.layers:
            yield from layer.linears()

    def load(self, reader: TensorReader) -> None:
        """Reads this shard's weights."""
        config, name = self.config, self._name
        hidden = config.hidden_size
        self._tokens = reader.read(f"{name}.word_embeddings.weight", (config.vocab_size, hidden))
        rows = config.first_position + config.max_positions
        positions = reader.read(f"{name}.position_embeddings.weight", (rows, hidden))
        self._positions = self._widened(positions[config.first_position :])
        if config.token_types:
            segments = reader.read(
                f"{name}.token_type_embeddings.weight", (config.token_types, hidden)
            )
            self._positions = self._positions + self._widened(segments[0])
        self._norm.load(reader)
        for layer in self.layers:
            layer.load(reader)

    def hidden_states(self, step: TextStep) -> Tensor:
        """Runs one step: [T, hidden] of the last layer."""
        hidden = self._widened(functional.embedding(step.token_ids, self._tokens))
        hidden = self._norm(hidden + functional.embedding(step.positions, self._positions))
        for layer in self.layers:
            hidden = layer(hidden, step)
        return hidden

    def _widened(self, x: Tensor) -> Tensor:
        """As the kernels want it."""
        return x.float() if self._wide else x
