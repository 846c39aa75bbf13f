"""`./lorax demo`: the whole system on a real Kubernetes, from nothing to four streamed answers."""

import argparse
import os
import shutil
import subprocess

import container_images
import programs
import python_environment
from places import CHECKOUT, E2E_JAR, state
from stages import Stages
from toolchain import java_home

# The steps that the story itself tells, after those of the builds.
_STORY_STEPS = 6
# Jars, Python environment and images; an embedded cluster adds its packages and its program.
_STEPS = 3
_EMBEDDED_STEPS = _STEPS + 2


def demo(arguments: list[str]) -> int:
    """Builds programs, images and, where needed, the cluster; then the story is told in Java."""
    options = _parse(arguments)
    return _down(options) if options.down else _up(options)


def _up(options: argparse.Namespace) -> int:
    embedded = options.context is None and not _docker_answers()
    stages = Stages(total=(_EMBEDDED_STEPS if embedded else _STEPS) + _STORY_STEPS)
    if embedded:
        container_images.packages(stages)
    programs.jars(stages, "operator", "launcher", "router", "e2e")
    words = ["--cluster-program", str(container_images.cluster_program(stages))] if embedded else []
    archives = container_images.build(stages, python_environment.python(stages, "build"))
    done = stages.started
    story = ["--images", ",".join(map(str, archives)), "--step-offset", str(done)]
    return _story(options, *words, *story, "--steps", str(done + _STORY_STEPS))


def _down(options: argparse.Namespace) -> int:
    if not (state() / "demo").exists() and options.context is None:
        print("nothing to remove: no demo runs from this account")
        return 0
    if not E2E_JAR.exists():
        programs.jars(Stages(), "e2e")
    return _story(options, "--down")


def _story(options: argparse.Namespace, *words: str) -> int:
    context = ["--context", options.context] if options.context else []
    java = java_home() / "bin" / "java"
    command = [
        str(java),
        "--enable-native-access=ALL-UNNAMED",
        "-jar",
        str(E2E_JAR),
        "demo",
        "--repository",
        str(CHECKOUT),
        *context,
        *words,
    ]
    # Lets a k3s in Docker outlive the program that starts it.
    environment = {**os.environ, "TESTCONTAINERS_REUSE_ENABLE": "true"}
    return subprocess.run(command, env=environment, check=False).returncode


def _docker_answers() -> bool:
    docker: str | None = shutil.which("docker")
    if docker is None:
        return False
    return subprocess.run([docker, "info"], capture_output=True, check=False).returncode == 0


def _parse(arguments: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="lorax demo", description="run the whole system on a real Kubernetes"
    )
    parser.add_argument(
        "--context",
        metavar="NAME",
        help="use this context of your kubeconfig instead of a cluster of its own",
    )
    parser.add_argument("--down", action="store_true", help="remove everything that the demo made")
    return parser.parse_args(arguments)
