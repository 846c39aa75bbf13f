"""Chat templates, rendered exactly as transformers does."""

import json
from datetime import datetime
from functools import cached_property
from pathlib import Path
from typing import Any

import jinja2
from jinja2 import meta, nodes
from jinja2.ext import Extension, loopcontrols
from jinja2.parser import Parser
from jinja2.sandbox import ImmutableSandboxedEnvironment

from lorax_shard.engine.tokenizer import Tokenizer

_TOOLS = 'Answer with the call of one of these functions: {"name": ..., "arguments": {...}}'


class NoChatTemplate(ValueError):
    """The model comes without a chat template."""


class ChatTemplateError(ValueError):
    """The template refuses the messages, or they are not what a chat is."""


class _GenerationTag(Extension):
    """{% generation %} marks training data for transformers; rendering ignores it."""

    tags = {"generation"}  # noqa: RUF012 - the name and kind that Jinja asks for

    def parse(self, parser: Parser) -> list[nodes.Node]:
        """Yields the body as it stands."""
        next(parser.stream)
        return parser.parse_statements(("name:endgeneration",), drop_needle=True)


class ChatRenderer:
    """The chat templates of one model. Templates are code of the model's author: sandboxed."""

    def __init__(self, directory: Path, tokenizer: Tokenizer) -> None:
        self._tokenizer = tokenizer
        environment = ImmutableSandboxedEnvironment(
            trim_blocks=True, lstrip_blocks=True, extensions=[_GenerationTag, loopcontrols]
        )
        environment.filters["tojson"] = _to_json
        environment.globals["raise_exception"] = _raise_exception
        environment.globals["strftime_now"] = lambda layout: datetime.now().strftime(layout)
        self._environment = environment
        self._sources = _sources(directory, tokenizer.config)
        self._templates = {
            name: environment.from_string(source) for name, source in self._sources.items()
        }

    def render(self, messages_json: str, tools_json: str, add_generation_prompt: bool) -> str:
        """The prompt text of a chat."""
        messages = _without_nulls(_parse_list(messages_json, "messages"))
        tools = _parse_list(tools_json, "tools") if tools_json else None
        name = self._pick(tools is not None)
        if tools is not None and name not in self._knowing_tools:
            messages = _told(messages, tools)
        try:
            return self._templates[name].render(
                messages=messages,
                tools=tools,
                documents=None,
                add_generation_prompt=add_generation_prompt,
                **self._tokenizer.special_tokens,
            )
        # A template is a program and can fail in any way; whatever it is, it concerns one chat.
        except Exception as error:
            raise ChatTemplateError(str(error) or type(error).__name__) from error

    @cached_property
    def _knowing_tools(self) -> set[str]:
        """Names of templates that read tools. Parsed for the first chat that has some."""
        return {
            name
            for name, source in self._sources.items()
            if "tools" in meta.find_undeclared_variables(self._environment.parse(source))
        }

    def _pick(self, has_tools: bool) -> str:
        names = ("tool_use", "default") if has_tools else ("default",)
        for name in names:
            if name in self._templates:
                return name
        raise NoChatTemplate("the model has no chat template")


def _without_nulls(messages: list[Any]) -> list[Any]:
    """As transformers has it: templates read a key that is missing, and few of them a null."""
    return [
        {key: value for key, value in message.items() if value is not None}
        if isinstance(message, dict)
        else message
        for message in messages
    ]


def _told(messages: list[Any], tools: list[Any]) -> list[Any]:
    """The chat for a template that does not read tools: the last message tells of them."""
    if not messages or not isinstance(messages[-1], dict):
        return messages
    last = messages[-1]
    told = f"{last.get('content') or ''}\n---\n{_TOOLS}\n{_to_json(tools)}"
    return [*messages[:-1], {**last, "content": told}]


def _sources(directory: Path, config: dict[str, Any]) -> dict[str, str]:
    file = directory / "chat_template.jinja"
    if file.is_file():
        return {"default": file.read_text(encoding="utf-8")}
    declared = config.get("chat_template")
    if isinstance(declared, list):
        return {str(entry["name"]): str(entry["template"]) for entry in declared}
    return {"default": str(declared)} if declared else {}


def _parse_list(text: str, what: str) -> list[Any]:
    try:
        value = json.loads(text)
    except json.JSONDecodeError as error:
        raise ChatTemplateError(f"{what} is not JSON: {error}") from None
    if not isinstance(value, list):
        raise ChatTemplateError(f"{what} must be a JSON array, got {type(value).__name__}")
    return value


def _raise_exception(message: str) -> None:
    raise jinja2.exceptions.TemplateError(message)


def _to_json(
    value: Any,
    ensure_ascii: bool = False,
    indent: int | None = None,
    separators: tuple[str, str] | None = None,
    sort_keys: bool = False,
) -> str:
    """Jinja's own filter would escape HTML."""
    return json.dumps(
        value,
        ensure_ascii=ensure_ascii,
        indent=indent,
        separators=separators,
        sort_keys=sort_keys,
    )
