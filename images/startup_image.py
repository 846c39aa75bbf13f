"""The start-up caches of the images, recorded with the runtime and the jars that they carry."""

import os
import shutil
from pathlib import Path

import jdk_runtime
import programs
import python_environment
import startup_cache
from places import CHECKOUT, cache
from stages import Stages

_PROGRAMS = {"launcher": "lorax-launcher", "router": "lorax-router"}
_REHEARSAL = CHECKOUT / "start" / "rehearsal" / "shard.py"


def inputs(image: str) -> list[Path]:
    """The files besides jar and runtime that decide what a cache holds."""
    return [Path(startup_cache.__file__), _REHEARSAL] if image in _PROGRAMS else []


def context(stages: Stages, image: str) -> dict[str, Path]:
    """The build context `startup` with the folder `caches`; none for what has no cache."""
    if image not in _PROGRAMS:
        return {}
    recorded = _recorded(stages)
    program = _PROGRAMS[image]
    folder = recorded.with_name(f"{recorded.name}-{image}")
    copy = startup_cache.file(folder / "caches", program)
    if not copy.exists():
        copy.parent.mkdir(parents=True, exist_ok=True)
        os.link(startup_cache.file(recorded, program), copy)
    return {"startup": folder}


def _recorded(stages: Stages) -> Path:
    jars = [jar for jar, _ in startup_cache.PROGRAMS.values()]
    for jar in jars:
        # A cache knows its jar by the second; layers of images may round what is finer than that.
        second = int(jar.stat().st_mtime)
        os.utime(jar, (second, second))
    key = startup_cache.key(jdk_runtime.release_file(), *inputs("launcher"))
    folder = cache() / "startup" / key
    if not folder.exists():
        shutil.rmtree(folder.parent, ignore_errors=True)
        python = python_environment.python(stages, "build")
        programs.protocol_code(stages, python)
        java = jdk_runtime.folder(stages) / "bin" / "java"
        stages.call("start-up caches", lambda: startup_cache.record(java, python, folder))
    return folder
