"""Start-up caches, recorded by a rehearsal of the programs that the build has just packaged."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

import startup_cache
from failure import Failure
from rehearsal.operating import Operating
from rehearsal.serving import PROGRAMS, Serving
from startup_cache import Program
from toolchain import java_home

_JAVA = java_home() / "bin" / "java"
_ALL = {**PROGRAMS, **Operating.programs}


@pytest.fixture(scope="module")
def caches(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """The folders with the caches of all programs, by program."""
    found = {}
    for rehearsal in (Serving(Path(sys.executable)), Operating()):
        folder = tmp_path_factory.mktemp("startup") / "caches"
        startup_cache.record(rehearsal, _JAVA, folder)
        found.update(dict.fromkeys(rehearsal.programs, folder))
    return found


def _start(jar: Path, program: str, caches: dict[str, Path], *more: str) -> tuple[int, str, str]:
    words = [f"@{_ALL[program].options}", startup_cache.flag(caches[program], program), *more]
    command = [str(_JAVA), *words, "-jar", str(jar), "--version"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    return done.returncode, done.stdout, done.stderr


@pytest.mark.parametrize("program", list(_ALL))
def test_a_program_starts_from_its_cache(caches: dict[str, Path], program: str) -> None:
    """With AOTMode=on a JVM that cannot use the cache would end."""
    code, output, errors = _start(_ALL[program].jar, program, caches, "-XX:AOTMode=on")

    # The operator has no arguments; without images in its environment it says so and ends.
    expected = (2, "LORAX_ROUTER_IMAGE") if program == "lorax-operator" else (0, program)
    assert errors == ""
    assert code == expected[0]
    assert expected[1] in output


@pytest.mark.parametrize("changed", ["content", "time"])
def test_a_jar_that_was_made_anew_has_another_cache(
    changed: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The JVM does not look: it checks a jar only where it could not keep all of its classes."""
    # given
    program = PROGRAMS["lorax-launcher"]
    copy = tmp_path / program.jar.name
    shutil.copy2(program.jar, copy)
    monkeypatch.setitem(PROGRAMS, "lorax-launcher", Program(copy, program.options))
    rehearsal = Serving(Path(sys.executable))
    before = startup_cache.key(rehearsal)

    # when
    made = copy.stat().st_mtime
    if changed == "content":
        copy.write_bytes(copy.read_bytes() + b"0")
    os.utime(copy, (made, made if changed == "content" else made + 1))

    # then
    assert startup_cache.key(rehearsal) != before


def test_a_rehearsal_that_fails_leaves_nothing_and_says_where_to_look(tmp_path: Path) -> None:
    """Here for want of a JVM."""
    folder = tmp_path / "caches"

    with pytest.raises(Failure, match=r"rehearsal of lorax-operator: .*; see .*\.log"):
        startup_cache.record(Operating(), Path("/bin/false"), folder)

    assert list(tmp_path.iterdir()) == []
