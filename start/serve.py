"""`./lorax serve`: launcher, shards and router as processes of this machine, no Kubernetes."""

import os
import sys

import demo_models
import programs
import python_environment
from places import ADAPTERS, cache
from rehearsal.serving import Serving
from stages import Stages

# Whoever has a cache of models keeps it.
_CACHES = {"HUGGINGFACE_HUB_CACHE", "HF_HUB_CACHE", "HF_HOME"}
# What the launcher answers without serving anything.
_QUESTIONS = {"-h", "--help", "-V", "--version", "-e", "--env"}


def serve(arguments: list[str]) -> int:
    """Builds what is missing, then becomes the launcher; without a model, serves the demo's."""
    stages = Stages()
    python = python_environment.python(stages)
    programs.jars(stages, "launcher", "router")
    programs.protocol_code(stages, python)
    programs.cpu_kernels(stages, python)
    folder = programs.wrappers(python, programs.startup_caches(stages, Serving(python)))
    if not (_names_a_model(arguments) or _QUESTIONS & set(arguments)):
        adapters = sorted(path.name for path in ADAPTERS.iterdir() if path.is_dir())
        arguments = [
            "--model-id",
            str(demo_models.gguf(stages)),
            "--adapter-source",
            "local",
            "--adapter-root",
            str(ADAPTERS),
            *(word for name in adapters for word in ("--preloaded-adapter-ids", name)),
            *arguments,
        ]
    environment = programs.with_wrappers(folder)
    if not _CACHES & environment.keys():
        environment["HUGGINGFACE_HUB_CACHE"] = str(cache() / "models")
    sys.stdout.flush()
    launcher = str(folder / "lorax-launcher")
    os.execve(launcher, [launcher, *arguments], environment)


def _names_a_model(arguments: list[str]) -> bool:
    named = any(word == "--model-id" or word.startswith("--model-id=") for word in arguments)
    return named or bool(os.environ.get("MODEL_ID"))
