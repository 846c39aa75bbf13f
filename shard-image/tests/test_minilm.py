"""A real embedding model: what all-MiniLM-L6-v2 says equals transformers, text by text.

LORAX_EMBEDDING_MODEL names its directory; `./lorax test` sets it.
"""

import os
from pathlib import Path

import pytest
import torch
from text_shard import batch, embed, open_abilities
from torch.nn import functional
from transformers import AutoModel, AutoTokenizer

from lorax_shard.checkpoint_files import CheckpointError
from lorax_shard.engine.tokenizer import Tokenizer
from lorax_shard.layers.quantisation import Quantisation

TEXTS = [
    "How do I get a refund?",
    "I want my money back.",
    "The launch was postponed because of the weather.",
    "Größe, naïve, 日本語 and 🦙 take more than one byte.",
    "word " * 200,
]


@pytest.fixture(scope="module")
def directory() -> Path:
    name = os.environ.get("LORAX_EMBEDDING_MODEL")
    if not name:
        pytest.fail("LORAX_EMBEDDING_MODEL is not set: expected the directory of all-MiniLM-L6-v2")
    return Path(name)


def test_embeddings_of_a_real_model_equal_those_of_transformers(directory: Path) -> None:
    # given
    tokenizer = AutoTokenizer.from_pretrained(directory)
    model = AutoModel.from_pretrained(directory, dtype=torch.float32).eval()
    expected = []
    for text in TEXTS:
        with torch.inference_mode():
            hidden = model(**tokenizer(text, return_tensors="pt")).last_hidden_state[0]
        expected.append(functional.normalize(hidden.mean(0), dim=0))

    # when
    ours_tokenizer = Tokenizer(directory)
    abilities = open_abilities(directory)
    asked = batch([ours_tokenizer.encode(text) for text in TEXTS])
    items = {item.request_id: item.values for item in abilities.embedder.embed(asked)}

    # then
    for place, vector in enumerate(expected):
        torch.testing.assert_close(torch.tensor(items[place]), vector, atol=2e-6, rtol=0)
    refund = functional.cosine_similarity(torch.tensor(items[0]), torch.tensor(items[1]), dim=0)
    weather = functional.cosine_similarity(torch.tensor(items[0]), torch.tensor(items[2]), dim=0)
    assert refund > 0.5 > weather


@pytest.mark.parametrize(
    ("quantisation", "least"), [(Quantisation.INT8, 0.998), (Quantisation.INT4, 0.9)], ids=str
)
def test_quantised_weights_turn_its_vectors_little(
    directory: Path, quantisation: Quantisation, least: float
) -> None:
    tokenizer = Tokenizer(directory)
    texts = [tokenizer.encode(text) for text in TEXTS]

    whole = embed(open_abilities(directory), texts)
    quantised = embed(open_abilities(directory, quantisation), texts)

    alike = functional.cosine_similarity(whole, quantised)
    assert bool((alike > least).all())
    assert bool((alike < 1 - 1e-6).any())


def test_its_limit_is_the_one_it_was_trained_with(directory: Path) -> None:
    assert open_abilities(directory).max_text_tokens == 256


def test_a_gap_in_its_files_is_named(directory: Path, tmp_path: Path) -> None:
    for file in directory.iterdir():
        (tmp_path / file.name).symlink_to(file)
    (tmp_path / "1_Pooling").unlink()

    with pytest.raises(CheckpointError, match=r"has no config.json: .*1_Pooling/config.json"):
        open_abilities(tmp_path)
