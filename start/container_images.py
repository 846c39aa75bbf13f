"""The embedded Kubernetes program and the container images, each built when its content changed."""

import os
import subprocess
import threading
from pathlib import Path

from failure import Failure
from places import CHECKOUT, LOGS
from stages import Stages
from toolchain import build_environment, program

_CLUSTER = CHECKOUT / "e2e" / "cluster"


def packages(stages: Stages) -> None:
    """Installs the Debian packages that containers need on this machine."""
    if os.geteuid() != 0:
        raise Failure(
            "the embedded Kubernetes starts containers and network namespaces, which needs root; "
            "run this as root, or without it: ./lorax demo with Docker running or with "
            "--context NAME for a cluster of yours, ./lorax test --no-cluster"
        )
    program("go", "to build the embedded Kubernetes", "Go 1.26 or newer")
    stages.run("system packages", [str(_CLUSTER / "install-packages.sh")])


def cluster_program(stages: Stages) -> Path:
    """The Kubernetes program; the first build takes minutes, later ones none."""
    return _built(stages, "Kubernetes program", [str(_CLUSTER / "build.sh")])[-1]


class ClusterProgramAhead:
    """The build of the Kubernetes program, going on beside other stages."""

    def __init__(self) -> None:
        self._program: list[Path] = []
        self._failure: list[Failure] = []
        self._thread = threading.Thread(target=self._build, daemon=True)
        self._thread.start()

    def wait(self, stages: Stages) -> Path:
        """Waits for the build as a stage of its own."""
        stages.call("Kubernetes program", self._join)
        return self._program[0]

    def _join(self) -> None:
        self._thread.join()
        if self._failure:
            raise self._failure[0]

    def _build(self) -> None:
        try:
            self._program += _output("Kubernetes program", [str(_CLUSTER / "build.sh")])[-1:]
        except Failure as failure:
            self._failure.append(failure)


def build(stages: Stages, python: Path) -> list[Path]:
    """The archives of all images."""
    return _built(stages, "container images", [str(python), str(CHECKOUT / "images" / "build.py")])


def _built(stages: Stages, name: str, command: list[str]) -> list[Path]:
    made: list[Path] = []
    stages.call(name, lambda: made.extend(_output(name, command)))
    return made


def _output(name: str, command: list[str]) -> list[Path]:
    """The paths that a build prints, one a line; what it says meanwhile goes to a log file."""
    log = LOGS / f"{name.replace(' ', '-')}.log"
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("wb") as sink:
        done = subprocess.run(
            command,
            cwd=CHECKOUT,
            env=build_environment(),
            stderr=sink,
            stdout=subprocess.PIPE,
            stdin=subprocess.DEVNULL,
            text=True,
            check=False,
        )
    if done.returncode != 0:
        tail = "\n".join(log.read_text(errors="replace").splitlines()[-30:])
        raise Failure(
            f"{name} ended with exit code {done.returncode}; its output is in {log}:\n{tail}"
        )
    return [Path(line) for line in done.stdout.split()]
