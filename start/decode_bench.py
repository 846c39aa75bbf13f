"""`./lorax bench g1|g2|g3`: decode throughput of the shard with mixed adapters."""

import argparse
import os
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import programs
import python_environment
from failure import Failure
from places import CHECKOUT, cache, content_key
from stages import Stages

sys.path.insert(0, str(CHECKOUT / "bench"))

import decode
from ratios import Row

GOALS: Mapping[str, str] = {
    "g1": "32 adapters / base",
    "g2": "32 adapters / 1",
    "g3": "shard / transformers with PEFT",
    "g5": "first token of a cold adapter / warm",
    "g7": "step beside the forward pass / forward pass",
}
PLOT = "ratios_plot.py"
_MODEL_SCRIPT = CHECKOUT / "bench" / "decode_model.py"


def measure(stages: Stages, options: argparse.Namespace) -> tuple[list[Row], dict[str, Any]]:
    """The peers live in the environment of the tests, which has transformers and PEFT."""
    python = python_environment.python(stages, "test")
    programs.protocol_code(stages, python)
    programs.cpu_kernels(stages, python)
    measure_goal, shapes = decode.GOALS[options.goal]
    models = {shape: _random_model(stages, python, shape) for shape in shapes}
    environment = {**os.environ, "PYTHONPATH": str(CHECKOUT / "shard-image" / "src")}
    setting = decode.Setting(python, environment, models)
    try:
        outcome = measure_goal(setting, options.pairs, lambda text: print(text, flush=True))
    except decode.DecodeError as reason:
        raise Failure(str(reason)) from None
    return outcome.rows, outcome.details


def _random_model(stages: Stages, python: Path, shape: str) -> Path:
    folder = cache() / "bench" / f"{shape}-{content_key([_MODEL_SCRIPT])}"
    if not folder.exists():
        made = folder.with_suffix(f".{os.getpid()}")
        command = [str(python), str(_MODEL_SCRIPT), shape, str(made)]
        stages.run(f"random {shape} model", command)
        made.rename(folder)
    return folder
