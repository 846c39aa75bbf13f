"""Adapters: loaded, replaced and offloaded while requests run; bad ones refused by name."""

import json
import shutil
from pathlib import Path

import grpc
import pytest
import torch
from conftest import ADAPTER_IDS, greedy_tokens
from safetensors.torch import load_file, save_file
from shard_process import ShardGroup, start_group
from testing_router import TestingRouter
from tiny_model import ADAPTERS, TinyModel, write_adapter

from lorax_shard.pb import extensions_pb2
from lorax_shard.pb import generate_pb2 as pb

PROMPT = tuple(range(60, 95))
FREE_INDEX = 50


def parameters(adapter_id: str) -> dict:
    return {
        "adapter_parameters": pb.AdapterParameters(adapter_ids=[adapter_id]),
        "adapter_source": pb.LOCAL,
    }


def load_refusal(router: TestingRouter, adapter_id: str, **changes) -> str:
    request = pb.LoadAdapterRequest(
        **parameters(adapter_id) | {"adapter_index": FREE_INDEX} | changes
    )
    with pytest.raises(grpc.RpcError) as refused:
        router.master.LoadAdapter(request)
    return refused.value.details()


@pytest.fixture
def damaged(tiny: TinyModel):
    """Makes a copy of an adapter, changed by the test."""
    made: list[Path] = []

    def copy(name: str, config: dict | None = None, tensors=None) -> str:
        target = tiny.adapter_root / name
        shutil.copytree(tiny.adapter_root / "every-module", target)
        made.append(target)
        if config:
            path = target / "adapter_config.json"
            path.write_text(json.dumps(json.loads(path.read_text()) | config))
        if tensors:
            path = target / "adapter_model.safetensors"
            save_file(tensors(load_file(path)), path)
        return name

    yield copy
    for target in made:
        shutil.rmtree(target)


def test_the_base_model_is_no_adapter(router: TestingRouter) -> None:
    request = parameters("__base_model__")

    assert not router.master.DownloadAdapter(pb.DownloadAdapterRequest(**request)).downloaded
    assert not router.master.LoadAdapter(pb.LoadAdapterRequest(**request)).loaded
    assert not router.offload(0, "__base_model__")


def test_download_tells_the_share_of_the_reservation(router: TestingRouter, tiny) -> None:
    answer = router.master.DownloadAdapter(pb.DownloadAdapterRequest(**parameters("head")))

    tensors = load_file(tiny.adapter_root / "head" / "adapter_model.safetensors")
    size = sum(tensor.nbytes for tensor in tensors.values())
    total = next(
        int(line.split()[1]) * 1024
        for line in Path("/proc/meminfo").read_text().splitlines()
        if line.startswith("MemTotal")
    )
    # A container may have less than the machine, which makes the share larger.
    assert answer.memory_fraction >= 0.99 * size / (0.1 * total)
    assert answer.memory_fraction < 0.1


def test_an_offloaded_adapter_serves_the_rows_that_run_on_it(
    router: TestingRouter, greedy, tiny: TinyModel
) -> None:
    # given a row on an adapter
    router.load(FREE_INDEX, "stabilised")
    request = router.request(list(PROMPT), FREE_INDEX)
    batch = router.decode(router.prefill(request))

    # when it is offloaded, and others want its memory
    assert router.offload(FREE_INDEX, "stabilised")
    for index in range(FREE_INDEX + 1, FREE_INDEX + 6):
        router.load(index, "every-module")
    joined = router.request(list(PROMPT), FREE_INDEX)
    with pytest.raises(grpc.RpcError) as refused:
        router.prefill(joined)
    router.finish(batch)

    # then
    assert f"adapter index {FREE_INDEX} is not loaded" in refused.value.details()
    assert router.answers.pop(request.id).ids == greedy(PROMPT, 3, 12)
    for index in range(FREE_INDEX + 1, FREE_INDEX + 6):
        assert router.offload(index, "every-module")
    assert not router.offload(FREE_INDEX, "stabilised")


def test_an_index_can_be_given_to_another_adapter(router: TestingRouter, greedy) -> None:
    # given a row on the adapter that had the index first
    router.load(FREE_INDEX, "every-module")
    old = router.request(list(PROMPT), FREE_INDEX)
    batch = router.prefill(old)

    # when
    router.load(FREE_INDEX, "patterned")
    new = router.request(list(PROMPT), FREE_INDEX)
    router.finish(router.decode(batch, router.prefill(new)))

    # then
    assert router.answers.pop(old.id).ids == greedy(PROMPT, 1, 12)
    assert router.answers.pop(new.id).ids == greedy(PROMPT, 4, 12)
    router.offload(FREE_INDEX, "patterned")


def test_loading_again_is_no_work(router: TestingRouter) -> None:
    router.load(1, "every-module")
    router.load(1, "every-module")


@pytest.mark.parametrize(
    ("config", "reason"),
    [
        ({"use_dora": True}, "lora_magnitude_vector is missing"),
        ({"bias": "all"}, "bias = 'all' is not supported"),
        ({"modules_to_save": ["lm_head"]}, "modules_to_save = ['lm_head'] is not supported"),
        ({"peft_type": "IA3"}, "peft_type 'IA3' is not supported: expected LORA"),
        ({"init_lora_weights": "pissa_niter_4"}, "changes the base model"),
        ({"r": 16}, "must have shape [16, 100], got [8, 100]"),
    ],
)
def test_settings_that_would_be_served_wrongly_are_refused(
    router: TestingRouter, damaged, config: dict, reason: str
) -> None:
    message = load_refusal(router, damaged("odd", config))

    assert message.startswith("adapter odd")
    assert reason in message


def test_tensors_that_do_not_fit_are_refused_by_name(router: TestingRouter, damaged) -> None:
    name = "base_model.model.model.layers.2.mlp.down_proj.lora_B.weight"
    cases = {
        "narrow": (lambda weights: weights | {name: weights[name][:64].clone()},
                   f"tensor {name} must have shape [72, 8], got [64, 8]"),
        "nan": (lambda weights: weights | {name: weights[name] * torch.nan},
                f"tensor {name} holds NaN or infinite values"),
        "half": (lambda weights: {key: weights[key] for key in weights if key != name},
                 f"tensor {name} is missing"),
        "deep": (lambda weights: weights | {
                     f"base_model.model.model.layers.9.mlp.down_proj.lora_{side}.weight":
                     weights[name.replace("_B.", f"_{side}.")].clone() for side in "AB"},
                 "model.layers.9.mlp.down_proj, which the base model does not have"),
        "strange": (lambda weights: weights | {"base_model.model.score.weight": torch.ones(2)},
                    "tensor base_model.model.score.weight is not supported"),
    }  # fmt: skip
    for adapter_id, (change, reason) in cases.items():
        assert reason in load_refusal(router, damaged(adapter_id, tensors=change))


def test_ids_lead_nowhere_but_into_the_roots(
    router: TestingRouter, tiny: TinyModel, tmp_path: Path
) -> None:
    # given an adapter outside, and a link to it inside
    outside = tmp_path / "outside"
    shutil.copytree(tiny.adapter_root / "attention", outside)
    link = tiny.adapter_root / "link"
    link.symlink_to(outside)
    inside = str(tiny.adapter_root / "attention")

    # then
    for adapter_id in (str(outside), "../models", "..", ".", "", "link", "/etc"):
        message = load_refusal(router, adapter_id)
        assert message == f"adapter {adapter_id} is outside of the adapter roots"
    assert "does not exist" in load_refusal(router, "nobody")
    router.load(FREE_INDEX, inside)
    router.offload(FREE_INDEX, inside)
    link.unlink()


def test_other_sources_and_recipes_are_refused(router: TestingRouter) -> None:
    assert "source pbase is not supported: expected hub, s3 or local" in load_refusal(
        router, "org/name", adapter_source=pb.PBASE
    )
    two = {"adapter_ids": ["every-module", "stabilised"]}
    for recipe, reason in (
        ({}, "2 adapters to merge need 2 weights, got ()"),
        ({"weights": [1]}, "2 adapters to merge need 2 weights, got (1.0,)"),
        (
            {"weights": [1, 1], "merge_strategy": pb.TIES},
            "density of merge strategy ties must be above 0 and at most 1, got 0",
        ),
        ({"weights": [1, 1], "merge_strategy": 9}, "merge strategy 9 is unknown: expected 0 to 3"),
        (
            {"weights": [1, 1]},
            "adapters to merge must have the same rank at model.layers.0.mlp.down_proj, "
            "got {'every-module': 8, 'stabilised': 16}",
        ),
    ):
        merged = pb.AdapterParameters(**two, **recipe)
        assert reason in load_refusal(router, "", adapter_parameters=merged)
    assert "names no adapter" in load_refusal(router, "", adapter_parameters=pb.AdapterParameters())
    assert "index 0 is the base model's" in load_refusal(router, "head", adapter_index=0)


@pytest.fixture(scope="module")
def preloaded(tiny: TinyModel, tmp_path_factory: pytest.TempPathFactory):
    extra = ("--preloaded-adapter-ids=head", "--preloaded-adapter-ids=attention")
    folder = tmp_path_factory.mktemp("preloaded")
    group = start_group(folder, tiny.directory, tiny.adapter_root, extra=extra)
    yield group
    group.stop()


def test_preloaded_adapters_are_announced_and_stay(
    preloaded: ShardGroup, tiny: TinyModel, greedy
) -> None:
    # given
    router = TestingRouter(preloaded)
    announced = router.master.Info(pb.InfoRequest()).preloaded_adapters

    # then
    assert [list(adapter.adapter_parameters.adapter_ids) for adapter in announced] == [
        ["head"],
        ["attention"],
    ]
    assert [adapter.adapter_index for adapter in announced] == [1, 2]
    assert {adapter.adapter_source for adapter in announced} == {pb.LOCAL}
    router.load(2, "attention")
    assert not router.offload(2, "attention")
    assert "preloaded adapter head's" in load_refusal(router, "one-layer", adapter_index=1)
    order = list(ADAPTERS)
    for index, name in ((1, "head"), (2, "attention")):
        (answer,) = router.run(router.request(list(PROMPT), index))
        assert answer.ids == greedy(PROMPT, 1 + order.index(name), 12)


def test_more_adapters_than_slots_grow_the_stacks(router: TestingRouter, tiny: TinyModel) -> None:
    # given adapters of one bucket, loaded while a row of the first runs
    names = [f"grown-{number}" for number in range(5)]
    expected = {}
    for number, name in enumerate(names):
        write_adapter(tiny, name, seed=number, r=40, lora_alpha=40, target_modules=["q_proj"])
        expected[name] = greedy_tokens(tiny.reference(name), PROMPT, 12)

    # when
    requests, batch = [], None
    for index, name in enumerate(names, FREE_INDEX):
        router.load(index, name)
        requests.append(router.request(list(PROMPT), index))
        started = router.prefill(requests[-1])
        batch = router.decode(batch, started) if batch else router.decode(started)
    router.finish(batch)

    # then
    answers = [router.answers.pop(request.id).ids for request in requests]
    assert dict(zip(names, answers, strict=True)) == expected
    for index, name in enumerate(names, FREE_INDEX):
        router.offload(index, name)


def test_a_loaded_adapter_is_described(router: TestingRouter, group: ShardGroup) -> None:
    """Its rank, and the memory of all slots that it takes."""

    def describe(index: int) -> extensions_pb2.DescribeAdapterResponse:
        request = extensions_pb2.DescribeAdapterRequest(adapter_index=index)
        return group.extensions().DescribeAdapter(request)

    facts = {name: describe(index) for index, name in enumerate(ADAPTER_IDS) if name}

    assert {name: fact.rank for name, fact in facts.items()} == {
        "every-module": 8, "attention": 4, "stabilised": 16, "patterned": 12, "one-layer": 8,
        "head": 4,
    }  # fmt: skip
    assert 0 < facts["attention"].bytes <= facts["every-module"].bytes < facts["stabilised"].bytes
    with pytest.raises(grpc.RpcError) as refused:
        describe(4711)
    assert refused.value.code() is grpc.StatusCode.NOT_FOUND
    assert refused.value.details() == "adapter index 4711 is not loaded"
