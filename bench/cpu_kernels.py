"""The CPU kernels by themselves, each library that this processor can run beside PyTorch.

    PYTHONPATH=shard-image/src python bench/cpu_kernels.py [--threads 1]

Products of a weight in bfloat16 in GFLOP/s, and what they read of it in GB/s; of fewer bits in
milliseconds; attention of a decode step in milliseconds, and what the best reads of the cache. Of
each the fastest of fifteen calls.
"""

# mypy: disable-error-code="import-not-found,no-any-return"

import argparse
import time
from collections.abc import Callable
from functools import partial

import torch
from lorax_shard.kv_cache import BLOCK_SIZE
from lorax_shard.layers.native import HeadCounts, NativeKernels, library, usable_levels
from lorax_shard.layers.quantisation import to_int4, to_int8
from torch.nn import functional

_CALLS = 15
_ROWS = (1, 8, 32, 256)
# Inputs and outputs: gates of the 0.5B shape and what they gate, attention and gates of the 1B one.
_SHAPES = ((896, 9728), (4864, 896), (2048, 2048), (2048, 16384))
_HEADS = (HeadCounts(14, 2, 64), HeadCounts(32, 8, 128))
_CONTEXTS = (64, 512, 2048)
_SEQUENCES = 32


def _main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--threads", type=int, default=1)
    torch.set_num_threads(parser.parse_args().threads)
    kernels = {level: NativeKernels(library(level)) for level in usable_levels()}
    torch.manual_seed(0)
    for inputs, outputs in _SHAPES:
        for rows in _ROWS:
            print(_product(kernels, inputs, outputs, rows), flush=True)
            print(_fewer_bits(kernels, inputs, outputs, rows), flush=True)
    for heads in _HEADS:
        for context in _CONTEXTS:
            print(_attention(kernels, heads, context), flush=True)


def _product(kernels: dict[str, NativeKernels], inputs: int, outputs: int, rows: int) -> str:
    weight, x = torch.randn(outputs, inputs).bfloat16(), torch.randn(rows, inputs)
    seconds = {}
    for level, each in kernels.items():
        packed = each.pack(weight)
        seconds[level] = _fastest(partial(each.linear, x, packed, None))
    narrow = x.bfloat16()
    seconds["PyTorch"] = _fastest(partial(functional.linear, narrow, weight))
    speeds = ", ".join(
        f"{name} {2 * rows * weight.numel() / took / 1e9:.0f} ({weight.nbytes / took / 1e9:.1f})"
        for name, took in seconds.items()
    )
    return f"{rows} x {inputs} x {outputs}, GFLOP/s (GB/s): {speeds}"


def _fewer_bits(kernels: dict[str, NativeKernels], inputs: int, outputs: int, rows: int) -> str:
    weight, x = torch.randn(outputs, inputs).bfloat16(), torch.randn(rows, inputs)
    int8, int4 = to_int8(weight), to_int4(weight)
    found = []
    for level, each in kernels.items():
        calls = {
            "bfloat16": partial(each.linear, x, each.pack(weight), None),
            "int8": partial(
                each.linear_int8, x, each.pack_int8([int8[0]], int8[1]), None, weight.dtype
            ),
            "int4": partial(each.linear_int4, x, each.pack_int4(int4), None, weight.dtype),
        }
        took = ", ".join(f"{name} {1e3 * _fastest(call):.2f}" for name, call in calls.items())
        found.append(f"{level}: {took}")
    return f"{rows} x {inputs} x {outputs}, ms: {'; '.join(found)}"


def _attention(kernels: dict[str, NativeKernels], heads: HeadCounts, context: int) -> str:
    blocks = context // BLOCK_SIZE
    shape = (1 + _SEQUENCES * blocks, BLOCK_SIZE, heads.kv, heads.dim)
    keys, values = torch.randn(shape).bfloat16(), torch.randn(shape).bfloat16()
    tables = (1 + torch.randperm(_SEQUENCES * blocks)).view(_SEQUENCES, blocks)
    lengths = torch.full((_SEQUENCES,), context)
    qkv = torch.randn(_SEQUENCES, (heads.queries + 2 * heads.kv) * heads.dim)
    step = (qkv, heads, keys, values, tables, lengths, 0.1, 0.0, 0)
    seconds = {level: _fastest(partial(each.attend, *step)) for level, each in kernels.items()}
    took = ", ".join(f"{level} {1e3 * each:.2f} ms" for level, each in seconds.items())
    speed = (keys.nbytes + values.nbytes) / min(seconds.values()) / 1e9
    return f"{_SEQUENCES} sequences of {context} tokens, {heads}: {took}; {speed:.1f} GB/s"


def _fastest(call: Callable[[], object]) -> float:
    seconds = []
    for _ in range(_CALLS):
        began = time.perf_counter()
        call()
        seconds.append(time.perf_counter() - began)
    return min(seconds)


if __name__ == "__main__":
    _main()
