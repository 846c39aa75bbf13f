"""Captures work as CUDA graphs."""

from collections.abc import Callable
from contextlib import suppress

import torch


class CudaCapture:
    """Captures on one device; see engine.graphs. The graphs share what they need as scratch.

    Only one of them may run at a time, and what one yields is lost when another runs.
    """

    def __init__(self, device: torch.device) -> None:
        self._device = device
        self._stream = torch.cuda.Stream(device)
        self._pool = torch.cuda.graph_pool_handle()
        # A pool must not be used again once the last graph of it is gone. This one stays.
        self._keeper = self(lambda: torch.zeros(1, device=device))

    def __call__(self, work: Callable[[], object]) -> torch.cuda.CUDAGraph:
        """The graph of what the work launches, which is not run."""
        graph = torch.cuda.CUDAGraph()
        current = torch.cuda.current_stream(self._device)
        self._stream.wait_stream(current)
        with torch.cuda.stream(self._stream):
            # Other threads load adapters meanwhile, which must be able to allocate memory.
            graph.capture_begin(pool=self._pool, capture_error_mode="thread_local")
            try:
                work()
            except BaseException:
                with suppress(RuntimeError):  # that the capture has failed is known
                    graph.capture_end()
                raise
            graph.capture_end()
        current.wait_stream(self._stream)
        return graph
