"""The CPU kernels of the native folder, called on tensors.

Activations are float32. Weights, adapters and the cache are float32 or bfloat16, weights also of
fewer bits with scales. Widening is exact: the results are those of float32 arithmetic on the
same numbers. What comes out for a row never depends on the rows beside it. All tensors are
contiguous unless said otherwise, and results are new tensors unless said otherwise.
"""

import ctypes
import importlib.util
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from lorax_shard.layers.quantisation import Int4Numbers

_FOLDER = Path(__file__).resolve().parents[1] / "native"
# What torch calls the instruction sets, and which library needs no more than they have.
_LEVELS = {"AVX512": "x86-64-v4", "AVX2": "x86-64-v3"}
_SUFFIXES = {torch.float32: "f32", torch.bfloat16: "bf16"}
# What the kernels call the formats of numbers that they widen.
_KINDS = {torch.float32: 0, torch.bfloat16: 1, torch.float16: 2}
_P, _L, _F = ctypes.c_void_p, ctypes.c_long, ctypes.c_float
_BY_DTYPE = {
    "lorax_pack": [_P, _L, _L, _L, _P],
    "lorax_linear": [_P, _L, _L, _P, _P, _P, _L],
    "lorax_put_lora": [_P, _P, _L, _F, _L, _L, _L, _P, _P, _L],
    "lorax_lora": [_P, _L, _P, _L, _P, _L, _L, _P, _L, _P, _P],
    "lorax_place": [_P, _L, _L, _L, _L, _P, _P, _L, _P, _P, _F, _P, _P, _P],
    "lorax_attend": [_P, _L, _P, _P, _P, _L, _P, _L, _L, _L, _L, _F, _F, _L, _P],
}
_PLAIN = {
    "lorax_pack_i8": [_P, _L, _L, _L, _P],
    "lorax_linear_i8": [_P, _L, _L, _P, _P, _P, _P, _L],
    "lorax_linear_i4": [_P, _L, _L, _P, _P, _P, _P, _P, _L],
    "lorax_linear_grouped": [_P, _L, _L, _P, _L, _P, _L, _P, _P, _P, _L, _P, _P, _L],
    "lorax_norm": [_P, _P, _P, _F, _L, _L, _P],
    "lorax_gate": [_P, _L, _L, _L, _P],
    "lorax_greedy": [_P, _L, _L, _P, _P],
}


@dataclass(frozen=True, slots=True)
class PackedWeight:
    """A weight [out, in] in the order in which the kernels read it."""

    data: Tensor  # [panels, in, panel], the last panel filled up with zeroes
    out_features: int

    @property
    def in_features(self) -> int:
        """Columns of the weight."""
        return self.data.shape[1]


@dataclass(frozen=True, slots=True)
class PackedInt4:
    """The numbers of a weight in int4, in the order in which the kernels read them."""

    pairs: PackedWeight
    scales: PackedWeight
    minimums: PackedWeight
    in_features: int


@dataclass(frozen=True, slots=True)
class PackedGroups:
    """The numbers of a weight in groups of any length, in the order in which kernels read them."""

    numbers: PackedWeight  # bytes as GroupedNumbers has them
    scales: PackedWeight  # in float16, bfloat16 or float32
    zeros: PackedWeight | None
    bounds: Tensor  # [groups + 1] in int32: the first input of each, and how many there are
    bits: int  # 4 or 8
    levels: Tensor | None = None  # instead of zeros, as GroupedNumbers has them


@dataclass(frozen=True, slots=True)
class HeadCounts:
    """The heads of one shard, as they lie side by side in a fused projection."""

    queries: int
    kv: int
    dim: int


class NativeKernels:
    """The functions of one library. Threads are torch's own, as many as torch is told to use."""

    def __init__(self, path: Path) -> None:
        library = ctypes.CDLL(str(path))
        self._functions: dict[tuple[str, torch.dtype], Any] = {}
        for name, arguments in _BY_DTYPE.items():
            for dtype, suffix in _SUFFIXES.items():
                self._functions[name, dtype] = _function(library, f"{name}_{suffix}", arguments)
        self._plain = {name: _function(library, name, words) for name, words in _PLAIN.items()}
        self._are_finite = _function(library, "lorax_are_finite", [_P, _L, _L], ctypes.c_long)
        self.panel = int(library.lorax_panel())

    def pack(self, *parts: Tensor) -> PackedWeight:
        """Weights [out, in] of 1, 2 or 4 bytes each, as one whose outputs lie side by side."""
        out, depth = sum(len(part) for part in parts), parts[0].shape[1]
        data = parts[0].new_empty(-(-out // self.panel), depth, self.panel)
        if out % self.panel:
            data[-1].zero_()
        if data.dtype is torch.int8:
            function = self._plain["lorax_pack_i8"]
        else:
            # Bits are moved, whatever they mean.
            like = torch.bfloat16 if data.dtype is torch.float16 else data.dtype
            function = self._functions["lorax_pack", like]
        first = 0
        for part in parts:
            rows = part.contiguous()
            function(rows.data_ptr(), len(rows), depth, first, data.data_ptr())
            first += len(rows)
        return PackedWeight(data, out)

    def unpack(self, weight: PackedWeight) -> Tensor:
        """The weight [out, in] again."""
        panels, depth, panel = weight.data.shape
        data = weight.data
        if data.dtype.itemsize == 2:  # its halves are interleaved
            data = data.view(panels, depth, panel // 2, 2).transpose(2, 3)
        rows = data.reshape(panels, depth, panel).transpose(1, 2).reshape(panels * panel, depth)
        return rows[: weight.out_features].contiguous()

    def linear(self, x: Tensor, weight: PackedWeight, bias: Tensor | None) -> Tensor:
        """X [T, in] -> [T, out]; bias in float32."""
        rows, depth = x.shape
        out = x.new_empty(rows, weight.out_features)
        self._functions["lorax_linear", weight.data.dtype](
            x.data_ptr(),
            rows,
            depth,
            weight.data.data_ptr(),
            _address(bias),
            out.data_ptr(),
            weight.out_features,
        )
        return out

    def linear_int8(
        self, x: Tensor, numbers: PackedWeight, scales: Tensor, bias: Tensor | None
    ) -> Tensor:
        """X [T, in] -> [T, out]; numbers in int8, scales [out] and bias in float32."""
        rows, depth = x.shape
        out = x.new_empty(rows, numbers.out_features)
        self._plain["lorax_linear_i8"](
            x.data_ptr(),
            rows,
            depth,
            numbers.data.data_ptr(),
            scales.data_ptr(),
            _address(bias),
            out.data_ptr(),
            numbers.out_features,
        )
        return out

    def pack_int4(self, numbers: Int4Numbers) -> PackedInt4:
        """The same numbers, with those of neighbouring outputs side by side."""
        return PackedInt4(
            self.pack(numbers.pairs.view(torch.int8)),
            self.pack(numbers.scales),
            self.pack(numbers.minimums),
            numbers.in_features,
        )

    def unpack_int4(self, packed: PackedInt4) -> Int4Numbers:
        """The numbers again."""
        return Int4Numbers(
            self.unpack(packed.pairs).view(torch.uint8),
            self.unpack(packed.scales),
            self.unpack(packed.minimums),
            packed.in_features,
        )

    def linear_int4(self, x: Tensor, packed: PackedInt4, bias: Tensor | None) -> Tensor:
        """X [T, in] -> [T, out]; bias in float32."""
        rows, depth = x.shape
        out = x.new_empty(rows, packed.pairs.out_features)
        self._plain["lorax_linear_i4"](
            x.data_ptr(),
            rows,
            depth,
            packed.pairs.data.data_ptr(),
            packed.scales.data.data_ptr(),
            packed.minimums.data.data_ptr(),
            _address(bias),
            out.data_ptr(),
            packed.pairs.out_features,
        )
        return out

    def linear_grouped(self, x: Tensor, packed: PackedGroups, bias: Tensor | None) -> Tensor:
        """X [T, in], whose columns stand in the order of the groups, -> [T, out]; bias in float32.

        Widening is exact with scales of 16 bits.
        """
        rows, depth = x.shape
        out = x.new_empty(rows, packed.numbers.out_features)
        self._plain["lorax_linear_grouped"](
            x.data_ptr(),
            rows,
            depth,
            packed.numbers.data.data_ptr(),
            packed.bits,
            packed.scales.data.data_ptr(),
            _KINDS[packed.scales.data.dtype],
            _address(None if packed.zeros is None else packed.zeros.data),
            _address(packed.levels),
            packed.bounds.data_ptr(),
            len(packed.bounds) - 1,
            _address(bias),
            out.data_ptr(),
            packed.numbers.out_features,
        )
        return out

    def are_finite(self, numbers: Tensor) -> bool:
        """Whether no number is infinite or NaN."""
        numbers = (numbers if numbers.dtype in _KINDS else numbers.float()).contiguous()
        return bool(self._are_finite(numbers.data_ptr(), numbers.numel(), _KINDS[numbers.dtype]))

    def put_lora(
        self, own_down: Tensor, own_up: Tensor, down: Tensor, up: Tensor, scale: float
    ) -> None:
        """Puts down [r, in] and up [out, r] times scale in their place, in its dtype.

        own_down: [R, in]; own_up: [panels, R, panel], as pack() would put it together; R >= r.
        """
        down, up = down.contiguous(), up.contiguous()
        if up.dtype is not down.dtype or up.dtype not in _KINDS:
            down, up = down.float(), up.float()
        rank, depth = down.shape
        self._functions["lorax_put_lora", own_down.dtype](
            down.data_ptr(),
            up.data_ptr(),
            _KINDS[up.dtype],
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
        self._functions["lorax_lora", down.dtype](
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
        """Normalises and rotates the heads of qkv [T, heads * D], in place, and fills the cache.

        cosine, sine: [T, 1, half]; norms: of query and key heads, [D] each; slots: [T].
        """
        query_norm, key_norm = norms or (None, None)
        self._functions["lorax_place", keys.dtype](
            qkv.data_ptr(),
            qkv.shape[0],
            heads.queries,
            heads.kv,
            heads.dim,
            cosine.data_ptr(),
            sine.data_ptr(),
            cosine.shape[-1],
            _address(query_norm),
            _address(key_norm),
            epsilon,
            slots.data_ptr(),
            keys.data_ptr(),
            values.data_ptr(),
        )

    def attend(
        self, qkv: Tensor, heads: HeadCounts, keys: Tensor, values: Tensor, tables: Tensor,
        lengths: Tensor, scale: float, cap: float, window: int,
    ) -> Tensor:  # fmt: skip
        """One token of each sequence over its blocks: qkv as place() leaves it -> [B, H * D].

        keys, values: [blocks, 16, K, D]; tables: [B, N]; lengths: [B]; cap and window may be 0.
        """
        batch = qkv.shape[0]
        out = qkv.new_empty(batch, heads.queries * heads.dim)
        self._functions["lorax_attend", keys.dtype](
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
        """Hidden [T, n] += added, in place, then hidden / rms(hidden) * weight."""
        out = torch.empty_like(hidden)
        self._plain["lorax_norm"](
            hidden.data_ptr(),
            _address(added),
            weight.data_ptr(),
            epsilon,
            hidden.shape[0],
            hidden.shape[1],
            out.data_ptr(),
        )
        return out

    def gate(self, both: Tensor, gelu: bool) -> Tensor:
        """[T, 2n], gates before what they gate -> [T, n]."""
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


def _address(tensor: Tensor | None) -> int | None:
    return None if tensor is None else tensor.data_ptr()


def _function(library: ctypes.CDLL, name: str, arguments: list[Any], result: Any = None) -> Any:
    function = getattr(library, name)
    function.argtypes = arguments
    function.restype = result
    return function


@cache
def _load() -> tuple[NativeKernels | None, str]:
    capability = torch.backends.cpu.get_cpu_capability()
    level = _LEVELS.get(capability)
    if level is None:
        return None, f"PyTorch's own operators (no kernels for {capability})"
    path = _FOLDER / f"kernels-{level}.so"
    if not path.exists():
        return None, "PyTorch's own operators, several times slower (build_kernels.py was not run)"
    return NativeKernels(path), f"kernels for {level}"


def native_kernels(device: torch.device, dtype: torch.dtype) -> NativeKernels | None:
    """The kernels for a model of this dtype on this device, where there are any."""
    return _load()[0] if device.type == "cpu" and dtype in _SUFFIXES else None


@cache
def uses_triton(device: torch.device) -> bool:
    """Whether the kernels for this device are Triton's, which PyTorch for CUDA brings along."""
    return device.type == "cuda" and importlib.util.find_spec("triton") is not None


def describe_cpu() -> str:
    """What a model on the CPU is computed with, for the log."""
    return _load()[1]
