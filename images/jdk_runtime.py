"""The trimmed Java runtime of the images, made from the JDK that also builds the jars."""

import tempfile
from pathlib import Path

import buildah
from places import CHECKOUT, cache, content_key
from stages import Stages
from toolchain import java_home

_JLINK = CHECKOUT / "images" / "jlink.sh"


def release_file() -> Path:
    """The file in which a JDK tells what it is."""
    return java_home() / "release"


def folder(stages: Stages) -> Path:
    """The runtime, made once for each JDK and list of modules."""
    made = cache() / f"runtime-{content_key([release_file(), _JLINK])}"
    if not made.exists():
        stages.call("Java runtime", lambda: _link(made))
    return made


def _link(made: Path) -> None:
    with tempfile.TemporaryDirectory(dir=cache()) as work:
        linked = Path(work) / "runtime"
        buildah.execute(["sh", str(_JLINK), str(java_home()), str(linked)])
        linked.rename(made)
