package dev.lorax.router.generation;

/**
 * A checked request for one generation.
 *
 * @param truncate most prompt tokens that the shard may keep
 */
public record GenerationRequest(
    Prompt prompt, Sampling sampling, StopRules stop, int truncate, boolean prefillLogprobs) {
  /** Prompt tokens and the most that may be generated. */
  public int tokens() {
    return prompt.length() + stop.maxNewTokens();
  }

  /** Key-value slots needed to finish: the last token is never fed back. */
  public int slots(int speculatedTokens) {
    return prompt.length() + stop.maxNewTokens() + speculatedTokens - 1;
  }
}
