package dev.lorax.launcher.convert;

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

/**
 * Writes a safetensors file of float32 tensors front to back, holding one buffer of it at a time.
 * Not thread-safe.
 */
final class SafetensorsWriter implements AutoCloseable {

  /** A tensor to come; they must be written in the order in which they were declared. */
  record Entry(String name, List<Long> shape) {

    Entry {
      shape = List.copyOf(shape);
    }

    long bytes() {
      return shape.stream().reduce((long) Float.BYTES, Math::multiplyExact);
    }
  }

  private static final int BUFFER_BYTES = 1 << 20;
  private static final int HEADER_ALIGNMENT = 8;

  private final FileChannel channel;
  private final ByteBuffer buffer =
      ByteBuffer.allocateDirect(BUFFER_BYTES).order(ByteOrder.LITTLE_ENDIAN);
  private final long expectedBytes;

  private SafetensorsWriter(FileChannel channel, long expectedBytes) {
    this.channel = channel;
    this.expectedBytes = expectedBytes;
  }

  static SafetensorsWriter create(Path path, List<Entry> entries) throws IOException {
    byte[] header = header(entries);
    long data = entries.stream().mapToLong(Entry::bytes).sum();
    var channel = FileChannel.open(path, StandardOpenOption.CREATE_NEW, StandardOpenOption.WRITE);
    var writer = new SafetensorsWriter(channel, Long.BYTES + header.length + data);
    writer.buffer.putLong(header.length);
    for (byte value : header) {
      writer.reserve(1).put(value);
    }
    return writer;
  }

  private static byte[] header(List<Entry> entries) {
    ObjectNode json = JsonNodeFactory.instance.objectNode();
    json.putObject("__metadata__").put("format", "pt");
    long offset = 0;
    for (var entry : entries) {
      ObjectNode tensor = json.putObject(entry.name()).put("dtype", "F32");
      entry.shape().forEach(tensor.withArray("shape")::add);
      tensor.putArray("data_offsets").add(offset).add(offset + entry.bytes());
      offset += entry.bytes();
    }
    String text = json.toString();
    int bytes = text.getBytes(StandardCharsets.UTF_8).length;
    int padding = (HEADER_ALIGNMENT - bytes % HEADER_ALIGNMENT) % HEADER_ALIGNMENT;
    return (text + " ".repeat(padding)).getBytes(StandardCharsets.UTF_8);
  }

  /** The next values of the tensor that is being written. */
  void write(float[] values) throws IOException {
    for (float value : values) {
      reserve(Float.BYTES).putFloat(value);
    }
  }

  private ByteBuffer reserve(int bytes) throws IOException {
    if (buffer.remaining() < bytes) {
      flush();
    }
    return buffer;
  }

  private void flush() throws IOException {
    buffer.flip();
    while (buffer.hasRemaining()) {
      channel.write(buffer);
    }
    buffer.clear();
  }

  /** Brings everything to the disk, so that a file found after a crash is a whole one. */
  void finish() throws IOException {
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
