"""Adapters with DoRA against PEFT, beside others in one batch."""

from collections.abc import Callable
from pathlib import Path

import grpc
import pytest
import torch
from conftest import greedy_tokens
from peft import PeftModel
from safetensors.torch import load_file, save_file
from shard_process import start_group
from testing_router import TestingRouter
from tiny_model import ALL, TinyModel, write_adapter, write_model
from transformers import AutoModelForCausalLM, Qwen2Config

from lorax_shard.layers.quantisation import from_int8, to_int8
from lorax_shard.layers.routing import LoraSlot, MultipliedRows, route_padded, route_segments
from lorax_shard.pb import generate_pb2 as pb

PROMPTS = [tuple(range(60, 95)), tuple(range(100, 109)), tuple(range(40, 95, 2))]
TOKENS = 12
EVERY, SOME, PLAIN = "dora-every", "dora-some", "plain"
KEY = "base_model.model.model.layers.1.mlp.up_proj.lora_magnitude_vector"
CPU = torch.device("cpu")


def write_adapters(tiny: TinyModel) -> list[str]:
    """Two with DoRA, of different ranks and modules, and one without."""
    write_dora(tiny, EVERY, 0, r=8, lora_alpha=16, target_modules=ALL)
    some = ["q_proj", "v_proj", "up_proj"]
    write_dora(tiny, SOME, 1, r=12, lora_alpha=6, target_modules=some, use_rslora=True)
    write_adapter(tiny, PLAIN, 2, r=8, lora_alpha=16, target_modules=ALL)
    return [EVERY, SOME, PLAIN]


def write_dora(tiny: TinyModel, name: str, seed: int, **settings) -> None:
    """Its lengths differ from those of the weights, as after training."""
    file = write_adapter(tiny, name, seed, use_dora=True, **settings) / "adapter_model.safetensors"
    torch.manual_seed(seed)
    tensors = load_file(file)
    for key in tensors:
        if "magnitude" in key:
            tensors[key] = 0.5 + 2 * torch.rand_like(tensors[key])
    save_file(tensors, file, metadata={"format": "pt"})


def answers_by_peft(
    directory: Path, root: Path, adapters: list[str], change: Callable = lambda model: None
) -> dict[tuple[int, int], list[int]]:
    """By prompt and adapter, 0 being the base; change: what is done to the base model first."""
    answers = {}
    for index, name in enumerate([None, *adapters]):
        model = AutoModelForCausalLM.from_pretrained(directory, dtype=torch.float32)
        change(model)
        if name is not None:
            model = PeftModel.from_pretrained(model, root / name)
        for at, prompt in enumerate(PROMPTS):
            answers[at, index] = greedy_tokens(model.eval(), prompt, TOKENS)
    return answers


def answers_in_one_batch(
    router: TestingRouter, adapters: list[str]
) -> dict[tuple[int, int], list[int]]:
    for index, name in enumerate(adapters, start=1):
        router.load(index, name)
    keys = [(at, index) for at in range(len(PROMPTS)) for index in range(len(adapters) + 1)]
    requests = [
        router.request(list(PROMPTS[at]), index, max_new_tokens=TOKENS) for at, index in keys
    ]
    return {key: answer.ids for key, answer in zip(keys, router.run(*requests), strict=True)}


@pytest.fixture(scope="module")
def biased(tmp_path_factory: pytest.TempPathFactory) -> TinyModel:
    """A model whose projections have a bias, which DoRA leaves alone."""
    root = tmp_path_factory.mktemp("biased")
    write_model(root / "model", Qwen2Config)
    return TinyModel(root / "model", root / "adapters")


@pytest.mark.parametrize("model", ["tiny", "biased"])
def test_a_mixed_batch_answers_as_peft(
    request: pytest.FixtureRequest, tmp_path: Path, model: str
) -> None:
    # given
    found: TinyModel = request.getfixturevalue(model)
    served = TinyModel(found.directory, tmp_path / "adapters")
    adapters = write_adapters(served)
    expected = answers_by_peft(served.directory, served.adapter_root, adapters)

    # when
    group = start_group(tmp_path, served.directory, served.adapter_root)
    try:
        router = TestingRouter(group)
        answers = answers_in_one_batch(router, adapters)

        # and when slots change hands, from DoRA to plain and back
        router.offload(1, EVERY)
        router.offload(3, PLAIN)
        router.load(4, PLAIN)
        router.load(5, EVERY)
        plain, every = router.run(
            *(router.request(list(PROMPTS[0]), index, max_new_tokens=TOKENS) for index in (4, 5))
        )
    finally:
        group.stop()

    # then
    assert answers == expected
    assert plain.ids == expected[0, 3]
    assert every.ids == expected[0, 1]
    assert len({tuple(expected[0, index]) for index in range(4)}) == 4


def test_lengths_are_those_of_the_quantised_weights(tiny: TinyModel, tmp_path: Path) -> None:
    served = TinyModel(tiny.directory, tmp_path / "adapters")
    adapters = write_adapters(served)
    expected = answers_by_peft(tiny.directory, served.adapter_root, adapters, _round_linears)

    options = ("--quantize=int8", "--dtype=float32")
    group = start_group(tmp_path, tiny.directory, served.adapter_root, 1, options)
    try:
        answers = answers_in_one_batch(TestingRouter(group), adapters)
    finally:
        group.stop()

    assert answers == expected


def _round_linears(model: torch.nn.Module) -> None:
    for module in model.modules():
        if isinstance(module, torch.nn.Linear):
            module.weight.data = from_int8(*to_int8(module.weight.data), torch.float32)


def test_two_shards_answer_as_peft_or_say_that_they_cannot(tiny: TinyModel, tmp_path: Path) -> None:
    # given
    served = TinyModel(tiny.directory, tmp_path / "adapters")
    _, some, plain = write_adapters(served)
    expected = answers_by_peft(tiny.directory, served.adapter_root, [some, plain])

    # when
    group = start_group(tmp_path, tiny.directory, served.adapter_root, 2)
    try:
        router = TestingRouter(group)
        answers = answers_in_one_batch(router, [some, plain])
        with pytest.raises(grpc.RpcError) as refused:
            router.load(3, EVERY)
    finally:
        group.stop()

    # then
    assert answers == expected
    assert refused.value.details() == (
        f"adapter {EVERY}: use_dora at model.layers.0.self_attn.o_proj is not supported on several "
        "shards, which each hold a part of its inputs: serve it with --num-shard 1, or train it "
        "for the other modules"
    )


def test_it_can_be_merged_into_the_base_model(tiny: TinyModel, tmp_path: Path) -> None:
    # given
    served = TinyModel(tiny.directory, tmp_path / "adapters")
    write_adapters(served)
    merged = served.reference(EVERY).merge_and_unload()
    expected = [greedy_tokens(merged, prompt, TOKENS) for prompt in PROMPTS]

    # when
    options = ("--merge-adapter-weights", f"--adapter-id={EVERY}")
    group = start_group(tmp_path, tiny.directory, served.adapter_root, 1, options)
    try:
        router = TestingRouter(group)
        requests = [router.request(list(prompt), max_new_tokens=TOKENS) for prompt in PROMPTS]
        answers = router.run(*requests)
    finally:
        group.stop()

    # then
    assert [answer.ids for answer in answers] == expected


def test_what_cannot_be_right_is_refused(tiny: TinyModel, router: TestingRouter) -> None:
    # given files that lack a length, have one too short, or one that nobody announced
    write_adapters(tiny)
    config = (tiny.adapter_root / EVERY / "adapter_config.json").read_text()
    tensors = load_file(tiny.adapter_root / EVERY / "adapter_model.safetensors")
    cases = {
        "lacking": (config, {key: tensors[key] for key in tensors if key != KEY},
                    f"tensor {KEY} is missing"),
        "short": (config, tensors | {KEY: tensors[KEY][:64].clone()},
                  f"tensor {KEY} must have shape [100], got [64]"),
        "silent": (config.replace('"use_dora": true', '"use_dora": false'), tensors,
                   "belongs to DoRA, but adapter_config.json has no use_dora"),
    }  # fmt: skip
    for name, (settings, content, reason) in cases.items():
        directory = tiny.adapter_root / name
        directory.mkdir()
        (directory / "adapter_config.json").write_text(settings)
        save_file(content, directory / "adapter_model.safetensors", metadata={"format": "pt"})

        with pytest.raises(grpc.RpcError) as refused:
            router.load(20, name)

        assert reason in refused.value.details()

    # and several at once
    recipe = pb.AdapterParameters(adapter_ids=[EVERY, PLAIN], weights=[1, 1])
    with pytest.raises(grpc.RpcError) as refused:
        router.master.LoadAdapter(
            pb.LoadAdapterRequest(
                adapter_parameters=recipe, adapter_source=pb.LOCAL, adapter_index=20
            )
        )
    assert f"adapter {EVERY} cannot be merged with others: it uses DoRA" in refused.value.details()


def test_rows_are_multiplied_only_where_an_adapter_does_so() -> None:
    plain, dora, other = LoraSlot(8, 0), LoraSlot(8, 1, True), LoraSlot(16, 1, True)
    slots = [None, dora, dora, plain, other, dora]

    by_length = route_segments(slots, [3, 1, 4, 2, 0, 5], CPU).multiplied
    one_each = route_padded(slots, CPU).multiplied

    assert by_length == [MultipliedRows(3, 8, 8, 1), MultipliedRows(10, 15, 8, 1)]
    assert one_each == [
        MultipliedRows(1, 3, 8, 1), MultipliedRows(4, 5, 16, 1), MultipliedRows(5, 6, 8, 1)
    ]  # fmt: skip
    assert route_segments([None, plain], [2, 2], CPU).multiplied == []
