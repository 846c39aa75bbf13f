"""`./lorax bench g1|g2|g3`: decode throughput of the shard with mixed adapters."""

import argparse
import os
import sys
from collections.abc import Mapping
from typing import Any

import programs
import python_environment
import random_models
from failure import Failure
from places import CHECKOUT
from stages import Stages

sys.path.insert(0, str(CHECKOUT / "bench"))

import decode
import sweep
from ratios import Row

GOALS: Mapping[str, str] = {
    "g1": "32 adapters / base",
    "g2": "32 adapters / 1",
    "g3": "shard / transformers with PEFT",
    "g5": "first token of a cold adapter / warm",
    "g7": "step beside the forward pass / forward pass",
    "sweep": "adapters / base over batch, adapters, rank and context",
}
PLOT = "ratios_plot.py"
_ADAPTERS = 32


def measure(stages: Stages, options: argparse.Namespace) -> tuple[list[Row], dict[str, Any]]:
    """The peers live in the environment of the tests, which has transformers and PEFT."""
    python = python_environment.python(stages, "test")
    programs.protocol_code(stages, python)
    programs.cpu_kernels(stages, python)
    measure_goal, shapes = decode.GOALS[options.goal]
    adapters = sweep.RANKS if options.goal == "sweep" else _ADAPTERS
    models = {shape: random_models.folder(stages, python, shape, adapters) for shape in shapes}
    environment = {**os.environ, "PYTHONPATH": str(CHECKOUT / "shard-image" / "src")}
    setting = decode.Setting(python, environment, models)
    try:
        outcome = measure_goal(setting, options.pairs, lambda text: print(text, flush=True))
    except decode.DecodeError as reason:
        raise Failure(str(reason)) from None
    return outcome.rows, outcome.details
