"""Text of tokens as they come: whole characters, stop sequences, special tokens."""

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from testing_router import TestingRouter
from tiny_model import TinyModel

from lorax_shard.engine.tokenizer import Tokenizer, TokenTexts
from lorax_shard.pb import generate_pb2 as pb

PROMPT = list(range(60, 95))


@pytest.fixture(scope="module")
def tokenizer(tiny: TinyModel) -> Tokenizer:
    return Tokenizer(tiny.directory)


@settings(max_examples=200, deadline=None, derandomize=True)
@given(
    prompt=st.text(max_size=8), answer=st.text(alphabet=st.characters(codec="utf-8"), max_size=24)
)
def test_pieces_are_whole_characters_and_add_up(
    tokenizer: Tokenizer, prompt: str, answer: str
) -> None:
    # given every byte as a token of its own now and then: the corpus knows few of the characters
    before, after = tokenizer.encode("a" + prompt), tokenizer.encode(answer)
    texts = TokenTexts(tokenizer, len(before))

    # when
    ids, pieces = list(before), []
    for token in after:
        ids.append(token)
        pieces.append(texts.add(ids))

    # then
    replaced = "\ufffd" in answer
    assert replaced or all("\ufffd" not in piece for piece in pieces)
    assert replaced or "".join(pieces) == answer == texts.text


def test_streamed_text_equals_the_final_text(router: TestingRouter, tiny: TinyModel) -> None:
    requests = [
        router.request(PROMPT, adapter, max_new_tokens=40, ignore_eos=True) for adapter in range(6)
    ]

    for answer in router.run(*requests):
        # A special token's piece can carry bytes before it that never became a character.
        streamed = re.sub("<unk>|<s>|</s>", "", "".join(answer.texts))
        assert answer.final.text.startswith(streamed.rstrip("\ufffd"))
        assert len(answer.final.text) - len(streamed) <= 3
        whole = tiny.tokenizer().decode(answer.ids, skip_special_tokens=True)
        assert answer.final.text == whole
        assert answer.final.generated_tokens == len(answer.ids) == 40


def test_a_stop_sequence_may_lie_across_tokens(router: TestingRouter) -> None:
    # given a text and a piece of it that begins in one token and ends inside a later one
    (free,) = router.run(router.request(PROMPT, max_new_tokens=30, ignore_eos=True))
    full = "".join(free.texts)
    stop = next(
        full[at : at + 3]
        for at in range(4, len(full) - 3)
        if full.index(full[at : at + 3]) == at and "\ufffd" not in full[at : at + 3]
    )

    # when
    (answer,) = router.run(
        router.request(PROMPT, max_new_tokens=30, ignore_eos=True, stop=["zzz", stop])
    )

    # then
    assert answer.final.finish_reason == pb.FINISH_REASON_STOP_SEQUENCE
    assert stop in answer.final.text
    assert stop not in "".join(answer.texts[:-1])
    assert answer.ids == free.ids[: len(answer.ids)]


def test_alternatives_are_the_likeliest_tokens(router: TestingRouter) -> None:
    (answer,) = router.run(router.request(PROMPT, max_new_tokens=3, return_k_alternatives=4))

    for token, logprob, other in zip(answer.ids, answer.logprobs, answer.alternatives, strict=True):
        assert other.ids[0] == token
        assert other.logprobs[0] == pytest.approx(logprob, abs=1e-5)
        assert len(other.ids) == len(other.texts) == 4
        assert list(other.logprobs) == sorted(other.logprobs, reverse=True)
