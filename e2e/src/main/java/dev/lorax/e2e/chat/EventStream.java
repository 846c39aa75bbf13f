package dev.lorax.e2e.chat;

import java.util.StringJoiner;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * Server-sent events put together from lines (WHATWG HTML, 9.2.6). Confined to one thread.
 *
 * <p>Names, ids and retry times are read over: the router sends none.
 */
public final class EventStream {

  private final Consumer<String> events;
  private @Nullable StringJoiner data;

  /** Hands the data of each event that is complete to the consumer. */
  public EventStream(Consumer<String> events) {
    this.events = events;
  }

  /** Takes the next line, without its end. */
  public void line(String line) {
    if (line.isEmpty()) {
      dispatch();
    } else if (line.equals("data") || line.startsWith("data:")) {
      if (data == null) {
        data = new StringJoiner("\n");
      }
      data.add(value(line));
    }
  }

  private void dispatch() {
    StringJoiner complete = data;
    data = null;
    if (complete != null) {
      events.accept(complete.toString());
    }
  }

  private static String value(String line) {
    String value = line.substring(Math.min(line.length(), "data:".length()));
    return value.startsWith(" ") ? value.substring(1) : value;
  }
}
