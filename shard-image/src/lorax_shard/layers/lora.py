"""LoRA for a batch whose tokens belong to different adapters.

Every linear layer keeps its adapters in stacks, one stack per rank bucket: an adapter sits in the
same slot of the same bucket in all layers. A step is routed once (`LoraRouting`) and every layer
applies the routing to its own stacks, so a forward pass serves any mix of adapters and base.
"""

import math
from collections.abc import Sequence
from typing import Protocol

import torch
from torch import Tensor

from lorax_shard.layers.device_loads import settle
from lorax_shard.layers.native import NativeKernels, uses_triton
from lorax_shard.layers.routing import PaddedTokens, Segments, TokenRouting
from lorax_shard.layers.staged import put_part


class AdapterStack(Protocol):
    """The adapters of one rank bucket at one linear layer, zero where an adapter has nothing.

    `add` may run in another thread than the rest, for other slots than those that are written.
    """

    @property
    def slot_bytes(self) -> int:
        """Memory of one adapter here; the whole bucket's, whatever its rank."""

    @property
    def tensors(self) -> list[Tensor]:
        """What holds the adapters; others once the stack has grown."""

    def grow(self, slots: int) -> bool:
        """Makes the stack this many slots high; what it holds stays in its slots.

        Whether it was less high, so that its tensors are others now.
        """

    def clear(self, slot: int) -> None:
        """Zeroes the slot: whoever had it before leaves nothing behind."""

    def put(self, slot: int, part: int, down: Tensor, up: Tensor, scale: float) -> None:
        """Sets one projection of one adapter. down: [r, in], up: [out_p, r], r <= bucket.

        up is multiplied by the scale in float32. Ranks beyond r stay as they are.
        """

    def add(self, output: Tensor, x: Tensor, tokens: TokenRouting) -> None:
        """Adds the adapters' part to output [T, sum(out_p)], in place. x: [T, in]."""


def new_stack(
    bucket: int, in_features: int, parts: Sequence[int], like: Tensor, kernels: NativeKernels | None
) -> AdapterStack:
    """An empty stack for projections of these widths, in the dtype and on the device of `like`."""
    if kernels is not None:
        return NativeLoraStack(bucket, in_features, parts, like, kernels)
    kind = TritonLoraStack if uses_triton(like.device) else LoraStack
    return kind(bucket, in_features, parts, like)


class LoraStack:
    """A stack for PyTorch's operators.

    down: [S, P*R, in], the A matrices of all fused projections under one another.
    up[p]: [S, R, out_p], the transposed B matrix of projection p, with the scale folded in.
    """

    def __init__(self, bucket: int, in_features: int, parts: Sequence[int], like: Tensor) -> None:
        self.bucket = bucket
        self.down = like.new_zeros(0, len(parts) * bucket, in_features)  # [S, P*R, in]
        self.up = [like.new_zeros(0, bucket, out) for out in parts]  # P x [S, R, out_p]
        self.slot_bytes = _slot_bytes(self.down, *self.up)

    @property
    def tensors(self) -> list[Tensor]:
        """See AdapterStack."""
        return [self.down, *self.up]

    def grow(self, slots: int) -> bool:
        """See AdapterStack."""
        if slots <= self.down.shape[0]:
            return False
        self.down = _grow(self.down, slots)
        self.up = [_grow(up, slots) for up in self.up]
        return True

    def clear(self, slot: int) -> None:
        """See AdapterStack."""
        self.down[slot] = 0
        for up in self.up:
            up[slot] = 0

    def put(self, slot: int, part: int, down: Tensor, up: Tensor, scale: float) -> None:
        """See AdapterStack."""
        put_part(self.places(slot), part, down, up, scale)

    def places(self, slot: int) -> list[Tensor]:
        """Of one adapter: [P*R, in], and [R, out_p] for each projection, as put_part wants them."""
        return [self.down[slot], *(up[slot] for up in self.up)]

    def add(self, output: Tensor, x: Tensor, tokens: TokenRouting) -> None:
        """See AdapterStack."""
        match tokens:
            case Segments():
                self._add_segments(output, x, tokens)
            case PaddedTokens():
                self._add_padded(output, x, tokens)

    def _add_segments(self, output: Tensor, x: Tensor, segments: Segments) -> None:
        """Each segment is worth a matrix product of its own."""
        for start, stop, slot in segments.runs:
            hidden = x[start:stop] @ self.down[slot].T  # [t, P*R]
            column = 0
            for part, up in enumerate(self.up):
                rank = slice(part * self.bucket, (part + 1) * self.bucket)
                rows = output[start:stop, column : column + up.shape[2]]
                rows.addmm_(hidden[:, rank], up[slot])
                column += up.shape[2]

    def _add_padded(self, output: Tensor, x: Tensor, padded: PaddedTokens) -> None:
        """One batched product per layer costs a tenth of a loop over the adapters."""
        down = self.down[padded.slots]  # [S, P*R, in]
        hidden = torch.bmm(x[padded.rows], down.transpose(1, 2))  # [S, M, P*R]
        column = 0
        for part, up in enumerate(self.up):
            ranks = slice(part * self.bucket, (part + 1) * self.bucket)
            delta = torch.bmm(hidden[:, :, ranks], up[padded.slots])  # [S, M, out_p]
            columns = output[:, column : column + up.shape[2]]
            columns.index_add_(0, padded.tokens, delta.flatten(0, 1)[padded.places])
            column += up.shape[2]


class TritonLoraStack(LoraStack):
    """The same stack for the kernels of a GPU, for tokens in segments."""

    def add(self, output: Tensor, x: Tensor, tokens: TokenRouting) -> None:
        """See AdapterStack."""
        from lorax_shard.layers.triton_kernels import add_lora

        assert isinstance(tokens, Segments)
        assert tokens.tiles is not None
        add_lora(output, x, tokens.tiles, self.down, self.up)


class NativeLoraStack:
    """A stack for the CPU kernels, for tokens in segments.

    down: [S, P*R, in]; up[p]: [S, panels, R, panel], Bᵀ of projection p with the scale folded in.
    """

    def __init__(
        self, bucket: int, in_features: int, parts: Sequence[int], like: Tensor,
        kernels: NativeKernels,
    ) -> None:  # fmt: skip
        self.bucket = bucket
        self._kernels = kernels
        self._widths = list(parts)
        self._down = like.new_zeros(0, len(parts) * bucket, in_features)
        panel = kernels.panel
        self._up = [like.new_zeros(0, -(-out // panel), bucket, panel) for out in parts]
        self.slot_bytes = _slot_bytes(self._down, *self._up)

    @property
    def tensors(self) -> list[Tensor]:
        """See AdapterStack."""
        return [self._down, *self._up]

    def grow(self, slots: int) -> bool:
        """See AdapterStack."""
        if slots <= self._down.shape[0]:
            return False
        self._down = _grow(self._down, slots)
        self._up = [_grow(up, slots) for up in self._up]
        return True

    def clear(self, slot: int) -> None:
        """See AdapterStack."""
        self._down[slot] = 0
        for up in self._up:
            up[slot] = 0

    def put(self, slot: int, part: int, down: Tensor, up: Tensor, scale: float) -> None:
        """See AdapterStack."""
        first = part * self.bucket
        own_down = self._down[slot, first : first + self.bucket]
        self._kernels.put_lora(own_down, self._up[part][slot], down, up, scale)

    def add(self, output: Tensor, x: Tensor, tokens: TokenRouting) -> None:
        """See AdapterStack."""
        assert isinstance(tokens, Segments)
        self._kernels.lora(output, x, tokens.table, self._down, self._up, self._widths)


def _slot_bytes(*stacks: Tensor) -> int:
    return sum(math.prod(stack.shape[1:]) * stack.element_size() for stack in stacks)


def _grow(stack: Tensor, slots: int) -> Tensor:
    grown = stack.new_zeros(slots, *stack.shape[1:])
    grown[: stack.shape[0]] = stack
    settle(grown)
    return grown
