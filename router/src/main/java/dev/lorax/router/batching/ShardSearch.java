package dev.lorax.router.batching;

import java.util.concurrent.Executor;
import org.jspecify.annotations.Nullable;

/**
 * Looks for other shards beside the batch loop when its own are lost, and tells the loop of them.
 * Whatever it finds belongs to the loop once it has been told; shards that come too late for that
 * are closed. Thread-safe.
 */
final class ShardSearch {
  private final ShardConnector connector;
  private final Executor threads;
  private final Inbox loop;
  private @Nullable Thread searching;
  private boolean ended;

  /**
   * @param threads runs what waits for shards
   */
  ShardSearch(ShardConnector connector, Executor threads, Inbox loop) {
    this.connector = connector;
    this.threads = threads;
    this.loop = loop;
  }

  void begin() {
    threads.execute(this::search);
  }

  /**
   * Interrupts a search that is under way, and lets none begin. What the loop has been told by now
   * is its own to close.
   */
  synchronized void end() {
    ended = true;
    if (searching != null) {
      searching.interrupt();
    }
  }

  private void search() {
    if (!enter()) {
      return;
    }
    try {
      tell(connector.connect());
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    } finally {
      leave();
    }
  }

  private void tell(ShardGroup shards) throws InterruptedException {
    var news = new BatchCommand.Connected(shards);
    try {
      loop.put(news);
    } catch (InterruptedException e) {
      shards.close();
      throw e;
    }
    // A loop that has ended meanwhile listens no longer; one that still has looks once more.
    if (hasEnded() && loop.remove(news)) {
      shards.close();
    }
  }

  private synchronized boolean enter() {
    if (!ended) {
      searching = Thread.currentThread();
    }
    return !ended;
  }

  private synchronized void leave() {
    searching = null;
  }

  private synchronized boolean hasEnded() {
    return ended;
  }
}
