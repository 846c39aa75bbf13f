"""Makes the PyTorch checkpoints that the launcher's tests convert, with what must come out.

    python torch_fixtures.py ../resources/dev/lorax/launcher/convert/torch

Every `NAME.bin` is a real `torch.save`; `NAME.safetensors` beside it holds the same values as the
safetensors library writes them. The files are committed, so that no build needs PyTorch.
"""

import json
import os
import sys
from collections import OrderedDict
from pathlib import Path

import torch
from safetensors.torch import save_file
from torch import Tensor, nn

DTYPES = [
    torch.float64,
    torch.float32,
    torch.float16,
    torch.bfloat16,
    torch.float8_e4m3fn,
    torch.float8_e5m2,
    torch.int64,
    torch.int32,
    torch.int16,
    torch.int8,
    torch.uint16,
    torch.uint32,
    torch.uint64,
    torch.uint8,
    torch.bool,
]


class Tied(nn.Module):
    """Input and output embeddings are one matrix."""

    def __init__(self) -> None:
        super().__init__()
        self.lm_head = nn.Linear(3, 5, bias=False)
        self.norm = nn.LayerNorm(3)
        self.embed_tokens = nn.Embedding(5, 3)
        self.lm_head.weight = self.embed_tokens.weight


class RunsCommand:
    """What an attacker puts into a checkpoint."""

    def __reduce__(self) -> tuple[object, ...]:
        return os.system, ("touch /tmp/lorax-was-here",)


def of_every_dtype() -> dict[str, Tensor]:
    """Six values each, among them the largest and the smallest that is not zero."""
    values = torch.tensor([[0.0, 1.0, 2.5], [-3.0, 117.0, 0.0625]])
    tensors = {}
    for dtype in DTYPES:
        signed = dtype.is_floating_point or dtype.is_signed
        tensors[str(dtype)] = (values if signed else values.abs()).to(dtype)
    for dtype in [torch.float64, torch.float32, torch.float16, torch.bfloat16]:
        limits = torch.finfo(dtype)
        tensors[f"{dtype} limits"] = torch.tensor(
            [limits.max, limits.min, limits.tiny, -0.0], dtype=dtype
        )
    return tensors


def views() -> dict[str, Tensor]:
    """Ways to look at one storage."""
    base = torch.arange(120, dtype=torch.float32).reshape(4, 5, 6)
    return {
        "base": base,
        "transposed": base.permute(2, 0, 1),
        "slice": base[1:3, 2:4, 1:5],
        "every second": base[:, ::2, ::3],
        "column": base[:, 0, 0],
        "expanded": base[0, 0].expand(3, 6),
        "diagonal": base.diagonal(dim1=0, dim2=1),
        "last": base[3, 4, 5],
        "nothing": base[:, 5:],
        "scalar": torch.tensor(7.0),
    }


def save(directory: Path, name: str, saved: object, expected: dict[str, Tensor], **how: int) -> None:
    """A checkpoint and what must come out of it."""
    torch.save(saved, directory / f"{name}.bin", **how)
    contiguous = {key: tensor.detach().clone().contiguous() for key, tensor in expected.items()}
    save_file(contiguous, directory / f"{name}.safetensors")


def save_sharded(directory: Path) -> None:
    """Two files and their index, as transformers writes them."""
    directory.mkdir(exist_ok=True)
    shards = {
        "pytorch_model-00001-of-00002.bin": {"a.weight": torch.arange(6.0).reshape(2, 3)},
        "pytorch_model-00002-of-00002.bin": {
            "b.weight": torch.arange(4.0),
            "c.weight": torch.ones(2, dtype=torch.bfloat16),
        },
    }
    for file, tensors in shards.items():
        torch.save(tensors, directory / file)
    weight_map = {name: file for file, tensors in shards.items() for name in tensors}
    index = {"metadata": {"total_size": 44}, "weight_map": weight_map}
    (directory / "pytorch_model.bin.index.json").write_text(json.dumps(index, indent=2) + "\n")


def main(directory: Path) -> None:
    """Writes all of them."""
    directory.mkdir(parents=True, exist_ok=True)
    torch.manual_seed(0)
    save(directory, "dtypes", of_every_dtype(), of_every_dtype())
    save(directory, "views", views(), views())
    small = {"weight": torch.arange(6.0).reshape(2, 3)}
    for protocol in (2, 3, 4, 5):
        save(directory, f"protocol{protocol}", OrderedDict(small), small, pickle_protocol=protocol)
    wrapped = {"epoch": 3, "rate": 0.5, "notes": [None, True], "state_dict": OrderedDict(small)}
    save(directory, "wrapped", wrapped, small)
    parameters = {"weight": nn.Parameter(small["weight"])}
    save(directory, "parameters", parameters, small)
    tied = Tied().state_dict()
    kept = {name: tensor for name, tensor in tied.items() if name != "lm_head.weight"}
    save(directory, "tied", tied, kept)
    save_sharded(directory / "sharded")

    torch.save(small, directory / "legacy.bin", _use_new_zipfile_serialization=False)
    torch.save({"weight": torch.tensor([1.0, torch.nan])}, directory / "nan.bin")
    torch.save({"weight": torch.tensor([1.0, -torch.inf]).half()}, directory / "infinity.bin")
    torch.save({"weight": RunsCommand()}, directory / "hostile.bin")
    torch.save(Tied(), directory / "module.bin")
    torch.save({"weight": torch.ones(2, dtype=torch.complex64)}, directory / "complex.bin")
    torch.save({**small, "step": 3}, directory / "number.bin")
    torch.save([1, 2], directory / "list.bin")
    torch.jit.save(torch.jit.script(nn.Linear(1, 1)), directory / "script.bin")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
