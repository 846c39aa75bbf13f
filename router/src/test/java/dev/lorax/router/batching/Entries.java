package dev.lorax.router.batching;

import dev.lorax.router.adapter.AdapterKey;
import dev.lorax.router.generation.Generation;
import dev.lorax.router.generation.GenerationRequest;
import dev.lorax.router.generation.GenerationSink;
import dev.lorax.router.generation.Prompt;
import dev.lorax.router.generation.Rejection;
import dev.lorax.router.generation.Sampling;
import dev.lorax.router.generation.StopRules;
import java.util.List;

/** Requests for tests that are about their sizes only. */
final class Entries {
  private static final Entry.Deadlines NEVER =
      new Entry.Deadlines(0, Long.MAX_VALUE, Long.MAX_VALUE);

  private Entries() {}

  static Entry waiting(long id, int promptTokens, int newTokens, AdapterKey key, Share share) {
    return waiting(id, promptTokens, newTokens, key, share, new DeafSink());
  }

  static Entry waiting(
      long id, int promptTokens, int newTokens, AdapterKey key, Share share, GenerationSink sink) {
    return waiting(id, new int[promptTokens], newTokens, key, share, sink);
  }

  static Entry waiting(
      long id, int[] prompt, int newTokens, AdapterKey key, Share share, GenerationSink sink) {
    var request =
        new GenerationRequest(
            new Prompt("", prompt),
            new Sampling(1, 0, 1, 1, false, 0, 1, 0, 0, false, null, 0),
            new StopRules(newTokens, List.of(), false),
            1000,
            false);
    return new Entry(id, request, key, share, sink, NEVER);
  }

  private static final class DeafSink implements GenerationSink {
    @Override
    public void scheduled(long nanoTime) {}

    @Override
    public void generated(Generation generation, long nanoTime) {}

    @Override
    public void failed(Rejection rejection) {}
  }
}
