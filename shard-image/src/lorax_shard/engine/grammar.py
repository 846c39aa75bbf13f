"""Answers that follow a JSON schema: which tokens may come next."""

import json
import threading
from collections.abc import Sequence
from functools import cached_property, lru_cache
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor

from lorax_shard.engine.messages import InvalidRequest
from lorax_shard.engine.tokenizer import Tokenizer

if TYPE_CHECKING:
    from llguidance import LLMatcher, LLTokenizer
    from llguidance._lib import JsonCompileOptions

# A compiled schema takes some hundred kilobytes.
_KEPT_GRAMMARS = 128
# As json.dumps writes; where a model may choose, small ones write nothing but spaces.
_LAYOUT: "JsonCompileOptions" = {
    "whitespace_flexible": False,
    "item_separator": ", ",
    "key_separator": ": ",
}
_SILENT = 0


class Grammar:
    """How far the answer of one sequence has come in its grammar. Confined to one thread."""

    def __init__(self, matcher: "LLMatcher") -> None:
        self._matcher = matcher
        self._allowed: Tensor | None = None  # [vocab] of bool, on the host
        self._look_ahead()

    @property
    def is_complete(self) -> bool:
        """Whether nothing may follow but the end."""
        return self._matcher.is_stopped() and not self._matcher.is_error()

    @property
    def failure(self) -> str:
        """Why nothing more can be said about the next token; empty while all is well."""
        return str(self._matcher.get_error())

    def mask(self, scores: Tensor) -> Tensor:
        """The scores [vocab] with those of tokens that cannot come next at minus infinity."""
        assert self._allowed is not None, "an answer that has ended takes no more tokens"
        return scores.masked_fill(~self._allowed.to(scores.device), float("-inf"))

    def accept(self, token_id: int) -> None:
        """Takes the token that was chosen."""
        self._matcher.consume_token(token_id)
        self._look_ahead()

    def accept_all(self, token_ids: Sequence[int]) -> None:
        """The same for tokens that were chosen before."""
        self._matcher.consume_tokens(list(token_ids))
        self._look_ahead()

    def _look_ahead(self) -> None:
        """At once, because a schema that asks for too much fails here: it must fail no step."""
        if self._matcher.is_stopped():
            self._allowed = None
            return
        words = np.frombuffer(self._matcher.compute_logit_bias(), dtype=np.uint8)
        self._allowed = None if self.failure else torch.from_numpy(words != 0)


class Grammars:
    """Compiled schemas for the tokens of one model. Thread-safe."""

    def __init__(self, tokenizer: Tokenizer, vocab_size: int) -> None:
        self._tokenizer = tokenizer
        self._vocab_size = vocab_size
        self._making = threading.Lock()
        self._compiled = lru_cache(_KEPT_GRAMMARS)(self._compile)

    def prepare(self, schema: str) -> None:
        """Compiles a schema ahead, which may take a second. Raises InvalidRequest."""
        self._compiled(schema)

    def start(self, schema: str) -> Grammar:
        """The grammar of a schema before the first token. Raises InvalidRequest."""
        return Grammar(self._compiled(schema).deep_copy())

    def _compile(self, schema: str) -> "LLMatcher":
        # Here, because few shards are ever asked for it.
        from llguidance import LLMatcher

        try:
            content = json.loads(schema)
        except ValueError as error:
            raise InvalidRequest(f"the schema is no JSON: {error}") from None
        if not isinstance(content, dict):
            kind = type(content).__name__
            raise InvalidRequest(f"the schema must be a JSON object, got a {kind}")
        with self._making:
            tokens = self._tokens
        grammar = LLMatcher.grammar_from_json_schema(schema, overrides=_LAYOUT)
        matcher = LLMatcher(tokens, grammar, log_level=_SILENT)
        if matcher.is_error():
            reason = " ".join(matcher.get_error().split())
            raise InvalidRequest(f"the schema cannot be followed: {reason}")
        return matcher

    @cached_property
    def _tokens(self) -> "LLTokenizer":
        from llguidance import LLTokenizer

        # Half a second for fifty thousand tokens.
        return LLTokenizer(
            self._tokenizer.to_json(),
            n_vocab=self._vocab_size,
            eos_token=sorted(self._tokenizer.eos_token_ids),
        )
