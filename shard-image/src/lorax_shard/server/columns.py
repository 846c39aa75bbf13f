"""The reply to a step: columns for the requests that have but a token to tell."""

from lorax_shard.engine.messages import Generation, StepResult
from lorax_shard.pb import extensions_pb2 as extensions
from lorax_shard.server import translate


def step_reply(result: StepResult, rank: int, world: int) -> extensions.StepReply:
    """What this shard tells of a step: its share of the requests, each in one of two forms.

    A message for a request takes ten times as long to make as its place in the columns (decision
    0027), so only those get one that have more to tell.
    """
    share = [item for item in result.generations if item.request_id % world == rank]
    others = [item for item in share if not _is_plain(item)]
    plain = [item for item in share if _is_plain(item)] if others else share
    return extensions.StepReply(
        tokens=_columns(plain) if plain else None,
        generations=translate.generations(others, rank, world),
        batch=translate.cached_batch(result.batch),
    )


def _is_plain(item: Generation) -> bool:
    """Whether there is one token to tell and nothing else."""
    tokens = item.next_tokens
    return (
        item.text is None
        and not item.prompt_tokens
        and item.prefill_tokens is None
        and not tokens.alternatives
        and len(tokens.ids) == 1
    )


def _columns(plain: list[Generation]) -> extensions.TokenColumns:
    tokens = [item.next_tokens for item in plain]
    return extensions.TokenColumns(
        request_ids=[item.request_id for item in plain],
        ids=[each.ids[0] for each in tokens],
        logprobs=[each.logprobs[0] for each in tokens],
        texts=[each.texts[0] for each in tokens],
        special=[place for place, each in enumerate(tokens) if each.special[0]],
    )
