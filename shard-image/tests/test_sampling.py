"""Sampling: the right distribution, drawn from random numbers that belong to the request."""

import pytest
import torch
from testing_router import TestingRouter
from transformers import (
    LogitsProcessorList,
    RepetitionPenaltyLogitsProcessor,
    TemperatureLogitsWarper,
    TopKLogitsWarper,
    TopPLogitsWarper,
    TypicalLogitsWarper,
)

from lorax_shard.engine.messages import SamplingParameters
from lorax_shard.engine.sampling import TokenChooser, likeliest_tokens

PROMPT = list(range(60, 95))
VOCAB = 40


def chooser(**parameters) -> TokenChooser:
    return TokenChooser(SamplingParameters(**parameters))


@pytest.mark.parametrize("seed", range(5))
def test_the_distribution_is_that_of_transformers(seed: int) -> None:
    # given
    torch.manual_seed(seed)
    logits = 3 * torch.randn(VOCAB)
    prompt, generated = [1, 2, 2, 3], [5, 3]
    processors = LogitsProcessorList(
        [
            RepetitionPenaltyLogitsProcessor(1.3),
            TemperatureLogitsWarper(0.7),
            TopKLogitsWarper(20),
            TopPLogitsWarper(0.9),
            TypicalLogitsWarper(0.8),
        ]
    )
    expected = processors(torch.tensor([prompt + generated]), logits[None].clone())[0]

    # when
    ours = chooser(
        do_sample=True, repetition_penalty=1.3, temperature=0.7, top_k=20, top_p=0.9, typical_p=0.8
    )
    draws = []
    for _ in range(4000):
        draws.append(ours.choose(logits, prompt, generated))
        ours.took(1)

    # then both the log-probability of each draw and the frequencies are as expected
    logprobs = expected.log_softmax(-1)
    for choice in draws:
        assert choice.logprob == pytest.approx(float(logprobs[choice.token_id]), abs=1e-5)
    counts = torch.bincount(torch.tensor([choice.token_id for choice in draws]), minlength=VOCAB)
    assert (counts / len(draws) - logprobs.exp()).abs().max() < 0.04


def test_frequency_and_presence_count_generated_tokens() -> None:
    logits = torch.tensor([5.0, 4.9, 0.0])

    def choice(generated: list[int], **parameters) -> int:
        return chooser(**parameters).choose(logits, [0, 0, 0], generated).token_id

    assert choice([0], frequency_penalty=0.05, presence_penalty=0.0) == 0
    assert choice([0, 0, 0], frequency_penalty=0.05) == 1
    assert choice([0], presence_penalty=0.2) == 1
    assert choice([], presence_penalty=2.0, frequency_penalty=2.0) == 0


def test_temperature_zero_is_greedy_whatever_else_is_asked() -> None:
    logits = torch.tensor([0.1, 0.2, 0.15])

    answers = {
        chooser(temperature=0.0, do_sample=True, seed=seed).choose(logits, [], []).token_id
        for seed in range(20)
    }

    assert answers == {1}


def test_a_row_that_is_not_finite_has_no_likeliest_token() -> None:
    good = torch.randn(VOCAB)

    tokens, logprobs = likeliest_tokens(
        torch.stack([good, good * torch.nan, good * torch.inf, good])
    )

    assert logprobs.isfinite().tolist() == [True, False, False, True]
    assert tokens[0] == tokens[3] == good.argmax()
    assert logprobs[0] == logprobs[3]


def test_a_seed_gives_the_same_text_in_any_batch(router: TestingRouter) -> None:
    # given
    settings = {"do_sample": True, "temperature": 1.2, "top_p": 0.95, "max_new_tokens": 20}

    def asked():
        return router.request(PROMPT, adapter=2, seed=1234, **settings)

    # when
    (alone,) = router.run(asked())
    (other,) = router.run(router.request(PROMPT, adapter=2, seed=1235, **settings))
    crowd = [
        router.request(PROMPT[:9], adapter=1, seed=7, **settings),
        router.request(PROMPT, max_new_tokens=20),
        asked(),
        router.request(PROMPT[:20], temperature=0.8, top_k=5, repetition_penalty=1.2, seed=9),
    ]
    together = router.run(*crowd)[2]

    # then
    assert together.ids == alone.ids != other.ids
    assert alone.final.seed == 1234


def test_a_greedy_row_is_untouched_by_sampled_neighbours(router: TestingRouter, greedy) -> None:
    greedy_row = router.request(PROMPT, adapter=4, seed=5)
    cold = router.request(PROMPT, adapter=4, temperature=0.0, do_sample=True, seed=5)
    hot = router.request(PROMPT, temperature=1.7, do_sample=True, frequency_penalty=1.0, seed=6)

    answers = router.run(hot, greedy_row, cold)

    assert answers[1].ids == answers[2].ids == greedy(tuple(PROMPT), 4, 12)
    assert not answers[1].final.HasField("seed")
    assert answers[0].final.seed == 6
