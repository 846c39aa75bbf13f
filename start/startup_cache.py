"""Start-up caches of the Java programs: classes loaded and linked ahead of time (JEP 483, 514).

A cache is recorded in a rehearsal: the programs run once, as they always do, on something that
stands for the rest of the world, and stop. A JVM that finds a cache of another JVM says so on
stderr and starts without it, only slower. It does not look whether the jar is another one, so a
cache is kept under a key of its jar, or in one image with it.
"""

import contextlib
import signal
import subprocess
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Protocol

from failure import Failure
from places import LOGS, content_key

# Of a JVM that was told to end: it writes its cache first.
END_SECONDS = 300


@dataclass(frozen=True)
class Program:
    """A Java program."""

    jar: Path
    options: Path  # of the JVM


class Rehearsal(Protocol):
    """A run of programs that do whatever they do at a start."""

    @property
    def programs(self) -> Mapping[str, Program]:
        """By the names of their commands."""

    @property
    def sources(self) -> Sequence[Path]:
        """The files that decide what is done."""

    def play(self, stage: Path, log: IO[bytes]) -> None:
        """Runs the commands, which lie in `stage/bin`, and ends them.

        Raises Failure where they do not do what they should.
        """


def file(folder: Path, program: str) -> Path:
    """Where a program's cache lies in a folder of caches."""
    return folder / f"{program}.aot"


def key(rehearsal: Rehearsal, *others: Path) -> str:
    """What the caches stand for. A JVM knows a jar by the second in which it was made, too."""
    programs = rehearsal.programs.values()
    files = [file for program in programs for file in (program.jar, program.options)]
    made = [str(int(program.jar.stat().st_mtime)) for program in programs]
    return content_key([*files, *rehearsal.sources, Path(__file__).resolve(), *others], *made)


def flag(folder: Path, program: str) -> str:
    """What makes a JVM use the cache."""
    return f"-XX:AOTCache={file(folder, program)}"


def record(rehearsal: Rehearsal, java: Path, folder: Path) -> None:
    """Rehearses with this JVM and leaves the caches in the folder, which appears when complete."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    names = list(rehearsal.programs)
    log = LOGS / f"rehearsal-{names[0]}.log"
    log.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder.parent, prefix=".rehearsal-") as name:
        stage = Path(name)
        made = stage / "made"
        made.mkdir()
        _write_programs(stage, rehearsal, java, made)
        try:
            with log.open("wb") as sink:
                rehearsal.play(stage, sink)
        except Failure as reason:
            raise Failure(f"the rehearsal of {', '.join(names)}: {reason}; see {log}") from None
        missing = [each for each in names if not file(made, each).exists()]
        if missing:
            raise Failure(
                f"the rehearsal left no start-up cache of {', '.join(missing)}; see {log}"
            )
        made.rename(folder)


@contextlib.contextmanager
def running(
    command: Sequence[str], environment: Mapping[str, str], log: IO[bytes]
) -> Iterator[subprocess.Popen[bytes]]:
    """A program of a rehearsal: told to end at the end, and waited for as it writes its cache."""
    process = subprocess.Popen(
        command,
        env=dict(environment),
        stdin=subprocess.DEVNULL,
        stdout=log,
        stderr=subprocess.STDOUT,
    )
    try:
        yield process
        process.send_signal(signal.SIGTERM)
        process.wait(END_SECONDS)
    finally:
        process.kill()
        process.wait()


def script(path: Path, body: str) -> None:
    """Writes a command, unless it is there as it shall be: it may be running."""
    text = f"#!/bin/sh\n{body}\n"
    if not path.exists() or path.read_text() != text:
        path.write_text(text)
        path.chmod(0o755)


def _write_programs(stage: Path, rehearsal: Rehearsal, java: Path, made: Path) -> None:
    (stage / "bin").mkdir()
    # Profiles of the rehearsal would make the next JVM compile at once whatever ran in it.
    recording = "-XX:+UnlockDiagnosticVMOptions -XX:-AOTRecordTraining"
    for name, program in rehearsal.programs.items():
        output = f"{recording} -XX:AOTCacheOutput={file(made, name)}"
        run = f'exec "{java}" "@{program.options}" {output} -jar "{program.jar}" "$@"'
        script(stage / "bin" / name, run)
