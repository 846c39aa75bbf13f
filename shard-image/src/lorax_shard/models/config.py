"""The architecture of a model, from its config.json."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from lorax_shard.layers.rotary import LinearScaling, Llama3Scaling, RotaryScaling
from lorax_shard.weights import CheckpointError, UnsupportedCheckpoint, label_of, read_json

SUPPORTED_TYPES = ("llama", "mistral", "qwen2")
_DTYPES = {"float32": torch.float32, "float16": torch.float16, "bfloat16": torch.bfloat16}


@dataclass(frozen=True, slots=True)
class ModelConfig:
    """A decoder of the Llama family."""

    model_type: str
    vocab_size: int
    hidden_size: int
    intermediate_size: int
    layers: int
    query_heads: int
    kv_heads: int
    head_dim: int
    norm_epsilon: float
    rope_theta: float
    rope_scaling: RotaryScaling
    # Positions beyond it would need a sliding window or were never trained.
    max_positions: int
    tied_embeddings: bool
    qkv_bias: bool
    output_bias: bool
    mlp_bias: bool
    dtype: torch.dtype
    eos_token_ids: frozenset[int]


def read_model_config(directory: Path) -> ModelConfig:
    """Reads and checks config.json; a setting that would change the result is refused by name."""
    path = directory / "config.json"
    raw = read_json(path, f"model {label_of(directory)}")
    model_type = raw.get("model_type")
    if model_type not in SUPPORTED_TYPES:
        raise UnsupportedCheckpoint(
            f"model_type {model_type!r} of {path} is not supported: "
            f"expected one of {', '.join(SUPPORTED_TYPES)}"
        )
    activation = raw.get("hidden_act", "silu")
    if activation != "silu":
        raise UnsupportedCheckpoint(
            f"hidden_act {activation!r} of {path} is not supported: expected silu"
        )
    try:
        return _parse(raw, str(model_type))
    except KeyError as error:
        raise CheckpointError(f"{path} lacks {error.args[0]!r}") from None
    except CheckpointError:
        raise
    except (TypeError, ValueError, ZeroDivisionError) as error:
        raise CheckpointError(f"{path} holds a value of the wrong kind: {error}") from None


def _parse(raw: dict[str, Any], model_type: str) -> ModelConfig:
    heads = int(raw["num_attention_heads"])
    hidden = int(raw["hidden_size"])
    attention_bias = bool(raw.get("attention_bias", False))
    rope = raw.get("rope_parameters") or raw.get("rope_scaling") or {}
    return ModelConfig(
        model_type=model_type,
        vocab_size=int(raw["vocab_size"]),
        hidden_size=hidden,
        intermediate_size=int(raw["intermediate_size"]),
        layers=int(raw["num_hidden_layers"]),
        query_heads=heads,
        kv_heads=int(raw.get("num_key_value_heads") or heads),
        head_dim=int(raw.get("head_dim") or hidden // heads),
        norm_epsilon=float(raw.get("rms_norm_eps", 1e-6)),
        rope_theta=float(rope.get("rope_theta") or raw.get("rope_theta") or 10000.0),
        rope_scaling=_rope_scaling(rope),
        max_positions=_max_positions(raw, model_type),
        tied_embeddings=bool(raw.get("tie_word_embeddings", False)),
        qkv_bias=model_type == "qwen2" or attention_bias,
        output_bias=model_type == "llama" and attention_bias,
        mlp_bias=model_type == "llama" and bool(raw.get("mlp_bias", False)),
        dtype=_dtype(raw.get("dtype") or raw.get("torch_dtype") or "float32"),
        eos_token_ids=token_ids(raw.get("eos_token_id")),
    )


def token_ids(value: Any) -> frozenset[int]:
    """The eos_token_id of a config file: absent, one id or a list of ids."""
    if value is None:
        return frozenset()
    return frozenset(value) if isinstance(value, list) else frozenset([int(value)])


def _dtype(name: str) -> torch.dtype:
    if name not in _DTYPES:
        raise UnsupportedCheckpoint(
            f"dtype {name!r} is not supported: expected one of {list(_DTYPES)}"
        )
    return _DTYPES[name]


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


def _max_positions(raw: dict[str, Any], model_type: str) -> int:
    positions = int(raw["max_position_embeddings"])
    window = raw.get("sliding_window")
    windowed = model_type == "mistral" or bool(raw.get("use_sliding_window", False))
    # Inside the window sliding attention is plain causal attention; beyond it we would differ.
    return min(positions, int(window)) if windowed and window else positions
