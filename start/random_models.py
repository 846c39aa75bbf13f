"""Models of random weights, which the benchmarks measure with: made once for each shape."""

import os
from pathlib import Path

from places import CHECKOUT, cache, content_key
from stages import Stages

_SCRIPT = CHECKOUT / "bench" / "decode_model.py"


def folder(stages: Stages, python: Path, shape: str, adapters: int) -> Path:
    """A model in HF layout with adapters; the Python must have transformers and PEFT."""
    made = cache() / "bench" / f"{shape}-{adapters}-{content_key([_SCRIPT])}"
    if not made.exists():
        unfinished = made.with_suffix(f".{os.getpid()}")
        command = [str(python), str(_SCRIPT), shape, str(adapters), str(unfinished)]
        stages.run(f"random {shape} model", command)
        unfinished.rename(made)
    return made
