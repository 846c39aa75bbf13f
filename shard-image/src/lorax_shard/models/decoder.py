"""Decoders of the Llama family and its relatives, as a configuration describes them."""

from collections.abc import Iterator, Sequence

import torch
from torch import Tensor
from torch.nn import functional

from lorax_shard.layers.attention import HeadAttention, LayerCache
from lorax_shard.layers.linear import ColumnParallelLinear, RowParallelLinear, TensorReader
from lorax_shard.layers.lora_linear import LoraLinear, Projection
from lorax_shard.layers.native import HeadCounts
from lorax_shard.layers.norm import RmsNorm
from lorax_shard.layers.parallel import ShardGroup, share_heads
from lorax_shard.layers.rotary import Rotary, Rotation
from lorax_shard.layers.step import StepContext
from lorax_shard.layers.step_kernels import StepKernels, step_kernels
from lorax_shard.models.config import ModelConfig


class Attention:
    """Grouped-query attention; this shard's share of the heads."""

    def __init__(
        self,
        config: ModelConfig,
        window: int,
        name: str,
        group: ShardGroup,
        kernels: StepKernels | None,
    ) -> None:
        self.share = share_heads(config.query_heads, config.kv_heads, group.world)[group.rank]
        self._config = config
        hidden, dim = config.hidden_size, config.head_dim
        queries = _head_rows(self.share.query_heads, dim)
        keys = _head_rows(self.share.kv_heads, dim)
        widths = (config.query_heads * dim, config.kv_heads * dim, config.kv_heads * dim)
        rows = (queries, keys, keys)
        if config.is_fused:
            self.qkv = _fused(f"{name}.qkv_proj", hidden, widths, rows)
        else:
            names = (f"{name}.q_proj", f"{name}.k_proj", f"{name}.v_proj")
            self.qkv = _side_by_side(names, hidden, widths, rows)
        output = Projection(f"{name}.o_proj", config.query_heads * dim, hidden)
        self.output = RowParallelLinear(output, queries, group)
        heads = HeadCounts(len(self.share.query_heads), len(self.share.kv_heads), dim)
        self._attention = HeadAttention(
            heads, config.attention_scale, config.attention_cap, window, kernels
        )
        self._norms: tuple[RmsNorm, RmsNorm] | None = None
        if config.norms_heads:
            query_norm = _norm(f"{name}.q_norm", dim, config)
            self._norms = (query_norm, _norm(f"{name}.k_norm", dim, config))

    def load(self, reader: TensorReader) -> None:
        """Reads this shard's heads."""
        self.qkv.load_shard(reader, has_bias=self._config.qkv_bias)
        self.output.load_shard(reader, has_bias=self._config.output_bias)
        for norm in self._norms or ():
            norm.load(reader)

    def __call__(
        self, x: Tensor, step: StepContext, rotation: Rotation, cache: LayerCache
    ) -> Tensor:
        """[T, hidden] -> [T, hidden]."""
        qkv = self.qkv(x, step.lora)
        qkv = self._place(qkv, rotation, step.attention.slots, cache)
        return self.output(step.attention.attend(qkv, self._attention, cache), step.lora)

    def _place(self, qkv: Tensor, rotation: Rotation, slots: Tensor, cache: LayerCache) -> Tensor:
        """Normalises and rotates queries and keys and stores what later tokens attend to."""
        layer, norms = self._attention, self._norms
        if layer.kernels is not None:
            weights = (norms[0].weight, norms[1].weight) if norms else None
            layer.kernels.place(
                qkv, layer.heads, rotation.cosine, rotation.sine, weights,
                self._config.norm_epsilon, slots, cache.keys, cache.values,
            )  # fmt: skip
            return qkv
        queries, keys, values = layer.split(qkv)
        if norms:
            queries, keys = norms[0](queries), norms[1](keys)
        queries, keys = rotation.rotate(queries), rotation.rotate(keys)
        cache.write(slots, keys, values)
        return torch.cat((queries, keys, values), 1).flatten(1)


def _head_rows(heads: range, dim: int) -> range:
    return range(heads.start * dim, heads.stop * dim)


def _side_by_side(
    names: Sequence[str], hidden: int, widths: Sequence[int], rows: Sequence[range]
) -> ColumnParallelLinear:
    """Projections that the checkpoint has one by one."""
    projections = [
        Projection(name, hidden, width) for name, width in zip(names, widths, strict=True)
    ]
    return ColumnParallelLinear(projections, [[part] for part in rows])


def _fused(
    name: str, hidden: int, widths: Sequence[int], rows: Sequence[range]
) -> ColumnParallelLinear:
    """One projection of the checkpoint, in which those of these widths lie under one another."""
    first, parts = 0, []
    for width, part in zip(widths, rows, strict=True):
        parts.append(range(first + part.start, first + part.stop))
        first += width
    return ColumnParallelLinear([Projection(name, hidden, first)], [parts])


def _norm(name: str, size: int, config: ModelConfig) -> RmsNorm:
    return RmsNorm(name, size, config.norm_epsilon, config.norm_offset)


class Mlp:
    """down(act(gate(x)) * up(x)), the intermediate size divided between the shards."""

    def __init__(
        self, config: ModelConfig, name: str, group: ShardGroup, kernels: StepKernels | None
    ) -> None:
        self._has_bias = config.mlp_bias
        self._kernels = kernels
        self._gelu = config.gelu
        hidden, inner = config.hidden_size, config.intermediate_size
        share = group.share_of(inner)
        if config.is_fused:
            self.gate_up = _fused(f"{name}.gate_up_proj", hidden, (inner, inner), (share, share))
        else:
            names = (f"{name}.gate_proj", f"{name}.up_proj")
            self.gate_up = _side_by_side(names, hidden, (inner, inner), (share, share))
        self.down = RowParallelLinear(Projection(f"{name}.down_proj", inner, hidden), share, group)

    def load(self, reader: TensorReader) -> None:
        """Reads this shard's part of the intermediate size."""
        self.gate_up.load_shard(reader, self._has_bias)
        self.down.load_shard(reader, self._has_bias)

    def __call__(self, x: Tensor, step: StepContext) -> Tensor:
        """[T, hidden] -> [T, hidden]."""
        both = self.gate_up(x, step.lora)
        if self._kernels is not None:
            return self.down(self._kernels.gate(both, self._gelu), step.lora)
        gate, up = both.chunk(2, dim=-1)
        if self._gelu:
            return self.down(functional.gelu(gate, approximate="tanh") * up, step.lora)
        return self.down(functional.silu(gate) * up, step.lora)


class DecoderLayer:
    """Attention and MLP, each behind a norm and added to the residual stream."""

    def __init__(
        self, config: ModelConfig, index: int, group: ShardGroup, kernels: StepKernels | None
    ) -> None:
        name = f"model.layers.{index}"
        hidden = config.hidden_size
        before_mlp = "post_attention_layernorm"
        self._output_norms: tuple[RmsNorm, RmsNorm] | None = None
        if config.norms_outputs:
            after_attention = _norm(f"{name}.post_attention_layernorm", hidden, config)
            after_mlp = _norm(f"{name}.post_feedforward_layernorm", hidden, config)
            self._output_norms = (after_attention, after_mlp)
            before_mlp = "pre_feedforward_layernorm"
        window = config.attention[index].window
        self.attention_norm = _norm(f"{name}.input_layernorm", hidden, config)
        self.attention = Attention(config, window, f"{name}.self_attn", group, kernels)
        self.mlp_norm = _norm(f"{name}.{before_mlp}", hidden, config)
        self.mlp = Mlp(config, f"{name}.mlp", group, kernels)

    def load(self, reader: TensorReader) -> None:
        """Reads this shard's part of the layer."""
        self.attention_norm.load(reader)
        self.attention.load(reader)
        self.mlp_norm.load(reader)
        self.mlp.load(reader)
        for norm in self._output_norms or ():
            norm.load(reader)

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
        attended = self.attention(x, step, rotation, cache)
        if self._output_norms is None:
            hidden, x = self.mlp_norm.add(hidden, attended)
            return hidden, self.mlp(x, step)
        after_attention, after_mlp = self._output_norms
        hidden, x = self.mlp_norm.add(hidden, after_attention(attended))
        return hidden, after_mlp(self.mlp(x, step))


class LlamaDecoder:
    """See Decoder: one of the Llama family, or one shard of it."""

    embedding: Tensor  # [vocab, hidden], held whole by every shard

    def __init__(
        self, config: ModelConfig, group: ShardGroup, device: torch.device, has_head: bool = True
    ) -> None:
        """has_head: whether tokens can be predicted; a model that only embeds has no need to."""
        self.config = config
        self._group = group
        self._kernels = step_kernels(device, config.dtype)
        self._rotaries = {
            (theta, scaling): Rotary(config.rotary_dim, theta, scaling, device)
            for theta, scaling in {
                (each.rope_theta, each.rope_scaling) for each in config.attention
            }
        }
        self.layers = [
            DecoderLayer(config, index, group, self._kernels) for index in range(config.layers)
        ]
        self._norm = _norm("model.norm", config.hidden_size, config)
        self._head: ColumnParallelLinear | None = None
        if has_head:
            head = Projection("lm_head", config.hidden_size, config.vocab_size)
            rows = [[group.share_of(config.vocab_size)]]
            self._head = ColumnParallelLinear([head], rows, is_head=True)

    @property
    def kv_heads(self) -> int:
        """Key-value heads that this shard keeps in its cache."""
        return len(self.layers[0].attention.share.kv_heads)

    @property
    def is_capturable(self) -> bool:
        """See Decoder."""
        return True

    def linears(self) -> Iterator[LoraLinear]:
        """Every linear layer, which is also every place that adapters can touch."""
        for layer in self.layers:
            yield layer.attention.qkv
            yield layer.attention.output
            yield layer.mlp.gate_up
            yield layer.mlp.down
        if self._head is not None:
            yield self._head

    def load(self, reader: TensorReader) -> None:
        """Reads this shard's weights."""
        shape = (self.config.vocab_size, self.config.hidden_size)
        self.embedding = reader.read("model.embed_tokens.weight", shape)
        for layer in self.layers:
            layer.load(reader)
        self._norm.load(reader)
        if self._head is None:
            return
        if self.config.tied_embeddings:
            self._head.share_weight(self.embedding, reader.quantisation)
        else:
            self._head.load_shard(reader, has_bias=False)

    def forward(self, step: StepContext, cache: Sequence[LayerCache]) -> Tensor:
        """Runs one step: writes the cache, returns float32 logits [rows wanted, vocab]."""
        assert self._head is not None
        share = self._head(self.hidden_states(step, cache), step.logit_lora)
        logits = self._group.gather_columns(share, self.config.vocab_size).float()
        if self.config.logit_cap:
            logits = self.config.logit_cap * torch.tanh(logits / self.config.logit_cap)
        return logits

    def hidden_states(self, step: StepContext, cache: Sequence[LayerCache]) -> Tensor:
        """Runs one step: writes the cache, returns the last layer's output [rows wanted, hidden].

        It is normalised, as the head wants it, and the same on every shard.
        """
        hidden = functional.embedding(step.token_ids, self.embedding)  # [T, hidden]
        if self._kernels is not None and self._kernels.is_wide:
            hidden = hidden.float()
        if self.config.embedding_scale != 1.0:
            hidden = hidden * self.config.embedding_scale
        rotations = {
            key: rotary.at(step.positions, hidden.dtype) for key, rotary in self._rotaries.items()
        }
        added: Tensor | None = None
        for layer, attention, layer_cache in zip(
            self.layers, self.config.attention, cache, strict=True
        ):
            rotation = rotations[attention.rope_theta, attention.rope_scaling]
            hidden, added = layer(hidden, added, step, rotation, layer_cache)
        assert added is not None
        if step.logit_rows is not None:
            hidden, added = hidden[step.logit_rows], added[step.logit_rows]
        _, last = self._norm.add(hidden, added)
        return last
