"""Drives a running router as its users do: with lorax-client, and as OpenAI clients would.

    python lorax_client_check.py http://127.0.0.1:3000 [--adapter ID]

Needs the packages lorax-client and requests. Ends with 1 and a list if a check fails.
"""

import argparse
import asyncio
import json
import sys
from collections.abc import Callable, Iterator
from typing import Any

import requests
from lorax import AsyncClient, Client
from lorax.errors import GenerationError, ValidationError

PROMPT = "The capital of France is"
TOKENS = 6
CHAT = [{"role": "user", "content": "Say hello."}]


class Checks:
    """The checks; each one is a method whose name says what holds."""

    def __init__(self, url: str, adapter: str | None) -> None:
        self.url = url
        self.adapter = adapter
        self.client = Client(url, timeout=120)

    def check_generates_with_details(self) -> None:
        response = self.client.generate(PROMPT, max_new_tokens=TOKENS, decoder_input_details=True)
        details = response.details
        expect(details.generated_tokens, TOKENS)
        expect(len(details.tokens), TOKENS)
        expect(details.finish_reason.value, "length")
        expect(len(details.prefill), details.prompt_tokens)
        expect(details.prefill[0].logprob, None)
        expect(all(token.logprob <= 0 for token in details.tokens), True)

    def check_streams_the_same_text(self) -> None:
        whole = self.client.generate(PROMPT, max_new_tokens=TOKENS).generated_text
        events = list(self.client.generate_stream(PROMPT, max_new_tokens=TOKENS))
        expect(len(events), TOKENS)
        expect(events[-1].generated_text, whole)
        expect("".join(event.token.text for event in events), whole)
        expect(events[-1].details.generated_tokens, TOKENS)

    def check_streams_asynchronously(self) -> None:
        async def texts() -> list[str]:
            client = AsyncClient(self.url, timeout=120)
            stream = client.generate_stream(PROMPT, max_new_tokens=TOKENS)
            return [event.token.text async for event in stream]

        expect(len(asyncio.run(texts())), TOKENS)

    def check_seeds_make_sampling_repeatable(self) -> None:
        def sample() -> str:
            return self.client.generate(
                PROMPT, do_sample=True, temperature=1.5, seed=42, max_new_tokens=TOKENS
            ).generated_text

        expect(sample(), sample())

    def check_embeds(self) -> None:
        whole = self.client.embed(PROMPT).embeddings
        expect(len(whole) > 2, True)
        expect(asyncio.run(AsyncClient(self.url, timeout=120).embed(PROMPT)).embeddings, whole)

    def check_says_what_the_model_does_not_do(self) -> None:
        error = expect_error(ValidationError, lambda: self.client.classify(PROMPT))
        expect("does not classify" in str(error), True)

    def check_stops_at_a_stop_sequence(self) -> None:
        first = self.client.generate(PROMPT, max_new_tokens=1).generated_text
        response = self.client.generate(PROMPT, max_new_tokens=TOKENS, stop_sequences=[first])
        expect(response.details.finish_reason.value, "stop_sequence")
        expect(response.details.generated_tokens, 1)

    def check_adapter_changes_the_text(self) -> None:
        base = self.client.generate(PROMPT, max_new_tokens=3 * TOKENS).generated_text
        adapted = self.client.generate(
            PROMPT, max_new_tokens=3 * TOKENS, adapter_id=self.adapter
        ).generated_text
        expect(adapted != base, True)

    def check_unknown_adapter_is_a_generation_error(self) -> None:
        expect_error(
            GenerationError,
            lambda: self.client.generate(PROMPT, adapter_id="no-such-adapter", max_new_tokens=1),
        )
        expect_error(
            GenerationError,
            lambda: list(
                self.client.generate_stream(PROMPT, adapter_id="no-such-adapter", max_new_tokens=1)
            ),
        )

    def check_invalid_request_is_a_validation_error(self) -> None:
        expect_error(
            ValidationError, lambda: self.client.generate(PROMPT, max_new_tokens=10_000_000)
        )

    def check_answers_a_chat(self) -> None:
        answer = self.post("/v1/chat/completions", messages=CHAT, max_tokens=TOKENS).json()
        expect(answer["id"].startswith("chatcmpl-"), True)
        expect(answer["object"], "chat.completion")
        (choice,) = answer["choices"]
        expect(choice["message"]["role"], "assistant")
        expect(isinstance(choice["message"]["content"], str), True)
        expect(choice["finish_reason"] in ("stop", "length"), True)
        usage = answer["usage"]
        expect(usage["total_tokens"], usage["prompt_tokens"] + usage["completion_tokens"])

    def check_streams_the_same_chat(self) -> None:
        asked = {"messages": CHAT, "max_tokens": TOKENS, "temperature": 0}
        whole = self.post("/v1/chat/completions", **asked).json()
        response = self.post(
            "/v1/chat/completions",
            **asked,
            stream=True,
            stream_options={"include_usage": True},
        )
        chunks = list(openai_events(response))
        expect(chunks[0]["choices"][0]["delta"]["role"], "assistant")
        expect(chunks[-1]["choices"], [])
        expect(chunks[-1]["usage"], whole["usage"])
        deltas = [chunk["choices"][0]["delta"] for chunk in chunks[:-1]]
        text = "".join(delta.get("content", "") for delta in deltas)
        expect(text, whole["choices"][0]["message"]["content"])

    def check_answers_a_completion(self) -> None:
        # Greedy, as every check that counts tokens: a sampled answer may end before the limit.
        asked = {"prompt": PROMPT, "max_tokens": TOKENS, "temperature": 0}
        answer = self.post("/v1/completions", **asked).json()
        expect(answer["object"], "text_completion")
        expect(answer["usage"]["completion_tokens"], TOKENS)

    def check_openai_errors_are_objects(self) -> None:
        response = self.post("/v1/chat/completions", messages=CHAT, max_tokens=10_000_000)
        expect(response.status_code, 422)
        expect(sorted(response.json()["error"]), ["code", "message", "param", "type"])

    def check_lists_models(self) -> None:
        models = requests.get(f"{self.url}/v1/models", timeout=30).json()
        expect(models["object"], "list")
        info = requests.get(f"{self.url}/info", timeout=30).json()
        expect(models["data"][0]["id"], info["model_id"])

    def check_is_healthy_and_measured(self) -> None:
        expect(requests.get(f"{self.url}/health", timeout=30).status_code, 200)
        page = requests.get(f"{self.url}/metrics", timeout=30).text
        expect("lorax_request_success " in page, True)

    def post(self, path: str, **body: Any) -> requests.Response:
        return requests.post(f"{self.url}{path}", json={"model": "", **body}, timeout=120)

    def run(self) -> list[str]:
        failures = []
        names = [name for name in dir(self) if name.startswith("check_")]
        if self.adapter is None:
            names.remove("check_adapter_changes_the_text")
        for name in names:
            what = name.removeprefix("check_").replace("_", " ")
            try:
                getattr(self, name)()
                print(f"ok     {what}")
            # Whatever goes wrong in one check, the others still say what they find.
            except Exception as error:
                print(f"FAILED {what}")
                failures.append(f"{what}: {type(error).__name__}: {error}")
        return failures


def openai_events(response: requests.Response) -> Iterator[dict[str, Any]]:
    lines = [line for line in response.text.splitlines() if line.startswith("data: ")]
    expect(lines[-1], "data: [DONE]")
    for line in lines[:-1]:
        yield json.loads(line.removeprefix("data: "))


def expect(got: object, expected: object) -> None:
    if got != expected:
        raise AssertionError(f"expected {expected!r}, got {got!r}")


def expect_error(kind: type[Exception], action: Callable[[], object]) -> Exception:
    try:
        action()
    except kind as error:
        return error
    raise AssertionError(f"expected {kind.__name__}, got no error")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("url")
    parser.add_argument("--adapter", help="an adapter that the server can load")
    arguments = parser.parse_args()
    failures = Checks(arguments.url.rstrip("/"), arguments.adapter).run()
    for failure in failures:
        print(failure, file=sys.stderr)
    sys.exit(1 if failures else 0)


if __name__ == "__main__":
    main()
