package dev.lorax.router.adapter;

/**
 * What shards tell of a loaded adapter.
 *
 * @param rank the {@code r} of its LoRA matrices, the largest one where they differ
 * @param bytes memory that its weights take on one shard
 */
public record AdapterFacts(int rank, long bytes) {}
