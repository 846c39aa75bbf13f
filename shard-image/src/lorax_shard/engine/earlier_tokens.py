"""Where the last tokens of a sequence have come before, and what followed them then."""

from collections.abc import Sequence as Ids

# Tokens that must have come before, longest first: where more agree, more follow.
_LENGTHS = (3, 2)


class EarlierTokens:
    """Where each run of a few tokens of one sequence was followed by another token last."""

    def __init__(self) -> None:
        # By length: the run -> the position behind it.
        self._behind: list[dict[tuple[int, ...], int]] = [{} for _ in _LENGTHS]
        self._read = 0

    def continuation(self, ids: Ids[int], count: int) -> list[int]:
        """So many tokens as have followed the last ones of ids before; none if they are new.

        ids: all tokens of the sequence, those of the last call and maybe more. What followed may
        reach to the end of ids: then it repeats, as it would if it went on like this.
        """
        for behind, length in zip(self._behind, _LENGTHS, strict=True):
            for position in range(max(self._read, length), len(ids)):
                behind[tuple(ids[position - length : position])] = position
        self._read = len(ids)
        for behind, length in zip(self._behind, _LENGTHS, strict=True):
            position = behind.get(tuple(ids[-length:]), 0)
            if position:
                return _copied(ids, position, count)
        return []


def _copied(ids: Ids[int], start: int, count: int) -> list[int]:
    copied = list(ids[start : start + count])
    period = len(ids) - start
    while len(copied) < count:
        copied.append(copied[-period])
    return copied
