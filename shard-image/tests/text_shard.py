"""Abilities of a model directory without a process, and requests to them."""

from collections.abc import Sequence
from pathlib import Path

import torch

from lorax_shard.adapters.table import AdapterTable
from lorax_shard.engine.limits import MemoryLimits
from lorax_shard.engine.memory import DeviceMemory
from lorax_shard.engine.messages import (
    BatchRequest,
    Classification,
    GenerationRequest,
    SamplingParameters,
    StoppingParameters,
)
from lorax_shard.engine.tokenizer import Tokenizer
from lorax_shard.layers.parallel import ShardGroup
from lorax_shard.layers.quantisation import Quantisation
from lorax_shard.models import EncoderConfig, load_encoder, load_model, read_model_config
from lorax_shard.models.sentence_files import is_sentence_model
from lorax_shard.server.abilities import Abilities, AbilityBuilder

CPU = torch.device("cpu")


def open_abilities(directory: Path, quantisation: Quantisation | None = None) -> Abilities:
    """The model of a directory, ready to answer."""
    config = read_model_config(directory)
    if isinstance(config, EncoderConfig):
        model = load_encoder(directory, config, ShardGroup(), CPU, quantisation)
    else:
        has_head = not is_sentence_model(directory)
        model = load_model(directory, config, ShardGroup(), CPU, has_head, quantisation)
    builder = AbilityBuilder(
        directory,
        Tokenizer(directory),
        AdapterTable(model.linears()),
        DeviceMemory(CPU, MemoryLimits(wiggle_room=0.01), 1),
        ShardGroup(),
        CPU,
    )
    if isinstance(config, EncoderConfig):
        return builder.of_encoder(model)
    return builder.of_decoder(model)


def batch(texts: Sequence[Sequence[int]], adapters: Sequence[int] = ()) -> BatchRequest:
    """A request for each text; its id is its place."""
    return BatchRequest(
        1,
        tuple(
            GenerationRequest(
                id=place,
                inputs="",
                token_ids=tuple(ids),
                truncate=0,
                sampling=SamplingParameters(),
                stopping=StoppingParameters(max_new_tokens=1),
                adapter_index=adapters[place] if adapters else 0,
            )
            for place, ids in enumerate(texts)
        ),
    )


def embed(
    abilities: Abilities, texts: Sequence[Sequence[int]], adapters: Sequence[int] = ()
) -> torch.Tensor:
    """[B, hidden] in the order of texts."""
    assert abilities.embedder is not None
    items = {item.request_id: item for item in abilities.embedder.embed(batch(texts, adapters))}
    return torch.tensor([items[place].values for place in range(len(texts))])


def classify(abilities: Abilities, texts: Sequence[Sequence[int]]) -> list[Classification]:
    """In the order of texts."""
    assert abilities.classifier is not None
    items = {item.request_id: item for item in abilities.classifier.classify(batch(texts))}
    return [items[place] for place in range(len(texts))]
