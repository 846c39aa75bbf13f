package dev.lorax.router.batching;

import dev.lorax.router.adapter.AdapterKey;
import dev.lorax.router.adapter.AdapterStatus;
import java.util.ArrayList;
import java.util.List;

/** Remembers what the loop last said of itself, and what should not have happened. */
final class WatchingObserver implements BatchObserver {
  final List<RuntimeException> bugs = new ArrayList<>();
  int waiting;
  int running;
  int heldTokens;
  boolean broken;
  int hits;

  @Override
  public void turned(TurnState state) {
    waiting = state.waiting();
    running = state.running();
    heldTokens = state.heldTokens();
  }

  @Override
  public void tokens(int count, long gapNanos) {}

  @Override
  public void adapters(List<AdapterStatus> all) {}

  @Override
  public void unexpected(RuntimeException exception) {
    bugs.add(exception);
  }

  @Override
  public void stepSucceeded(Step step, int size, long nanosTaken) {}

  @Override
  public void stepFailed(Step step, int size, String message) {}

  @Override
  public void joined(Joining joining) {}

  @Override
  public void prompted(int promptTokens, int cachedTokens) {
    broken |= cachedTokens >= promptTokens;
    hits += cachedTokens > 0 ? 1 : 0;
  }

  @Override
  public void moved(Move move, AdapterKey adapter, long nanosTaken) {}

  @Override
  public void moveFailed(Move move, AdapterKey adapter, String message) {}

  @Override
  public void connected(ShardProfile profile) {}

  @Override
  public void lost(String reason, int interrupted) {}

  @Override
  public void resumed(int count) {}
}
