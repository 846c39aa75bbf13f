"""adapter_config.json of a LoRA adapter in PEFT's layout."""

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from lorax_shard.checkpoint_files import CheckpointError, UnsupportedCheckpoint, read_json

_Number = TypeVar("_Number", int, float)
# Settings that change what an adapter computes and that we do not compute. An adapter that uses one
# is refused rather than served wrongly.
_REFUSED = (
    "lora_bias",
    "modules_to_save",
    "layer_replication",
    "trainable_token_indices",
    "target_parameters",
    "use_qalora",
    "alora_invocation_tokens",
    "use_bdlora",
    "arrow_config",
)
# These change the base weights when the adapter is initialised, so A and B do not tell it all.
_REFUSED_INITS = ("pissa", "olora", "corda", "loftq", "lora_ga")


@dataclass(frozen=True, slots=True)
class AdapterConfig:
    """What of the configuration decides the update: its ranks and its scale."""

    rank: int
    alpha: float
    rank_stabilised: bool
    rank_pattern: Mapping[str, int]
    alpha_pattern: Mapping[str, float]
    base_model: str | None
    uses_dora: bool = False

    @property
    def made_for(self) -> str:
        """A part of a sentence about an adapter that does not fit."""
        return f", made for {self.base_model}," if self.base_model else ""

    def rank_of(self, module: str) -> int:
        """Rank of a module's update."""
        return _matching(self.rank_pattern, module, self.rank)

    def scale_of(self, module: str) -> float:
        """The factor of B·A at a module."""
        alpha = _matching(self.alpha_pattern, module, self.alpha)
        rank = self.rank_of(module)
        return alpha / math.sqrt(rank) if self.rank_stabilised else alpha / rank


def _matching(patterns: Mapping[str, _Number], module: str, default: _Number) -> _Number:
    """Of the first pattern that names the module, by PEFT's rule: a regex for a path's end."""
    for pattern, number in patterns.items():
        if re.match(rf"(.*\.)?({pattern})$", module):
            return number
    return default


def read_adapter_config(directory: Path, adapter_id: str) -> AdapterConfig:
    """Reads and checks adapter_config.json; what we would not compute is refused by name."""
    what = f"adapter {adapter_id}"
    raw = read_json(directory / "adapter_config.json", what)
    if raw.get("peft_type") != "LORA":
        raise UnsupportedCheckpoint(
            f"{what}: peft_type {raw.get('peft_type')!r} is not supported: expected LORA"
        )
    for setting in _REFUSED:
        if raw.get(setting):
            raise UnsupportedCheckpoint(f"{what}: {setting} = {raw[setting]!r} is not supported")
    if raw.get("bias", "none") != "none":
        raise UnsupportedCheckpoint(
            f"{what}: bias = {raw['bias']!r} is not supported: expected none"
        )
    init = raw.get("init_lora_weights", True)
    if isinstance(init, str) and init.lower().startswith(_REFUSED_INITS):
        raise UnsupportedCheckpoint(f"{what}: init_lora_weights = {init!r} changes the base model")
    try:
        return AdapterConfig(
            rank=int(raw["r"]),
            alpha=float(raw["lora_alpha"]),
            rank_stabilised=bool(raw.get("use_rslora", False)),
            rank_pattern={str(key): int(rank) for key, rank in _pattern(raw, "rank_pattern")},
            alpha_pattern={str(key): float(alpha) for key, alpha in _pattern(raw, "alpha_pattern")},
            base_model=str(raw.get("base_model_name_or_path") or "") or None,
            uses_dora=bool(raw.get("use_dora", False)),
        )
    except KeyError as error:
        raise CheckpointError(f"{what}: adapter_config.json lacks {error.args[0]!r}") from None


def _pattern(raw: dict[str, Any], key: str) -> Any:
    return (raw.get(key) or {}).items()
