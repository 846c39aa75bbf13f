"""From the hidden states of texts to classes."""

from collections.abc import Callable, Sequence
from typing import TypeAlias

import torch
from torch import Tensor
from torch.nn import functional

from lorax_shard.layers.linear import TensorReader
from lorax_shard.models.encoder_config import EncoderConfig
from lorax_shard.models.task import Task

# A class and how sure the model is of it, 0 to 1.
Label: TypeAlias = tuple[str, float]


class ClassificationHead:
    """The layers behind an encoder that classifies; every shard holds all of them."""

    def __init__(self, config: EncoderConfig) -> None:
        self._config = config
        self._layers: list[tuple[Tensor, Tensor]] = []  # weight [out, in], bias [out]
        self._activate: Callable[[Tensor], Tensor] = (
            functional.relu if config.model_type == "distilbert" else torch.tanh
        )

    def load(self, reader: TensorReader) -> None:
        """Reads the head's weights."""
        hidden, classes = self._config.hidden_size, len(self._config.labels)
        *inner, last = self._names()
        self._layers = [
            *(_read(reader, name, (hidden, hidden)) for name in inner),
            _read(reader, last, (classes, hidden)),
        ]

    def label_tokens(self, hidden: Tensor, lengths: Sequence[int]) -> list[list[Label]]:
        """[T, hidden] of texts one after another -> the likeliest class of every token."""
        scores = self._logits(hidden).softmax(-1)
        top, classes = scores.max(-1)
        labels = [
            (self._config.labels[index], score)
            for index, score in zip(classes.tolist(), top.tolist(), strict=True)
        ]
        texts, start = [], 0
        for length in lengths:
            texts.append(labels[start : start + length])
            start += length
        return texts

    def label_texts(self, hidden: Tensor, lengths: Sequence[int]) -> list[list[Label]]:
        """[T, hidden] of texts one after another -> all classes of every text, best first."""
        ends = torch.tensor(lengths, device=hidden.device).cumsum(0)
        first = hidden[ends - torch.tensor(lengths, device=hidden.device)]
        logits = self._logits(first)
        scores = logits.sigmoid() if self._config.independent_labels else logits.softmax(-1)
        return [
            sorted(
                zip(self._config.labels, row, strict=True),
                key=lambda label: -label[1],
            )
            for row in scores.tolist()
        ]

    def _names(self) -> tuple[str, ...]:
        """The tensors of the layers, in order."""
        if self._config.task is Task.TOKEN_CLASSIFICATION:
            return ("classifier",)
        match self._config.model_type:
            case "bert":
                return (f"{self._config.prefix}pooler.dense", "classifier")
            case "distilbert":
                return ("pre_classifier", "classifier")
            case _:
                return ("classifier.dense", "classifier.out_proj")

    def _logits(self, hidden: Tensor) -> Tensor:
        """[N, hidden] -> float32 [N, classes]."""
        *inner, last = self._layers
        x = hidden.float()
        for weight, bias in inner:
            x = self._activate(functional.linear(x, weight, bias))
        return functional.linear(x, *last)


def _read(reader: TensorReader, name: str, shape: tuple[int, int]) -> tuple[Tensor, Tensor]:
    weight = reader.read(f"{name}.weight", shape)
    return weight.float(), reader.read(f"{name}.bias", shape[:1]).float()
