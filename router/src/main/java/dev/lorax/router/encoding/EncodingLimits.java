package dev.lorax.router.encoding;

/**
 * What bounds the loop.
 *
 * @param maxCallTokens tokens of one call; a longer text has a call of its own
 * @param maxWaitingTokens tokens that may wait; a request that finds nobody waiting is taken
 */
public record EncodingLimits(int maxCallTokens, long maxWaitingTokens) {}
