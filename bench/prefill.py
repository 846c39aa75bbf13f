"""What long prompts do to running streams, and what a shared prefix saves.

    ./lorax serve --max-input-length 1792 --max-total-tokens 2048     # in another terminal
    python bench/prefill.py http://localhost:3000

A client of a server that runs; which options the server was given is what is compared.
"""

import argparse
import http.client
import json
import random
import statistics
import threading
import time
from collections.abc import Iterator
from urllib.parse import urlsplit

STREAMS = 16
LONG_PROMPTS = 6
LONG_TOKENS = 1_500
SHARED_TOKENS = 1_000
PAIRS = 5
# Each is one token of most English vocabularies when a space comes before it.
WORDS = [
    "time", "year", "people", "way", "day", "man", "thing", "woman", "life", "child", "world",
    "school", "state", "family", "student", "group", "country", "problem", "hand", "part",
    "place", "case", "week", "company", "system", "program", "question", "work", "government",
    "number", "night", "point", "home", "water", "room", "mother", "area", "money", "story",
    "fact", "month", "lot", "right", "study", "book",
]  # fmt: skip


class Server:
    """The server under test."""

    def __init__(self, url: str, adapter: str | None) -> None:
        self._address = urlsplit(url)
        self._adapter = adapter

    def stream(self, prompt: str, tokens: int) -> Iterator[float]:
        """The time of each token as it arrives."""
        parameters: dict[str, object] = {"max_new_tokens": tokens, "ignore_eos_token": True}
        if self._adapter:
            parameters["adapter_id"] = self._adapter
        connection = http.client.HTTPConnection(
            self._address.hostname or "localhost", self._address.port, timeout=600
        )
        body = json.dumps({"inputs": prompt, "parameters": parameters})
        connection.request("POST", "/generate_stream", body, {"content-type": "application/json"})
        try:
            for line in connection.getresponse():
                if line.startswith(b"data:"):
                    event = json.loads(line[5:])
                    if "error" in event:
                        raise RuntimeError(event["error"])
                    yield time.monotonic()
        finally:
            connection.close()

    def first_token(self, prompt: str) -> float:
        """Seconds until the first token of an answer."""
        begin = time.monotonic()
        return next(self.stream(prompt, 1)) - begin


def words(count: int, chance: random.Random) -> str:
    """A text of so many tokens that no other is like."""
    return " " + " ".join(chance.choices(WORDS, k=count))


class Streams:
    """Streams that run until they are told to stop, and the gaps between their tokens."""

    def __init__(self, server: Server, count: int, chance: random.Random) -> None:
        self._server = server
        self._stop = threading.Event()
        self._lock = threading.Lock()
        self._gaps: list[tuple[float, float]] = []
        self._running = threading.Barrier(count + 1)
        self._threads = [
            threading.Thread(target=self._run, args=(words(20, chance),)) for _ in range(count)
        ]

    def __enter__(self) -> "Streams":
        for thread in self._threads:
            thread.start()
        self._running.wait()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join()

    def gaps(self, begin: float, end: float) -> list[float]:
        """Those that ended between two moments."""
        with self._lock:
            return sorted(gap for moment, gap in self._gaps if begin <= moment <= end)

    def _run(self, prompt: str) -> None:
        last = 0.0
        for number, moment in enumerate(self._server.stream(prompt, 1_500)):
            if number == 3:
                self._running.wait()
            if last:
                with self._lock:
                    self._gaps.append((moment, moment - last))
            last = moment
            if self._stop.is_set():
                return


def running_streams(server: Server, chance: random.Random) -> None:
    """Gaps of running streams alone, and while long prompts arrive one after another."""
    with Streams(server, STREAMS, chance) as streams:
        quiet = time.monotonic()
        time.sleep(5)
        begin = time.monotonic()
        waits = []
        for _ in range(LONG_PROMPTS):
            waits.append(server.first_token(words(LONG_TOKENS, chance)))
            time.sleep(0.5)
        end = time.monotonic()
        _tell(f"{STREAMS} streams alone", streams.gaps(quiet, begin))
        _tell(f"{STREAMS} streams, {LONG_TOKENS}-token prompts", streams.gaps(begin, end))
        print(f"first token of those prompts: median {statistics.median(waits):.2f} s")


def shared_prefix(server: Server, chance: random.Random) -> None:
    """The first token behind a prefix that nobody had before, and behind the same once more."""
    misses, hits = [], []
    for _ in range(PAIRS):
        prefix = words(SHARED_TOKENS, chance)
        misses.append(server.first_token(prefix + words(20, chance)))
        hits.append(server.first_token(prefix + words(20, chance)))
    for name, times in (("miss", misses), ("hit", hits)):
        median = statistics.median(times)
        print(f"first token behind {SHARED_TOKENS} tokens, {name}: {median:.3f} s")


def _tell(case: str, gaps: list[float]) -> None:
    p50, p99 = (1000 * gaps[int(share * (len(gaps) - 1))] for share in (0.5, 0.99))
    print(f"{case}: gap p50 {p50:.0f} ms, p99 {p99:.0f} ms, most {1000 * gaps[-1]:.0f} ms")


def main() -> None:
    """Measures both and prints a line for each figure."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("url")
    parser.add_argument("--adapter")
    parser.add_argument("--seed", type=int, default=int(time.time()))
    arguments = parser.parse_args()
    chance = random.Random(arguments.seed)
    server = Server(arguments.url, arguments.adapter)
    server.first_token(words(20, chance))
    running_streams(server, chance)
    shared_prefix(server, chance)


if __name__ == "__main__":
    main()
