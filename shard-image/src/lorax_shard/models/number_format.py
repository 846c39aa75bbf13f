"""The number format that a config.json names."""

from collections.abc import Mapping
from typing import Any

import torch

from lorax_shard.checkpoint_files import UnsupportedCheckpoint

_DTYPES = {"float32": torch.float32, "float16": torch.float16, "bfloat16": torch.bfloat16}


def read_dtype(raw: Mapping[str, Any]) -> torch.dtype:
    """The format of the weights; float32 where the file does not say."""
    name = raw.get("dtype") or raw.get("torch_dtype") or "float32"
    if name not in _DTYPES:
        raise UnsupportedCheckpoint(
            f"dtype {name!r} is not supported: expected one of {list(_DTYPES)}"
        )
    return _DTYPES[name]
