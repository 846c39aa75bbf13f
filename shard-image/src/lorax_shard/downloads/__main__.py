"""Downloads one adapter: the program that AdapterDownloader runs, one process for each download.

Reads a request as one line of JSON from standard input, so that a token is never seen in the list
of processes, and answers with one line of JSON on standard output. Ends when its parent does.
"""

import json
import os
import sys
import threading
import time
from pathlib import Path
from typing import Any

from lorax_shard.downloads.files import DownloadError
from lorax_shard.downloads.places import HubPlace, S3Place

# Steps of running streams come first.
_NICENESS = 10
_PARENT_POLL_SECONDS = 1.0


def main() -> None:
    """Answers {"snapshot": path} or {"problem": sentence}."""
    os.nice(_NICENESS)
    request = json.loads(sys.stdin.readline())
    threading.Thread(target=_end_with_parent, args=[request["parent"]], daemon=True).start()
    print(json.dumps(_answer(request)), flush=True)


def _answer(request: dict[str, Any]) -> dict[str, str]:
    what, cache = f"adapter {request['id']}", Path(request["cache"])
    try:
        return {"snapshot": str(_download(request, cache))}
    except DownloadError as error:
        return {"problem": str(error)}
    except OSError as error:
        # The libraries' own errors of connections are OSErrors too, but name no file.
        if error.filename is None:
            return {"problem": _unreachable(what, request["source"], error)}
        return {"problem": f"{what}: {error.filename} cannot be written: {error.strerror}"}
    # The top of the process: the libraries raise errors of their HTTP clients, of which there are
    # several generations.
    except Exception as error:
        return {"problem": _unreachable(what, request["source"], error)}


def _download(request: dict[str, Any], cache: Path) -> Path:
    # Each source imports a large library, so only the one that is needed.
    if request["source"] == "hub":
        from lorax_shard.downloads import hub

        return hub.download(HubPlace.parse(request["id"]), request["token"], cache)
    from lorax_shard.downloads import s3

    return s3.download(S3Place.parse(request["id"]), os.environ, cache)


def _unreachable(what: str, source: str, error: Exception) -> str:
    reason = (str(error) or type(error).__name__).splitlines()[0]
    name = "HF_ENDPOINT" if source == "hub" else "S3_ENDPOINT_URL"
    return (
        f"{what} could not be downloaded from {os.environ.get(name) or source} "
        f"({type(error).__name__}: {reason}): check the network and {name}"
    )


def _end_with_parent(parent: int) -> None:
    while os.getppid() == parent:
        time.sleep(_PARENT_POLL_SECONDS)
    os._exit(1)


if __name__ == "__main__":
    main()
