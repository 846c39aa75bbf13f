package dev.lorax.router.batching;

import java.util.ArrayDeque;
import java.util.Queue;
import java.util.concurrent.ArrayBlockingQueue;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/**
 * What other threads tell the batch loop. Telling is thread-safe; taking is confined to the loop.
 */
final class Inbox {
  private final BlockingQueue<BatchCommand> commands;
  private final Queue<BatchCommand> deferred = new ArrayDeque<>();

  /**
   * @param capacity how many commands may wait to be taken
   */
  Inbox(int capacity) {
    this.commands = new ArrayBlockingQueue<>(capacity);
  }

  /** Tells the loop, unless it has been told too much that it has not heard. */
  boolean offer(BatchCommand command) {
    return commands.offer(command);
  }

  /** Tells the loop, however long that takes. */
  void put(BatchCommand command) throws InterruptedException {
    commands.put(command);
  }

  /** Whether the command had not been taken, and never will be. */
  boolean remove(BatchCommand command) {
    return commands.remove(command);
  }

  /** The next command, those that were deferred first. */
  @Nullable BatchCommand poll() {
    BatchCommand first = deferred.poll();
    return first == null ? commands.poll() : first;
  }

  /** The next command, waited for. */
  @Nullable BatchCommand poll(long nanos) throws InterruptedException {
    BatchCommand first = deferred.poll();
    return first == null ? commands.poll(nanos, TimeUnit.NANOSECONDS) : first;
  }

  /** The next command that has not been deferred, waited for. */
  @Nullable BatchCommand pollNew(long nanos) throws InterruptedException {
    return commands.poll(nanos, TimeUnit.NANOSECONDS);
  }

  /** Keeps a command for the next {@link #poll}. */
  void defer(BatchCommand command) {
    deferred.add(command);
  }
}
