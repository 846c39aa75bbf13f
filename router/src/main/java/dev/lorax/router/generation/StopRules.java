package dev.lorax.router.generation;

import java.util.List;

/** When a generation ends. */
public record StopRules(int maxNewTokens, List<String> stopSequences, boolean ignoreEndOfSequence) {
  public StopRules {
    stopSequences = List.copyOf(stopSequences);
  }
}
