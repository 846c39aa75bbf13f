"""The demo's real model and adapters: greedy answers equal transformers and PEFT.

What --quantize costs is measured here, too: the bound is the one that docs/performance.md states.

LORAX_DEMO_MODEL names the model's directory in HF layout; `./lorax test` sets it.
"""

import json
import math
import os
from pathlib import Path

import pytest
import torch
from conftest import greedy_tokens
from packed_model import Recipe, write_packed
from peft import PeftModel
from shard_process import start_group
from testing_router import Answer, TestingRouter
from transformers import AutoModelForCausalLM, AutoTokenizer

from lorax_shard.engine.chat import ChatRenderer
from lorax_shard.engine.tokenizer import Tokenizer

ADAPTER_ROOT = Path(__file__).parents[1] / "demo" / "adapters"
ADAPTERS = [None, "pirate", "sentiment", "sql"]
QUESTIONS = ["What is the capital of France?", "The food was cold and the waiter was rude."]
TOKENS = 24
LICENCE = Path(__file__).parents[2] / "LICENSE"
NF4_BOUND = 1.45
PERPLEXITY_BOUNDS = {"int8": 1.02, "int4": 1.02}


@pytest.fixture(scope="module")
def demo_model() -> Path:
    name = os.environ.get("LORAX_DEMO_MODEL")
    if not name:
        pytest.fail("LORAX_DEMO_MODEL is not set: expected the directory of SmolLM2 in HF layout")
    return Path(name)


@pytest.fixture(scope="module")
def prompts(demo_model: Path) -> list[tuple[int, ...]]:
    tokenizer = AutoTokenizer.from_pretrained(demo_model)
    chats = [[{"role": "user", "content": question}] for question in QUESTIONS]
    texts = tokenizer.apply_chat_template(chats, add_generation_prompt=True, tokenize=False)
    return [tuple(tokenizer(text, add_special_tokens=False).input_ids) for text in texts]


@pytest.fixture(scope="module")
def expected(demo_model: Path, prompts) -> dict[tuple[int, int], list[int]]:
    """Continuations by (prompt, adapter); one base model carries all adapters in turn."""
    base = AutoModelForCausalLM.from_pretrained(demo_model, dtype=torch.float32).eval()
    answers = {(at, 0): greedy_tokens(base, prompt, TOKENS) for at, prompt in enumerate(prompts)}
    model = None
    for index, name in enumerate(ADAPTERS):
        if name is None:
            continue
        if model is None:
            model = PeftModel.from_pretrained(base, ADAPTER_ROOT / name, adapter_name=name)
        else:
            model.load_adapter(ADAPTER_ROOT / name, adapter_name=name)
        model.set_adapter(name)
        for at, prompt in enumerate(prompts):
            answers[at, index] = greedy_tokens(model, prompt, TOKENS)
    return answers


@pytest.mark.parametrize(("world", "options"), [(1, ()), (2, ()), (1, ("--speculative-tokens=4",))])
def test_mixed_batches_answer_like_transformers(
    demo_model: Path,
    prompts,
    expected,
    tmp_path_factory: pytest.TempPathFactory,
    world: int,
    options: tuple[str, ...],
) -> None:
    # given
    folder = tmp_path_factory.mktemp("smollm2")
    group = start_group(folder, demo_model, ADAPTER_ROOT, world, options)
    try:
        router = TestingRouter(group)
        for index, name in enumerate(ADAPTERS):
            if name is not None:
                router.load(index, name)

        # when
        keys = list(expected)
        requests = [
            router.request(list(prompts[at]), adapter, max_new_tokens=TOKENS)
            for at, adapter in keys
        ]
        answers = router.run(*requests)

        # then
        got = {key: answer.ids for key, answer in zip(keys, answers, strict=True)}
        assert got == expected
        for at in range(len(prompts)):
            assert len({tuple(got[at, adapter]) for adapter in range(len(ADAPTERS))}) == 4
    finally:
        group.stop()


def test_speculation_takes_fewer_steps_for_the_same_text(demo_model: Path, tmp_path: Path) -> None:
    # given
    tokenizer = AutoTokenizer.from_pretrained(demo_model)
    story = "The quick brown fox jumps over the lazy dog, and the hungry wolf watches from afar. "
    chats = [
        f"Repeat this text word for word: {story * 2}",
        "Write a short poem about the sea.",
        "Count from 1 to 30.",
    ]
    texts = [
        tokenizer.apply_chat_template(
            [{"role": "user", "content": chat}], add_generation_prompt=True, tokenize=False
        )
        for chat in chats
    ]
    prompts = [tokenizer(text, add_special_tokens=False).input_ids for text in texts]
    asked = [{}, {"do_sample": True, "temperature": 0.7, "seed": 3}]

    # when
    plain, speculating = (
        _answers(tmp_path, demo_model, prompts, asked, options)
        for options in ((), ("--speculative-tokens=5",))
    )

    # then
    for found, expected in zip(speculating, plain, strict=True):
        assert found.ids == expected.ids
        assert found.texts == expected.texts
        assert found.final.text == expected.final.text
        assert found.logprobs == pytest.approx(expected.logprobs, abs=1e-4)
    assert speculating[0].steps < 0.6 * len(speculating[0].ids)


def _answers(
    folder: Path, model: Path, prompts: list[list[int]], asked: list[dict], options: tuple[str, ...]
) -> list[Answer]:
    group = start_group(folder, model, ADAPTER_ROOT, 1, options)
    try:
        router = TestingRouter(group)
        return router.run(
            *(
                router.request(prompt, max_new_tokens=60, **settings)
                for prompt in prompts
                for settings in asked
            )
        )
    finally:
        group.stop()


@pytest.mark.parametrize(("quantize", "bound"), PERPLEXITY_BOUNDS.items())
def test_quantised_weights_cost_little_perplexity(
    demo_model: Path, tmp_path: Path, quantize: str, bound: float
) -> None:
    """1,500 tokens of the licence, 300 at a time.

    For int4 the bound says that the numbers are right, not what others lose: this model was made
    from a file in 4 bits and groups of 32, which come out as they went in.
    """
    tokens = AutoTokenizer.from_pretrained(demo_model)(LICENCE.read_text()).input_ids[:1500]

    whole = _perplexity(tmp_path, demo_model, tokens, ())
    quantised = _perplexity(tmp_path, demo_model, tokens, (f"--quantize={quantize}",))

    assert 1.0 < whole < 50.0
    assert quantised != whole
    assert quantised / whole < bound


def test_a_checkpoint_of_bitsandbytes_costs_what_its_numbers_cost(
    demo_model: Path, tmp_path: Path
) -> None:
    """Much, since this model has been in 4 bits before, with blocks of its own."""
    recipe = Recipe("bitsandbytes", group_size=64, is_nested=True)
    write_packed(demo_model, recipe, tmp_path / "nf4", tmp_path / "dense")
    tokens = AutoTokenizer.from_pretrained(demo_model)(LICENCE.read_text()).input_ids[:1500]

    whole, dense, kept = (
        _perplexity(tmp_path, model, tokens, ())
        for model in (demo_model, tmp_path / "dense", tmp_path / "nf4")
    )

    assert kept == pytest.approx(dense, rel=0.002)
    assert kept / whole < NF4_BOUND


def _perplexity(folder: Path, model: Path, tokens: list[int], options: tuple[str, ...]) -> float:
    group = start_group(folder, model, ADAPTER_ROOT, 1, options)
    try:
        router = TestingRouter(group)
        losses: list[float] = []
        for first in range(0, len(tokens), 300):
            part = tokens[first : first + 300]
            (answer,) = router.run(router.request(part, max_new_tokens=1, prefill_logprobs=True))
            losses += [-logprob for logprob in answer.prefill.logprobs[1:]]
    finally:
        group.stop()
    return math.exp(sum(losses) / len(losses))


def test_the_demo_prompt_renders_as_transformers_renders_it(demo_model: Path) -> None:
    tokenizer = AutoTokenizer.from_pretrained(demo_model)
    chat = [{"role": "user", "content": QUESTIONS[0]}]

    ours = ChatRenderer(demo_model, Tokenizer(demo_model)).render(json.dumps(chat), "", True)

    assert ours == tokenizer.apply_chat_template(chat, add_generation_prompt=True, tokenize=False)
