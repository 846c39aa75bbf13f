"""The architecture of an encoder, from its config.json."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional

from lorax_shard.checkpoint_files import CheckpointError, UnsupportedCheckpoint
from lorax_shard.models.number_format import read_dtype
from lorax_shard.models.task import Task

_ROBERTA = ("roberta", "xlm-roberta", "camembert")
ENCODER_TYPES = ("bert", "distilbert", *_ROBERTA)
_ACTIVATIONS: Mapping[str, Callable[[Tensor], Tensor]] = {
    "gelu": functional.gelu,
    "gelu_new": partial(functional.gelu, approximate="tanh"),
    "gelu_pytorch_tanh": partial(functional.gelu, approximate="tanh"),
    "relu": functional.relu,
    "silu": functional.silu,
}


@dataclass(frozen=True, slots=True)
class LayerNames:
    """Where a layer's tensors are, below the layer's own name."""

    projections: tuple[str, str, str]  # query, key, value
    output: str
    attention_norm: str
    up: str
    down: str
    output_norm: str


_BERT_LAYER = LayerNames(
    projections=("attention.self.query", "attention.self.key", "attention.self.value"),
    output="attention.output.dense",
    attention_norm="attention.output.LayerNorm",
    up="intermediate.dense",
    down="output.dense",
    output_norm="output.LayerNorm",
)
_DISTILBERT_LAYER = LayerNames(
    projections=("attention.q_lin", "attention.k_lin", "attention.v_lin"),
    output="attention.out_lin",
    attention_norm="sa_layer_norm",
    up="ffn.lin1",
    down="ffn.lin2",
    output_norm="output_layer_norm",
)


@dataclass(frozen=True, slots=True)
class EncoderConfig:
    """An encoder of the BERT family: post-norm layers, learned positions, attention both ways."""

    model_type: str
    vocab_size: int
    hidden_size: int
    intermediate_size: int
    layers: int
    heads: int
    max_positions: int  # tokens of the longest text
    first_position: int  # row of the position table that the first token has
    token_types: int  # rows of the segment table; 0 = there is none
    norm_epsilon: float
    activation: str
    task: Task
    labels: tuple[str, ...]  # by class; empty where the model does not classify
    independent_labels: bool  # any number of a text's labels may hold, not exactly one
    dtype: torch.dtype

    @property
    def head_dim(self) -> int:
        """Width of an attention head."""
        return self.hidden_size // self.heads

    @property
    def prefix(self) -> str:
        """What precedes the encoder's tensor names where it is part of a larger model."""
        return "roberta." if self.model_type in _ROBERTA else f"{self.model_type}."

    @property
    def layer_prefix(self) -> str:
        """What precedes a layer's number in tensor names."""
        return "transformer.layer" if self.model_type == "distilbert" else "encoder.layer"

    @property
    def layer_names(self) -> LayerNames:
        """The names within a layer."""
        return _DISTILBERT_LAYER if self.model_type == "distilbert" else _BERT_LAYER

    @property
    def activate(self) -> Callable[[Tensor], Tensor]:
        """The activation between the two products of a layer's MLP."""
        return _ACTIVATIONS[self.activation]


def parse_encoder_config(raw: Mapping[str, Any], path: Path) -> EncoderConfig:
    """Reads a config.json; a setting that would change the result is refused by name."""
    model_type = str(raw["model_type"])
    is_distilbert = model_type == "distilbert"
    _refuse_relatives(raw, path)
    activation = str(raw.get("activation" if is_distilbert else "hidden_act") or "gelu")
    if activation not in _ACTIVATIONS:
        raise UnsupportedCheckpoint(
            f"activation {activation!r} of {path} is not supported: "
            f"expected one of {', '.join(_ACTIVATIONS)}"
        )
    first = int(raw.get("pad_token_id", 1)) + 1 if model_type in _ROBERTA else 0
    task = _task(raw, path)
    labels = _labels(raw, path) if task is not Task.EMBEDDING else ()
    hidden, heads = _size(raw, "dim", "hidden_size"), _size(raw, "n_heads", "num_attention_heads")
    if hidden % heads:
        raise CheckpointError(f"hidden size {hidden} of {path} is no multiple of its {heads} heads")
    return EncoderConfig(
        model_type=model_type,
        vocab_size=int(raw["vocab_size"]),
        hidden_size=hidden,
        intermediate_size=_size(raw, "hidden_dim", "intermediate_size"),
        layers=_size(raw, "n_layers", "num_hidden_layers"),
        heads=heads,
        max_positions=int(raw["max_position_embeddings"]) - first,
        first_position=first,
        token_types=0 if is_distilbert else int(raw.get("type_vocab_size", 2)),
        norm_epsilon=1e-12 if is_distilbert else float(raw.get("layer_norm_eps", 1e-12)),
        activation=activation,
        task=task,
        labels=labels,
        independent_labels=_independent(raw, labels, path),
        dtype=read_dtype(raw),
    )


def _size(raw: Mapping[str, Any], distilberts: str, berts: str) -> int:
    return int(raw[distilberts if raw["model_type"] == "distilbert" else berts])


def _refuse_relatives(raw: Mapping[str, Any], path: Path) -> None:
    kind = raw.get("position_embedding_type") or "absolute"
    if kind != "absolute":
        raise UnsupportedCheckpoint(
            f"position_embedding_type {kind!r} of {path} is not supported: expected absolute"
        )
    if raw.get("is_decoder"):
        raise UnsupportedCheckpoint(f"is_decoder of {path} is not supported")


def _task(raw: Mapping[str, Any], path: Path) -> Task:
    architectures = [str(name) for name in raw.get("architectures") or ()]
    for name in architectures:
        if name.endswith("ForTokenClassification"):
            return Task.TOKEN_CLASSIFICATION
        if name.endswith("ForSequenceClassification"):
            return Task.TEXT_CLASSIFICATION
        if not name.endswith(("Model", "ForMaskedLM", "ForPreTraining")):
            raise UnsupportedCheckpoint(
                f"architecture {name} of {path} is not supported: expected a plain model, "
                "ForTokenClassification or ForSequenceClassification"
            )
    return Task.EMBEDDING


def _labels(raw: Mapping[str, Any], path: Path) -> tuple[str, ...]:
    """The names of the classes. Where the file has none, those that transformers makes up."""
    by_id = raw.get("id2label")
    if not by_id:
        return tuple(f"LABEL_{index}" for index in range(int(raw.get("num_labels", 2))))
    labels = {int(index): str(label) for index, label in by_id.items()}
    if sorted(labels) != list(range(len(labels))):
        raise CheckpointError(f"id2label of {path} must name the classes 0 to {len(labels) - 1}")
    return tuple(labels[index] for index in range(len(labels)))


def _independent(raw: Mapping[str, Any], labels: tuple[str, ...], path: Path) -> bool:
    problem = raw.get("problem_type")
    if problem == "regression":
        raise UnsupportedCheckpoint(
            f"problem_type regression of {path} is not supported: expected "
            "single_label_classification or multi_label_classification"
        )
    return problem == "multi_label_classification" or len(labels) == 1
