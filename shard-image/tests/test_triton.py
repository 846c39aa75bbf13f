"""Triton's kernels: run in its interpreter, on a GPU where there is one, compiled for two kinds."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from triton.backends.compiler import GPUTarget
from triton.compiler import ASTSource, compile

import lorax_shard
from lorax_shard.layers import triton_kernels, triton_step, triton_weights

GPU = pytest.param(
    "GPU", marks=pytest.mark.skipif(not torch.cuda.is_available(), reason="there is no GPU")
)
PACKED = {"ROWS": 32, "COLUMNS": 32, "DEPTH": 128}
ATTENTION = {"GROUP": 3, "ROWS": 16, "DIM": 64, "PADDED": 64, "BLOCK": 16, "TOKENS": 64}
KERNELS = {
    "shrink": (
        triton_kernels._shrink_kernel,
        "*bf16 *bf16 *fp32 *i32 i32 i32",
        {"ROWS": 16, "RANKS": 32, "DEPTH": 64},
    ),
    "expand": (
        triton_kernels._expand_kernel,
        "*fp32 *bf16 *bf16 *bf16 *bf16 *i32 i32 i32 i32 i32",
        {"ROWS": 16, "RANK": 8, "PADDED": 16, "COLUMNS": 64, "PARTS": 3},
    ),
    "int8": (
        triton_weights._int8_kernel,
        "*bf16 *i8 *fp32 *bf16 *bf16 i32 i32 i32",
        {"ROWS": 32, "COLUMNS": 32, "DEPTH": 128, "BIASED": True},
    ),
    "int4": (
        triton_weights._packed_kernel,
        "*bf16 *u8 *bf16 *bf16 *bf16 *bf16 *bf16 i32 i32 i32 i32 i32",
        PACKED | {"BITS": 4, "GROUP": 32, "OFFSET": "least", "BIASED": True},
    ),
    "gptq": (
        triton_weights._packed_kernel,
        "*fp16 *u8 *fp16 *u8 *i32 *fp16 *fp16 i32 i32 i32 i32 i32",
        PACKED | {"BITS": 8, "GROUP": 0, "OFFSET": "zero", "BIASED": False},
    ),
    "nf4": (
        triton_weights._packed_kernel,
        "*bf16 *u8 *fp32 *fp32 *i32 *bf16 *bf16 i32 i32 i32 i32 i32",
        PACKED | {"BITS": 4, "GROUP": 0, "OFFSET": "level", "BIASED": True},
    ),
    "norm": (
        triton_step._norm_kernel,
        "*bf16 *bf16 *bf16 *bf16 i32 fp32",
        {"COLUMNS": 4096, "ADDS": True},
    ),
    "place": (
        triton_step._place_kernel,
        "*bf16 *bf16 *bf16 *bf16 *bf16 *i64 *bf16 *bf16 fp32",
        {
            "QUERIES": 9,
            "KV": 3,
            "DIM": 72,
            "HALF": 32,
            "HALF_PADDED": 32,
            "REST": 8,
            "REST_PADDED": 8,
            "NORMS": True,
        },
    ),
    "gate": (triton_step._gate_kernel, "*bf16 *bf16 i32", {"COLUMNS": 1024, "GELU": True}),
    "attend": (
        triton_kernels._attend_kernel,
        "*bf16 *bf16 *bf16 *i64 *i64 *bf16 *bf16 *bf16 i32 i32 i32 fp32 fp32 i32",
        ATTENTION | {"SPLITS": 1, "CAPPED": True},
    ),
    "attend in parts": (
        triton_kernels._attend_kernel,
        "*bf16 *bf16 *bf16 *i64 *i64 *fp32 *fp32 *fp32 i32 i32 i32 fp32 fp32 i32",
        ATTENTION | {"SPLITS": 8, "CAPPED": False},
    ),
    "join": (
        triton_kernels._join_kernel,
        "*fp32 *fp32 *fp32 *bf16",
        {"DIM": 64, "PADDED": 64, "SPLITS": 8},
    ),
}


@pytest.mark.parametrize("cases", ["triton_cases.py", "graph_cases.py"])
@pytest.mark.parametrize("device", ["interpreter", GPU])
def test_kernels(cases: str, device: str) -> None:
    hidden = {"TRITON_INTERPRET": "1", "CUDA_VISIBLE_DEVICES": ""}
    environment = os.environ | (hidden if device == "interpreter" else {})
    environment["PYTHONPATH"] = str(Path(lorax_shard.__file__).parents[1])

    done = subprocess.run(
        [sys.executable, str(Path(__file__).with_name(cases))],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == 0, done.stdout[-5000:] + done.stderr[-2000:]


@pytest.mark.parametrize("capability", [80, 90])
@pytest.mark.parametrize("name", KERNELS)
def test_kernels_compile_for_gpus(name: str, capability: int) -> None:
    """Machine code is made; there is no GPU here to run it."""
    kernel, kinds, constants = KERNELS[name]
    names = [parameter for parameter in kernel.arg_names if parameter not in constants]
    signature = dict(zip(names, kinds.split(), strict=True))
    signature |= dict.fromkeys(constants, "constexpr")
    source = ASTSource(
        kernel, signature, {(kernel.arg_names.index(k),): v for k, v in constants.items()}
    )

    compiled = compile(source, target=GPUTarget("cuda", capability, 32))

    assert len(compiled.asm["cubin"]) > 1000
