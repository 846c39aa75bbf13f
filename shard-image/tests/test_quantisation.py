"""--quantize: the answers are those of the same model with its weights rounded."""

from pathlib import Path

import pytest
import torch
from conftest import ADAPTER_IDS, greedy_tokens
from peft import PeftModel
from shard_process import start_group
from testing_router import TestingRouter
from tiny_model import TinyModel, write_model
from transformers import AutoModelForCausalLM

from lorax_shard.engine.limits import MemoryLimits, OutOfMemory
from lorax_shard.engine.memory import DeviceMemory
from lorax_shard.layers.kept_weight import (
    Int4Weight,
    Int8Weight,
    NativeInt4Weight,
    NativeInt8Weight,
    keep_weight,
)
from lorax_shard.layers.packing import PackingMethod
from lorax_shard.layers.parallel import ShardGroup, share_heads
from lorax_shard.layers.quantisation import (
    Quantisation,
    from_int4,
    from_int8,
    to_int4,
    to_int8,
)
from lorax_shard.models import WeightCount
from lorax_shard.server.config import PACKINGS, QUANTISATIONS

PROMPTS = [tuple(range(60, 95)), tuple(range(100, 109)), tuple(range(40, 95, 2))]
TOKENS = 12
HEADS, KV_HEADS, HEAD_DIM = 9, 3, 8  # of the tiny model


def test_every_name_is_one_that_the_option_takes() -> None:
    assert [kind.value for kind in Quantisation] == list(QUANTISATIONS)
    # Where upstream has bitsandbytes as an option it means something else.
    named = [method.value for method in PackingMethod if method is not PackingMethod.BITSANDBYTES]
    assert named == list(PACKINGS)


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16, torch.float16], ids=str)
@pytest.mark.parametrize("spread", [1e-30, 1e-4, 1.0, 100.0])
def test_a_weight_comes_back_to_within_half_a_scale(dtype: torch.dtype, spread: float) -> None:
    # given more rows than are quantised at a time, an output of zeroes and one with an outlier
    torch.manual_seed(0)
    weight = (torch.randn(1100, 40) * spread).to(dtype)
    weight[3] = 0
    weight[1024, 7] *= 30

    # when
    numbers, scales = to_int8(weight)

    # then
    error = (numbers * scales[:, None] - weight.float()).abs()
    assert bool((error <= scales[:, None] * 0.5001).all())
    assert numbers.dtype is torch.int8
    assert int(numbers.abs().max()) <= 127
    assert not numbers[3].any()
    assert torch.equal(from_int8(numbers, scales, torch.float32), numbers * scales[:, None])
    assert torch.equal(from_int8(numbers, scales, dtype), (numbers * scales[:, None]).to(dtype))


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16, torch.float16], ids=str)
@pytest.mark.parametrize("depth", [1, 32, 50, 100])
def test_a_weight_comes_back_from_4_bits(dtype: torch.dtype, depth: int) -> None:
    # given a group of zeroes, one of equals, and a value far out, which is its own group's affair
    torch.manual_seed(0)
    weight = torch.randn(600, depth).to(dtype)
    weight[3] = 0
    weight[4] = -0.75
    weight[550, 0] = 40

    # when
    numbers = to_int4(weight)

    # then
    found = from_int4(numbers, torch.float32)
    scales = numbers.scales.float().repeat_interleave(32, 1)[:, :depth]
    # bfloat16 has 8 bits: least and scale may be off by 2 ** -9 of themselves.
    slack = 2**-8 * (weight.float().abs() + 16 * scales)
    assert bool(((found - weight.float()).abs() <= scales / 2 + slack).all())
    assert torch.equal(found[3:5], weight[3:5].float())
    assert numbers.pairs.shape == (600, 16 * -(-depth // 32))
    assert from_int4(numbers, dtype).dtype is dtype


def test_the_kernels_compute_int4_as_torch_does() -> None:
    torch.manual_seed(0)
    # No whole group, nor block; all dtypes hold the same numbers.
    parts = [torch.randn(width, 619).half().float() for width in (70, 5, 130)]
    kept = keep_weight(parts, Quantisation.INT4)
    plain = Int4Weight(to_int4(torch.cat(parts)), torch.float32)
    x, bias = torch.randn(90, 619), torch.randn(205)

    assert isinstance(kept, NativeInt4Weight)
    assert kept.in_features == plain.in_features == 619
    assert torch.equal(kept.whole(), plain.whole())
    whole = kept.multiply(x, bias)
    torch.testing.assert_close(whole, plain.multiply(x, bias), atol=1e-4, rtol=1e-4)
    for row in (0, 8, 89):
        assert torch.equal(kept.multiply(x[row : row + 1], bias)[0], whole[row])
    half = keep_weight([part.half() for part in parts], Quantisation.INT4)
    assert isinstance(half, Int4Weight)
    torch.testing.assert_close(
        half.multiply(x.half(), bias.half()).float(), whole, atol=0.2, rtol=0.02
    )


def test_the_kernels_compute_what_torch_computes() -> None:
    torch.manual_seed(0)
    parts = [torch.randn(width, 600) for width in (70, 5, 130)]
    kept = keep_weight(parts, Quantisation.INT8)
    numbers, scales = to_int8(torch.cat(parts))
    plain = Int8Weight(numbers, scales, torch.float32)
    x, bias = torch.randn(90, 600), torch.randn(205)

    assert isinstance(kept, NativeInt8Weight)
    assert kept.in_features == plain.in_features == 600
    assert torch.equal(kept.whole(), plain.whole())
    for rows in (1, 8, 90):
        found, expected = kept.multiply(x[:rows], bias), plain.multiply(x[:rows], bias)
        torch.testing.assert_close(found, expected, atol=1e-4, rtol=1e-4)


def test_a_dtype_without_kernels_is_quantised_too() -> None:
    parts = [torch.randn(40, 60).half(), torch.randn(3, 60).half()]
    kept = keep_weight(parts, Quantisation.INT8)
    x = torch.randn(5, 60).half()

    assert isinstance(kept, Int8Weight)
    torch.testing.assert_close(kept.multiply(x, None), x @ torch.cat(parts).T, atol=0.15, rtol=0.02)
    assert kept.whole().dtype is torch.float16


@pytest.mark.parametrize("world", [1, 2])
@pytest.mark.parametrize(("kind", "tied"), [("int8", False), ("int8", True), ("int4", False)])
def test_answers_equal_those_of_the_rounded_model(
    tiny: TinyModel, folder: Path, world: int, kind: str, tied: bool
) -> None:
    """With every adapter and the base in one batch, token for token."""
    # given
    directory = tiny.directory
    if tied:
        directory = folder / "tied"
        write_model(directory)
    adapters = [name for name in ADAPTER_IDS if name is not None and not (tied and name == "head")]
    expected = _rounded_answers(directory, tiny, adapters, world, kind)

    # when
    group = start_group(
        folder, directory, tiny.adapter_root, world, (f"--quantize={kind}", "--dtype=float32")
    )
    try:
        router = TestingRouter(group)
        for index, name in enumerate(adapters, start=1):
            router.load(index, name)
        keys = list(expected)
        answers = router.run(
            *(
                router.request(list(PROMPTS[at]), adapter, max_new_tokens=TOKENS)
                for at, adapter in keys
            )
        )
    finally:
        group.stop()

    # then
    assert {key: answer.ids for key, answer in zip(keys, answers, strict=True)} == expected
    assert f"torch.float32 with linear layers in {kind}" in group.shards[0].log()


def _rounded_answers(
    directory: Path, tiny: TinyModel, adapters: list[str], world: int, kind: str
) -> dict[tuple[int, int], list[int]]:
    answers = {}
    for index, name in enumerate([None, *adapters]):
        model = AutoModelForCausalLM.from_pretrained(directory, dtype=torch.float32)
        if name is not None:
            model = PeftModel.from_pretrained(model, tiny.adapter_root / name)
        # Only now: with an adapter of the head PEFT loads its copy of the head that there was.
        _round_linears(model, world, kind)
        for at, prompt in enumerate(PROMPTS):
            answers[at, index] = greedy_tokens(model.eval(), prompt, TOKENS)
    return answers


def _round_linears(model: torch.nn.Module, world: int, kind: str) -> None:
    """Each shard's part of a layer on its own, as each shard quantises what it holds."""
    shares = [share_heads(HEADS, KV_HEADS, world)[rank].query_heads for rank in range(world)]
    heads = [slice(share.start * HEAD_DIM, share.stop * HEAD_DIM) for share in shares]
    for name, module in model.named_modules():
        if not isinstance(module, torch.nn.Linear) or "lora_" in name:
            continue
        name = name.removesuffix(".base_layer")
        inputs = module.in_features
        parts = [slice(0, inputs)]
        if name.endswith("o_proj"):
            parts = heads
        elif name.endswith("down_proj"):
            ranges = [ShardGroup(rank, world).share_of(inputs) for rank in range(world)]
            parts = [slice(share.start, share.stop) for share in ranges]
        weight = module.weight.data.clone()  # a tied head must not change the embedding
        for part in parts:
            own = weight[:, part].contiguous()
            if kind == "int8" or name.endswith("lm_head"):
                weight[:, part] = from_int8(*to_int8(own), torch.float32)
            else:
                weight[:, part] = from_int4(to_int4(own), torch.float32)
        module.weight = torch.nn.Parameter(weight)


def test_a_merged_adapter_is_quantised_with_the_model(tiny: TinyModel, folder: Path) -> None:
    # given
    model = tiny.reference("every-module")
    base = model.get_base_model()
    for module in base.modules():
        if hasattr(module, "base_layer"):
            _round(module.base_layer)
    _round(base.lm_head)
    merged = model.merge_and_unload()
    for module in merged.model.modules():
        if isinstance(module, torch.nn.Linear):
            _round(module)
    expected = [greedy_tokens(merged, prompt, TOKENS) for prompt in PROMPTS]

    # when
    options = ("--quantize=int8", "--dtype=float32", "--merge-adapter-weights")
    group = start_group(
        folder, tiny.directory, tiny.adapter_root, 1, (*options, "--adapter-id=every-module")
    )
    try:
        router = TestingRouter(group)
        requests = [router.request(list(prompt), max_new_tokens=TOKENS) for prompt in PROMPTS]
        answers = router.run(*requests)
    finally:
        group.stop()

    # then
    assert [answer.ids for answer in answers] == expected


def _round(module: torch.nn.Linear) -> None:
    module.weight.data = from_int8(*to_int8(module.weight.data), torch.float32)


def test_the_memory_that_is_needed_is_that_of_the_numbers() -> None:
    """A model that no machine holds: 8 PB of linear layers in bfloat16 and a table of 1 PB."""
    # given
    peta = 10**15
    count = WeightCount(table=peta // 2, linear=7 * peta // 2, head=peta // 2)
    tied = WeightCount(table=peta // 2, linear=4 * peta, head=peta // 2, is_tied=True)
    bfloat16, int8 = torch.bfloat16, Quantisation.INT8
    memory = DeviceMemory(torch.device("cpu"), MemoryLimits(), shards=2)

    # then
    assert count.bytes_of_shard(bfloat16, None, 2) == 5 * peta
    assert count.bytes_of_shard(bfloat16, int8, 2) == 3 * peta
    assert tied.bytes_of_shard(bfloat16, None, 2) == 5 * peta
    assert tied.bytes_of_shard(bfloat16, int8, 2) == 3 * peta + peta // 4
    with pytest.raises(
        OutOfMemory, match=rf"as bfloat16 .*int8, which takes {3 * peta / 2**30:.1f}"
    ):
        memory.check_weights("m", count, bfloat16, None)
    with pytest.raises(
        OutOfMemory, match=r"as bfloat16 with linear layers in int8 on each"
    ) as told:
        memory.check_weights("m", count, bfloat16, int8)
    assert "set --quantize int4, which takes" in str(told.value)
    assert "--quantize int8" not in str(told.value)
    # The head stays in 8 bits: 1 of the table, and half of 7 / 2 * 5 / 8 and of 1 / 2.
    assert count.bytes_of_shard(bfloat16, Quantisation.INT4, 2) == peta * 75 // 32
    memory.check_weights("m", WeightCount(1000, 1000), bfloat16, int8)
