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

  /** An eighth of the heap that an agent is given. */
  private static final long CAPACITY_BYTES = 8L << 20;

  private final Deque<AgentMessage> messages = new ArrayDeque<>();
  private long bytes;

  synchronized void put(AgentMessage message) {
    bytes += message.getSerializedSize();
    messages.addLast(message);
    while (bytes > CAPACITY_BYTES && dropOldestOutput()) {
      // What is no output is small and rare.
    }
    notifyAll();
  }

  private boolean dropOldestOutput() {
    for (var oldest = messages.iterator(); oldest.hasNext(); ) {
      AgentMessage message = oldest.next();
      if (message.hasOutput()) {
        oldest.remove();
        bytes -= message.getSerializedSize();
        return true;
      }
    }
    return false;
  }

  /** Back to the front, because the stream broke under it. */
  synchronized void putBack(AgentMessage message) {
    bytes += message.getSerializedSize();
    messages.addFirst(message);
  }

  /** Null when nothing came in time. */
  synchronized @Nullable AgentMessage poll(Duration timeout) throws InterruptedException {
    if (messages.isEmpty()) {
      wait(timeout.toMillis());
    }
    AgentMessage message = messages.pollFirst();
    bytes -= message == null ? 0 : message.getSerializedSize();
    return message;
  }

  synchronized boolean isEmpty() {
    return messages.isEmpty();
  }
}
