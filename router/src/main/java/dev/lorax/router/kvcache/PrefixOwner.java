package dev.lorax.router.kvcache;

/**
 * Whose keys and values blocks hold. Only prompts of the same owner may share blocks.
 *
 * @param adapterIndex the adapter that the prompts are computed with, 0 for the base model
 * @param loads how often the shards have loaded it: what was computed before an adapter left may
 *     differ from what it computes now
 */
public record PrefixOwner(int adapterIndex, int loads) {}
