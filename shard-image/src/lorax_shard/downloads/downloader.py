"""Downloads adapters beside the steps of running streams, each in a process of its own."""

import json
import logging
import os
import subprocess
import sys
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from lorax_shard.downloads.files import DownloadError

_LOG = logging.getLogger(__name__)
# More do not come faster over one network, and each takes some 100 MiB of memory.
_AT_ONCE = 4


@dataclass(frozen=True, slots=True)
class DownloadOrder:
    """What to download. The token is a secret: it is never printed."""

    adapter_id: str
    source: str  # "hub" or "s3"
    token: str | None = field(default=None, repr=False)


class AdapterDownloader:
    """Fetches adapters into the cache. Thread-safe; a call blocks until its adapter is there.

    A process of its own, because then neither the interpreter's lock nor the memory of the client
    libraries is shared with the engine, and a download that takes too long can be ended.
    """

    def __init__(self, cache: Path, timeout_s: float, environment: Mapping[str, str]) -> None:
        self._cache = cache
        self._timeout_s = timeout_s
        self._environment = dict(environment) | {
            "HF_HUB_DISABLE_PROGRESS_BARS": "1",
            "HF_HUB_DISABLE_TELEMETRY": "1",
        }
        self._turns = threading.BoundedSemaphore(_AT_ONCE)
        self._running: set[subprocess.Popen[str]] = set()
        self._closed = False
        # Over both: no process starts after close has looked for the running ones.
        self._lock = threading.Lock()

    def download(self, order: DownloadOrder) -> Path:
        """The adapter's folder, complete in the cache; a DownloadError says what went wrong."""
        deadline = time.monotonic() + self._timeout_s
        if not self._turns.acquire(timeout=self._timeout_s):
            raise DownloadError(
                f"adapter {order.adapter_id} waited {self._timeout_s:g} s behind other downloads: "
                "ask again later"
            )
        try:
            return self._run(order, deadline)
        finally:
            self._turns.release()

    def close(self) -> None:
        """Ends the downloads that run and refuses others; what came is used by the next try."""
        with self._lock:
            self._closed = True
            for process in self._running:
                process.kill()

    def _run(self, order: DownloadOrder, deadline: float) -> Path:
        process = self._start(order)
        try:
            answer, chatter = process.communicate(self._request(order), deadline - time.monotonic())
        except subprocess.TimeoutExpired:
            raise DownloadError(
                f"adapter {order.adapter_id} did not come from {order.source} within "
                f"{self._timeout_s:g} s: what came is kept, so ask again, or raise "
                "LORAX_ADAPTER_DOWNLOAD_TIMEOUT_S"
            ) from None
        finally:
            with self._lock:
                self._running.discard(process)
            process.kill()
            process.wait()
        if self._closed:
            raise _stopping(order)
        return _snapshot(order, answer, chatter, process.returncode)

    def _start(self, order: DownloadOrder) -> subprocess.Popen[str]:
        with self._lock:
            if self._closed:
                raise _stopping(order)
            process = subprocess.Popen(
                [sys.executable, "-P", "-m", "lorax_shard.downloads"],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                text=True,
                env=self._environment,
            )
            self._running.add(process)
        return process

    def _request(self, order: DownloadOrder) -> str:
        request = {
            "id": order.adapter_id,
            "source": order.source,
            "token": order.token,
            "cache": str(self._cache),
            "parent": os.getpid(),
        }
        return json.dumps(request) + "\n"


def _stopping(order: DownloadOrder) -> DownloadError:
    return DownloadError(
        f"adapter {order.adapter_id} is not downloaded further, because this shard is stopping: "
        "ask again later; what came is kept"
    )


def _snapshot(order: DownloadOrder, answer: str, chatter: str, code: int) -> Path:
    what = f"adapter {order.adapter_id}"
    if chatter:
        shown = chatter.replace(order.token, "***") if order.token else chatter
        _LOG.debug("download of %s: %s", what, shown)
    if not answer:
        reason = f"signal {-code}" if code < 0 else f"exit code {code}"
        raise DownloadError(f"{what}: the process that downloads it ended with {reason}")
    said = json.loads(answer)
    if "problem" in said:
        raise DownloadError(said["problem"])
    return Path(said["snapshot"])
