"""Compiles the CPU kernels to lorax_shard/native: ``python build_kernels.py``.

One library for each set of instructions that matters; the shard picks one when it starts. They know
nothing of PyTorch but the OpenMP threads that both share, so one build fits every version of it.
The wheel build calls this too (hatch_build.py).
"""

import os
import platform
import shutil
import subprocess
from pathlib import Path

HERE = Path(__file__).resolve().parent
SOURCES = HERE / "native"
OUTPUT = HERE / "src" / "lorax_shard" / "native"
LEVELS = {
    # Whatever has avx512_bf16 has avx512_vnni.
    "x86-64-v4-bf16": ("-march=x86-64-v4", "-mavx512bf16", "-mavx512vnni"),
    "x86-64-v4-vnni": ("-march=x86-64-v4", "-mavx512vnni"),
    "x86-64-v4": ("-march=x86-64-v4",),
    "x86-64-v3": ("-march=x86-64-v3",),
}
_FLAGS = (
    *("-std=c++17", "-O3", "-fPIC", "-shared", "-fopenmp", "-fvisibility=hidden"),
    *("-fno-math-errno", "-fno-trapping-math", "-Wall", "-Wextra", "-Wno-psabi"),
)


class NoCompiler(Exception):
    """There is nothing to compile with, or nothing to compile for."""


def build() -> None:
    """Writes the libraries; raises NoCompiler, and CalledProcessError where compiling fails."""
    if platform.machine() != "x86_64":
        raise NoCompiler(f"there are CPU kernels for x86_64 only, this is {platform.machine()}")
    compiler = os.environ.get("CXX") or shutil.which("g++")
    if compiler is None:
        raise NoCompiler("there is no g++ (or CXX) to compile the CPU kernels with")
    OUTPUT.mkdir(parents=True, exist_ok=True)
    sources = sorted(map(str, SOURCES.glob("*.cpp")))
    for level, instructions in LEVELS.items():
        library = OUTPUT / f"kernels-{level}.so"
        made = library.with_suffix(f".{os.getpid()}")
        subprocess.run([compiler, *_FLAGS, *instructions, "-o", str(made), *sources], check=True)
        made.replace(library)


if __name__ == "__main__":
    try:
        build()
    except NoCompiler as reason:
        raise SystemExit(str(reason)) from None
