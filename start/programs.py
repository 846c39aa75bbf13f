"""Builds what a run needs from the checkout: jars, protocol code and the wrappers on PATH."""

import os
import shutil
from pathlib import Path

import startup_cache
from places import CHECKOUT, LOGS, content_key
from rehearsal import serving
from stages import Stages
from toolchain import build_environment, java_home, maven

_SHARD = CHECKOUT / "shard-image"


def jars(stages: Stages, *modules: str) -> None:
    """Packages the given modules and what they stand on, unless these sources were before."""
    stamp = CHECKOUT / "target" / f"packaged-{'-'.join(modules)}"
    key = content_key(_java_sources())
    jars = [CHECKOUT / module / "target" / f"lorax-{module}.jar" for module in modules]
    if stamp.exists() and stamp.read_text() == key and all(jar.exists() for jar in jars):
        stages.call("java programs", lambda: None)
        return
    stages.run(
        "java programs",
        maven(
            "package",
            "-Dquick",
            "-Dmaven.test.skip=true",
            # Surefire has its own switch in our build, and old test classes may lie about.
            "-Dskip.units=true",
            "-Dspotless.check.skip=true",
            "--also-make",
            "--projects",
            ",".join(modules),
        ),
        env=build_environment(),
    )
    stamp.parent.mkdir(exist_ok=True)
    stamp.write_text(key)


def forget_quick_classes() -> None:
    """Removes what was compiled without the analysers, so that the next build runs them."""
    stamps = list((CHECKOUT / "target").glob("packaged-*"))
    for stamp in stamps:
        stamp.unlink()
    if stamps:
        for module in CHECKOUT.glob("*/pom.xml"):
            shutil.rmtree(module.parent / "target" / "classes", ignore_errors=True)


def _java_sources() -> list[Path]:
    modules = [pom.parent for pom in CHECKOUT.glob("*/pom.xml")]
    found = [path for module in modules for path in (module / "src" / "main").rglob("*")]
    poms = [CHECKOUT / "pom.xml", *(module / "pom.xml" for module in modules)]
    return poms + [path for path in found if path.is_file()]


def protocol_code(stages: Stages, python: Path) -> None:
    """Generates the shard's protobuf code when the protocol is newer than it."""
    made = CHECKOUT / "shard-image" / "src" / "lorax_shard" / "pb"
    protos = list((CHECKOUT / "protocol" / "src" / "main" / "proto").glob("*.proto"))
    generated = list(made.glob("*_pb2.py"))
    newest = max(proto.stat().st_mtime for proto in protos)
    if len(generated) < 2 or min(code.stat().st_mtime for code in generated) < newest:
        stages.run(
            "protocol code", [str(python), str(CHECKOUT / "shard-image" / "generate_protocol.py")]
        )


def cpu_kernels(stages: Stages, python: Path) -> None:
    """Compiles the shard's CPU kernels when their sources are newer than they are."""
    made = list((_SHARD / "src" / "lorax_shard" / "native").glob("*.so"))
    sources = [_SHARD / "build_kernels.py", *(_SHARD / "native").iterdir()]
    newest = max(source.stat().st_mtime for source in sources)
    if made and min(library.stat().st_mtime for library in made) >= newest:
        return
    if shutil.which(os.environ.get("CXX", "g++")) is None:
        print("no g++: the shard will compute with PyTorch's own operators, several times slower")
        return
    stages.run("cpu kernels", [str(python), str(_SHARD / "build_kernels.py")])


def startup_caches(stages: Stages, rehearsal: startup_cache.Rehearsal) -> Path:
    """The folder with the start-up caches of the jars as they are, recorded where they are new."""
    key = startup_cache.key(rehearsal, java_home() / "release")
    folder = CHECKOUT / "target" / "startup" / next(iter(rehearsal.programs)) / key

    def ensure() -> None:
        if not folder.exists():
            shutil.rmtree(folder.parent, ignore_errors=True)
            startup_cache.record(rehearsal, _java(), folder)

    stages.call("start-up caches", ensure)
    return folder


def wrappers(python: Path, caches: Path | None = None) -> Path:
    """A folder with `lorax-launcher`, `lorax-router` and `lorax-server`, to be put on PATH."""
    folder = CHECKOUT / "target" / "bin"
    folder.mkdir(parents=True, exist_ok=True)
    for name, program in serving.PROGRAMS.items():
        cache = f" {startup_cache.flag(caches, name)}" if caches else ""
        command = f'exec "{_java()}" "@{program.options}"{cache} -jar "{program.jar}" "$@"'
        startup_cache.script(folder / name, command)
    source = CHECKOUT / "shard-image" / "src"
    startup_cache.script(
        folder / "lorax-server",
        f'export PYTHONPATH="{source}"\nexec "{python}" -m lorax_shard.cli "$@"',
    )
    return folder


def _java() -> Path:
    return java_home() / "bin" / "java"


def with_wrappers(folder: Path) -> dict[str, str]:
    """The environment in which the launcher finds the commands that it starts."""
    return {**os.environ, "PATH": f"{folder}{os.pathsep}{os.environ.get('PATH', '')}"}


def convert(stages: Stages, folder: Path, gguf: Path, models: Path) -> Path:
    """The HF-layout directory that the launcher makes of a GGUF file."""
    stages.run(
        "converted demo model",
        [
            str(folder / "lorax-launcher"),
            "--model-id",
            str(gguf),
            "--download-only",
            "--huggingface-hub-cache",
            str(models),
        ],
        env=with_wrappers(folder),
    )
    found = sorted(models.glob(f"gguf--{gguf.stem}--*"))
    if len(found) != 1:
        raise FileNotFoundError(
            f"expected one converted model of {gguf.name} in {models}, "
            f"found {len(found)}; see {LOGS}"
        )
    return found[0]
