"""Writing adapters to a GPU beside the steps that run on it; on a host there is nothing to order.

Steps run on the default stream of the device. What is written there would wait for the step that is
under way, and the next one for it, so loads have a stream of their own.
"""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import TypeAlias

import torch
from torch import Tensor

# What is written while one of these is open is there when it closes.
Writing: TypeAlias = Callable[[], AbstractContextManager[None]]


def writing_to(device: torch.device) -> Writing:
    """How adapters are written to a device, by one thread at a time."""
    if device.type != "cuda":
        return nullcontext
    stream = torch.cuda.Stream(device)

    @contextmanager
    def writing() -> Iterator[None]:
        # What DoRA's factors were computed from may be under way.
        stream.wait_stream(torch.cuda.default_stream(device))
        with torch.cuda.stream(stream):
            yield
        stream.synchronize()

    return writing


def near(tensor: Tensor, device: torch.device) -> Tensor:
    """The tensor on the device; a copy from pinned memory goes on while others are prepared."""
    if device.type != "cuda" or tensor.is_cuda:
        return tensor.to(device)
    return tensor.pin_memory().to(device, non_blocking=True)


def settle(tensor: Tensor) -> None:
    """Waits until a new tensor is written that steps are about to find, which may read it for long.

    Its memory then goes to nobody else before the steps that read it have ended.
    """
    if tensor.is_cuda:
        torch.cuda.current_stream(tensor.device).synchronize()
        tensor.record_stream(torch.cuda.default_stream(tensor.device))
