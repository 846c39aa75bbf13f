"""Captures for tests: CUDA graphs that count how often they are replayed, and tapes on a CPU.

A tape has the semantics of a CUDA graph: what work launches is taped, and run again without Python.
As on a GPU, what is taped is not run: nothing outside changes until the tape is played, tensors
that the work makes keep their place, and a number that the work reads back fails it. The kernels
are PyTorch's operators and those of Triton, in its interpreter.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

from lorax_shard.engine.graphs import Capture, Graph

Launch = Callable[[], None]
_READING = (torch.ops.aten.item.default, torch.ops.aten._local_scalar_dense.default)


class CountedGraph:
    """See lorax_shard.engine.graphs.Graph."""

    def __init__(self, graph: Graph) -> None:
        self._graph = graph
        self.plays = 0

    def replay(self) -> None:
        self.plays += 1
        self._graph.replay()


class Deck:
    """Captures by another; see lorax_shard.engine.graphs.Capture. room: how many graphs fit."""

    def __init__(self, capture: Capture, room: int) -> None:
        self.graphs: list[CountedGraph] = []
        self._capture = capture
        self._room = room

    def __call__(self, work: Callable[[], None]) -> CountedGraph:
        if len(self.graphs) == self._room:
            raise torch.OutOfMemoryError("CUDA out of memory.")
        graph = CountedGraph(self._capture(work))
        self.graphs.append(graph)
        return graph


class Tape:
    """See lorax_shard.engine.graphs.Graph."""

    recording: Tape | None = None  # one at a time

    def __init__(self) -> None:
        self.launches: list[Launch] = []

    def replay(self) -> None:
        for launch in self.launches:
            launch()


def tape(work: Callable[[], None]) -> Tape:
    """Captures a tape."""
    Tape.recording = Tape()
    try:
        with _Recording(Tape.recording):
            work()
        return Tape.recording
    finally:
        Tape.recording = None


class TapedKernel:
    """A Triton kernel whose launches a tape takes."""

    def __init__(self, kernel: Any) -> None:
        self._kernel = kernel

    def __getitem__(self, grid: tuple[int, ...]) -> Callable[..., None]:
        def launch(*args: Any, **kwargs: Any) -> None:
            if Tape.recording is None:
                self._kernel[grid](*args, **kwargs)
            else:
                Tape.recording.launches.append(lambda: self._kernel[grid](*args, **kwargs))

        return launch


class _Recording(TorchDispatchMode):
    def __init__(self, tape: Tape) -> None:
        super().__init__()
        self._launches = tape.launches

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        kwargs = kwargs or {}
        if func in _READING:
            raise RuntimeError("operation not permitted when stream is capturing")
        before = [(tensor, tensor.clone()) for tensor in _written(func, args, kwargs)]
        result = func(*args, **kwargs)
        given = {_place(tensor) for tensor in tree_leaves((args, kwargs)) if _is_tensor(tensor)}
        made = [
            tensor
            for tensor in tree_leaves(result)
            if _is_tensor(tensor) and _place(tensor) not in given
        ]
        if not made and not before:
            return result  # a view

        def launch() -> None:
            again = tree_leaves(func(*args, **kwargs))
            for old, new in zip(tree_leaves(result), again, strict=True):
                if any(old is tensor for tensor in made):
                    old.copy_(new)

        self._launches.append(launch)
        for tensor, old in before:
            tensor.copy_(old)
        for tensor in made:
            if tensor.is_floating_point():
                tensor.fill_(torch.nan)
        return result


def _written(func, args, kwargs) -> list[Tensor]:
    named = dict(zip((argument.name for argument in func._schema.arguments), args, strict=False))
    named |= kwargs
    return [
        named[argument.name]
        for argument in func._schema.arguments
        if argument.alias_info is not None
        and argument.alias_info.is_write
        and _is_tensor(named.get(argument.name))
    ]


def _is_tensor(value: Any) -> bool:
    return isinstance(value, Tensor)


def _place(tensor: Tensor) -> int:
    return tensor.untyped_storage().data_ptr()
