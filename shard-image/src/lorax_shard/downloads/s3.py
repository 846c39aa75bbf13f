"""Adapters from an S3-compatible object store, by boto3 with the server's own credentials."""

import hashlib
import shutil
import tempfile
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError, NoCredentialsError
from filelock import FileLock

from lorax_shard.downloads.files import (
    DownloadError,
    RemoteFile,
    check_content,
    check_room,
    choose,
)
from lorax_shard.downloads.places import S3Place, point

_ATTEMPTS = 5


def download(place: S3Place, environment: Mapping[str, str], cache: Path) -> Path:
    """The current files of a prefix, complete in the cache."""
    what = f"adapter s3://{place.bucket}/{place.prefix}"
    endpoint = _endpoint(environment)
    try:
        client = _client(endpoint)
        return _download(what, place, client, cache)
    except NoCredentialsError:
        raise DownloadError(
            f"{what}: no credentials: set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY"
        ) from None
    except ClientError as error:
        raise DownloadError(_refusal(what, place, error)) from None
    except BotoCoreError as error:
        store = endpoint or "S3"
        raise DownloadError(f"{what}: {store} cannot be used: {error}") from None


def _endpoint(environment: Mapping[str, str]) -> str | None:
    """Upstream's variables; without them boto3 reads its own, such as AWS_ENDPOINT_URL_S3."""
    if url := environment.get("S3_ENDPOINT_URL"):
        return url
    if account := environment.get("R2_ACCOUNT_ID"):
        return f"https://{account}.r2.cloudflarestorage.com"
    return None


def _client(endpoint: str | None) -> Any:
    retries = {"max_attempts": _ATTEMPTS, "mode": "standard"}
    # Stores other than Amazon's know neither newer checksums nor host names for buckets.
    compatible = {
        "request_checksum_calculation": "when_required",
        "response_checksum_validation": "when_required",
        "s3": {"addressing_style": "path"},
    }
    options = compatible if endpoint else {}
    return boto3.client("s3", endpoint_url=endpoint, config=Config(retries=retries, **options))


def _download(what: str, place: S3Place, client: Any, cache: Path) -> Path:
    listing = _list(place, client)
    if not listing:
        raise DownloadError(f"{what} does not exist: nothing lies below that prefix")
    wanted = choose(what, f"s3://{place.bucket}/{place.prefix}", listing)
    folder = cache / place.folder
    snapshot = folder / "snapshots" / _version(wanted)
    folder.mkdir(parents=True, exist_ok=True)
    (cache / ".locks").mkdir(exist_ok=True)
    with FileLock(cache / ".locks" / f"{place.folder}.lock"):
        if not snapshot.is_dir():
            check_room(what, wanted, cache)
            _publish(what, place, client, wanted, snapshot)
        point(folder, place.revision, snapshot.name)
    return snapshot


def _list(place: S3Place, client: Any) -> dict[str, RemoteFile]:
    prefix = f"{place.prefix}/"
    pages = client.get_paginator("list_objects_v2").paginate(Bucket=place.bucket, Prefix=prefix)
    objects = [entry for page in pages for entry in page.get("Contents", ())]
    return {
        entry["Key"].removeprefix(prefix): RemoteFile(
            entry["Key"].removeprefix(prefix), entry["Size"], _digest(entry["ETag"].strip('"'))
        )
        for entry in objects
    }


def _digest(etag: str) -> str:
    """The etag of an object that came in one piece is its MD5; any other has a dash."""
    return f"md5:{etag}" if len(etag) == 32 and "-" not in etag else f"etag:{etag}"


def _version(files: Sequence[RemoteFile]) -> str:
    """Names a set of files by their content, as a commit would."""
    text = "\n".join(f"{file.name} {file.size} {file.digest}" for file in files)
    return hashlib.sha256(text.encode()).hexdigest()


def _publish(
    what: str, place: S3Place, client: Any, files: Sequence[RemoteFile], snapshot: Path
) -> None:
    """Downloads beside the final place and moves there: what has the name is complete."""
    snapshot.parent.mkdir(exist_ok=True)
    for left_over in snapshot.parent.glob("*.incomplete"):
        shutil.rmtree(left_over, ignore_errors=True)
    partial = Path(tempfile.mkdtemp(suffix=".incomplete", dir=snapshot.parent))
    try:
        with ThreadPoolExecutor(len(files)) as threads:
            list(threads.map(lambda file: _fetch(what, place, client, file, partial), files))
        partial.chmod(0o755)
        partial.rename(snapshot)
    finally:
        shutil.rmtree(partial, ignore_errors=True)


def _fetch(what: str, place: S3Place, client: Any, file: RemoteFile, folder: Path) -> None:
    path, key = folder / file.name, f"{place.prefix}/{file.name}"
    client.download_file(place.bucket, key, str(path))
    head = client.head_object(Bucket=place.bucket, Key=key)
    if head.get("SSECustomerAlgorithm") or "kms" in head.get("ServerSideEncryption", ""):
        # The etag of such an object is no hash of its content; the transfer was over TLS.
        file = replace(file, digest="etag:")
    check_content(what, file, path)


def _refusal(what: str, place: S3Place, error: ClientError) -> str:
    code = error.response.get("Error", {}).get("Code", "")
    match code:
        case "NoSuchBucket":
            return f"{what} does not exist: there is no bucket {place.bucket}"
        case "AccessDenied" | "403":
            return f"{what}: the server's credentials may not read bucket {place.bucket}"
        case "InvalidAccessKeyId" | "SignatureDoesNotMatch":
            return (
                f"{what}: the store refuses the server's credentials ({code}): check "
                "AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY"
            )
        case _:
            return f"{what}: the store answered {code or error}"
