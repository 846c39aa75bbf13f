"""A running shard of models that transformers computes."""

from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path

import pytest
import torch
import transformers
from conftest import greedy_tokens
from peft import LoraConfig, PeftModel, get_peft_model
from shard_process import START_SECONDS, ShardGroup, launch, start_group
from testing_router import TestingRouter
from tiny_model import write_model
from transformers import AutoModelForCausalLM

from lorax_shard.pb import generate_pb2 as pb

MODELS = {
    "gpt2": ("GPT2", {}, {"wide": "all-linear", "narrow": ["c_attn"]}),
    "olmo3": (
        "Olmo3",
        {"sliding_window": 20},
        {"wide": "all-linear", "narrow": ["q_proj", "down_proj"]},
    ),
}
ADAPTERS = [None, "wide", "narrow"]
PROMPTS = [
    tuple(range(60, 75)),
    tuple(range(200, 217)),
    tuple((7 * i) % 300 + 3 for i in range(45)),
]
TOKENS = 18


@pytest.fixture(scope="module", params=MODELS)
def model(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model's directory; its adapters lie beside it."""
    root = tmp_path_factory.mktemp("foreign")
    kind, changes, adapters = MODELS[request.param]
    write_model(root / "model", getattr(transformers, f"{kind}Config"), **changes)
    for rank, (name, targets) in enumerate(adapters.items(), start=5):
        base = AutoModelForCausalLM.from_pretrained(root / "model")
        settings = LoraConfig(
            r=2 * rank, lora_alpha=2 * rank, target_modules=targets, init_lora_weights=False
        )
        torch.manual_seed(rank)
        get_peft_model(base, settings).save_pretrained(root / "adapters" / name)
    return root / "model"


@pytest.fixture(scope="module")
def shard(model: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[ShardGroup]:
    group = start_group(tmp_path_factory.mktemp("sockets"), model, model.parent / "adapters")
    yield group
    group.stop()


@pytest.fixture(scope="module")
def router(shard: ShardGroup) -> TestingRouter:
    return loaded(shard)


def loaded(shard: ShardGroup) -> TestingRouter:
    router = TestingRouter(shard)
    for index, adapter in enumerate(ADAPTERS):
        if adapter is not None:
            router.load(index, adapter)
    return router


@pytest.fixture(scope="module")
def expected(model: Path) -> Callable[[tuple[int, ...], int], list[int]]:
    """Greedy continuations by transformers and PEFT."""

    @cache
    def reference(adapter: str | None):
        base = AutoModelForCausalLM.from_pretrained(model, dtype=torch.float32)
        if adapter is not None:
            base = PeftModel.from_pretrained(base, model.parent / "adapters" / adapter)
        return base.eval()

    return lambda prompt, adapter: greedy_tokens(reference(ADAPTERS[adapter]), prompt, TOKENS)


CASES = [(prompt, adapter) for prompt in PROMPTS for adapter in range(len(ADAPTERS))]


def test_a_mixed_batch_answers_as_peft(router: TestingRouter, expected) -> None:
    # when
    answers = router.run(
        *(router.request(list(prompt), adapter, TOKENS) for prompt, adapter in CASES)
    )

    # then
    assert [answer.ids for answer in answers] == [expected(*case) for case in CASES]
    assert len({tuple(expected(PROMPTS[2], adapter)) for adapter in range(3)}) == 3


def test_chunks_prefixes_and_joining_change_nothing(router: TestingRouter, expected) -> None:
    # given
    long = PROMPTS[2]
    router.warm_up(prompt_tokens=16)
    running = router.prefill(first := router.request(list(PROMPTS[0]), 1, TOKENS))

    # when
    chunked = router.request(list(long), 2, TOKENS, chunk=16)
    running = router.prefill(chunked, joined=running)
    running = router.decode(running)
    running = router.decode(running)
    hit = router.request(list(long), 2, TOKENS, prefix_of=(chunked, 32))
    running = router.prefill(hit, joined=running)
    router.finish(running)

    # then
    answers = [router.answers.pop(request.id).ids for request in (first, chunked, hit)]
    assert answers == [expected(PROMPTS[0], 1), expected(long, 2), expected(long, 2)]


def test_proposals_change_no_answer(model: Path, tmp_path: Path, expected) -> None:
    # given
    proposing = ("--speculative-tokens=3",)
    group = start_group(tmp_path, model, model.parent / "adapters", 1, proposing)

    # when
    try:
        router = loaded(group)
        answers = router.run(
            *(router.request(list(prompt), adapter, TOKENS) for prompt, adapter in CASES)
        )
    finally:
        group.stop()

    # then
    assert [answer.ids for answer in answers] == [expected(*case) for case in CASES]


def test_it_embeds_too(router: TestingRouter, model: Path) -> None:
    # given
    texts = [
        pb.Request(id=place, tokenized_inputs=pb.TokenizedInputs(ids=prompt), truncate=500)
        for place, prompt in enumerate(PROMPTS)
    ]

    # when
    answer = router.master.Embed(
        pb.EmbedRequest(batch=pb.Batch(id=7, requests=texts, size=len(texts)))
    )

    # then
    reference = AutoModelForCausalLM.from_pretrained(model, dtype=torch.float32).base_model
    for embedding in answer.embeddings:
        with torch.inference_mode():
            prompt = torch.tensor([PROMPTS[embedding.request_id]])
            last = reference(prompt).last_hidden_state[0, -1]
        ours = torch.tensor(embedding.values)
        torch.testing.assert_close(ours, last / last.norm(), atol=1e-4, rtol=1e-4)


def test_the_log_says_who_computes(shard: ShardGroup) -> None:
    messages = [record["message"] for record in shard.shards[0].log_records()]

    assert any(message.endswith(" is computed by transformers") for message in messages)


def test_it_is_not_divided_between_shards(model: Path, folder: Path) -> None:
    # when
    shard = launch(folder, [str(model), "--sharded"], {"RANK": "1", "WORLD_SIZE": "2"})

    # then
    assert shard.process.wait(timeout=START_SECONDS) == 1
    assert "which cannot divide it between 2 shards: serve it with --num-shard 1" in shard.log()
