#!/usr/bin/env python3
"""Builds LoRAX's container images without a container daemon and prints the archives' paths.

usage: images/build.py [launcher|router|operator|shard-cpu|shard-cuda|demo-models ...]
       (default: all but shard-cuda, which takes several GB)

An archive is a docker-archive tar in the cache, named by the content it was built from: nothing is
built twice. Needs root and Debian's buildah and debootstrap (e2e/cluster/install-packages.sh).
With a Docker daemon the same Dockerfiles build as usual; each says how in its first lines.
"""

import contextlib
import fcntl
import os
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "start"))

import base_image
import buildah
import catalog
from failure import Failure
from places import CHECKOUT, cache, content_key
from stages import Stages


def main(names: list[str]) -> int:
    """Builds the named images; the paths alone go to standard output, one a line."""
    if {"-h", "--help"}.intersection(names):
        print(__doc__)
        return 0
    try:
        with contextlib.redirect_stdout(sys.stderr):
            chosen = catalog.select(names)
            buildah.check()
            archives = _archives(chosen, Stages())
    except Failure as failure:
        print(f"images: {failure}", file=sys.stderr)
        return 1
    print("\n".join(str(archive) for archive in archives))
    return 0


def _archives(chosen: list[catalog.Image], stages: Stages) -> list[Path]:
    folder = cache() / "images"
    folder.mkdir(parents=True, exist_ok=True)
    # One build at a time: two would make the same layers twice.
    with open(folder / "lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        return [_archive(image, folder, stages) for image in chosen]


def _archive(image: catalog.Image, folder: Path, stages: Stages) -> Path:
    archive = folder / f"{image.name}-{content_key(image.inputs(), image.tag)}.tar"
    if not archive.exists():
        base_image.ensure(stages)
        contexts = image.contexts(stages)
        stages.call(f"image {image.name}", lambda: _build(image, contexts))
        stages.call(f"archive {image.name}", lambda: buildah.save(image.tag, archive))
        for former in folder.glob(f"{image.name}-{'[0-9a-f]' * 12}.tar"):
            if former != archive:
                former.unlink()
    return archive


def _build(image: catalog.Image, contexts: dict[str, Path]) -> None:
    buildah.build(image.tag, image.dockerfile, image.target, contexts, CHECKOUT)


if __name__ == "__main__":
    os.umask(0o022)
    sys.exit(main(sys.argv[1:]))
