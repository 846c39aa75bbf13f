package dev.lorax.router.generation;

import org.jspecify.annotations.Nullable;

/**
 * How the next token is chosen.
 *
 * @param topK 0 means off
 * @param seed an unsigned 64-bit number
 * @param schema JSON schema that the text must follow
 * @param alternatives how many other candidates to report for each token
 */
public record Sampling(
    float temperature,
    int topK,
    float topP,
    float typicalP,
    boolean doSample,
    long seed,
    float repetitionPenalty,
    float frequencyPenalty,
    float presencePenalty,
    boolean watermark,
    @Nullable String schema,
    int alternatives) {}
