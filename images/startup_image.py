"""The start-up caches of the images, recorded with the runtime and the jars that they carry."""

import os
import shutil
from pathlib import Path

import jdk_runtime
import programs
import python_environment
import startup_cache
from places import cache
from rehearsal.operating import Operating
from rehearsal.serving import Serving
from stages import Stages


def inputs(image: str) -> list[Path]:
    """The files besides jar and runtime that decide what a cache holds."""
    sources = Operating.sources if image == "operator" else Serving.sources
    return [Path(startup_cache.__file__), *sources]


def context(stages: Stages, image: str) -> dict[str, Path]:
    """The build context `startup` with the folder `caches`."""
    recorded = _recorded(stages, _rehearsal(stages, image))
    program = f"lorax-{image}"
    folder = recorded.with_name(f"{recorded.name}-{image}")
    copy = startup_cache.file(folder / "caches", program)
    if not copy.exists():
        copy.parent.mkdir(parents=True, exist_ok=True)
        os.link(startup_cache.file(recorded, program), copy)
    return {"startup": folder}


def _rehearsal(stages: Stages, image: str) -> startup_cache.Rehearsal:
    if image == "operator":
        return Operating()
    python = python_environment.python(stages, "build")
    programs.protocol_code(stages, python)
    return Serving(python)


def _recorded(stages: Stages, rehearsal: startup_cache.Rehearsal) -> Path:
    for program in rehearsal.programs.values():
        # A cache knows its jar by the second; layers of images may round what is finer than that.
        second = int(program.jar.stat().st_mtime)
        os.utime(program.jar, (second, second))
    key = startup_cache.key(rehearsal, jdk_runtime.release_file())
    folder = cache() / "startup" / next(iter(rehearsal.programs)) / key
    if not folder.exists():
        shutil.rmtree(folder.parent, ignore_errors=True)
        java = jdk_runtime.folder(stages) / "bin" / "java"
        stages.call("start-up caches", lambda: startup_cache.record(rehearsal, java, folder))
    return folder
