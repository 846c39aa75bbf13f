"""The order of a step's rows, which all shards of a model must agree on."""

from collections.abc import Iterable
from typing import Protocol, TypeVar

from lorax_shard.adapters.table import ResidentAdapter


class RunsOnAdapter(Protocol):
    """Something that is computed with an adapter, or with the base model alone."""

    @property
    def adapter(self) -> ResidentAdapter | None:
        """Its adapter; None is the base model."""
        ...


Member = TypeVar("Member", bound=RunsOnAdapter)


def side_by_side(members: Iterable[Member]) -> list[Member]:
    """Those without an adapter, then adapter by adapter, in the order in which they first appear.

    Never by slot: loads that overlap reach every shard in an order of its own, so an adapter may
    have another slot on each, and rows in another order would be added up with those of others.
    """
    groups: dict[ResidentAdapter | None, list[Member]] = {None: []}
    for member in members:
        groups.setdefault(member.adapter, []).append(member)
    return [member for group in groups.values() for member in group]
