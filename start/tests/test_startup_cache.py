"""Start-up caches, recorded by a rehearsal of the programs that the build has just packaged."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

import startup_cache
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


@pytest.mark.parametrize("changed", ["content", "time"])
def test_a_jar_that_was_made_anew_has_another_cache(
    changed: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The JVM does not look: it checks a jar only where it could not keep all of its classes."""
    # given
    jar, options = startup_cache.PROGRAMS["lorax-launcher"]
    copy = tmp_path / jar.name
    shutil.copy2(jar, copy)
    monkeypatch.setitem(startup_cache.PROGRAMS, "lorax-launcher", (copy, options))
    before = startup_cache.key()

    # when
    made = copy.stat().st_mtime
    if changed == "content":
        copy.write_bytes(copy.read_bytes() + b"0")
    os.utime(copy, (made, made if changed == "content" else made + 1))

    # then
    assert startup_cache.key() != before
