package dev.lorax.router.http;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonGenerator;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.json.JsonWriteFeature;
import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.lorax.router.generation.Rejection;
import io.vertx.core.buffer.Buffer;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.UncheckedIOException;

/** Reading and writing of JSON. */
final class Json {
  private static final ObjectMapper MAPPER =
      new ObjectMapper(
              JsonFactory.builder()
                  // Else characters beyond 16 bits come out as twelve bytes of escapes.
                  .enable(JsonWriteFeature.COMBINE_UNICODE_SURROGATES_IN_UTF8)
                  .build())
          .enable(DeserializationFeature.FAIL_ON_TRAILING_TOKENS);
  private static final int TYPICAL_BYTES = 256;
  private static final int FIRST_BYTE_OF_SURROGATES = 0xED;
  private static final int FIRST_BYTE_OF_FOUR = 0xF0;

  private Json() {}

  /**
   * Parses a body, which must be one JSON value and nothing after it. Its texts must be such that
   * UTF-8 can hold them: JSON can spell halves of characters, which nobody behind us could read.
   */
  static JsonNode parse(Buffer body) throws MalformedException {
    try {
      byte[] bytes = body.getBytes();
      JsonNode value = MAPPER.readTree(bytes);
      if (value.isMissingNode()) {
        throw new MalformedException("the body is empty");
      }
      if (mayHaveHalves(bytes) && hasHalf(value)) {
        throw new MalformedException("a text has half of a surrogate pair");
      }
      return value;
    } catch (JsonProcessingException e) {
      throw new MalformedException(e.getOriginalMessage());
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /**
   * Whether some escape, or a character so coded, may be in the range of surrogates. The parser
   * makes halves also of four bytes that are no character, and reads UTF-16 and UTF-32, of which no
   * text is without a zero or a mark at its beginning.
   */
  private static boolean mayHaveHalves(byte[] bytes) {
    for (int i = 0; i < bytes.length; i++) {
      boolean escape =
          bytes[i] == 'u'
              && i > 0
              && bytes[i - 1] == '\\'
              && i + 1 < bytes.length
              && (bytes[i + 1] == 'd' || bytes[i + 1] == 'D');
      int unit = Byte.toUnsignedInt(bytes[i]);
      if (escape || unit == 0 || unit == FIRST_BYTE_OF_SURROGATES || unit >= FIRST_BYTE_OF_FOUR) {
        return true;
      }
    }
    return false;
  }

  /** In names of fields the parser finds them itself. */
  private static boolean hasHalf(JsonNode value) {
    if (value.isTextual()) {
      return hasHalf(value.textValue());
    }
    for (JsonNode element : value) {
      if (hasHalf(element)) {
        return true;
      }
    }
    return false;
  }

  private static boolean hasHalf(String text) {
    return text.codePoints()
        .anyMatch(c -> c >= Character.MIN_SURROGATE && c <= Character.MAX_SURROGATE);
  }

  /** An object with the fields that are written. */
  static Buffer write(Writing writing) {
    return value(json -> {
      json.writeStartObject();
      writing.write(json);
      json.writeEndObject();
    });
  }

  /** An array with the elements that are written. */
  static Buffer writeArray(Writing writing) {
    return value(json -> {
      json.writeStartArray();
      writing.write(json);
      json.writeEndArray();
    });
  }

  private static Buffer value(Writing writing) {
    var bytes = new ByteArrayOutputStream(TYPICAL_BYTES);
    try (JsonGenerator json = MAPPER.getFactory().createGenerator(bytes)) {
      writing.write(json);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    return Buffer.buffer(bytes.toByteArray());
  }

  /** As a float, so that it keeps its digits; JSON knows no NaN. */
  static void writeLogprob(JsonGenerator json, float logprob) throws IOException {
    if (Float.isFinite(logprob)) {
      json.writeNumber(logprob);
    } else {
      json.writeNull();
    }
  }

  /** Writes the fields of an object or the elements of an array. */
  @FunctionalInterface
  interface Writing {
    void write(JsonGenerator json) throws IOException;
  }

  /** A body that is not JSON. */
  static final class MalformedException extends Exception {
    private static final long serialVersionUID = 1L;

    private final String problem;

    MalformedException(String problem) {
      super(problem);
      this.problem = problem;
    }

    Rejection rejection() {
      return new Rejection(
          Rejection.Kind.MALFORMED, "Failed to parse the request body as JSON: " + problem);
    }
  }
}
