"""The base image that every Dockerfile starts from, made locally where it cannot be pulled."""

import os
import shutil
import subprocess
import tempfile
from pathlib import Path

import buildah
from failure import Failure
from places import cache
from stages import Stages

BASE = "docker.io/library/debian:trixie-slim"
_SUITE = "trixie"
_KEYRING = Path("/usr/share/keyrings/debian-archive-keyring.gpg")
_PULL_SECONDS = 30
# What debian:*-slim leaves out, now and in every later installation.
_LEFT_OUT = (
    "usr/share/doc",
    "usr/share/man",
    "usr/share/info",
    "usr/share/locale",
    "usr/share/lintian",
    "var/lib/apt/lists",
    "var/cache/apt",
    "var/log",
)


def ensure(stages: Stages) -> None:
    """Pulls or bootstraps the base image when buildah's store lacks it."""
    if buildah.has(BASE):
        return
    try:
        stages.call(f"pull {BASE}", lambda: buildah.pull(BASE, _PULL_SECONDS))
    except Failure as failure:
        print(f"it cannot be pulled ({str(failure).splitlines()[-1]})")
        stages.call(f"bootstrap {BASE}", _bootstrap)


def _bootstrap() -> None:
    mirror = _mirror()
    with tempfile.TemporaryDirectory(dir=cache()) as folder:
        root = Path(folder) / "root"
        try:
            buildah.execute(
                [
                    "debootstrap",
                    "--variant=minbase",
                    f"--keyring={_KEYRING}",
                    _SUITE,
                    str(root),
                    mirror,
                ]
            )
        finally:
            _unmount_below(root)
        _slim(root)
        container = buildah.run("from", "scratch").strip()
        buildah.run("add", container, str(root), "/")
        buildah.run("config", "--cmd", "bash", container)
        buildah.run("commit", "--rm", container, BASE)


def _mirror() -> str:
    """The Debian archive that this machine's apt already uses."""
    lines = subprocess.run(
        [
            "apt-get",
            "indextargets",
            "--format",
            "$(ORIGIN) $(LABEL) $(REPO_URI)",
            "Identifier: Packages",
        ],
        capture_output=True,
        text=True,
        check=False,
    ).stdout.splitlines()
    for line in lines:
        origin, _, rest = line.partition(" ")
        label, _, uri = rest.partition(" ")
        if origin == "Debian" and label == "Debian":
            return uri
    raise Failure(
        f"{BASE} could not be pulled, and apt on this machine names no Debian archive "
        "to bootstrap it from (run apt-get update first, or build with docker)"
    )


def _unmount_below(root: Path) -> None:
    """Debootstrap may leave /proc mounted in its folder; a packed /proc never ends."""
    mounted = [line.split()[1] for line in Path("/proc/self/mounts").read_text().splitlines()]
    for point in sorted((m for m in mounted if m.startswith(f"{root}/")), reverse=True):
        subprocess.run(["umount", "--lazy", point], check=True)


def _slim(root: Path) -> None:
    for path in _LEFT_OUT:
        folder = root / path
        if folder.is_dir():
            shutil.rmtree(folder)
            os.makedirs(folder)
    (root / "var/cache/apt/archives/partial").mkdir(parents=True)
    rules = "".join(f"path-exclude /{path}/*\n" for path in _LEFT_OUT if path.startswith("usr"))
    (root / "etc/dpkg/dpkg.cfg.d/slim").write_text(rules)
    (root / "etc/apt/apt.conf.d/keep-nothing").write_text(
        'Dir::Cache::pkgcache "";\nDir::Cache::srcpkgcache "";\n'
        'DPkg::Post-Invoke { "rm -f /var/cache/apt/archives/*.deb"; };\n'
    )
    for name in ("resolv.conf", "hostname"):
        (root / "etc" / name).unlink(missing_ok=True)
