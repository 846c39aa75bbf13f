"""RenderChat equals transformers' apply_chat_template."""

import json
from pathlib import Path

import grpc
import pytest
from shard_process import ShardGroup
from tiny_model import TinyModel

from lorax_shard.engine.chat import ChatRenderer
from lorax_shard.engine.tokenizer import Tokenizer
from lorax_shard.pb import extensions_pb2

TOOLS = [
    {
        "type": "function",
        "function": {"name": "größe", "parameters": {"type": "object", "properties": {"<a>": {}}}},
    }
]
CHATS = [
    [{"role": "user", "content": "hello"}],
    [{"role": "system", "content": " be brief \n"}, {"role": "user", "content": "größe & <b> 🦙"}],
    [
        {"role": "user", "content": "one"},
        {"role": "assistant", "content": None},
        {"role": "user", "content": "two\n\n"},
    ],
]


def render(group: ShardGroup, messages: str, tools: str = "", generation: bool = True) -> str:
    request = extensions_pb2.RenderChatRequest(
        messages_json=messages, tools_json=tools, add_generation_prompt=generation
    )
    return group.extensions().RenderChat(request).prompt


@pytest.mark.parametrize("messages", CHATS)
@pytest.mark.parametrize("tools", [None, TOOLS])
@pytest.mark.parametrize("generation", [True, False])
def test_a_chat_renders_as_transformers_renders_it(
    group: ShardGroup, tiny: TinyModel, messages: list, tools: list | None, generation: bool
) -> None:
    expected = tiny.tokenizer().apply_chat_template(
        messages, tools=tools, add_generation_prompt=generation, tokenize=False
    )

    got = render(group, json.dumps(messages), json.dumps(tools) if tools else "", generation)

    assert got == expected


@pytest.mark.parametrize(
    ("messages", "reason"),
    [
        ("{", "messages is not JSON"),
        ('{"role": "user"}', "messages must be a JSON array, got dict"),
        ('["hello"]', "'str object' has no attribute 'role'"),
        (
            '[{"role": "user", "content": ""}, {"role": "system", "content": ""}]',
            "system must come first",
        ),
    ],
)
def test_the_complaint_of_a_template_is_passed_on(
    group: ShardGroup, messages: str, reason: str
) -> None:
    with pytest.raises(grpc.RpcError) as refused:
        render(group, messages)

    assert refused.value.code() is grpc.StatusCode.INVALID_ARGUMENT
    assert reason in refused.value.details()


def test_a_template_that_knows_no_tools_is_told_of_them_in_the_last_message(
    tiny: TinyModel, tmp_path: Path
) -> None:
    """Its own way of showing a message is kept."""
    # given
    for file in tiny.directory.iterdir():
        (tmp_path / file.name).symlink_to(file)
    (tmp_path / "chat_template.jinja").unlink(missing_ok=True)
    template = "{% for message in messages %}<{{ message.role }}>{{ message.content }}{% endfor %}"
    (tmp_path / "chat_template.jinja").write_text(template, encoding="utf-8")
    renderer = ChatRenderer(tmp_path, Tokenizer(tmp_path))

    # when
    prompt = renderer.render(json.dumps(CHATS[1]), json.dumps(TOOLS), True)

    # then
    assert prompt.startswith("<system> be brief \n<user>größe & <b> 🦙\n---\n")
    assert prompt.endswith(json.dumps(TOOLS, ensure_ascii=False))
    assert '"name": ..., "arguments": {...}' in prompt
