package dev.lorax.router.adapter;

/** An adapter that the shards announced as loaded from their start on. */
public record PreloadedAdapter(AdapterKey key, int index) {}
