"""The Llama family of decoders: Llama, SmolLM2, Mistral, Qwen2."""

from collections.abc import Iterator, Sequence

import torch
from torch import Tensor
from torch.nn import functional

from lorax_shard.layers.attention import HeadAttention, LayerCache
from lorax_shard.layers.linear import (
    ColumnParallelLinear,
    LoraLinear,
    Projection,
    RowParallelLinear,
    TensorReader,
)
from lorax_shard.layers.native import HeadCounts, NativeKernels, native_kernels
from lorax_shard.layers.norm import RmsNorm
from lorax_shard.layers.parallel import ShardGroup, share_heads
from lorax_shard.layers.rotary import Rotary, Rotation
from lorax_shard.layers.step import StepContext
from lorax_shard.models.config import ModelConfig


class Attention:
    """Grouped-query attention; this shard's share of the heads."""

    def __init__(
        self, config: ModelConfig, name: str, group: ShardGroup, kernels: NativeKernels | None
    ) -> None:
        self.share = share_heads(config.query_heads, config.kv_heads, group.world)[group.rank]
        self._config = config
        hidden, dim = config.hidden_size, config.head_dim
        queries = _head_rows(self.share.query_heads, dim)
        keys = _head_rows(self.share.kv_heads, dim)
        self.qkv = ColumnParallelLinear(
            [
                Projection(f"{name}.q_proj", hidden, config.query_heads * dim),
                Projection(f"{name}.k_proj", hidden, config.kv_heads * dim),
                Projection(f"{name}.v_proj", hidden, config.kv_heads * dim),
            ],
            [queries, keys, keys],
        )
        output = Projection(f"{name}.o_proj", config.query_heads * dim, hidden)
        self.output = RowParallelLinear(output, queries, group)
        heads = HeadCounts(len(self.share.query_heads), len(self.share.kv_heads), dim)
        self._attention = HeadAttention(heads, dim**-0.5, kernels)

    def load(self, reader: TensorReader) -> None:
        """Reads this shard's heads."""
        self.qkv.load_shard(reader, has_bias=self._config.qkv_bias)
        self.output.load_shard(reader, has_bias=self._config.output_bias)

    def __call__(
        self, x: Tensor, step: StepContext, rotation: Rotation, cache: LayerCache
    ) -> Tensor:
        """[T, hidden] -> [T, hidden]."""
        qkv = self.qkv(x, step.lora)
        qkv = self._place(qkv, rotation, step.attention.slots, cache)
        return self.output(step.attention.attend(qkv, self._attention, cache), step.lora)

    def _place(self, qkv: Tensor, rotation: Rotation, slots: Tensor, cache: LayerCache) -> Tensor:
        """Rotates queries and keys and stores what later tokens attend to."""
        layer = self._attention
        if layer.kernels is not None:
            layer.kernels.place(
                qkv, layer.heads, rotation.cosine, rotation.sine, None, 0.0, slots,
                cache.keys, cache.values,
            )  # fmt: skip
            return qkv
        queries, keys, values = layer.split(qkv)
        queries, keys = rotation.rotate(queries), rotation.rotate(keys)
        cache.write(slots, keys, values)
        return torch.cat((queries, keys, values), 1).flatten(1)


def _head_rows(heads: range, dim: int) -> range:
    return range(heads.start * dim, heads.stop * dim)


class Mlp:
    """down(silu(gate(x)) * up(x)), the intermediate size divided between the shards."""

    def __init__(
        self, config: ModelConfig, name: str, group: ShardGroup, kernels: NativeKernels | None
    ) -> None:
        self._has_bias = config.mlp_bias
        self._kernels = kernels
        hidden, inner = config.hidden_size, config.intermediate_size
        share = group.share_of(inner)
        gate = Projection(f"{name}.gate_proj", hidden, inner)
        up = Projection(f"{name}.up_proj", hidden, inner)
        self.gate_up = ColumnParallelLinear([gate, up], [share, share])
        self.down = RowParallelLinear(Projection(f"{name}.down_proj", inner, hidden), share, group)

    def load(self, reader: TensorReader) -> None:
        """Reads this shard's part of the intermediate size."""
        self.gate_up.load_shard(reader, self._has_bias)
        self.down.load_shard(reader, self._has_bias)

    def __call__(self, x: Tensor, step: StepContext) -> Tensor:
        """[T, hidden] -> [T, hidden]."""
        both = self.gate_up(x, step.lora)
        if self._kernels is not None:
            return self.down(self._kernels.gate(both, gelu=False), step.lora)
        gate, up = self.gate_up.split(both)
        return self.down(functional.silu(gate) * up, step.lora)


class DecoderLayer:
    """Attention and MLP, each behind a norm and added to the residual stream."""

    def __init__(
        self, config: ModelConfig, index: int, group: ShardGroup, kernels: NativeKernels | None
    ) -> None:
        name = f"model.layers.{index}"
        hidden, epsilon = config.hidden_size, config.norm_epsilon
        self.attention_norm = RmsNorm(f"{name}.input_layernorm", hidden, epsilon)
        self.attention = Attention(config, f"{name}.self_attn", group, kernels)
        self.mlp_norm = RmsNorm(f"{name}.post_attention_layernorm", hidden, epsilon)
        self.mlp = Mlp(config, f"{name}.mlp", group, kernels)

    def load(self, reader: TensorReader) -> None:
        """Reads this shard's part of the layer."""
        self.attention_norm.load(reader)
        self.attention.load(reader)
        self.mlp_norm.load(reader)
        self.mlp.load(reader)

    def __call__(
        self,
        hidden: Tensor,
        added: Tensor | None,
        step: StepContext,
        rotation: Rotation,
        cache: LayerCache,
    ) -> tuple[Tensor, Tensor]:
        """The residual stream and what the layer before adds to it -> the same for the next."""
        if added is None:
            x = self.attention_norm(hidden)
        else:
            hidden, x = self.attention_norm.add(hidden, added)
        hidden, x = self.mlp_norm.add(hidden, self.attention(x, step, rotation, cache))
        return hidden, self.mlp(x, step)


class Llama:
    """A decoder, or one shard of it; every shard returns the logits of the full vocabulary."""

    embedding: Tensor  # [vocab, hidden], held whole by every shard

    def __init__(self, config: ModelConfig, group: ShardGroup, device: torch.device) -> None:
        self.config = config
        self._group = group
        self._kernels = native_kernels(device, config.dtype)
        self._rotary = Rotary(config.head_dim, config.rope_theta, config.rope_scaling, device)
        self.layers = [
            DecoderLayer(config, index, group, self._kernels) for index in range(config.layers)
        ]
        self._norm = RmsNorm("model.norm", config.hidden_size, config.norm_epsilon)
        head = Projection("lm_head", config.hidden_size, config.vocab_size)
        self._head = ColumnParallelLinear([head], [group.share_of(config.vocab_size)])

    @property
    def kv_heads(self) -> int:
        """Key-value heads that this shard keeps in its cache."""
        return len(self.layers[0].attention.share.kv_heads)

    def linears(self) -> Iterator[LoraLinear]:
        """Every linear layer, which is also every place that adapters can touch."""
        for layer in self.layers:
            yield layer.attention.qkv
            yield layer.attention.output
            yield layer.mlp.gate_up
            yield layer.mlp.down
        yield self._head

    def load(self, reader: TensorReader) -> None:
        """Reads this shard's weights."""
        shape = (self.config.vocab_size, self.config.hidden_size)
        self.embedding = reader.read("model.embed_tokens.weight", shape)
        for layer in self.layers:
            layer.load(reader)
        self._norm.load(reader)
        if self.config.tied_embeddings:
            self._head.share_weight(self.embedding)
        else:
            self._head.load_shard(reader, has_bias=False)

    def forward(self, step: StepContext, cache: Sequence[LayerCache]) -> Tensor:
        """Runs one step: writes the cache, returns float32 logits [rows wanted, vocab]."""
        hidden = functional.embedding(step.token_ids, self.embedding)  # [T, hidden]
        if self._kernels is not None:
            hidden = hidden.float()
        rotation = self._rotary.at(step.positions, hidden.dtype)
        added: Tensor | None = None
        for layer, layer_cache in zip(self.layers, cache, strict=True):
            hidden, added = layer(hidden, added, step, rotation, layer_cache)
        assert added is not None
        if step.logit_rows is not None:
            hidden, added = hidden[step.logit_rows], added[step.logit_rows]
        _, last = self._norm.add(hidden, added)
        share = self._head(last, step.logit_lora)
        return self._group.gather_columns(share, self.config.vocab_size).float()
