package dev.lorax.router.adapter;

import org.jspecify.annotations.Nullable;

/**
 * An adapter that the shards announced as loaded from their start on.
 *
 * @param facts absent where the shards tell none
 */
public record PreloadedAdapter(AdapterKey key, int index, @Nullable AdapterFacts facts) {}
