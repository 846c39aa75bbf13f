"""Checkpoints as AutoAWQ, AutoGPTQ, GPTQModel and bitsandbytes write them, and the dense weights.

Written word by word from the formats' own packers, so that it shares nothing with what reads them.
"""

import json
import shutil
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import torch
from safetensors.torch import load_file, save_file

# The output that each place of a word of AutoAWQ has.
AWQ_ORDER = (0, 2, 4, 6, 1, 3, 5, 7)
METADATA = {"format": "pt"}
# What bitsandbytes 0.50 writes as quant_map.
LEVELS = {
    "nf4": (
        *(-1.0, -0.6961928009986877, -0.5250730514526367, -0.39491748809814453),
        *(-0.28444138169288635, -0.18477343022823334, -0.09105003625154495, 0.0),
        *(0.07958029955625534, 0.16093020141124725, 0.24611230194568634, 0.33791524171829224),
        *(0.44070982933044434, 0.5626170039176941, 0.7229568362236023, 1.0),
    ),
    "fp4": (
        *(0.0, 0.0052083334, 0.6666667, 1.0, 0.33333334, 0.5, 0.16666667, 0.25),
        *(0.0, -0.0052083334, -0.6666667, -1.0, -0.33333334, -0.5, -0.16666667, -0.25),
    ),
}


@dataclass(frozen=True)
class Recipe:
    """How to quantise: to the nearest, group by group."""

    method: str = "gptq"
    bits: int = 4
    group_size: int = 32
    act_order: bool = False
    symmetric: bool = False
    layout: str | None = None  # gptq: gptq or gptq_v2
    scales: torch.dtype = torch.float16
    with_group_index: bool = True  # gptq without act-order may lack it
    levels: str = "nf4"  # bitsandbytes
    is_nested: bool = False  # bitsandbytes: magnitudes are quantised, too
    left_out: tuple[str, ...] = ("lm_head",)
    settings: dict = field(default_factory=dict)  # of quantization_config, beside the rest

    def config(self) -> dict:
        if self.method == "bitsandbytes":
            return {
                "quant_method": self.method,
                "load_in_4bit": True,
                "load_in_8bit": False,
                "bnb_4bit_quant_type": self.levels,
                "bnb_4bit_use_double_quant": self.is_nested,
                "bnb_4bit_compute_dtype": "bfloat16",
                "bnb_4bit_quant_storage": "uint8",
                "llm_int8_skip_modules": list(self.left_out),
            } | self.settings
        config = {"quant_method": self.method, "bits": self.bits, "group_size": self.group_size}
        if self.method == "awq":
            config |= {"zero_point": True, "version": "gemm"}
            config["modules_to_not_convert"] = list(self.left_out)
        else:
            config |= {"desc_act": self.act_order, "sym": self.symmetric}
            if self.layout is not None:
                config["checkpoint_format"] = self.layout
        return config | self.settings


def write_packed(source: Path, recipe: Recipe, packed: Path, dense: Path) -> None:
    """Quantises the linear layers of a model; dense is the same model with what they stand for."""
    for directory in (packed, dense):
        shutil.copytree(source, directory)
    tensors = load_file(source / "model.safetensors")
    whole, stored = {}, {}
    torch.manual_seed(0)
    for name, tensor in tensors.items():
        module = name.removesuffix(".weight")
        is_linear = module.rpartition(".")[2].endswith(("_proj", "lm_head"))
        if not is_linear or name.endswith("bias") or _listed(module, recipe.left_out):
            whole[name] = stored[name] = tensor
            continue
        pieces, weight = quantise(tensor.float(), recipe)
        whole[name] = weight
        stored |= {f"{module}.{suffix}": piece for suffix, piece in pieces.items()}
    save_file(whole, dense / "model.safetensors", METADATA)
    save_file(stored, packed / "model.safetensors", METADATA)
    set_config(packed, recipe.config())


def set_config(directory: Path, quantization_config: dict | None) -> None:
    path = directory / "config.json"
    raw = json.loads(path.read_text())
    raw.pop("quantization_config", None)
    if quantization_config is not None:
        raw["quantization_config"] = quantization_config
    path.write_text(json.dumps(raw))


def _listed(module: str, left_out: tuple[str, ...]) -> bool:
    return any(each in module for each in left_out)


def quantise(weight: torch.Tensor, recipe: Recipe) -> tuple[dict[str, torch.Tensor], torch.Tensor]:
    """The tensors of one linear layer [out, in], and the weight that they stand for."""
    if recipe.method == "bitsandbytes":
        return _to_levels(weight, recipe)
    out, depth = weight.shape
    size = depth if recipe.group_size == -1 else recipe.group_size
    groups = -(-depth // size)
    group_of = torch.arange(depth) // size
    if recipe.act_order:
        group_of = group_of[torch.randperm(depth)]
    most = 2**recipe.bits - 1
    scales, zeros = torch.empty(groups, out), torch.empty(groups, out)
    for group in range(groups):
        part = weight[:, group_of == group]
        low, high = part.amin(1).clamp(max=0), part.amax(1).clamp(min=0)
        if recipe.symmetric:
            scales[group] = torch.maximum(-low, high) * 2 / most
            zeros[group] = (most + 1) // 2
        else:
            scales[group] = (high - low) / most
            # A zero of 0 is lost by the first format of GPTQ.
            zeros[group] = (-low / scales[group]).round().clamp(1, most)
    scales = scales.to(recipe.scales)
    spread = scales.float()[group_of].T
    numbers = (weight / spread + zeros[group_of].T).round().clamp(0, most)
    dense = (numbers - zeros[group_of].T) * spread
    return _pack(numbers.int(), scales, zeros.int(), group_of, recipe), dense


def _to_levels(
    weight: torch.Tensor, recipe: Recipe
) -> tuple[dict[str, torch.Tensor], torch.Tensor]:
    """As quantize_4bit and QuantState.as_dict(packed=True) do it, but for the nested map."""
    levels, size = torch.tensor(LEVELS[recipe.levels]), recipe.group_size
    blocks = weight.reshape(-1, size)
    magnitudes = blocks.abs().amax(1)
    state = {
        "quant_type": recipe.levels,
        "blocksize": size,
        "dtype": "bfloat16",
        "shape": list(weight.shape),
    }
    pieces = {"weight.quant_map": levels, "weight.absmax": magnitudes}
    if recipe.is_nested:
        offset = magnitudes.mean()
        known = torch.linspace(-1, 1, 256)
        above = (magnitudes - offset).split(256)
        largest = torch.stack([part.abs().amax() for part in above])
        codes = torch.cat(
            [_nearest(part / own, known) for part, own in zip(above, largest, strict=True)]
        )
        magnitudes = known[codes] * largest.repeat_interleave(256)[: len(codes)] + offset
        pieces |= {
            "weight.absmax": codes.to(torch.uint8),
            "weight.nested_absmax": largest,
            "weight.nested_quant_map": known,
        }
        state |= {
            "nested_blocksize": 256, "nested_dtype": "float32", "nested_offset": offset.item(),
        }  # fmt: skip
    numbers = _nearest(blocks / magnitudes[:, None], levels)
    dense = (levels[numbers] * magnitudes[:, None]).view(weight.shape)
    flat = numbers.flatten().to(torch.uint8)
    pieces["weight"] = ((flat[::2] << 4) | flat[1::2])[:, None].contiguous()
    written = torch.frombuffer(bytearray(json.dumps(state).encode()), dtype=torch.uint8)
    pieces[f"weight.quant_state.bitsandbytes__{recipe.levels}"] = written
    return pieces, dense


def _nearest(numbers: torch.Tensor, known: torch.Tensor) -> torch.Tensor:
    return (numbers[..., None] - known).abs().argmin(-1)


def _pack(
    numbers: torch.Tensor,
    scales: torch.Tensor,
    zeros: torch.Tensor,
    group_of: torch.Tensor,
    recipe: Recipe,
) -> dict[str, torch.Tensor]:
    each = numbers.T.numpy().astype(np.uint32)  # [in, out]
    pieces = {"scales": scales.contiguous()}
    if recipe.method == "awq":
        pieces["qweight"] = _words(each, 4, 1, AWQ_ORDER)
        pieces["qzeros"] = _words(zeros.numpy().astype(np.uint32), 4, 1, AWQ_ORDER)
        return pieces
    less = 0 if recipe.layout == "gptq_v2" else 1
    places = tuple(range(32 // recipe.bits))
    pieces["qweight"] = _words(each, recipe.bits, 0, places)
    stored = (zeros.numpy() - less).astype(np.uint32)
    pieces["qzeros"] = _words(stored, recipe.bits, 1, places)
    if recipe.with_group_index:
        pieces["g_idx"] = group_of.int()
    return pieces


def _words(numbers: np.ndarray, bits: int, axis: int, order: tuple[int, ...]) -> torch.Tensor:
    """Neighbours along an axis in one word of 32 bits, which has them in this order."""
    numbers = np.moveaxis(numbers, axis, 0)
    assert len(numbers) % len(order) == 0
    words = np.zeros((len(numbers) // len(order), *numbers.shape[1:]), dtype=np.uint32)
    for word in range(len(words)):
        for place, which in enumerate(order):
            words[word] |= numbers[word * len(order) + which] << np.uint32(bits * place)
    return torch.from_numpy(np.moveaxis(words, 0, axis).astype(np.int32).copy())
