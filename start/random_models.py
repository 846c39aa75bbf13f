"""Models of random weights, which the benchmarks measure with: made once for each shape."""

import os
from collections.abc import Mapping
from pathlib import Path

from places import CHECKOUT, cache, content_key
from stages import Stages

_SCRIPT = CHECKOUT / "bench" / "decode_model.py"
# What decides what is made.
_SOURCES = [_SCRIPT, *(_SCRIPT.with_name(f"{name}.py") for name in ("bench_tokenizer", "shapes"))]


def folder(stages: Stages, python: Path, shape: str, adapters: int | Mapping[int, int]) -> Path:
    """A model in HF layout with adapters; the Python must have transformers and PEFT.

    adapters: how many, or how many of each rank.
    """
    if not isinstance(adapters, int):
        words = ",".join(f"{rank}:{count}" for rank, count in adapters.items())
    else:
        words = str(adapters)
    made = cache() / "bench" / f"{shape}-{words.replace(':', 'x')}-{content_key(_SOURCES)}"
    if not made.exists():
        unfinished = made.with_suffix(f".{os.getpid()}")
        command = [str(python), str(_SCRIPT), shape, words, str(unfinished)]
        stages.run(f"random {shape} model", command)
        unfinished.rename(made)
    return made
