"""Whether decode steps are captured and replayed, and what the log says about it."""

import logging

import torch

from lorax_shard.engine.graphs import Capturing
from lorax_shard.layers.native import uses_triton
from lorax_shard.models import Decoder
from lorax_shard.server.config import ServeConfig

_LOG = logging.getLogger(__name__)


def capturing_for(config: ServeConfig, model: Decoder, device: torch.device) -> Capturing | None:
    """How decode steps of a model are captured; None where each launches its kernels.

    On a host there is nothing to capture, and nothing to say.
    """
    if device.type != "cuda":
        return None
    reason = _obstacle(config, model, device)
    if reason is not None:
        _LOG.info("no CUDA graphs: %s", reason)
        return None
    from lorax_shard.engine.cuda_capture import CudaCapture

    return Capturing(CudaCapture(device), config.captured_rows)


def _obstacle(config: ServeConfig, model: Decoder, device: torch.device) -> str | None:
    if not config.captures_steps:
        return "--compile was not given"
    if config.world > 1:
        return f"the model is on {config.world} shards, whose sums are not captured"
    if not model.is_capturable:
        return "the model is computed by transformers"
    if not uses_triton(device):
        return "there is no Triton, whose kernels they are made of"
    return None
