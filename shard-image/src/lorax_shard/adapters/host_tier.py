"""Adapters that were loaded lately, staged in host memory: the next load of one is a copy."""

import threading
from collections import OrderedDict
from collections.abc import Hashable

from lorax_shard.layers.staged import StagedAdapter


class HostTier:
    """Staged adapters by what they were made of. Those that were used last stay. Thread-safe."""

    def __init__(self, most_bytes: int) -> None:
        self._most_bytes = most_bytes
        self._kept: OrderedDict[Hashable, StagedAdapter] = OrderedDict()
        self._bytes = 0
        self._lock = threading.Lock()

    def find(self, key: Hashable) -> StagedAdapter | None:
        """The adapter that was kept under a key, if it is still there."""
        with self._lock:
            found = self._kept.get(key)
            if found is not None:
                self._kept.move_to_end(key)
            return found

    def keep(self, key: Hashable, adapter: StagedAdapter) -> None:
        """Keeps an adapter in place of those that were not used for longest, if it fits at all."""
        if adapter.nbytes > self._most_bytes:
            return
        with self._lock:
            replaced = self._kept.pop(key, None)
            self._bytes += adapter.nbytes - (replaced.nbytes if replaced is not None else 0)
            self._kept[key] = adapter
            while self._bytes > self._most_bytes:
                _, oldest = self._kept.popitem(last=False)
                self._bytes -= oldest.nbytes
