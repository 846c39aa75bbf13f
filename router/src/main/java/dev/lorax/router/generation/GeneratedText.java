package dev.lorax.router.generation;

import org.jspecify.annotations.Nullable;

/**
 * The end of a generation.
 *
 * @param seed an unsigned 64-bit number, absent where nothing was sampled
 */
public record GeneratedText(
    String text,
    int generatedTokens,
    int skippedTokens,
    FinishReason finishReason,
    @Nullable Long seed) {}
