"""The architecture of a model, from its config.json."""

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch

from lorax_shard.checkpoint_files import CheckpointError, UnsupportedCheckpoint, label_of, read_json
from lorax_shard.layers.packing import Packing
from lorax_shard.layers.rotary import LinearScaling, Llama3Scaling, RotaryScaling
from lorax_shard.models.encoder_config import ENCODER_TYPES, EncoderConfig, parse_encoder_config
from lorax_shard.models.foreign.config import ForeignConfig, read_foreign_config
from lorax_shard.models.number_format import read_dtype
from lorax_shard.models.packing_config import read_packing
from lorax_shard.models.sentence_files import is_sentence_model

DECODER_TYPES = ("llama", "mistral", "qwen2", "qwen3", "phi3", "gemma2", "gemma3_text")
_GEMMA = ("gemma2", "gemma3_text")
_ACTIVATIONS = {"silu": False, "gelu_pytorch_tanh": True}


@dataclass(frozen=True, slots=True)
class LayerAttention:
    """How far back a layer looks and which rotary it uses."""

    # Tokens, the current one included; 0 = all. The same again ahead where nothing is causal.
    window: int
    rope_theta: float
    rope_scaling: RotaryScaling


@dataclass(frozen=True, slots=True)
class ModelConfig:
    """A decoder of the Llama family or of a relative."""

    model_type: str
    vocab_size: int
    hidden_size: int
    intermediate_size: int
    query_heads: int
    kv_heads: int
    head_dim: int
    rotary_dim: int  # of each head; the rest is not rotated
    attention: tuple[LayerAttention, ...]  # one for each layer
    attention_scale: float
    attention_cap: float  # scores are cap * tanh(score / cap); 0 = not capped
    logit_cap: float  # the same for logits
    norm_epsilon: float
    norm_offset: bool  # norms multiply by 1 + weight
    norms_heads: bool  # queries and keys are normalised, head by head
    norms_outputs: bool  # attention and MLP are normalised after themselves, too
    max_positions: int
    is_causal: bool  # else tokens see those behind them too, and nothing can be generated
    embedding_scale: float
    tied_embeddings: bool
    is_fused: bool  # the checkpoint has qkv_proj and gate_up_proj
    gelu: bool  # the MLP's activation, tanh form; else SiLU
    qkv_bias: bool
    output_bias: bool
    mlp_bias: bool
    dtype: torch.dtype
    eos_token_ids: frozenset[int]
    packing: Packing | None = None  # how the checkpoint has linear layers in few bits

    @property
    def layers(self) -> int:
        """Decoder layers."""
        return len(self.attention)


def read_model_config(directory: Path) -> ModelConfig | EncoderConfig | ForeignConfig:
    """Reads and checks config.json; a setting that would change the result is refused by name."""
    path = directory / "config.json"
    raw = read_json(path, f"model {label_of(directory)}")
    model_type = raw.get("model_type")
    try:
        packing = read_packing(raw, path)
        if packing is not None and model_type not in DECODER_TYPES:
            raise UnsupportedCheckpoint(
                f"model_type {model_type!r} of {path} is not supported when it is quantised by "
                f"{packing.method.value}: expected one of {', '.join(DECODER_TYPES)}"
            )
        if model_type not in (*DECODER_TYPES, *ENCODER_TYPES):
            return read_foreign_config(raw, path, ", ".join((*DECODER_TYPES, *ENCODER_TYPES)))
        if model_type in ENCODER_TYPES:
            return parse_encoder_config(raw, path)
        return replace(_parse_decoder(raw, path), packing=packing)
    except KeyError as error:
        raise CheckpointError(f"{path} lacks {error.args[0]!r}") from None
    except CheckpointError:
        raise
    except (TypeError, ValueError, ZeroDivisionError, AttributeError) as error:
        raise CheckpointError(f"{path} holds a value of the wrong kind: {error}") from None


def _parse_decoder(raw: dict[str, Any], path: Path) -> ModelConfig:
    model_type = str(raw["model_type"])
    key = "hidden_activation" if model_type in _GEMMA else "hidden_act"
    activation = raw.get(key) or ("gelu_pytorch_tanh" if model_type in _GEMMA else "silu")
    if activation not in _ACTIVATIONS:
        raise UnsupportedCheckpoint(
            f"{key} {activation!r} of {path} is not supported: "
            f"expected one of {', '.join(_ACTIVATIONS)}"
        )
    is_causal = not raw.get("use_bidirectional_attention")
    if not is_causal and (model_type != "gemma3_text" or not is_sentence_model(path.parent)):
        raise UnsupportedCheckpoint(
            f"use_bidirectional_attention of {path} is not supported: expected of model_type "
            "gemma3_text with modules.json alone, which is made to embed"
        )
    return _parse(raw, model_type, is_causal, gelu=_ACTIVATIONS[activation])


def _parse(raw: dict[str, Any], model_type: str, is_causal: bool, gelu: bool) -> ModelConfig:
    heads = int(raw["num_attention_heads"])
    hidden = int(raw["hidden_size"])
    head_dim = int(raw.get("head_dim") or hidden // heads)
    attention_bias = bool(raw.get("attention_bias", False))
    is_gemma = model_type in _GEMMA
    scalar = float(raw["query_pre_attn_scalar"]) if is_gemma else float(head_dim)
    return ModelConfig(
        model_type=model_type,
        vocab_size=int(raw["vocab_size"]),
        hidden_size=hidden,
        intermediate_size=int(raw["intermediate_size"]),
        query_heads=heads,
        kv_heads=int(raw.get("num_key_value_heads") or heads),
        head_dim=head_dim,
        rotary_dim=int(head_dim * float(raw.get("partial_rotary_factor") or 1.0)),
        attention=_attention(raw, model_type, is_causal),
        attention_scale=scalar**-0.5,
        attention_cap=float(raw.get("attn_logit_softcapping") or 0.0),
        logit_cap=float(raw.get("final_logit_softcapping") or 0.0),
        norm_epsilon=float(raw.get("rms_norm_eps", 1e-6)),
        norm_offset=is_gemma,
        norms_heads=model_type in ("qwen3", "gemma3_text"),
        norms_outputs=is_gemma,
        max_positions=int(raw["max_position_embeddings"]),
        is_causal=is_causal,
        embedding_scale=hidden**0.5 if is_gemma else 1.0,
        tied_embeddings=bool(raw.get("tie_word_embeddings", is_gemma)),
        is_fused=model_type == "phi3",
        gelu=gelu,
        qkv_bias=model_type == "qwen2" or attention_bias,
        output_bias=model_type in ("llama", "qwen3", *_GEMMA) and attention_bias,
        mlp_bias=model_type == "llama" and bool(raw.get("mlp_bias", False)),
        dtype=read_dtype(raw),
        eos_token_ids=token_ids(raw.get("eos_token_id")),
    )


def token_ids(value: Any) -> frozenset[int]:
    """The eos_token_id of a config file: absent, one id or a list of ids."""
    if value is None:
        return frozenset()
    return frozenset(value) if isinstance(value, list) else frozenset([int(value)])


def _attention(raw: dict[str, Any], model_type: str, is_causal: bool) -> tuple[LayerAttention, ...]:
    """Layers in order. Where the file does not say which slide, the model's own rule does."""
    count = int(raw["num_hidden_layers"])
    window = int(raw.get("sliding_window") or 0)
    if window and not is_causal:
        # The file has the tokens on both sides together, and transformers counts the middle one.
        window = window // 2 + 1
    if model_type in ("qwen2", "qwen3") and not raw.get("use_sliding_window", False):
        window = 0
    kinds = raw.get("layer_types") or [
        "sliding_attention" if _slides(raw, model_type, layer) else "full_attention"
        for layer in range(count)
    ]
    if len(kinds) != count or set(kinds) - {"sliding_attention", "full_attention"}:
        raise UnsupportedCheckpoint(
            f"layer_types {kinds} are not supported: expected sliding_attention or full_attention "
            f"for each of {count} layers"
        )
    full = _full_rope(raw)
    full_rotary = (float(full.get("rope_theta") or 10000.0), _rope_scaling(full))
    sliding_rotary = full_rotary
    if model_type == "gemma3_text":
        sliding_rotary = (_local_theta(raw), None)
    return tuple(
        LayerAttention(window, *sliding_rotary)
        if kind == "sliding_attention"
        else LayerAttention(0, *full_rotary)
        for kind in kinds
    )


def _slides(raw: dict[str, Any], model_type: str, layer: int) -> bool:
    match model_type:
        case "mistral" | "phi3":
            return True
        case "qwen2" | "qwen3":
            return layer >= int(raw.get("max_window_layers", 0))
        case "gemma2":
            return layer % 2 == 0
        case "gemma3_text":
            return (layer + 1) % int(raw.get("sliding_window_pattern", 6)) != 0
        case _:
            return False


def _full_rope(raw: dict[str, Any]) -> dict[str, Any]:
    rope = raw.get("rope_parameters") or raw.get("rope_scaling") or {}
    rope = rope.get("full_attention", rope)
    return {"rope_theta": raw.get("rope_theta"), **rope}


def _local_theta(raw: dict[str, Any]) -> float:
    rope = (raw.get("rope_parameters") or {}).get("sliding_attention") or {}
    return float(rope.get("rope_theta") or raw.get("rope_local_base_freq") or 10000.0)


def _rope_scaling(rope: dict[str, Any]) -> RotaryScaling:
    match rope.get("rope_type") or rope.get("type") or "default":
        case "default":
            return None
        case "linear":
            return LinearScaling(float(rope["factor"]))
        case "llama3":
            return Llama3Scaling(
                factor=float(rope["factor"]),
                low_freq_factor=float(rope["low_freq_factor"]),
                high_freq_factor=float(rope["high_freq_factor"]),
                original_max_position_embeddings=int(rope["original_max_position_embeddings"]),
            )
        case other:
            raise UnsupportedCheckpoint(
                f"rope type {other!r} is not supported: expected default, linear or llama3"
            )
