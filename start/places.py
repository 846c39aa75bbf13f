"""Where things lie: the checkout, what is built from it, and the cache outside it."""

import hashlib
import os
from collections.abc import Iterable
from pathlib import Path

CHECKOUT = Path(__file__).resolve().parent.parent
LOGS = CHECKOUT / "target" / "logs"
LAUNCHER_JAR = CHECKOUT / "launcher" / "target" / "lorax-launcher.jar"
ROUTER_JAR = CHECKOUT / "router" / "target" / "lorax-router.jar"
E2E_JAR = CHECKOUT / "e2e" / "target" / "lorax-e2e.jar"
ADAPTERS = CHECKOUT / "shard-image" / "demo" / "adapters"


def cache() -> Path:
    """The folder for whatever is slow to make and keyed by its content."""
    base = os.environ.get("XDG_CACHE_HOME") or str(Path.home() / ".cache")
    return Path(base) / "lorax"


def state() -> Path:
    """The folder for whatever a running demo needs and `--down` removes."""
    base = os.environ.get("XDG_STATE_HOME") or str(Path.home() / ".local" / "state")
    return Path(base) / "lorax"


def content_key(paths: Iterable[Path], *words: str) -> str:
    """Twelve hex digits that change when a file's content or one of the words does."""
    digest = hashlib.sha256("\0".join(words).encode())
    for path in sorted(paths):
        digest.update(path.name.encode() + b"\0" + path.read_bytes())
    return digest.hexdigest()[:12]
