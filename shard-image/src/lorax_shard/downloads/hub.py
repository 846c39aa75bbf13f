"""Adapters from a hub that speaks Hugging Face's API, by huggingface_hub."""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any

from huggingface_hub import HfApi, constants, hf_hub_download
from huggingface_hub.errors import (
    GatedRepoError,
    HfHubHTTPError,
    RepositoryNotFoundError,
    RevisionNotFoundError,
)

from lorax_shard.downloads.files import (
    DownloadError,
    RemoteFile,
    check_content,
    check_room,
    choose,
)
from lorax_shard.downloads.places import HubPlace, point

_INVALID_TOKEN = 401
_FORBIDDEN = 403


def download(place: HubPlace, token: str | None, cache: Path) -> Path:
    """The snapshot of a revision, complete in the cache.

    The hub is asked every time, even when the files are here: it decides whether this token may
    have them.
    """
    what = f"adapter {place.repository}@{place.revision}"
    try:
        return _download(what, place, token, cache)
    except GatedRepoError:
        raise DownloadError(
            f"{what} is gated: accept its conditions at {constants.ENDPOINT}/{place.repository} "
            f"with the account {_whose(token)}"
        ) from None
    except RevisionNotFoundError:
        raise DownloadError(
            f"{what} does not exist: {constants.ENDPOINT}/{place.repository} has no branch, tag or "
            f"commit {place.revision}"
        ) from None
    except RepositoryNotFoundError:
        raise DownloadError(
            f"{what} was not found on {constants.ENDPOINT}: either there is none, or it is private "
            f"and needs a token that may read it; {_sent(token)}"
        ) from None
    except HfHubHTTPError as error:
        raise DownloadError(_refusal(what, token, error)) from None


def _download(what: str, place: HubPlace, token: str | None, cache: Path) -> Path:
    # False, not None: without it the library would send the token of the server's own account.
    secret: str | bool = token or False
    info = HfApi(token=secret).model_info(
        place.repository, revision=place.revision, files_metadata=True
    )
    listing = {sibling.rfilename: _remote_file(sibling) for sibling in info.siblings or ()}
    wanted = choose(what, constants.ENDPOINT, listing)
    snapshot = cache / place.folder / "snapshots" / str(info.sha)
    missing = [file for file in wanted if not (snapshot / file.name).exists()]
    cache.mkdir(parents=True, exist_ok=True)
    check_room(what, missing, cache)
    # Locked between processes, resumed after a crash, each file there whole or not at all.
    with ThreadPoolExecutor(len(wanted)) as threads:
        get = partial(
            hf_hub_download, place.repository, revision=info.sha, cache_dir=cache, token=secret
        )
        list(threads.map(lambda file: get(filename=file.name), missing))
    _check(what, missing, snapshot)
    if place.revision != info.sha:
        point(cache / place.folder, place.revision, str(info.sha))
    return snapshot


def _check(what: str, files: Sequence[RemoteFile], snapshot: Path) -> None:
    try:
        for file in files:
            check_content(what, file, snapshot / file.name)
    except DownloadError:
        # Or the next request would find them and take them for good.
        for file in files:
            (snapshot / file.name).resolve().unlink(missing_ok=True)
            (snapshot / file.name).unlink(missing_ok=True)
        raise


def _remote_file(sibling: Any) -> RemoteFile:
    if sibling.lfs is not None:
        return RemoteFile(sibling.rfilename, sibling.lfs.size, f"sha256:{sibling.lfs.sha256}")
    return RemoteFile(sibling.rfilename, sibling.size or 0, f"git:{sibling.blob_id}")


def _refusal(what: str, token: str | None, error: HfHubHTTPError) -> str:
    status = error.response.status_code if error.response is not None else None
    if status == _INVALID_TOKEN:
        return f"{what}: {constants.ENDPOINT} does not know the token: {_sent(token)}"
    if status == _FORBIDDEN:
        return f"{what}: {constants.ENDPOINT} forbids it to the account of the token"
    return f"{what}: {constants.ENDPOINT} answered {status}; ask again later"


def _sent(token: str | None) -> str:
    return (
        "check the api_token of the request"
        if token
        else "this request came with none: send it as api_token"
    )


def _whose(token: str | None) -> str:
    return "of the api_token" if token else "whose token you then send as api_token"
