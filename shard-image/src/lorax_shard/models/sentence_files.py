"""The files in which sentence-transformers says how a model embeds."""

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import torch
from torch import Tensor

from lorax_shard.checkpoint_files import CheckpointError, UnsupportedCheckpoint, label_of, read_json
from lorax_shard.models.dense import read_dense
from lorax_shard.models.pooling import Embedding, Pooling, normalise

_MODULES = "modules.json"
_FIRST = ["Transformer", "Pooling"]
_AFTER = {"Dense", "Normalize"}
_MODES = {
    "cls": Pooling.FIRST,
    "lasttoken": Pooling.LAST,
    "mean": Pooling.MEAN,
    "max": Pooling.MAX,
}
# How the files name the modes when each has a switch of its own.
_SWITCHES = {
    "pooling_mode_cls_token": "cls",
    "pooling_mode_lasttoken": "lasttoken",
    "pooling_mode_mean_tokens": "mean",
    "pooling_mode_max_tokens": "max",
    "pooling_mode_mean_sqrt_len_tokens": "mean_sqrt_len_tokens",
    "pooling_mode_weightedmean_tokens": "weightedmean",
}


class TextConfig(Protocol):
    """What there is to know of a model beside those files."""

    @property
    def hidden_size(self) -> int:
        """Of the hidden states of a token."""

    @property
    def max_positions(self) -> int:
        """Tokens of the longest text."""


@dataclass(frozen=True, slots=True)
class _Module:
    kind: str  # the name of its class
    folder: str


def read_embedding(
    directory: Path, config: TextConfig, otherwise: Pooling, device: torch.device
) -> Embedding:
    """How the model of a directory embeds.

    otherwise: the pooling of a model without such files. The vectors of those who pool the last
    token are compared by their direction, so they get length 1.
    """
    if not is_sentence_model(directory):
        layers = (normalise,) if otherwise is Pooling.LAST else ()
        return Embedding(otherwise, config.max_positions, layers)
    what = f"model {label_of(directory)}"
    modules = _modules(directory / _MODULES, what)
    pooling = modules[1].folder
    limit = _max_sequence(directory, what)
    return Embedding(
        pooling=_pooling(directory / pooling / "config.json", what),
        max_tokens=min(config.max_positions, limit) if limit else config.max_positions,
        layers=tuple(_layers(directory, modules[2:], what, config.hidden_size, device)),
    )


def _layers(
    directory: Path, modules: Sequence[_Module], what: str, width: int, device: torch.device
) -> Iterator[Callable[[Tensor], Tensor]]:
    for module in modules:
        if module.kind == "Normalize":
            yield normalise
        else:
            dense = read_dense(directory / module.folder, what, width, device)
            width = dense.weight.shape[0]
            yield dense


def is_sentence_model(directory: Path) -> bool:
    """Whether the directory holds a model that is made to embed."""
    return (directory / _MODULES).is_file()


def _modules(path: Path, what: str) -> Sequence[_Module]:
    """All modules, in order. What would change the result is refused."""
    try:
        entries = json.loads(path.read_text(encoding="utf-8"))
        modules = [
            _Module(str(each["type"]).rsplit(".", 1)[-1], str(each["path"])) for each in entries
        ]
    except (OSError, ValueError, TypeError, KeyError) as error:
        raise CheckpointError(
            f"{what}: {path} must list modules with type and path: {error}"
        ) from None
    kinds = [module.kind for module in modules]
    if kinds[:2] != _FIRST or not _AFTER.issuperset(kinds[2:]):
        raise UnsupportedCheckpoint(
            f"{what}: modules {', '.join(kinds)} of {path} are not supported: expected "
            f"{', '.join(_FIRST)} and, if at all, {', '.join(sorted(_AFTER))}"
        )
    return modules


def _pooling(path: Path, what: str) -> Pooling:
    raw = read_json(path, what)
    asked = raw.get("pooling_mode")
    if asked is None:
        asked = [mode for switch, mode in _SWITCHES.items() if raw.get(switch)]
    modes = [asked] if isinstance(asked, str) else list(asked)
    if len(modes) != 1 or modes[0] not in _MODES:
        raise UnsupportedCheckpoint(
            f"{what}: pooling {' and '.join(map(str, modes)) or 'of no kind'} of {path} is not "
            f"supported: expected one of {', '.join(_MODES)}"
        )
    return _MODES[modes[0]]


def _max_sequence(directory: Path, what: str) -> int | None:
    """The longest text that the model was trained with, where its makers say so."""
    path = directory / "sentence_bert_config.json"
    raw: Mapping[str, Any] = read_json(path, what) if path.is_file() else {}
    limit = raw.get("max_seq_length")
    if limit is None:
        return None
    if not isinstance(limit, int) or limit < 1:
        raise CheckpointError(f"{what}: max_seq_length {limit!r} of {path} must be positive")
    return limit
