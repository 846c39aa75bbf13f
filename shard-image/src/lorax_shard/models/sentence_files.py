"""The files in which sentence-transformers says how a model embeds."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from lorax_shard.models.pooling import Embedding, Pooling
from lorax_shard.weights import CheckpointError, UnsupportedCheckpoint, label_of, read_json

_MODULES = "modules.json"
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


def read_embedding(directory: Path, max_positions: int, otherwise: Pooling) -> Embedding:
    """How the model of a directory embeds.

    otherwise: the pooling of a model without such files. The vectors of those who pool the last
    token are compared by their direction, so they get length 1.
    """
    if not is_sentence_model(directory):
        return Embedding(otherwise, otherwise is Pooling.LAST, max_positions)
    what = f"model {label_of(directory)}"
    modules = _modules(directory / _MODULES, what)
    limit = _max_sequence(directory, what)
    return Embedding(
        pooling=_pooling(directory / modules["Pooling"] / "config.json", what),
        normalises="Normalize" in modules,
        max_tokens=min(max_positions, limit) if limit else max_positions,
    )


def is_sentence_model(directory: Path) -> bool:
    """Whether the directory holds a model that is made to embed."""
    return (directory / _MODULES).is_file()


def _modules(path: Path, what: str) -> Mapping[str, str]:
    """The folder of each module by its kind. What would change the result is refused."""
    try:
        modules = json.loads(path.read_text(encoding="utf-8"))
        folders = {str(each["type"]).rsplit(".", 1)[-1]: str(each["path"]) for each in modules}
    except (OSError, ValueError, TypeError, KeyError) as error:
        raise CheckpointError(
            f"{what}: {path} must list modules with type and path: {error}"
        ) from None
    unknown = folders.keys() - {"Transformer", "Pooling", "Normalize"}
    if unknown or "Pooling" not in folders:
        raise UnsupportedCheckpoint(
            f"{what}: modules {', '.join(folders)} of {path} are not supported: expected "
            "Transformer, Pooling and, if at all, Normalize"
        )
    return folders


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
