"""Finds the programs that the build stands on, and says plainly which one is missing."""

import os
import re
import shutil
import subprocess
from pathlib import Path

from failure import Failure

JAVA_RELEASE = 25
_USUAL_FOLDERS = ("/usr/lib/jvm", "/Library/Java/JavaVirtualMachines", "~/.sdkman/candidates/java")


def java_home() -> Path:
    """The home of a JDK of release 25 or newer."""
    for home in _candidates():
        if _release(home) >= JAVA_RELEASE and (home / "bin" / "javac").exists():
            return home
    raise Failure(
        f"no JDK {JAVA_RELEASE} or newer found in JAVA_HOME, JAVA{JAVA_RELEASE}_HOME or "
        f"{', '.join(_USUAL_FOLDERS)}; install one (for example Temurin {JAVA_RELEASE}) "
        "or set JAVA_HOME to it"
    )


def program(name: str, purpose: str, package: str) -> str:
    """The path of a program on PATH."""
    found = shutil.which(name)
    if found is None:
        raise Failure(f"{name} is needed {purpose} and is not on PATH; install {package}")
    return found


def build_environment() -> dict[str, str]:
    """The environment of every build step: the JDK that was found, and a Maven that is quiet."""
    home = java_home()
    quiet = "--enable-native-access=ALL-UNNAMED --sun-misc-unsafe-memory-access=allow"
    options = f"{quiet} {os.environ.get('MAVEN_OPTS', '')}".strip()
    path = f"{home / 'bin'}{os.pathsep}{os.environ.get('PATH', '')}"
    return {**os.environ, "JAVA_HOME": str(home), "MAVEN_OPTS": options, "PATH": path}


def maven(*arguments: str) -> list[str]:
    """A Maven command line that asks nothing and prints no download bars."""
    mvn = program("mvn", "to build the Java programs", "Maven 3.8.7 or newer")
    return [mvn, "--batch-mode", "--no-transfer-progress", *arguments]


def _candidates() -> list[Path]:
    named = [os.environ.get("JAVA_HOME"), os.environ.get(f"JAVA{JAVA_RELEASE}_HOME")]
    homes = [Path(value) for value in named if value]
    for folder in _USUAL_FOLDERS:
        root = Path(folder).expanduser()
        if root.is_dir():
            homes += sorted(root.iterdir(), reverse=True)
            homes += sorted(child / "Contents" / "Home" for child in root.iterdir())
    return homes


def _release(home: Path) -> int:
    """The feature release of a JDK home, read from its `release` file or its own answer; else 0."""
    described = home / "release"
    if described.is_file():
        found = re.search(r'JAVA_VERSION="(\d+)', described.read_text())
        return int(found.group(1)) if found else 0
    java = home / "bin" / "java"
    if not java.exists():
        return 0
    answer = subprocess.run([str(java), "-version"], capture_output=True, text=True, check=False)
    found = re.search(r'version "(\d+)', answer.stderr)
    return int(found.group(1)) if found else 0
