"""Whether the GPU can still be used by this process."""

import torch


def device_failure(wait: bool, device: torch.device | None = None) -> str | None:
    """The error that CUDA will answer every call with from now on; None while it works.

    Such an error is sticky: it stays until the process ends. Without waiting only errors of work
    that has ended are seen, and a step that runs is not disturbed.
    """
    if not torch.cuda.is_initialized():
        return None
    try:
        if wait:
            torch.cuda.synchronize(device)
        else:
            torch.cuda.current_stream(device).query()
    except RuntimeError as error:
        return str(error).partition("\n")[0]
    return None
