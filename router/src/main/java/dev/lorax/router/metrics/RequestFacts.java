package dev.lorax.router.metrics;

/** What is worth counting of a request that succeeded. */
public record RequestFacts(
    long totalNanos,
    long validationNanos,
    long queueNanos,
    long inferenceNanos,
    long timeToFirstTokenNanos,
    int generatedTokens) {}
