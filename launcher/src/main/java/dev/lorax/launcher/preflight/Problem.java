package dev.lorax.launcher.preflight;

import dev.lorax.launcher.failure.FailureCode;

/**
 * What would keep the shards from working.
 *
 * @param sentence says what to do
 */
record Problem(FailureCode code, String sentence) {}
