"""The files that make an adapter: which of a listing are wanted, room for them, their hashes."""

import hashlib
import shutil
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from lorax_shard.failure import CodedError, FailureCode

CONFIG = "adapter_config.json"
# In order of preference. A .bin is read without running what is in it, see weights.py.
WEIGHTS = ("adapter_model.safetensors", "adapter_model.bin")
_SHOWN_NAMES = 5
_HASHES = ("sha256", "md5", "git")
_CHUNK = 1 << 20


class DownloadError(CodedError):
    """An adapter that cannot be downloaded; the text is a sentence for whoever asked for it."""

    code = FailureCode.SOURCE_UNREACHABLE


@dataclass(frozen=True, slots=True)
class RemoteFile:
    """A file at its source.

    digest: "sha256:…", "md5:…" or "git:…" (its git blob id), or "etag:…" that tells only versions
    apart.
    """

    name: str
    size: int
    digest: str


def choose(what: str, where: str, listing: Mapping[str, RemoteFile]) -> list[RemoteFile]:
    """The configuration and the weights among everything that lies at the source."""
    if CONFIG not in listing:
        raise DownloadError(
            f"{what} has no {CONFIG} at {where}, so it is no LoRA adapter: it has {_some(listing)}"
        )
    for name in WEIGHTS:
        if name in listing:
            return [listing[CONFIG], listing[name]]
    raise DownloadError(
        f"{what} has no weights at {where}: expected {' or '.join(WEIGHTS)}, it has "
        f"{_some(listing)}"
    )


def holds_adapter(directory: Path) -> bool:
    """Whether all files of an adapter are there; a download that was cut short leaves some out."""
    return (directory / CONFIG).is_file() and any((directory / name).is_file() for name in WEIGHTS)


def version_of(directory: Path) -> tuple[tuple[int, int, int], ...]:
    """What tells the files of an adapter from those that may be there later."""
    found = []
    for name in (CONFIG, *WEIGHTS):
        if (directory / name).is_file():
            status = (directory / name).stat()
            found.append((status.st_ino, status.st_size, status.st_mtime_ns))
    return tuple(found)


def _some(names: Iterable[str]) -> str:
    known = sorted(names)
    more = len(known) - _SHOWN_NAMES
    shown = ", ".join(known[:_SHOWN_NAMES])
    return f"{shown} and {more} more" if more > 0 else shown or "no files"


def check_room(what: str, files: Iterable[RemoteFile], cache: Path) -> None:
    """Refuses a download that would fill the volume, before it begins."""
    needed = sum(file.size for file in files)
    free = shutil.disk_usage(cache).free
    if needed > free:
        raise DownloadError(
            f"{what} takes {needed} bytes, the volume of {cache} has {free} free: make room there "
            "or give the cache a larger volume"
        )


def check_content(what: str, file: RemoteFile, path: Path) -> None:
    """Compares a downloaded file with what its source says about it."""
    size = path.stat().st_size
    if size != file.size:
        raise DownloadError(
            f"{what}: {file.name} came damaged: expected {file.size} bytes, got {size}; ask again"
        )
    kind, _, expected = file.digest.partition(":")
    if kind in _HASHES and (found := _digest(kind, path, size)) != expected:
        raise DownloadError(
            f"{what}: {file.name} came damaged: expected {kind} {expected}, got {found}; ask again"
        )


def _digest(kind: str, path: Path, size: int) -> str:
    running = hashlib.new("sha1" if kind == "git" else kind, usedforsecurity=False)
    if kind == "git":
        running.update(f"blob {size}\0".encode())
    with path.open("rb") as content:
        while chunk := content.read(_CHUNK):
            running.update(chunk)
    return running.hexdigest()
