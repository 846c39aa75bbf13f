package dev.lorax.launcher.convert.safetensors;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.lorax.launcher.convert.ConversionException;
import dev.lorax.launcher.convert.GitLfsPointer;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;

/**
 * A safetensors file as somebody else left it: {@code u64 header length | JSON header | data}. Only
 * the header is read, so the check costs the same for any size of model.
 */
public final class SafetensorsFile {

  static final String METADATA = "__metadata__";

  /** The limit of the safetensors library. */
  private static final int MAX_HEADER_BYTES = 100_000_000;

  private static final ObjectMapper JSON = new ObjectMapper();

  private record Span(String tensor, long begin, long end) {}

  private final Path path;
  private final long fileBytes;

  private SafetensorsFile(Path path, long fileBytes) {
    this.path = path;
    this.fileBytes = fileBytes;
  }

  /** Throws, with one sentence, where a reader would find the file cut off or damaged. */
  public static void check(Path path) throws IOException, ConversionException {
    try (var channel = FileChannel.open(path, StandardOpenOption.READ)) {
      new SafetensorsFile(path, channel.size()).check(channel);
    }
  }

  private void check(FileChannel channel) throws IOException, ConversionException {
    if (GitLfsPointer.is(channel)) {
      throw ConversionException.corrupt(GitLfsPointer.refusal(path));
    }
    if (fileBytes < Long.BYTES) {
      throw cutOff(Long.BYTES);
    }
    long headerBytes = read(channel, 0, Long.BYTES).getLong();
    if (headerBytes < 2 || headerBytes > MAX_HEADER_BYTES) {
      throw damaged("its header would be %s bytes".formatted(Long.toUnsignedString(headerBytes)));
    }
    long dataStart = Long.BYTES + headerBytes;
    if (fileBytes < dataStart) {
      throw cutOff(dataStart);
    }
    long expected = dataStart + checkSpans(spans(header(channel, (int) headerBytes)));
    if (fileBytes < expected) {
      throw cutOff(expected);
    }
    if (fileBytes > expected) {
      throw damaged("its header describes %d bytes, got %d".formatted(expected, fileBytes));
    }
  }

  private JsonNode header(FileChannel channel, int bytes) throws IOException, ConversionException {
    try {
      JsonNode header = JSON.readTree(read(channel, Long.BYTES, bytes).array());
      if (header.isObject()) {
        return header;
      }
    } catch (JsonProcessingException e) {
      throw damaged("its header is not JSON");
    }
    throw damaged("its header is not a JSON object");
  }

  private List<Span> spans(JsonNode header) throws ConversionException {
    List<Span> spans = new ArrayList<>();
    for (var tensor : header.properties()) {
      if (!tensor.getKey().equals(METADATA)) {
        spans.add(span(tensor.getKey(), tensor.getValue()));
      }
    }
    return spans;
  }

  private Span span(String name, JsonNode tensor) throws ConversionException {
    JsonNode offsets = tensor.path("data_offsets");
    if (offsets.size() != 2
        || !offsets.path(0).isIntegralNumber()
        || !offsets.path(1).isIntegralNumber()) {
      throw damaged("tensor %s has no data_offsets".formatted(name));
    }
    var span = new Span(name, offsets.path(0).longValue(), offsets.path(1).longValue());
    long bytes = bytes(name, tensor);
    if (bytes >= 0 && bytes != span.end() - span.begin()) {
      throw damaged(
          "tensor %s of %d bytes has room for %d"
              .formatted(name, bytes, span.end() - span.begin()));
    }
    return span;
  }

  /** -1 for an element type that is newer than this check. */
  private long bytes(String name, JsonNode tensor) throws ConversionException {
    try {
      long bytes = SafetensorsDtype.valueOf(tensor.path("dtype").asText()).bytes();
      for (var size : tensor.path("shape")) {
        bytes = Math.multiplyExact(bytes, size.longValue());
      }
      return bytes;
    } catch (ArithmeticException e) {
      throw damaged("tensor %s has the shape %s".formatted(name, tensor.path("shape")));
    } catch (IllegalArgumentException unknownType) {
      return -1;
    }
  }

  /** The format leaves no holes between tensors; returns where the data ends. */
  private long checkSpans(List<Span> spans) throws ConversionException {
    long end = 0;
    spans.sort(Comparator.comparingLong(Span::begin).thenComparingLong(Span::end));
    for (var span : spans) {
      if (span.begin() != end || span.end() < end) {
        throw damaged(
            "tensor %s begins at byte %d of the data, expected %d"
                .formatted(span.tensor(), span.begin(), end));
      }
      end = span.end();
    }
    return end;
  }

  private static ByteBuffer read(FileChannel channel, long from, int bytes) throws IOException {
    ByteBuffer buffer = ByteBuffer.allocate(bytes).order(ByteOrder.LITTLE_ENDIAN);
    while (buffer.hasRemaining() && channel.read(buffer, from + buffer.position()) >= 0) {
      // until all of it is there; the size was checked
    }
    return buffer.flip();
  }

  private ConversionException cutOff(long expected) {
    return ConversionException.corrupt(
        "weights file %s is cut off: expected %d bytes, got %d; copy or download it again"
            .formatted(path, expected, fileBytes));
  }

  private ConversionException damaged(String how) {
    return ConversionException.corrupt(
        "weights file %s is not a safetensors file or is damaged: %s; copy or download it again"
            .formatted(path, how));
  }
}
