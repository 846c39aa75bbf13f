"""What the ids of downloaded adapters mean, and where their files lie in the cache.

Ids come from clients. They are taken apart by strict patterns before they become paths, so nothing
leads out of the cache. Imports nothing heavy: every shard looks here, few ever download.
"""

import os
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

# Hugging Face's rules: no "--" (it separates owner and name in the cache) and no "..".
_HUB_ID = re.compile(r"[A-Za-z0-9][\w.-]{0,95}(/[A-Za-z0-9][\w.-]{0,95})?", re.ASCII)
_REVISION = re.compile(r"[\w][\w.-]*(/[\w][\w.-]*)*", re.ASCII)
_BUCKET = re.compile(r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]")
_PREFIX = re.compile(r"[\w][\w.=+@ -]*(/[\w][\w.=+@ -]*)*", re.ASCII)
_COMMIT = re.compile(r"[0-9a-f]{40}|[0-9a-f]{64}")


class InvalidAdapterId(ValueError):
    """An id that does not have the form that its source asks for."""


class Place(Protocol):
    """One adapter of a source, and its folder in the cache."""

    @property
    def folder(self) -> str:
        """Name of the folder directly below the cache."""

    @property
    def revision(self) -> str:
        """The version that is asked for."""


@dataclass(frozen=True, slots=True)
class HubPlace:
    """A repository on a hub."""

    repository: str  # "owner/name", or "name" alone
    revision: str = "main"  # branch, tag or commit

    @classmethod
    def parse(cls, adapter_id: str) -> "HubPlace":
        """From `owner/name` or `owner/name@revision`."""
        repository, at, revision = adapter_id.partition("@")
        if not _HUB_ID.fullmatch(repository) or "--" in repository or ".." in repository:
            raise InvalidAdapterId(
                f"adapter {adapter_id!r} is no id of source hub: expected owner/name or "
                "owner/name@revision"
            )
        if at and (not _REVISION.fullmatch(revision) or ".." in revision):
            raise InvalidAdapterId(
                f"adapter {adapter_id!r}: the revision after @ must be a branch, a tag or a commit"
            )
        return cls(repository, revision or "main")

    @property
    def folder(self) -> str:
        """The folder that huggingface_hub gives the repository."""
        return "--".join(["models", *self.repository.split("/")])


@dataclass(frozen=True, slots=True)
class S3Place:
    """A prefix in a bucket of an S3-compatible store."""

    bucket: str
    prefix: str  # without a slash at either end
    revision: str = "main"  # an object store has one version: the current one

    @classmethod
    def parse(cls, adapter_id: str) -> "S3Place":
        """From `s3://bucket/prefix` or `bucket/prefix`."""
        bucket, _, prefix = adapter_id.removeprefix("s3://").strip("/").partition("/")
        parts = [bucket, *prefix.split("/")]
        # Such names would make one folder in the cache of two places in the store.
        ambiguous = any(
            "--" in part or part.startswith("-") or part.endswith("-") for part in parts
        )
        if not _BUCKET.fullmatch(bucket) or not _PREFIX.fullmatch(prefix) or ambiguous:
            raise InvalidAdapterId(
                f"adapter {adapter_id!r} is no id of source s3: expected s3://bucket/prefix "
                "of letters, digits and single dashes"
            )
        return cls(bucket, prefix)

    @property
    def folder(self) -> str:
        """The folder of the prefix."""
        return "--".join(["s3", self.bucket, *self.prefix.split("/")])


def point(folder: Path, revision: str, commit: str) -> None:
    """Makes a commit what a revision means, in one step, once its snapshot is complete."""
    reference = folder / "refs" / revision
    reference.parent.mkdir(parents=True, exist_ok=True)
    fresh = reference.with_name(f"{reference.name}.{os.getpid()}")
    fresh.write_text(commit)
    fresh.rename(reference)


def cached_snapshot(cache: Path, place: Place) -> Path | None:
    """The folder with the files of a place's revision, where the cache holds one.

    The layout is huggingface_hub's: refs/REVISION names the commit, snapshots/COMMIT has the files.
    """
    folder = cache / place.folder
    try:
        commit = (folder / "refs" / place.revision).read_text().strip()
    except (FileNotFoundError, NotADirectoryError, IsADirectoryError):
        commit = place.revision
    if not _COMMIT.fullmatch(commit):
        return None
    snapshot = folder / "snapshots" / commit
    return snapshot if snapshot.is_dir() else None
