package dev.lorax.router.request;

import dev.lorax.router.adapter.AdapterKey;
import dev.lorax.router.generation.GenerationRequest;
import dev.lorax.router.generation.Rejection;
import java.util.List;

/** Outcome of checking and tokenising a call. */
public sealed interface Preparation {
  /**
   * Ready for the batch loop.
   *
   * @param sequences one request for each sequence to generate; they differ in their seeds
   */
  record Prepared(GenerateCall call, List<GenerationRequest> sequences, AdapterKey adapter)
      implements Preparation {
    public Prepared {
      sequences = List.copyOf(sequences);
    }

    public int promptTokens() {
      return sequences.getFirst().prompt().length();
    }

    public int maxNewTokens() {
      return sequences.getFirst().stop().maxNewTokens();
    }
  }

  record Refused(Rejection rejection) implements Preparation {}
}
