package dev.lorax.launcher.agent;

import dev.lorax.protocol.launcher.v1.AgentMessage;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.Deque;
import org.jspecify.annotations.Nullable;

/**
 * Messages for the launcher, kept while none listens. Thread-safe.
 *
 * <p>When full, the oldest line of output goes: what a member writes may be lost, that it ended may
 * not.
 */
final class Outbox {

  private static final int CAPACITY = 10_000;

  private final Deque<AgentMessage> messages = new ArrayDeque<>();

  synchronized void put(AgentMessage message) {
    if (messages.size() >= CAPACITY) {
      var oldest = messages.stream().filter(AgentMessage::hasOutput).findFirst();
      oldest.ifPresent(messages::removeFirstOccurrence);
    }
    messages.addLast(message);
    notifyAll();
  }

  /** Back to the front, because the stream broke under it. */
  synchronized void putBack(AgentMessage message) {
    messages.addFirst(message);
  }

  /** Null when nothing came in time. */
  synchronized @Nullable AgentMessage poll(Duration timeout) throws InterruptedException {
    if (messages.isEmpty()) {
      wait(timeout.toMillis());
    }
    return messages.pollFirst();
  }

  synchronized boolean isEmpty() {
    return messages.isEmpty();
  }
}
