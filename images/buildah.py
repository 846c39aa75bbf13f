"""Runs buildah in a store of its own."""

import os
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path

from failure import Failure
from places import cache

_RUN_ROOT = "/run/lorax/buildah"
_TAIL_LINES = 40
_TRUSTED = Path("/etc/ssl/certs/ca-certificates.crt")
_TRUSTED_INSIDE = "/run/host-certificates.crt"


def check() -> None:
    """Says what is missing before anything is built."""
    missing = [program for program in ("buildah", "debootstrap") if not shutil.which(program)]
    if missing:
        raise Failure(f"{' and '.join(missing)} not found; run e2e/cluster/install-packages.sh")
    if os.geteuid() != 0:
        raise Failure("buildah and debootstrap need root here; run as root or build with docker")


def run(verb: str, *arguments: str, seconds: float | None = None) -> str:
    """The standard output of one buildah command."""
    return execute(
        ["buildah", "--root", str(cache() / "buildah"), "--runroot", _RUN_ROOT, verb, *arguments],
        seconds,
    )


def has(name: str) -> bool:
    """Whether the store has an image of this name."""
    return bool(run("images", "--quiet", "--filter", f"reference={name}").split())


def pull(name: str, seconds: float) -> None:
    """Fetches an image from its registry, which may be out of reach."""
    run("pull", "--quiet", name, seconds=seconds)


def build(
    tag: str, dockerfile: Path, target: str | None, contexts: dict[str, Path], directory: Path
) -> None:
    """Builds a Dockerfile."""
    options = [f"--build-context={name}={path}" for name, path in contexts.items()]
    if target:
        options.append(f"--target={target}")
    run(
        "build",
        "--isolation=chroot",
        "--network=host",
        "--pull-never",
        "--layers",
        *_trust(),
        f"--file={dockerfile}",
        f"--tag={tag}",
        *options,
        str(directory),
    )


def _trust() -> list[str]:
    """Lets pip trust whom this machine trusts, with files that stay out of the image."""
    if not _TRUSTED.exists():
        return []
    settings = cache() / "pip.conf"
    settings.write_text(f"[global]\ncert = {_TRUSTED_INSIDE}\n")
    return [f"--volume={_TRUSTED}:{_TRUSTED_INSIDE}:ro", f"--volume={settings}:/etc/pip.conf:ro"]


def save(tag: str, archive: Path) -> None:
    """Writes an image as a docker-archive; it is there whole or not at all."""
    partial = archive.with_suffix(".partial")
    partial.unlink(missing_ok=True)
    run("push", "--quiet", tag, f"docker-archive:{partial}:{tag}")
    partial.rename(archive)


def execute(command: Sequence[str], seconds: float | None = None) -> str:
    """The standard output of a command; its last lines are the message when it fails."""
    try:
        done = subprocess.run(
            list(command),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=seconds,
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise Failure(f"{command[0]} did not end within {seconds:.0f} s") from None
    if done.returncode != 0:
        tail = "\n".join((done.stdout + done.stderr).splitlines()[-_TAIL_LINES:])
        raise Failure(
            f"{' '.join(command[:6])} ... ended with exit code {done.returncode}:\n{tail}"
        )
    return done.stdout
