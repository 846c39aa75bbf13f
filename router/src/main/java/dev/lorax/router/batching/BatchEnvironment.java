package dev.lorax.router.batching;

/** What the batch loop needs of the world besides shards. */
public record BatchEnvironment(BatchObserver observer, Backlog backlog, Ticker ticker) {}
