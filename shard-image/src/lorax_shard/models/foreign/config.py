"""What a model is like that transformers computes, from its config.json."""

import importlib.util
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

import torch

from lorax_shard.checkpoint_files import CheckpointError, UnsupportedCheckpoint
from lorax_shard.models.number_format import read_dtype

# The frequencies of these depend on the longest sequence that is computed at the time.
_GROWING_ROPES = ("dynamic", "longrope")
_KINDS = ("full_attention", "sliding_attention")
_EXPERTS = ("num_experts", "num_local_experts", "n_routed_experts", "moe_num_experts")


@dataclass(frozen=True, slots=True)
class ForeignConfig:
    """A causal language model of transformers."""

    architecture: str  # the class that computes it
    vocab_size: int
    hidden_size: int
    layers: int
    max_positions: int
    tied_embeddings: bool
    has_experts: bool
    windows: tuple[bool, ...] | None  # which layers slide, where the file says so
    slides: bool  # whether any does
    dtype: torch.dtype
    # Of each layer's cache: what the model turns out to keep when it is loaded.
    kv_heads: int = 0
    head_dim: int = 0

    @property
    def is_causal(self) -> bool:
        """Others are not read."""
        return True

    def check_shards(self, count: int) -> None:
        """Fails unless one shard holds all of the model."""
        if count > 1:
            raise UnsupportedCheckpoint(
                f"{self.architecture} is computed by transformers, which cannot divide it between "
                f"{count} shards: serve it with --num-shard 1"
            )


def read_foreign_config(raw: dict[str, Any], path: Path, ours: str) -> ForeignConfig:
    """Checks what can be told before weights are read; what would be wrong is refused by name.

    raw: config.json, which lies at the path; ours: the model types that need no transformers.
    """
    what = f"model_type {raw.get('model_type')!r} of {path}"
    if importlib.util.find_spec("transformers") is None:
        raise UnsupportedCheckpoint(
            f"{what} is not one of {ours}; others need the package transformers, which is not "
            "installed: pip install 'lorax-shard[transformers]'"
        )
    config, model_class = _known(path, what)
    _refuse(config, model_class, what)
    return ForeignConfig(
        architecture=model_class.__name__,
        vocab_size=int(config.vocab_size),
        hidden_size=int(config.hidden_size),
        layers=int(config.num_hidden_layers),
        max_positions=_max_positions(config, what),
        tied_embeddings=bool(getattr(config, "tie_word_embeddings", False)),
        has_experts=any(getattr(config, name, None) for name in _EXPERTS),
        windows=_windows(config, what),
        slides=bool(getattr(config, "sliding_window", None))
        and getattr(config, "use_sliding_window", None) is not False,
        dtype=read_dtype(raw),
    )


def _known(path: Path, what: str) -> tuple[Any, Any]:
    """The configuration and the class of the model, as transformers has them."""
    from transformers import AutoConfig
    from transformers.models.auto.modeling_auto import MODEL_FOR_CAUSAL_LM_MAPPING

    try:
        config = AutoConfig.from_pretrained(
            path.parent, local_files_only=True, trust_remote_code=False
        )
    # It has errors of many kinds for files that it cannot read.
    except Exception as error:
        raise UnsupportedCheckpoint(
            f"{what} cannot be served: transformers {version('transformers')} does not know it, "
            f"and code that comes with a model is never run ({_first_line(error)})"
        ) from None
    if getattr(config, "is_encoder_decoder", False):
        raise UnsupportedCheckpoint(f"{what} cannot be served: it is an encoder with a decoder")
    if config.get_text_config() is not config:
        raise UnsupportedCheckpoint(f"{what} cannot be served: it reads more than text")
    if type(config) not in MODEL_FOR_CAUSAL_LM_MAPPING:
        raise UnsupportedCheckpoint(f"{what} cannot be served: it is no causal language model")
    try:
        return config, MODEL_FOR_CAUSAL_LM_MAPPING[type(config)]
    except (ImportError, RuntimeError) as error:
        raise UnsupportedCheckpoint(
            f"{what} cannot be served: transformers {version('transformers')} cannot be imported "
            f"whole beside torch {torch.__version__} ({_first_line(error)})"
        ) from error


def _refuse(config: Any, model_class: Any, what: str) -> None:
    if getattr(model_class, "_is_stateful", False):
        raise UnsupportedCheckpoint(
            f"{what} cannot be served: it keeps a state that is no cache of keys and values"
        )
    if not getattr(model_class, "_supports_attention_backend", False):
        raise UnsupportedCheckpoint(
            f"{what} cannot be served: the attention of {model_class.__name__} cannot be replaced "
            f"in transformers {version('transformers')}"
        )
    growing = set(_rope_types(config)) & set(_GROWING_ROPES)
    if growing:
        raise UnsupportedCheckpoint(
            f"{what} cannot be served: with rope type {growing.pop()!r} an answer would depend on "
            "the other requests of its batch"
        )


def _rope_types(config: Any) -> Iterator[str]:
    ropes = getattr(config, "rope_parameters", None) or getattr(config, "rope_scaling", None) or {}
    for rope in (ropes, *ropes.values()):
        if isinstance(rope, dict):
            yield str(rope.get("rope_type") or rope.get("type") or "default")


def _max_positions(config: Any, what: str) -> int:
    for name in ("max_position_embeddings", "max_sequence_length", "max_seq_len", "n_positions"):
        if isinstance(found := getattr(config, name, None), int):
            return found
    raise UnsupportedCheckpoint(f"{what} cannot be served: it lacks 'max_position_embeddings'")


def _windows(config: Any, what: str) -> tuple[bool, ...] | None:
    kinds = getattr(config, "layer_types", None)
    if kinds is None:
        return None
    if unknown := set(kinds) - set(_KINDS):
        raise UnsupportedCheckpoint(
            f"{what} cannot be served: layers of kind {', '.join(sorted(unknown))}, expected "
            f"{' or '.join(_KINDS)}"
        )
    if len(kinds) != config.num_hidden_layers:
        raise CheckpointError(
            f"{what}: layer_types names {len(kinds)} of {config.num_hidden_layers} layers"
        )
    return tuple(kind == "sliding_attention" for kind in kinds)


def _first_line(error: Exception) -> str:
    return str(error).strip().partition("\n")[0] or type(error).__name__
