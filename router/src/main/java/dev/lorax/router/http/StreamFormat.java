package dev.lorax.router.http;

import dev.lorax.router.generation.Generation;
import io.vertx.core.buffer.Buffer;

/** Turns the steps of one request into server-sent events. Confined to the stream's event loop. */
interface StreamFormat {
  /**
   * Adds the events of one step.
   *
   * @param sequence place of the sequence among those of the request
   */
  void append(int sequence, Generation generation, Buffer events);

  /** Adds what comes after the last step of the last sequence. */
  void end(Buffer events);

  /** Adds one event. */
  static void event(Buffer json, Buffer events) {
    events.appendString("data: ").appendBuffer(json).appendString("\n\n");
  }
}
