"""Drives a running router with OpenAI's own client, as its users do.

    python openai_client_check.py http://127.0.0.1:3000 --adapter ID

Needs the package openai. Ends with 1 and a list if a check fails.
"""

import argparse
import asyncio
import json
import struct
import sys
from collections.abc import Callable

import openai
from openai import AsyncOpenAI, OpenAI

CHAT = [{"role": "user", "content": "Say hello."}]
PROMPT = "The capital of France is"
TOKENS = 6
CITY = {"type": "object", "properties": {"city": {"enum": ["Paris", "Rome"]}}, "required": ["city"]}
# A scripted shard says what stands in the quotation marks; a model says what the tool allows.
WEATHER = {
    "messages": [
        {"role": "user", "content": '«{"name": "weather", "arguments": {"city": "Paris"}}»'}
    ],
    "tools": [{"type": "function", "function": {"name": "weather", "parameters": CITY}}],
    "tool_choice": "required",
}


class Checks:
    """The checks; each one is a method whose name says what holds."""

    def __init__(self, url: str, adapter: str) -> None:
        self.adapter = adapter
        self.url = f"{url}/v1"
        self.client = OpenAI(base_url=self.url, api_key="EMPTY", max_retries=0, timeout=120)
        self.base = self.client.models.list().data[0].id

    def chat(self, **asked):
        """A greedy chat: a sampled one may end before its limit."""
        return self.client.chat.completions.create(
            **{
                "model": self.base,
                "messages": CHAT,
                "max_tokens": TOKENS,
                "temperature": 0,
                **asked,
            }
        )

    def check_answers_a_chat(self) -> None:
        answer = self.chat()
        expect(answer.object, "chat.completion")
        expect(answer.model, self.base)
        expect(answer.choices[0].message.role, "assistant")
        expect(answer.choices[0].finish_reason, "length")
        expect(answer.usage.completion_tokens, TOKENS)
        expect(answer.usage.total_tokens, answer.usage.prompt_tokens + TOKENS)

    def check_streams_the_same_chat(self) -> None:
        whole = self.chat()
        chunks = list(self.chat(stream=True, stream_options={"include_usage": True}))
        text = "".join(c.choices[0].delta.content or "" for c in chunks if c.choices)
        expect(text, whole.choices[0].message.content)
        expect(chunks[0].choices[0].delta.role, "assistant")
        expect(chunks[-2].choices[0].finish_reason, "length")
        expect(chunks[-1].choices, [])
        expect(chunks[-1].usage, whole.usage)
        expect(len({chunk.id for chunk in chunks}), 1)

    def check_streams_without_usage_unless_asked(self) -> None:
        expect([c.usage for c in self.chat(stream=True) if c.usage], [])

    def check_streams_asynchronously(self) -> None:
        async def text() -> str:
            client = AsyncOpenAI(base_url=self.url, api_key="EMPTY", max_retries=0)
            stream = await client.chat.completions.create(
                model=self.base, messages=CHAT, max_tokens=TOKENS, temperature=0, stream=True
            )
            return "".join([c.choices[0].delta.content or "" async for c in stream])

        expect(asyncio.run(text()), self.chat().choices[0].message.content)

    def check_uses_the_clients_stream_accumulator(self) -> None:
        # It takes an answer that ends for its length for an error.
        third = self.chat(logprobs=True).choices[0].logprobs.content[2].token
        with self.client.chat.completions.stream(
            model=self.base, messages=CHAT, max_tokens=TOKENS, temperature=0, stop=[third]
        ) as stream:
            final = stream.get_final_completion()
        whole = self.chat(stop=[third])
        expect(final.choices[0].message.content, whole.choices[0].message.content)

    def check_names_an_adapter_as_model(self) -> None:
        answer = self.chat(model=self.adapter)
        expect(answer.model, self.adapter)
        expect(answer.choices[0].message.content != self.chat().choices[0].message.content, True)
        expect(self.adapter in [model.id for model in self.client.models.list()], True)

    def check_gives_several_choices(self) -> None:
        answer = self.chat(n=2, temperature=1.0)
        expect([choice.index for choice in answer.choices], [0, 1])

    def check_streams_several_choices(self) -> None:
        asked = {"n": 2, "temperature": 1.0, "stream": True}
        chunks = list(self.chat(**asked, stream_options={"include_usage": True}))
        for index in (0, 1):
            choice = [c for chunk in chunks for c in chunk.choices if c.index == index]
            expect(choice[0].delta.role, "assistant")
            expect([c.finish_reason for c in choice if c.finish_reason], ["length"])
        expect([chunk.usage.completion_tokens for chunk in chunks if chunk.usage], [2 * TOKENS])
        stream = self.client.completions.create(
            model=self.base, prompt=PROMPT, max_tokens=TOKENS, n=2, stream=True
        )
        expect({c.index for chunk in stream for c in chunk.choices}, {0, 1})

    def check_tells_logprobs(self) -> None:
        choice = self.chat(logprobs=True, top_logprobs=2).choices[0]
        expect(len(choice.logprobs.content), TOKENS)
        expect("".join(t.token for t in choice.logprobs.content), choice.message.content)
        expect(all(len(t.top_logprobs) == 2 for t in choice.logprobs.content), True)
        chunks = list(self.chat(logprobs=True, top_logprobs=2, stream=True))
        told = [
            t.token for c in chunks if c.choices[0].logprobs for t in c.choices[0].logprobs.content
        ]
        expect(told, [t.token for t in choice.logprobs.content])

    def check_stops_where_it_is_told_to(self) -> None:
        whole = self.chat(logprobs=True).choices[0]
        third = whole.logprobs.content[2].token
        before = "".join(t.token for t in whole.logprobs.content[:2])
        for stop in (third, [third]):
            choice = self.chat(stop=stop).choices[0]
            expect(choice.finish_reason, "stop")
            expect(choice.message.content, before)

    def check_seeds_make_sampling_repeatable(self) -> None:
        texts = {self.chat(temperature=1.5, seed=7).choices[0].message.content for _ in range(3)}
        expect(len(texts), 1)

    def check_a_seed_makes_several_choices_repeatable(self) -> None:
        asked = {"temperature": 1.5, "seed": 7}
        one, *answers = [self.chat(**asked, n=n).choices for n in (1, 2, 2)]
        first, again = [[c.message.content for c in choices] for choices in answers]
        expect(again, first)
        expect(one[0].message.content, first[0])
        whole = self.client.completions.create(
            model=self.base, prompt=PROMPT, max_tokens=TOKENS, n=2, seed=7
        )
        expect([choice.index for choice in whole.choices], [0, 1])

    def check_takes_penalties(self) -> None:
        answer = self.chat(frequency_penalty=0.5, presence_penalty=0.5, top_p=0.9)
        expect(answer.choices[0].finish_reason, "length")

    def check_completes_a_text(self) -> None:
        asked = {"model": self.base, "prompt": PROMPT, "max_tokens": TOKENS, "temperature": 0}
        whole = self.client.completions.create(**asked, logprobs=1)
        expect(whole.object, "text_completion")
        expect(whole.usage.completion_tokens, TOKENS)
        expect("".join(whole.choices[0].logprobs.tokens), whole.choices[0].text)
        stream = self.client.completions.create(**asked, stream=True)
        expect("".join(c.choices[0].text for c in stream), whole.choices[0].text)
        echoed = self.client.completions.create(**asked, echo=True)
        expect(echoed.choices[0].text, PROMPT + whole.choices[0].text)

    def check_embeds_texts_and_tokens(self) -> None:
        # The client asks for base64 unless it is told otherwise, and decodes it.
        answer = self.client.embeddings.create(model=self.base, input=[PROMPT, "the"])
        expect(answer.object, "list")
        expect([item.index for item in answer.data], [0, 1])
        expect(answer.usage.total_tokens, answer.usage.prompt_tokens)
        plain = self.client.embeddings.create(
            model=self.base, input=PROMPT, encoding_format="float"
        )
        expect(answer.data[0].embedding, [to_float(n) for n in plain.data[0].embedding])
        tokens = self.client.embeddings.create(model=self.base, input=[[1, 3], [1, 3, 4]])
        expect(tokens.usage.prompt_tokens, 5)
        adapted = self.client.embeddings.create(model=self.adapter, input=PROMPT)
        expect(adapted.model, self.adapter)
        expect(adapted.data[0].embedding != answer.data[0].embedding, True)

    def check_refuses_dimensions_by_name(self) -> None:
        error = expect_error(
            openai.UnprocessableEntityError,
            lambda: self.client.embeddings.create(model=self.base, input="a", dimensions=3),
        )
        expect("dimensions" in error.message, True)

    def check_errors_have_messages(self) -> None:
        error = expect_error(
            openai.UnprocessableEntityError, lambda: self.chat(max_tokens=10_000_000)
        )
        expect("must be <=" in error.message, True)
        expect(error.type, "invalid_request_error")

    def check_an_unknown_adapter_is_an_error_also_in_a_stream(self) -> None:
        for stream in (False, True):
            error = expect_error(
                openai.APIStatusError,
                lambda stream=stream: self.chat(model="no-such-adapter", stream=stream),
            )
            expect(error.status_code, 424)
            expect("no-such-adapter" in error.message, True)

    def check_calls_a_tool(self) -> None:
        whole = self.chat(**WEATHER, max_tokens=60).choices[0]
        expect(whole.finish_reason, "tool_calls")
        expect(whole.message.content, None)
        (call,) = whole.message.tool_calls
        expect((call.type, call.function.name), ("function", "weather"))
        expect(list(json.loads(call.function.arguments)), ["city"])
        chunks = list(self.chat(**WEATHER, max_tokens=60, stream=True))
        first, *more = [c for chunk in chunks for c in chunk.choices[0].delta.tool_calls or ()]
        expect((first.type, first.function.name), ("function", "weather"))
        expect({c.index for c in more}, {first.index})
        expect(len(more) > 1, True)
        arguments = "".join(c.function.arguments for c in (first, *more))
        expect(arguments, call.function.arguments)
        expect(chunks[-1].choices[0].finish_reason, "tool_calls")

    def check_the_clients_stream_accumulator_reads_calls(self) -> None:
        function = {**WEATHER["tools"][0]["function"], "strict": True}
        with self.client.chat.completions.stream(
            **{**WEATHER, "tools": [{"type": "function", "function": function}]},
            model=self.base,
            max_tokens=60,
            temperature=0,
        ) as stream:
            deltas = [e for e in stream if e.type == "tool_calls.function.arguments.delta"]
            (call,) = stream.get_final_completion().choices[0].message.tool_calls
        expect(list(call.function.parsed_arguments), ["city"])
        expect("".join(e.arguments_delta for e in deltas), call.function.arguments)

    def check_answers_a_tool_that_was_called(self) -> None:
        call = {"id": "1", "type": "function", "function": {"name": "weather", "arguments": "{}"}}
        told = [
            *CHAT,
            {"role": "assistant", "tool_calls": [call]},
            {"role": "tool", "tool_call_id": "1", "content": "sunny"},
        ]
        answer = self.chat(**{**WEATHER, "messages": told, "tool_choice": "none"})
        expect(answer.choices[0].message.tool_calls, None)

    def check_refuses_what_it_cannot_do(self) -> None:
        error = expect_error(
            openai.UnprocessableEntityError, lambda: self.chat(tools=[{"type": "custom"}])
        )
        expect("tools[0].type" in error.message, True)

    def run(self) -> list[str]:
        """What failed."""
        failures = []
        for name in [name for name in dir(self) if name.startswith("check_")]:
            what = name.removeprefix("check_").replace("_", " ")
            try:
                getattr(self, name)()
                print(f"ok     {what}")
            # Whatever goes wrong in one check, the others still say what they find.
            except Exception as error:
                print(f"FAILED {what}")
                failures.append(f"{what}: {type(error).__name__}: {error}")
        return failures


def to_float(number: float) -> float:
    """The nearest 32-bit number, as a client reads it from base64."""
    return struct.unpack("<f", struct.pack("<f", number))[0]


def expect(got: object, expected: object) -> None:
    if got != expected:
        raise AssertionError(f"expected {expected!r}, got {got!r}")


def expect_error(kind: type[Exception], action: Callable[[], object]):
    try:
        action()
    except kind as error:
        return error
    raise AssertionError(f"expected {kind.__name__}, got no error")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("url")
    parser.add_argument("--adapter", required=True, help="an adapter that the server can load")
    arguments = parser.parse_args()
    failures = Checks(arguments.url.rstrip("/"), arguments.adapter).run()
    for failure in failures:
        print(failure, file=sys.stderr)
    sys.exit(1 if failures else 0)


if __name__ == "__main__":
    main()
