package dev.lorax.router.http;

import dev.lorax.router.generation.Generation;
import io.vertx.core.buffer.Buffer;

/**
 * Turns the steps of one generation into server-sent events. Confined to the stream's event loop.
 */
interface StreamFormat {
  /** Adds the events of one step; those of the last step end the stream. */
  void append(Generation generation, Buffer events);

  /** Adds one event. */
  static void event(Buffer json, Buffer events) {
    events.appendString("data: ").appendBuffer(json).appendString("\n\n");
  }
}
