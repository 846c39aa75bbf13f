"""Adapters from hubs and object stores: where they lie in the cache, and how they get there."""
