"""Start-up caches, recorded by a rehearsal of the programs that the build has just packaged."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

import startup_cache
from places import LAUNCHER_JAR
from toolchain import java_home

_JAVA = java_home() / "bin" / "java"


@pytest.fixture(scope="module")
def caches(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The caches of launcher and router."""
    folder = tmp_path_factory.mktemp("startup") / "caches"
    startup_cache.record(_JAVA, Path(sys.executable), folder)
    return folder


def _start(jar: Path, program: str, caches: Path, *more: str) -> subprocess.CompletedProcess[str]:
    _, options = startup_cache.PROGRAMS[program]
    words = [f"@{options}", startup_cache.flag(caches, program), *more]
    command = [str(_JAVA), *words, "-jar", str(jar), "--version"]
    return subprocess.run(command, capture_output=True, text=True, check=False)


@pytest.mark.parametrize("program", list(startup_cache.PROGRAMS))
def test_a_program_starts_from_its_cache(caches: Path, program: str) -> None:
    """With AOTMode=on a JVM that cannot use the cache would end."""
    jar, _ = startup_cache.PROGRAMS[program]

    done = _start(jar, program, caches, "-XX:AOTMode=on")

    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith(program)


def test_a_cache_of_another_jar_is_said_on_stderr_and_left_out(
    caches: Path, tmp_path: Path
) -> None:
    """Standard output may be read by programs; the JVM would complain there."""
    rebuilt = tmp_path / LAUNCHER_JAR.name
    shutil.copy(LAUNCHER_JAR, rebuilt)
    os.utime(rebuilt, (1, 1))

    done = _start(rebuilt, "lorax-launcher", caches)

    assert done.returncode == 0
    assert done.stdout.startswith("lorax-launcher")
    assert "[aot]" not in done.stdout
    assert "[aot]" in done.stderr
