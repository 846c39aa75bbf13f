"""A model as others would have quantised it: packed_model.py MODEL DIRECTORY METHOD.

METHOD is awq, gptq or bitsandbytes. Of the shape of the first, with random numbers in 4 bits and
groups of 128 (bitsandbytes: 64): speed depends on shapes, not on values.
"""

import json
import shutil
import sys
from pathlib import Path

import torch
from safetensors.torch import load_file, save_file

_GROUP = 128
_SETTINGS: dict[str, dict[str, object]] = {
    "awq": {"version": "gemm", "zero_point": True},
    "gptq": {"desc_act": False, "sym": False},
    "bitsandbytes": {"load_in_4bit": True, "bnb_4bit_quant_type": "nf4"},
}
_BLOCK = 64  # of bitsandbytes


def write(model: Path, directory: Path, method: str) -> None:
    """The packed model in HF layout; the output head stays as it is, as both methods leave it."""
    shutil.copytree(model, directory)
    tensors = load_file(model / "model.safetensors")
    torch.manual_seed(0)
    for name in [name for name in tensors if name.endswith("_proj.weight")]:
        out, depth = tensors.pop(name).shape
        layer = name.removesuffix(".weight")
        if method == "bitsandbytes":
            tensors |= {f"{name}{end}": part for end, part in _levelled(out, depth).items()}
            continue
        groups = -(-depth // _GROUP)
        words = (depth // 8, out) if method == "gptq" else (depth, out // 8)
        tensors[f"{layer}.qweight"] = _words(*words)
        # Zeros in the middle: GPTQ's first format has none of 0, and sums stay small.
        tensors[f"{layer}.qzeros"] = torch.full((groups, out // 8), 0x77777777, dtype=torch.int32)
        tensors[f"{layer}.scales"] = torch.full((groups, out), 0.004, dtype=torch.float16)
    save_file(tensors, directory / "model.safetensors", {"format": "pt"})
    path = directory / "config.json"
    settings = {"quant_method": method, "bits": 4, "group_size": _GROUP, **_SETTINGS[method]}
    path.write_text(json.dumps(json.loads(path.read_text()) | {"quantization_config": settings}))


def _levelled(out: int, depth: int) -> dict[str, torch.Tensor]:
    """The tensors of a weight, by what their names have behind it."""
    state = {"quant_type": "nf4", "blocksize": _BLOCK, "shape": [out, depth]}
    written = bytearray(json.dumps(state).encode())
    return {
        "": torch.randint(0, 256, (out * depth // 2, 1), dtype=torch.uint8),
        ".absmax": torch.full((out * depth // _BLOCK,), 0.03),
        ".quant_map": torch.linspace(-1, 1, 16),
        ".quant_state.bitsandbytes__nf4": torch.frombuffer(written, dtype=torch.uint8),
    }


def _words(rows: int, columns: int) -> torch.Tensor:
    return torch.randint(-(2**31), 2**31, (rows, columns), dtype=torch.int32)


if __name__ == "__main__":
    write(Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3])
