package dev.lorax.launcher.convert.safetensors;

import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.List;
import java.util.Map;

/** Writes a safetensors file front to back, holding one buffer of it at a time. Not thread-safe. */
public final class SafetensorsWriter implements AutoCloseable {

  /** A tensor to come; they must be written in the order in which they were declared. */
  public record Entry(String name, SafetensorsDtype dtype, List<Long> shape) {

    public Entry {
      shape = List.copyOf(shape);
      if (name.equals(SafetensorsFile.METADATA)) {
        throw new IllegalArgumentException("no tensor can have the name of the metadata");
      }
    }

    public long bytes() {
      return shape.stream().reduce((long) dtype.bytes(), Math::multiplyExact);
    }
  }

  private static final int BUFFER_BYTES = 1 << 20;
  private static final int HEADER_ALIGNMENT = 8;

  private final FileChannel channel;
  private final ByteBuffer buffer =
      ByteBuffer.allocateDirect(BUFFER_BYTES).order(ByteOrder.LITTLE_ENDIAN);
  private final long dataStart;
  private final long expectedBytes;

  private SafetensorsWriter(FileChannel channel, long dataStart, long expectedBytes) {
    this.channel = channel;
    this.dataStart = dataStart;
    this.expectedBytes = expectedBytes;
  }

  /** Starts a new file; {@code metadata} is written beside the {@code format} that readers want. */
  public static SafetensorsWriter create(
      Path path, List<Entry> entries, Map<String, String> metadata) throws IOException {
    byte[] header = header(entries, metadata);
    long data = entries.stream().mapToLong(Entry::bytes).sum();
    var channel = FileChannel.open(path, StandardOpenOption.CREATE_NEW, StandardOpenOption.WRITE);
    long dataStart = (long) Long.BYTES + header.length;
    var writer = new SafetensorsWriter(channel, dataStart, dataStart + data);
    writer.buffer.putLong(header.length);
    writer.write(ByteBuffer.wrap(header));
    return writer;
  }

  private static byte[] header(List<Entry> entries, Map<String, String> metadata) {
    ObjectNode json = JsonNodeFactory.instance.objectNode();
    metadata.forEach(json.putObject(SafetensorsFile.METADATA).put("format", "pt")::put);
    long offset = 0;
    for (var entry : entries) {
      ObjectNode tensor = json.putObject(entry.name()).put("dtype", entry.dtype().name());
      entry.shape().forEach(tensor.withArray("shape")::add);
      tensor.putArray("data_offsets").add(offset).add(offset + entry.bytes());
      offset += entry.bytes();
    }
    String text = json.toString();
    int bytes = text.getBytes(StandardCharsets.UTF_8).length;
    int padding = (HEADER_ALIGNMENT - bytes % HEADER_ALIGNMENT) % HEADER_ALIGNMENT;
    return (text + " ".repeat(padding)).getBytes(StandardCharsets.UTF_8);
  }

  /** The next values of the float32 tensor that is being written. */
  public void write(float[] values) throws IOException {
    for (float value : values) {
      if (buffer.remaining() < Float.BYTES) {
        flush();
      }
      buffer.putFloat(value);
    }
  }

  /** The next bytes of the tensor that is being written, little-endian; takes all of them. */
  public void write(ByteBuffer bytes) throws IOException {
    while (bytes.hasRemaining()) {
      if (!buffer.hasRemaining()) {
        flush();
      }
      int count = Math.min(bytes.remaining(), buffer.remaining());
      buffer.put(bytes.slice(bytes.position(), count));
      bytes.position(bytes.position() + count);
    }
  }

  /** How many bytes of the tensors were written so far. */
  public long bytesOfTensors() throws IOException {
    return channel.position() + buffer.position() - dataStart;
  }

  private void flush() throws IOException {
    buffer.flip();
    while (buffer.hasRemaining()) {
      channel.write(buffer);
    }
    buffer.clear();
  }

  /** Brings everything to the disk, so that a file found after a crash is a whole one. */
  public void finish() throws IOException {
    flush();
    if (channel.position() != expectedBytes) {
      throw new IllegalStateException(
          "wrote %d bytes where %d were declared".formatted(channel.position(), expectedBytes));
    }
    channel.force(true);
  }

  @Override
  public void close() throws IOException {
    channel.close();
  }
}
