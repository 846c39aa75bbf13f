"""Shards that serve checkpoints of AWQ and GPTQ, alone and in two, with adapters beside them."""

import json
from pathlib import Path

import pytest
from conftest import greedy_tokens
from packed_model import Recipe
from shard_process import launch, start_group
from test_packed import GPTQ, RECIPES, write_pair
from test_process import failed
from testing_router import TestingRouter
from tiny_model import TinyModel, write_adapter

PROMPTS = [tuple(range(60, 95)), tuple(range(100, 109))]
TOKENS = 12
ADAPTERS = {
    "every-module": {"r": 8, "lora_alpha": 16, "target_modules": "all-linear"},
    "attention": {"r": 4, "lora_alpha": 12, "target_modules": ["q_proj", "o_proj"]},
}


def write(root: Path, recipe: Recipe) -> tuple[Path, TinyModel]:
    """The packed model, and the dense one with adapters."""
    packed, dense = write_pair(root / "models", recipe)
    tiny = TinyModel(dense, root / "adapters")
    for seed, (name, settings) in enumerate(ADAPTERS.items()):
        write_adapter(tiny, name, seed, **settings)
    return packed, tiny


@pytest.mark.parametrize("world", [1, 2])
@pytest.mark.parametrize(
    ("name", "options", "kept"),
    [
        ("awq", ("--quantize=awq",), "4 bits of awq with a scale for 32 inputs"),
        ("gptq-order", ("--quantize=gptq",), "4 bits of gptq with a scale for 32 inputs"),
        ("gptq-8bit-row", (), "8 bits of gptq with a scale for an output"),
    ],
)
def test_answers_equal_those_of_the_dense_model(
    name: str, options: tuple[str, ...], kept: str, world: int, folder: Path
) -> None:
    """With every adapter and the base in one batch, token for token."""
    # given
    packed, tiny = write(folder, RECIPES[name])
    expected = {}
    for index, adapter in enumerate([None, *ADAPTERS]):
        model = tiny.reference(adapter)
        for at, prompt in enumerate(PROMPTS):
            expected[at, index] = greedy_tokens(model, prompt, TOKENS)
    assert len({tuple(ids) for ids in expected.values()}) == len(expected)

    # when
    group = start_group(folder, packed, tiny.adapter_root, world, options)
    try:
        router = TestingRouter(group)
        for index, adapter in enumerate(ADAPTERS, start=1):
            router.load(index, adapter)
        requests = [
            router.request(list(PROMPTS[at]), adapter, max_new_tokens=TOKENS)
            for at, adapter in expected
        ]
        answers = router.run(*requests)
    finally:
        group.stop()

    # then
    assert {key: each.ids for key, each in zip(expected, answers, strict=True)} == expected
    assert f"torch.float32 with linear layers in {kept}" in group.shards[0].log()


def test_options_that_contradict_the_checkpoint_are_refused(folder: Path) -> None:
    packed, tiny = write(folder, RECIPES["gptq"])
    roots = {"LORAX_ADAPTER_ROOTS": str(tiny.adapter_root)}

    def refusal(model: Path, *options: str) -> str:
        return failed(launch(folder, [str(model), "--adapter-source=local", *options], roots))

    already = "quantised already (4 bits of gptq with a scale for 32 inputs)"
    assert f"--quantize int4 contradicts packed, which is {already}: leave it out" in refusal(
        packed, "--quantize=int4"
    )
    assert f"--quantize awq contradicts packed, which is {already}" in refusal(
        packed, "--quantize=awq"
    )
    assert "--quantize gptq expects a model that is quantised so, dense is not" in refusal(
        tiny.directory, "--quantize=gptq"
    )
    merging = refusal(packed, "--merge-adapter-weights", "--adapter-id=attention")
    assert f"those of packed are {already}, so that a sum would not fit" in merging


def test_a_checkpoint_of_another_kind_is_refused_by_name(folder: Path) -> None:
    packed, _ = write(folder, RECIPES["gptq"])
    path = packed / "config.json"
    raw = json.loads(path.read_text())
    path.write_text(json.dumps(raw | {"quantization_config": GPTQ | {"bits": 3}}))

    log = failed(launch(folder, [str(packed)], {}))

    assert f"bits 3 of {path} (quant_method gptq) is not supported: expected 4 or 8" in log
