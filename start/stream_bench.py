"""`./lorax bench g10`: streams while everything is replaced, and while shards are killed."""

import argparse
import sys
import tarfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import checks
import container_images
import programs
import python_environment
import random_models
from failure import Failure
from places import CHECKOUT
from stages import Stages

sys.path.insert(0, str(CHECKOUT / "bench"))

import g10
from ratios import Row
from replica import ReplicaError

GOALS: Mapping[str, str] = {"g10": "streams while replicas are replaced and shards are killed"}
PLOT = "ratios_plot.py"
STREAMS = 10_000
_ADAPTERS = 3
_STORY = CHECKOUT / "e2e" / "target" / "many-streams.json"


def measure(stages: Stages, options: argparse.Namespace) -> tuple[list[Row], dict[str, Any]]:
    """On the embedded cluster, and with processes of this machine."""
    container_images.packages(stages)
    python = python_environment.python(stages, "test")
    programs.protocol_code(stages, python)
    programs.cpu_kernels(stages, python)
    model = random_models.folder(stages, python, "tiny", _ADAPTERS)
    programs.jars(stages, "launcher", "router", "operator")
    folder = programs.wrappers(python)
    setting = g10.Setting(folder / "lorax-launcher", model, programs.with_wrappers(folder))
    try:
        killed, kills = g10.killed(setting, lambda text: print(text, flush=True))
    except ReplicaError as reason:
        raise Failure(str(reason)) from None
    _tell(stages, python, model, options.streams)
    replaced, replacements = g10.replaced(_STORY)
    return [replaced, killed], {**replacements, **kills}


def _tell(stages: Stages, python: Path, model: Path, streams: int) -> None:
    """The story, with a model that travels as an archive."""
    archive = CHECKOUT / "target" / "small-model.tar"
    with tarfile.open(archive, "w") as made:
        made.add(model, "model")
    cluster = container_images.cluster_program(stages)
    environment = {
        **checks.story_environment(stages, python, cluster),
        "LORAX_BENCH_MODEL": str(archive),
        "LORAX_BENCH_STREAMS": str(streams),
    }
    _STORY.unlink(missing_ok=True)
    checks.stories(stages, environment, "-Dit.test=ManyStreamsBench")
