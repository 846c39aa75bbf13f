package dev.lorax.router.http;

import dev.lorax.router.generation.Generation;
import io.vertx.core.buffer.Buffer;

/** The events of one choice of an OpenAI stream. Confined to the stream's event loop. */
interface ChoiceStream {
  /** Adds the chunks of one step; that of the last step has the finish reason. */
  void append(Generation generation, Buffer events);
}
