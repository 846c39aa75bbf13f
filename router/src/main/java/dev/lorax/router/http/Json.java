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

  private Json() {}

  /** Parses a body, which must be one JSON value and nothing after it. */
  static JsonNode parse(Buffer body) throws MalformedException {
    try {
      JsonNode value = MAPPER.readTree(body.getBytes());
      if (value.isMissingNode()) {
        throw new MalformedException("the body is empty");
      }
      return value;
    } catch (JsonProcessingException e) {
      throw new MalformedException(e.getOriginalMessage());
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
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
