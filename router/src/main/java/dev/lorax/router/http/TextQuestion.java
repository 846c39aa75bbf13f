package dev.lorax.router.http;

import dev.lorax.router.encoding.Encoding;
import dev.lorax.router.request.TextCall;
import dev.lorax.router.request.TextPreparation.Prepared;
import io.vertx.core.buffer.Buffer;
import java.util.List;

/** A request about texts that has been read, and how its answer is to look. Thread-safe. */
interface TextQuestion {
  TextCall call();

  /**
   * The answer.
   *
   * @param encodings of the texts, in their order
   */
  Buffer answer(Prepared prepared, List<Encoding> encodings);
}
