"""The CPU kernels of the native folder, called on tensors.

Activations are float32. Weights, adapters and the cache are float32 or bfloat16, weights also of
fewer bits with scales. Products of weights and adapters in bfloat16 are made of pairs of such
numbers where the processor has an instruction for it, see native_weights; all else is float32
arithmetic. What comes out for a row never depends on the rows beside it. All tensors are
contiguous unless said otherwise, and results are new tensors unless said otherwise.
"""

import ctypes
import importlib.util
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import torch
from torch import Tensor

from lorax_shard.layers.native_weights import (
    KINDS,
    SUFFIXES,
    NativeWeights,
    address,
    function,
    functions,
    functions_by_dtype,
)

_FOLDER = Path(__file__).resolve().parents[1] / "native"
# What torch calls the instruction sets, and which library needs no more than they have.
_LEVELS = {"AVX512": "x86-64-v4", "AVX2": "x86-64-v3"}
# Of a processor with AVX512 that multiplies pairs of bfloat16, or fours of bytes, too; torch does
# not say which do. The best first.
_MORE_LEVELS = {"avx512_bf16": "x86-64-v4-bf16", "avx512_vnni": "x86-64-v4-vnni"}
_PROCESSOR = Path("/proc/cpuinfo")
_P, _L, _F = ctypes.c_void_p, ctypes.c_long, ctypes.c_float
_BY_DTYPE = {
    "lorax_put_lora": [_P, _P, _L, _F, _L, _L, _L, _P, _P, _L],
    "lorax_lora": [_P, _L, _P, _L, _P, _L, _L, _P, _L, _P, _P],
    "lorax_place": [_P, _L, _L, _L, _L, _P, _P, _L, _P, _P, _F, _P, _P, _P],
    "lorax_attend": [_P, _L, _P, _P, _P, _L, _P, _L, _L, _L, _L, _F, _F, _L, _P],
}
_PLAIN = {
    "lorax_norm": [_P, _P, _P, _F, _L, _L, _P],
    "lorax_gate": [_P, _L, _L, _L, _P],
    "lorax_greedy": [_P, _L, _L, _P, _P],
    "lorax_draw": [_P, _L, _L, _P, _P, _P, _P, _P, _P, _P, _P],
}


@dataclass(frozen=True, slots=True)
class HeadCounts:
    """The heads of one shard, as they lie side by side in a fused projection."""

    queries: int
    kv: int
    dim: int


class NativeKernels(NativeWeights):
    """The functions of one library. Threads are torch's own, as many as torch is told to use."""

    def __init__(self, path: Path) -> None:
        library = ctypes.CDLL(str(path))
        super().__init__(library)
        self._by_dtype |= functions_by_dtype(library, _BY_DTYPE)
        self._plain |= functions(library, _PLAIN)
        self._are_finite = function(library, "lorax_are_finite", [_P, _L, _L], ctypes.c_long)

    def are_finite(self, numbers: Tensor) -> bool:
        """Whether no number is infinite or NaN."""
        numbers = (numbers if numbers.dtype in KINDS else numbers.float()).contiguous()
        return bool(self._are_finite(numbers.data_ptr(), numbers.numel(), KINDS[numbers.dtype]))

    def put_lora(
        self, own_down: Tensor, own_up: Tensor, down: Tensor, up: Tensor, scale: float
    ) -> None:
        """Puts down [r, in] and up [out, r] times scale in their place, in its dtype.

        own_down: [R, in]; own_up: [panels, R, panel], as pack() would put it together; R >= r.
        """
        down, up = down.contiguous(), up.contiguous()
        if up.dtype is not down.dtype or up.dtype not in KINDS:
            down, up = down.float(), up.float()
        rank, depth = down.shape
        self._by_dtype["lorax_put_lora", own_down.dtype](
            down.data_ptr(),
            up.data_ptr(),
            KINDS[up.dtype],
            scale,
            rank,
            depth,
            up.shape[0],
            own_down.data_ptr(),
            own_up.data_ptr(),
            own_up.shape[1],
        )

    def lora(
        self, output: Tensor, x: Tensor, segments: Tensor, down: Tensor, up: Sequence[Tensor],
        widths: Sequence[int],
    ) -> None:  # fmt: skip
        """Adds adapters to output [T, sum of widths], in place.

        segments [n, 3] in int32: first row, row after the last, slot, in the order of rows.
        down: [slots, P*R, in]; up[p]: [slots, panels, R, panel], as put together by pack().
        """
        places = (ctypes.c_void_p * len(up))(*(part.data_ptr() for part in up))
        columns = (ctypes.c_long * len(up))(*widths)
        self._by_dtype["lorax_lora", down.dtype](
            x.data_ptr(),
            x.shape[1],
            output.data_ptr(),
            output.shape[1],
            segments.data_ptr(),
            segments.shape[0],
            len(up),
            columns,
            up[0].shape[2],
            down.data_ptr(),
            places,
        )

    @property
    def is_wide(self) -> bool:
        """See StepKernels."""
        return True

    def place(
        self, qkv: Tensor, heads: HeadCounts, cosine: Tensor, sine: Tensor,
        norms: tuple[Tensor, Tensor] | None, epsilon: float, slots: Tensor,
        keys: Tensor, values: Tensor,
    ) -> None:  # fmt: skip
        """See StepKernels."""
        query_norm, key_norm = norms or (None, None)
        self._by_dtype["lorax_place", keys.dtype](
            qkv.data_ptr(),
            qkv.shape[0],
            heads.queries,
            heads.kv,
            heads.dim,
            cosine.data_ptr(),
            sine.data_ptr(),
            cosine.shape[-1],
            address(query_norm),
            address(key_norm),
            epsilon,
            slots.data_ptr(),
            keys.data_ptr(),
            values.data_ptr(),
        )

    def attend(
        self, qkv: Tensor, heads: HeadCounts, keys: Tensor, values: Tensor, tables: Tensor,
        lengths: Tensor, scale: float, cap: float, window: int,
    ) -> Tensor:  # fmt: skip
        """See StepKernels."""
        batch = qkv.shape[0]
        out = qkv.new_empty(batch, heads.queries * heads.dim)
        self._by_dtype["lorax_attend", keys.dtype](
            qkv.data_ptr(),
            qkv.shape[1],
            keys.data_ptr(),
            values.data_ptr(),
            tables.data_ptr(),
            tables.shape[1],
            lengths.data_ptr(),
            batch,
            heads.queries,
            heads.kv,
            heads.dim,
            scale,
            cap,
            window,
            out.data_ptr(),
        )
        return out

    def norm(self, hidden: Tensor, added: Tensor | None, weight: Tensor, epsilon: float) -> Tensor:
        """See StepKernels."""
        out = torch.empty_like(hidden)
        self._plain["lorax_norm"](
            hidden.data_ptr(),
            address(added),
            weight.data_ptr(),
            epsilon,
            hidden.shape[0],
            hidden.shape[1],
            out.data_ptr(),
        )
        return out

    def gate(self, both: Tensor, gelu: bool) -> Tensor:
        """See StepKernels."""
        rows, width = both.shape[0], both.shape[1] // 2
        out = both.new_empty(rows, width)
        self._plain["lorax_gate"](both.data_ptr(), rows, width, int(gelu), out.data_ptr())
        return out

    def greedy(self, logits: Tensor) -> tuple[Tensor, Tensor]:
        """[B, vocab] -> the largest logit's index and log-probability, [B] each."""
        rows, width = logits.shape
        best = torch.empty(rows, dtype=torch.int64)
        logprobs = torch.empty(rows, dtype=torch.float32)
        self._plain["lorax_greedy"](
            logits.data_ptr(), rows, width, best.data_ptr(), logprobs.data_ptr()
        )
        return best, logprobs

    def draw(
        self, logits: Tensor, rows: Sequence[int], temperatures: Sequence[float],
        top_k: Sequence[int], top_p: Sequence[float], typical_p: Sequence[float],
        uniforms: Sequence[float],
    ) -> tuple[Tensor, Tensor]:  # fmt: skip
        """Tokens drawn from these rows of logits [.., vocab], and their log-probabilities.

        One of each for every row; top_k 0, top_p 1 and typical_p 1 leave all tokens, uniforms lie
        in [0, 1).
        """
        chosen = torch.empty(len(rows), dtype=torch.int64)
        logprobs = torch.empty(len(rows), dtype=torch.float32)
        places = torch.tensor(rows, dtype=torch.int64)
        warmth = torch.tensor(temperatures, dtype=torch.float32)
        most = torch.tensor(top_k, dtype=torch.int64)
        share = torch.tensor(top_p, dtype=torch.float32)
        typical = torch.tensor(typical_p, dtype=torch.float32)
        numbers = torch.tensor(uniforms, dtype=torch.float64)
        self._plain["lorax_draw"](
            logits.data_ptr(),
            logits.shape[1],
            len(rows),
            places.data_ptr(),
            warmth.data_ptr(),
            most.data_ptr(),
            share.data_ptr(),
            typical.data_ptr(),
            numbers.data_ptr(),
            chosen.data_ptr(),
            logprobs.data_ptr(),
        )
        return chosen, logprobs


def usable_levels() -> list[str]:
    """The libraries whose instructions this processor has, the best first."""
    capability = torch.backends.cpu.get_cpu_capability()
    if capability not in _LEVELS:
        return []
    levels = list(_LEVELS.values())
    levels = levels[levels.index(_LEVELS[capability]) :]
    if capability != "AVX512" or not _PROCESSOR.exists():
        return levels
    knows = set(_PROCESSOR.read_text().split())
    return [level for flag, level in _MORE_LEVELS.items() if flag in knows] + levels


def library(level: str) -> Path:
    """The file of the kernels for a level, which need not exist."""
    return _FOLDER / f"kernels-{level}.so"


@cache
def _load() -> tuple[NativeKernels | None, str]:
    level = next(iter(usable_levels()), None)
    if level is None:
        capability = torch.backends.cpu.get_cpu_capability()
        return None, f"PyTorch's own operators (no kernels for {capability})"
    path = library(level)
    if not path.exists():
        return None, "PyTorch's own operators, several times slower (build_kernels.py was not run)"
    return NativeKernels(path), f"kernels for {level}"


def native_kernels(device: torch.device, dtype: torch.dtype) -> NativeKernels | None:
    """The kernels for a model of this dtype on this device, where there are any."""
    return _load()[0] if device.type == "cpu" and dtype in SUFFIXES else None


@cache
def uses_triton(device: torch.device) -> bool:
    """Whether the kernels for this device are Triton's, which PyTorch for CUDA brings along."""
    return device.type == "cuda" and importlib.util.find_spec("triton") is not None


def describe_cpu() -> str:
    """What a model on the CPU is computed with, for the log."""
    return _load()[1]
