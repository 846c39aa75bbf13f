"""Reading texts once: embeddings and classes."""

from collections.abc import Callable, Sequence
from typing import Protocol

import numpy as np
import torch
from torch import Tensor

from lorax_shard.engine.messages import (
    BatchRequest,
    Classification,
    RequestsFailed,
    TextEmbedding,
)
from lorax_shard.engine.texts import Text, TextReader, step_tokens, steps
from lorax_shard.kv_cache import BLOCK_SIZE, KvCache, KvShape
from lorax_shard.layers.attention import AttentionPlan
from lorax_shard.layers.parallel import ShardGroup
from lorax_shard.layers.prefill import PrefillPlan, Span
from lorax_shard.layers.routing import LoraRouting, route_segments
from lorax_shard.layers.step import StepContext
from lorax_shard.layers.text_attention import TextAttention, TextPlan
from lorax_shard.models import Decoder, Encoder
from lorax_shard.models.classification import ClassificationHead, Label
from lorax_shard.models.encoder import TextStep
from lorax_shard.models.pooling import Embedding
from lorax_shard.models.task import Task

# Beside the kinds of the engine that generates: shards must agree on what they do next.
_ENCODE = 2


class TextModel(Protocol):
    """What makes hidden states of texts."""

    @property
    def step_tokens(self) -> int:
        """How many tokens should go through the layers together."""

    def hidden_states(self, texts: Sequence[Text]) -> Tensor:
        """[T, hidden] for the tokens of texts, one text after another."""


class EncoderTexts:
    """Texts read by an encoder: every token sees its whole text."""

    def __init__(self, model: Encoder, device: torch.device) -> None:
        self._model = model
        self._device = device
        self.step_tokens = step_tokens(device)

    def hidden_states(self, texts: Sequence[Text]) -> Tensor:
        """See TextModel."""
        lengths = [len(text) for text in texts]
        step = TextStep(
            token_ids=_ids(texts, self._device),
            positions=_positions(lengths, self._device),
            attention=TextAttention(lengths, self._device),
            lora=_routing(texts, self._device),
        )
        return self._model.hidden_states(step)


class DecoderTexts:
    """Texts read by a decoder: every token sees those before it, or all where it is made so.

    Keys and values are needed while a layer attends and never again, so all layers write them to
    the same scratch.
    """

    def __init__(self, model: Decoder, device: torch.device) -> None:
        self._model = model
        self._device = device
        self.step_tokens = step_tokens(device)

    def hidden_states(self, texts: Sequence[Text]) -> Tensor:
        """See TextModel."""
        config = self._model.config
        lengths = [len(text) for text in texts]
        tokens = sum(lengths)
        shape = KvShape(1, self._model.kv_heads, config.head_dim, config.dtype)
        scratch = KvCache(shape, -(-tokens // BLOCK_SIZE), self._device)
        lora = _routing(texts, self._device)
        step = StepContext(
            token_ids=_ids(texts, self._device),
            positions=_positions(lengths, self._device),
            attention=self._plan(lengths),
            lora=lora,
            logit_rows=None,
            logit_lora=lora,
        )
        return self._model.hidden_states(step, scratch.layers * config.layers)

    def _plan(self, lengths: Sequence[int]) -> AttentionPlan:
        if not self._model.config.is_causal:
            return TextPlan(lengths, self._device)
        firsts = np.cumsum([0, *lengths[:-1]]).tolist()
        spans = [Span(first, n, 0, None) for first, n in zip(firsts, lengths, strict=True)]
        return PrefillPlan(spans, torch.arange(sum(lengths), device=self._device))


class Embedder:
    """Embeds texts. Confined to the compute thread; with several shards all compute the same."""

    def __init__(
        self, model: TextModel, reader: TextReader, embedding: Embedding, group: ShardGroup
    ) -> None:
        self._model = model
        self._reader = reader
        self._embedding = embedding
        self._group = group

    @torch.inference_mode()
    def embed(self, batch: BatchRequest) -> list[TextEmbedding]:
        """One vector for each request, in any order."""
        embeddings: list[TextEmbedding] = []
        for step in _agreed_steps(batch, self._reader, self._group, self._model.step_tokens):
            hidden = self._model.hidden_states(step)
            pooled = self._embedding.pool(hidden, [len(text) for text in step])
            _refuse_non_finite(step, pooled.isfinite().all(1))
            embeddings += [
                TextEmbedding(text.request_id, values)
                for text, values in zip(step, pooled.tolist(), strict=True)
            ]
        return embeddings


class Classifier:
    """Classifies texts, or their tokens. Confined to the compute thread."""

    def __init__(
        self,
        model: TextModel,
        reader: TextReader,
        head: ClassificationHead,
        task: Task,
        group: ShardGroup,
    ) -> None:
        self._model = model
        self._reader = reader
        self._label: Callable[[Tensor, Sequence[int]], list[list[Label]]] = (
            head.label_tokens if task is Task.TOKEN_CLASSIFICATION else head.label_texts
        )
        self._group = group

    @torch.inference_mode()
    def classify(self, batch: BatchRequest) -> list[Classification]:
        """The classes of each request, in any order of requests."""
        classifications: list[Classification] = []
        for step in _agreed_steps(batch, self._reader, self._group, self._model.step_tokens):
            lengths = [len(text) for text in step]
            hidden = self._model.hidden_states(step)
            finite = torch.segment_reduce(
                hidden.isfinite().all(1).float(),
                "min",
                lengths=torch.tensor(lengths, device=hidden.device),
            )
            _refuse_non_finite(step, finite > 0)
            classifications += [
                Classification(
                    text.request_id, [name for name, _ in labels], [score for _, score in labels]
                )
                for text, labels in zip(step, self._label(hidden, lengths), strict=True)
            ]
        return classifications


def _agreed_steps(
    batch: BatchRequest, reader: TextReader, group: ShardGroup, budget: int
) -> Sequence[list[Text]]:
    agreed = list(steps(reader.read(batch), budget))
    texts = [text for step in agreed for text in step]
    tokens = sum(map(len, texts))
    group.agree((_ENCODE, len(texts), tokens), (text.request_id for text in texts))
    return agreed


def _refuse_non_finite(step: Sequence[Text], finite: Tensor) -> None:
    """Names the texts whose numbers are lost. finite: [B]."""
    if bool(finite.all()):
        return
    lost = [text for text, good in zip(step, finite.tolist(), strict=True) if not good]
    names = {text.adapter.id if text.adapter else "no adapter" for text in lost}
    raise RequestsFailed(
        f"the model yields NaN or infinite numbers with {', '.join(sorted(names))}",
        [text.request_id for text in lost],
    )


def _ids(texts: Sequence[Text], device: torch.device) -> Tensor:
    return torch.tensor([token for text in texts for token in text.ids], device=device)


def _positions(lengths: Sequence[int], device: torch.device) -> Tensor:
    return torch.from_numpy(np.concatenate([np.arange(length) for length in lengths])).to(device)


def _routing(texts: Sequence[Text], device: torch.device) -> LoraRouting:
    slots = [text.adapter.slot if text.adapter else None for text in texts]
    return route_segments(slots, [len(text) for text in texts], device)
