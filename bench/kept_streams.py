"""Many streams at a time from a router, each kept event by event."""

import http.client
import json
import threading
import time
from collections.abc import Mapping, Sequence
from typing import Any

_SILENCE_SECONDS = 240.0


class Stream:
    """One answer of `/generate_stream`, read by a thread of its own."""

    def __init__(self, port: int, body: Mapping[str, Any]) -> None:
        self.events: list[str] = []
        self.failure = ""
        self.longest_pause = 0.0  # seconds between two events
        self._port = port
        self._body = body
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    @property
    def ended(self) -> bool:
        """Whether nothing more will come."""
        return not self._reader.is_alive()

    def join(self) -> None:
        """Waits for its end."""
        self._reader.join()

    def _read(self) -> None:
        connection = http.client.HTTPConnection("127.0.0.1", self._port, timeout=_SILENCE_SECONDS)
        try:
            connection.request(
                "POST",
                "/generate_stream",
                json.dumps(self._body),
                {"Content-Type": "application/json"},
            )
            response = connection.getresponse()
            if response.status != 200:
                self.failure = f"{response.status}: {response.read().decode()}"
                return
            last = time.monotonic()
            for line in response:
                if line.startswith(b"data:"):
                    self.events.append(line.decode().removeprefix("data:").strip())
                    last, before = time.monotonic(), last
                    self.longest_pause = max(self.longest_pause, last - before)
        except OSError as error:
            self.failure = repr(error)
        finally:
            connection.close()


class Streams:
    """Streams that were begun together."""

    def __init__(self, port: int, bodies: Sequence[Mapping[str, Any]]) -> None:
        self._streams = [Stream(port, body) for body in bodies]

    def least(self) -> int:
        """Events that every stream has got."""
        return min(len(stream.events) for stream in self._streams)

    def failures(self) -> list[str]:
        """What went wrong with streams so far."""
        return [stream.failure for stream in self._streams if stream.failure]

    def running(self) -> list[int]:
        """Numbers of the streams that have begun to answer and have not ended."""
        return [
            number
            for number, stream in enumerate(self._streams)
            if stream.events and not stream.ended
        ]

    def longest_pause(self) -> float:
        """Seconds, of all streams."""
        return max(stream.longest_pause for stream in self._streams)

    def wait(self) -> list[list[str]]:
        """The events of all streams, once each has ended."""
        for stream in self._streams:
            stream.join()
        return [stream.events for stream in self._streams]


def first_difference(expected: Sequence[str], got: Sequence[str]) -> str:
    """The first event in which two streams are not equal, in words; empty where they are."""
    for index, (one, other) in enumerate(zip(expected, got, strict=False)):
        if one != other:
            return f"event {index}: expected {one}, got {other}"
    if len(expected) != len(got):
        return f"{len(got)} events, expected {len(expected)}"
    return ""
