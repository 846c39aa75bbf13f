"""Merged adapters against PEFT's add_weighted_adapter, and through the server."""

import pytest
import torch
from conftest import greedy_tokens
from peft import PeftModel
from peft.utils import merge_utils
from testing_router import TestingRouter
from tiny_model import ALL, TinyModel, write_adapter
from transformers import AutoModelForCausalLM

from lorax_shard.adapters.merging import (
    MajoritySign,
    Merge,
    MergeStrategy,
    combiner,
    merge_adapters,
)
from lorax_shard.adapters.reader import read_adapter
from lorax_shard.adapters.table import AdapterTable
from lorax_shard.layers.parallel import ShardGroup
from lorax_shard.models import load_model, read_model_config
from lorax_shard.pb import generate_pb2 as pb

PROMPT = tuple(range(60, 95))
MERGES = {
    "linear": Merge((0.7, 0.5)),
    "negative": Merge((0.9, -0.4)),
    "ties": Merge((0.7, 0.5), MergeStrategy.TIES, 0.4),
    "ties-frequency": Merge((1.0, 2.0), MergeStrategy.TIES, 0.6, MajoritySign.FREQUENCY),
    "ties-whole": Merge((1.0, 0.5), MergeStrategy.TIES, 1.0),
}


@pytest.fixture(scope="module")
def pair(tiny: TinyModel) -> tuple[str, str]:
    """Two adapters of one rank whose scales and modules differ."""
    write_adapter(tiny, "merge-a", 5, r=8, lora_alpha=16, target_modules=ALL)
    some = ["q_proj", "v_proj", "down_proj"]
    write_adapter(tiny, "merge-b", 6, r=8, lora_alpha=12, target_modules=some)
    return "merge-a", "merge-b"


def by_peft(tiny: TinyModel, pair: tuple[str, str], merge: Merge) -> PeftModel:
    model = AutoModelForCausalLM.from_pretrained(tiny.directory, dtype=torch.float32)
    adapted = PeftModel.from_pretrained(model, tiny.adapter_root / pair[0], adapter_name="a")
    adapted.load_adapter(tiny.adapter_root / pair[1], adapter_name="b")
    adapted.add_weighted_adapter(
        ["a", "b"], list(merge.weights), "merged", combination_type=merge.strategy.value,
        density=merge.density, majority_sign_method=merge.majority_sign.value,
    )  # fmt: skip
    adapted.set_adapter("merged")
    return adapted.eval()


@pytest.mark.parametrize("name", MERGES)
def test_a_merged_adapter_answers_as_in_peft(
    tiny: TinyModel, router: TestingRouter, pair: tuple[str, str], name: str
) -> None:
    # given
    merge = MERGES[name]
    request = {
        "adapter_parameters": pb.AdapterParameters(
            adapter_ids=pair,
            weights=merge.weights,
            merge_strategy=pb.MergeStrategy.Value(merge.strategy.name),
            density=merge.density,
            majority_sign_method=pb.MajoritySignMethod.Value(merge.majority_sign.name),
        ),
        "adapter_source": pb.LOCAL,
    }

    # when
    assert router.master.DownloadAdapter(pb.DownloadAdapterRequest(**request)).downloaded
    router.master.LoadAdapter(pb.LoadAdapterRequest(**request, adapter_index=70))
    plain, merged = router.run(router.request(list(PROMPT)), router.request(list(PROMPT), 70))

    # then
    expected = greedy_tokens(by_peft(tiny, pair, merge), PROMPT, 12)
    assert merged.ids == expected
    assert merged.ids != plain.ids


@pytest.mark.parametrize("density", [0.3, 1.0])
@pytest.mark.parametrize("strategy", [MergeStrategy.DARE_LINEAR, MergeStrategy.DARE_TIES])
def test_dropping_at_random_equals_peft_with_the_same_random_numbers(strategy, density) -> None:
    # given
    matrices, weights = list(torch.randn(3, 8, 20)), torch.tensor([0.5, 1.0, 0.25])
    merge = Merge((1.0, 1.0, 1.0), strategy, density)

    # when
    ours = combiner(merge, torch.Generator().manual_seed(3))(matrices, weights)

    # then
    torch.manual_seed(3)
    expected = getattr(merge_utils, strategy.value)(matrices, weights, density)
    torch.testing.assert_close(ours, expected)


def test_every_load_drops_the_same(tiny: TinyModel, pair: tuple[str, str]) -> None:
    model = load_model(
        tiny.directory, read_model_config(tiny.directory), ShardGroup(), torch.device("cpu")
    )
    projections = AdapterTable(model.linears()).projections
    adapters = [read_adapter(tiny.adapter_root / name, name, projections) for name in pair]
    merge = Merge((1.0, 1.0), MergeStrategy.DARE_TIES, 0.5)

    first, second = merge_adapters(adapters, merge), merge_adapters(adapters, merge)

    assert first.matrices.keys() == second.matrices.keys()
    for name, matrices in first.matrices.items():
        assert torch.equal(matrices.down, second.matrices[name].down)
        assert torch.equal(matrices.up, second.matrices[name].up)
