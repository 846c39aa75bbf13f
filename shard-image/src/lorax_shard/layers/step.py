"""What one forward pass needs besides weights and cache."""

from dataclasses import dataclass

from torch import Tensor

from lorax_shard.layers.attention import AttentionPlan
from lorax_shard.layers.routing import LoraRouting


@dataclass(frozen=True, slots=True)
class StepContext:
    """The tokens of a step, how they attend, and which adapters they use."""

    token_ids: Tensor  # [T]
    positions: Tensor  # [T]
    attention: AttentionPlan
    lora: LoraRouting
    logit_rows: Tensor | None  # tokens whose logits are wanted; None = all
    logit_lora: LoraRouting  # the routing of those rows, for an adapted output head
