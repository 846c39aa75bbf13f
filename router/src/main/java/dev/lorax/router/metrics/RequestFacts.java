package dev.lorax.router.metrics;

/**
 * What is worth counting of a request that succeeded.
 *
 * @param skippedTokens generated tokens that came with another one of the same step
 */
public record RequestFacts(
    long totalNanos,
    long validationNanos,
    long queueNanos,
    long inferenceNanos,
    long timeToFirstTokenNanos,
    int generatedTokens,
    int skippedTokens) {}
