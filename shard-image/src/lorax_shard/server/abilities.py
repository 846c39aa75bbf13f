"""What a model can do, and the parts that do it."""

from dataclasses import dataclass
from pathlib import Path

import torch

from lorax_shard.adapters.table import AdapterTable
from lorax_shard.engine.encoding import Classifier, DecoderTexts, Embedder, EncoderTexts
from lorax_shard.engine.engine import Engine
from lorax_shard.engine.graphs import Capturing
from lorax_shard.engine.limits import NO_SPECULATION, SpeculationLimits
from lorax_shard.engine.memory import DeviceMemory
from lorax_shard.engine.text_engine import TextEngine
from lorax_shard.engine.texts import TextReader
from lorax_shard.engine.tokenizer import Tokenizer
from lorax_shard.layers.parallel import ShardGroup
from lorax_shard.models import Decoder, Encoder, Task, load_classification_head
from lorax_shard.models.pooling import Pooling
from lorax_shard.models.sentence_files import is_sentence_model, read_embedding
from lorax_shard.server.errors import NotOffered


@dataclass(frozen=True, slots=True)
class Abilities:
    """A model's task; an engine, and what answers Embed and Classify where something does."""

    task: Task
    engine: Engine | TextEngine
    embedder: Embedder | None
    classifier: Classifier | None
    max_text_tokens: int  # of a text that is embedded or classified

    def generation(self) -> Engine:
        """The engine that generates; raises NotOffered where none does."""
        if isinstance(self.engine, Engine):
            return self.engine
        raise NotOffered(f"this model {self.task.value}, it does not generate text")


@dataclass(frozen=True, slots=True)
class AbilityBuilder:
    """Puts the parts together around a model."""

    directory: Path
    tokenizer: Tokenizer
    adapters: AdapterTable
    memory: DeviceMemory
    group: ShardGroup
    device: torch.device
    speculation: SpeculationLimits = NO_SPECULATION
    capturing: Capturing | None = None  # of decode steps, where the device can replay them

    def of_decoder(self, model: Decoder) -> Abilities:
        """A decoder embeds, and generates unless it is made to embed."""
        embedding = read_embedding(self.directory, model.config, Pooling.LAST, self.device)
        texts = DecoderTexts(model, self.device)
        reader = self._reader(model.config.vocab_size, embedding.max_tokens)
        embedder = Embedder(texts, reader, embedding, self.group)
        if is_sentence_model(self.directory):
            engine = TextEngine(texts, reader, self.adapters, self.device)
            return Abilities(Task.EMBEDDING, engine, embedder, None, reader.max_tokens)
        generating = Engine(
            model,
            self.tokenizer,
            self.adapters,
            self.memory,
            self.group,
            self.device,
            self.speculation,
            self.capturing,
            overlaps=self.device.type == "cuda" and self.group.world == 1,
        )
        return Abilities(Task.GENERATION, generating, embedder, None, reader.max_tokens)

    def of_encoder(self, model: Encoder) -> Abilities:
        """An encoder classifies if it has a head for that, and embeds otherwise."""
        config = model.config
        texts = EncoderTexts(model, self.device)
        if config.task is Task.EMBEDDING:
            embedding = read_embedding(self.directory, config, Pooling.FIRST, self.device)
            reader = self._reader(config.vocab_size, embedding.max_tokens)
            embedder = Embedder(texts, reader, embedding, self.group)
            engine = TextEngine(texts, reader, self.adapters, self.device)
            return Abilities(config.task, engine, embedder, None, reader.max_tokens)
        head = load_classification_head(self.directory, config, self.device)
        reader = self._reader(config.vocab_size, config.max_positions)
        classifier = Classifier(texts, reader, head, config.task, self.group)
        engine = TextEngine(texts, reader, self.adapters, self.device)
        return Abilities(config.task, engine, None, classifier, reader.max_tokens)

    def _reader(self, vocab_size: int, max_tokens: int) -> TextReader:
        return TextReader(self.tokenizer, self.adapters, vocab_size, max_tokens)
