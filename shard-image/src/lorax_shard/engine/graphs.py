"""Decode steps that are replayed: what a step launches is captured once for each shape.

A step on a GPU launches a thousand small kernels, and a host that launches them one by one is often
slower than the GPU that runs them.
"""

import logging
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol, TypeAlias

import torch
from torch import Tensor

from lorax_shard.adapters.table import AdapterTable
from lorax_shard.engine.static_step import StaticStep, StepShape, padded_rows
from lorax_shard.kv_cache import BLOCK_SIZE, KvCache
from lorax_shard.layers.step import StepContext
from lorax_shard.models import Decoder

_LOG = logging.getLogger(__name__)
_ADVICE = ", a lower MEMORY_WIGGLE_ROOM leaves more memory for them"


class Graph(Protocol):
    """Work that is captured."""

    def replay(self) -> None:
        """Does it again, on the numbers that are now where they were then."""


# Captures what the given work launches, without doing it. Raises RuntimeError where it cannot.
Capture: TypeAlias = Callable[[Callable[[], None]], Graph]


@dataclass(frozen=True, slots=True)
class Capturing:
    """How decode steps are captured, and how many."""

    capture: Capture
    # Larger steps take so long that launching them costs nothing.
    most_rows: int = 128
    # Each holds what it launches, in megabytes; the one that was not used for longest makes room.
    most_graphs: int = 64


@dataclass(frozen=True, slots=True)
class _CapturedStep:
    graph: Graph
    # A stack that grows is another tensor, and what is replayed before that is noticed must still
    # find the one that it was captured with.
    stacks: list[Tensor]


class DecodeGraphs:
    """The forward pass of one model on one cache. Confined to the compute thread.

    A shape that comes for the first time is only filled up, which loads the kernels that it needs;
    the second time it is captured.
    """

    def __init__(
        self,
        model: Decoder,
        cache: KvCache,
        adapters: AdapterTable,
        capturing: Capturing,
        device: torch.device,
    ) -> None:
        width = -(-model.config.max_positions // BLOCK_SIZE)
        most_rows = padded_rows(capturing.most_rows)
        self._static = StaticStep(most_rows, min(width, cache.blocks), device)
        size = (most_rows, model.config.vocab_size)
        self._logits = torch.zeros(size, dtype=torch.float32, device=device)
        self._model = model
        self._cache = cache
        self._adapters = adapters
        self._capturing = capturing
        self._layout = adapters.layout
        self._seen: set[StepShape] = set()
        self._graphs: OrderedDict[StepShape, _CapturedStep] = OrderedDict()
        self._goes_on = True  # capturing

    @property
    def count(self) -> int:
        """Graphs that there are."""
        return len(self._graphs)

    def forward(self, step: StepContext) -> Tensor:
        """See Decoder.forward; the logits are overwritten by the next step."""
        shape = self._static.shape_of(step)
        if shape is None:
            return self._model.forward(step, self._cache.layers)
        self._drop_moved()
        self._static.fill(step, shape)
        captured = self._graphs.get(shape) or self._captured(shape)
        if captured is None:
            self._run(shape)
        else:
            self._graphs.move_to_end(shape)
            captured.graph.replay()
        return self._logits[: len(step.token_ids)]

    def prepare(self, rows: int) -> None:
        """Captures steps of the base model before there is one. Raises RuntimeError."""
        shape = StepShape(padded_rows(rows), ())
        self._run(shape)
        self._capture(shape)

    def _run(self, shape: StepShape) -> None:
        """One step of this shape, on whatever the static tensors hold."""
        logits = self._model.forward(self._static.of_shape(shape), self._cache.layers)
        self._logits[: shape.rows] = logits

    def _captured(self, shape: StepShape) -> _CapturedStep | None:
        """Captures a shape that has come before, if there is room."""
        if shape not in self._seen or not self._goes_on:
            self._seen.add(shape)
            return None
        try:
            return self._capture(shape)
        except RuntimeError as error:
            self._goes_on = False
            _LOG.warning(
                "no more CUDA graphs than these %d, so steps of other shapes take longer%s: %s",
                len(self._graphs),
                _ADVICE if isinstance(error, torch.OutOfMemoryError) else "",
                str(error).partition("\n")[0],
            )
            return None

    def _capture(self, shape: StepShape) -> _CapturedStep | None:
        while len(self._graphs) >= self._capturing.most_graphs:
            self._graphs.popitem(last=False)
        stacks = self._adapters.stacks(shape.buckets)
        graph = self._capturing.capture(lambda: self._run(shape))
        if list(map(id, stacks)) != list(map(id, self._adapters.stacks(shape.buckets))):
            return None  # some have grown meanwhile
        self._graphs[shape] = _CapturedStep(graph, stacks)
        return self._graphs[shape]

    def _drop_moved(self) -> None:
        """Forgets the graphs of adapters that lie elsewhere by now."""
        layout = self._adapters.layout
        if layout == self._layout:
            return
        self._layout = layout
        for shape in [shape for shape in self._graphs if shape.buckets]:
            del self._graphs[shape]
        self._seen = {shape for shape in self._seen if not shape.buckets}
