"""Whether a model's decode steps can be replayed on this device, and what memory that takes."""

import logging
from dataclasses import replace

import torch

from lorax_shard.adapters.table import AdapterTable
from lorax_shard.engine.graphs import Capturing, DecodeGraphs
from lorax_shard.engine.memory import DeviceMemory
from lorax_shard.kv_cache import KvCache
from lorax_shard.layers.step import StepContext
from lorax_shard.models import Decoder

_LOG = logging.getLogger(__name__)
# Of the largest logit: rows that are added make PyTorch choose other products, whose sums differ by
# roundings. A graph that reads what it should not is wrong by as much as logits are large.
_ALLOWANCE = 0.05


@torch.inference_mode()
def space_for_graphs(
    model: Decoder,
    scratch: KvCache,
    adapters: AdapterTable,
    capturing: Capturing,
    memory: DeviceMemory,
    step: StepContext,
    device: torch.device,
) -> int | None:
    """Bytes that graphs will take beside what they have taken now; None where none can be used.

    step: a decode step on the scratch cache. It is captured, replayed for other tokens, and
    compared with what the model computes for them.
    """
    other = replace(step, token_ids=(step.token_ids + 1) % model.config.vocab_size)
    expected = model.forward(other, scratch.layers)
    graphs = DecodeGraphs(model, scratch, adapters, replace(capturing, most_graphs=2), device)
    try:
        # The largest first: the others find the scratch that it took.
        graphs.prepare(capturing.most_rows)
        before = memory.free()
        graphs.prepare(len(step.token_ids))
        each = max(0, before - memory.free())
        found = graphs.forward(other)
    except RuntimeError as error:
        reason = str(error).partition("\n")[0]
        _LOG.warning("no CUDA graphs, so decode steps take longer: %s", reason)
        return None
    apart = float((found - expected).abs().max() / expected.abs().max())
    if not apart <= _ALLOWANCE:
        _LOG.warning(
            "no CUDA graphs, so decode steps take longer: logits of a replayed step are %.3g of "
            "the largest one from those that the model computes",
            apart,
        )
        return None
    needed = capturing.most_graphs * each
    _LOG.info(
        "decode steps of up to %d rows are replayed as CUDA graphs; %d MiB are set aside for %d",
        capturing.most_rows,
        needed >> 20,
        capturing.most_graphs,
    )
    return needed
