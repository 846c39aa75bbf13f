package dev.lorax.router.batching;

import dev.lorax.router.generation.Generation;
import dev.lorax.router.generation.GenerationSink;
import dev.lorax.router.generation.Rejection;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/** What a request is owed: its tokens in order and one end, unless it was cancelled. */
final class Promise implements GenerationSink {
  final long id;
  final int newTokens;
  @Nullable Entry entry;
  private @Nullable Rejection rejection;
  private boolean scheduled;
  int tokens;
  private int ends;
  boolean cancelled;
  private boolean broken;

  Promise(long id, int newTokens) {
    this.id = id;
    this.newTokens = newTokens;
  }

  boolean failedBecause(String reason) {
    return rejection != null && rejection.message().contains(reason);
  }

  void cancel() {
    cancelled = true;
    Objects.requireNonNull(entry).cancel();
  }

  /** Tokens that it was generated, of which those of the last step may not have been told. */
  int generated() {
    return Objects.requireNonNull(entry).progress().tokens();
  }

  boolean kept() {
    return !broken && (ends == 1 || (cancelled && ends == 0));
  }

  @Override
  public void scheduled(long nanoTime) {
    broken |= ends > 0 || scheduled;
    scheduled = true;
  }

  @Override
  public void generated(Generation generation, long nanoTime) {
    tokens++;
    broken |= ends > 0 || generation.tokens().getFirst().id() != tokens;
    if (generation.end() != null) {
      ends++;
      broken |= tokens != newTokens;
    }
  }

  @Override
  public void failed(Rejection reason) {
    broken |= ends > 0;
    rejection = reason;
    ends++;
  }
}
