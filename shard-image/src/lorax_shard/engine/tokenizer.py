"""The model's tokenizer, and text that comes out of it token by token."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from tokenizers import Tokenizer as FastTokenizer

from lorax_shard.checkpoint_files import CheckpointError, label_of, read_json
from lorax_shard.models.config import token_ids

_NAMED = (
    "bos_token",
    "eos_token",
    "unk_token",
    "sep_token",
    "pad_token",
    "cls_token",
    "mask_token",
)
# Tokens of the prompt that are decoded along with the first generated ones: some decoders treat the
# first token of a text differently. Same number as upstream.
_PROMPT_CONTEXT = 5
_REPLACEMENT = "\ufffd"


class Tokenizer:
    """tokenizer.json with the special tokens of tokenizer_config.json. Thread-safe."""

    def __init__(self, directory: Path) -> None:
        what = f"model {label_of(directory)}"
        path = directory / "tokenizer.json"
        if not path.is_file():
            raise CheckpointError(f"{what} has no tokenizer.json in {directory}")
        self._fast = _read(path, what)
        self._fast.no_padding()
        self._fast.no_truncation()
        config_path = directory / "tokenizer_config.json"
        self.config = read_json(config_path, what) if config_path.is_file() else {}
        added: Mapping[int, Any] = self._fast.get_added_tokens_decoder()
        self._special = {token for token, added_token in added.items() if added_token.special}
        self._texts: dict[int, str] = {}  # of single tokens
        self.special_tokens = self._named_tokens()
        self.eos_token_ids = self._read_eos(directory, what)

    def encode(self, text: str) -> list[int]:
        """Token ids of a prompt, with the special tokens that the model expects around it."""
        return list(self._fast.encode(text).ids)

    def decode(self, ids: Sequence[int], skip_special: bool = False) -> str:
        """Text of tokens; an incomplete character at either end becomes U+FFFD."""
        return str(self._fast.decode(ids, skip_special_tokens=skip_special))

    def text_of(self, token_id: int) -> str:
        """Text of one token by itself; looked up, once it was asked for."""
        if token_id not in self._texts:
            self._texts[token_id] = self.decode([token_id])
        return self._texts[token_id]

    def to_json(self) -> str:
        """The tokenizer as the text of a tokenizer.json."""
        return str(self._fast.to_str())

    def is_special(self, token_id: int) -> bool:
        """Whether the token is left out of generated text."""
        return token_id in self._special

    def _named_tokens(self) -> dict[str, Any]:
        named: dict[str, Any] = {}
        for name in _NAMED:
            value = self.config.get(name)
            if value is not None:
                named[name] = value["content"] if isinstance(value, dict) else value
        additional = self.config.get("additional_special_tokens")
        if additional:
            named["additional_special_tokens"] = [
                token["content"] if isinstance(token, dict) else token for token in additional
            ]
        return named

    def _read_eos(self, directory: Path, what: str) -> frozenset[int]:
        known: set[int] = set()
        for name in ("generation_config.json", "config.json"):
            if (directory / name).is_file():
                known |= token_ids(read_json(directory / name, what).get("eos_token_id"))
        eos = self.special_tokens.get("eos_token")
        eos_id = self._fast.token_to_id(eos) if eos is not None else None
        if eos_id is not None:
            known.add(eos_id)
        return frozenset(known)


def _read(path: Path, what: str) -> FastTokenizer:
    try:
        return FastTokenizer.from_file(str(path))
    # The library raises Exception itself.
    except Exception as error:
        raise CheckpointError(f"{what}: {path} is not a tokenizer: {error}") from None


class TokenTexts:
    """Texts of the tokens of one sequence as they come, never a part of a character.

    A token that ends inside a character has the empty text; the token that completes the character
    has all of it.
    """

    def __init__(self, tokenizer: Tokenizer, prompt_tokens: int) -> None:
        self._tokenizer = tokenizer
        self._prefix = max(prompt_tokens - _PROMPT_CONTEXT, 0)
        self._read = prompt_tokens
        self.text = ""

    def add(self, ids: Sequence[int]) -> str:
        """The text of the last of ids, which are all tokens of the sequence so far."""
        context = ids[self._prefix : self._read]
        tokenizer = self._tokenizer
        before = tokenizer.text_of(context[0]) if len(context) == 1 else tokenizer.decode(context)
        now = tokenizer.decode(ids[self._prefix :])
        if len(now) <= len(before) or now.endswith(_REPLACEMENT):
            return ""
        added = now[len(before) :]
        self._prefix, self._read = self._read, len(ids)
        self.text += added
        return added
