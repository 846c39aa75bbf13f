package dev.lorax.router.request;

import dev.lorax.router.generation.Generation;
import dev.lorax.router.generation.GenerationSink;
import dev.lorax.router.generation.PrefillToken;
import dev.lorax.router.generation.Rejection;
import dev.lorax.router.generation.Token;
import dev.lorax.router.generation.TraceParent;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import org.jspecify.annotations.Nullable;

/** Gathers a generation. Fed by the batch loop; the completion may be awaited anywhere. */
final class CollectingSink implements GenerationSink {
  private final Timing timing;
  private final @Nullable TraceParent trace;
  private final List<PrefillToken> prefillTokens = new ArrayList<>();
  private final List<Token> tokens = new ArrayList<>();
  private final CompletableFuture<Completion> completion = new CompletableFuture<>();

  CollectingSink(Timing timing, @Nullable TraceParent trace) {
    this.timing = timing;
    this.trace = trace;
  }

  CompletableFuture<Completion> completion() {
    return completion;
  }

  @Override
  public @Nullable TraceParent trace() {
    return trace;
  }

  @Override
  public void scheduled(long nanoTime) {
    timing.scheduled(nanoTime);
  }

  @Override
  public void generated(Generation generation, long nanoTime) {
    timing.generated(nanoTime);
    prefillTokens.addAll(generation.prefillTokens());
    tokens.addAll(generation.tokens());
    if (generation.end() != null) {
      completion.complete(
          new Completion.Completed(generation.end(), prefillTokens, tokens, timing));
    }
  }

  @Override
  public void failed(Rejection rejection) {
    completion.complete(new Completion.Failed(rejection));
  }
}
