package dev.lorax.launcher.convert.gguf;

import dev.lorax.launcher.convert.ConversionException;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.channels.FileChannel;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/** A GGUF file, version 2 or 3, mapped into memory and read where needed. Not thread-safe. */
final class GgufFile {

  private static final int MAGIC = 0x46554747; // "GGUF", little-endian
  private static final int DEFAULT_ALIGNMENT = 32;

  private final MemorySegment file;
  private final GgufMetadata metadata;
  private final List<GgufTensor> tensors;

  private GgufFile(MemorySegment file, GgufMetadata metadata, List<GgufTensor> tensors) {
    this.file = file;
    this.metadata = metadata;
    this.tensors = tensors;
  }

  /** The mapping goes when the object is collected. */
  static GgufFile open(Path path) throws IOException, ConversionException {
    try (var channel = FileChannel.open(path, StandardOpenOption.READ)) {
      return read(channel.map(FileChannel.MapMode.READ_ONLY, 0, channel.size(), Arena.ofAuto()));
    }
  }

  private static GgufFile read(MemorySegment file) throws ConversionException {
    var cursor = new GgufCursor(file);
    if (file.byteSize() < Integer.BYTES || cursor.int32() != MAGIC) {
      throw ConversionException.corrupt("not a GGUF file: it does not start with the letters GGUF");
    }
    int version = cursor.int32();
    if (version != 2 && version != 3) {
      throw ConversionException.unsupported("GGUF version must be 2 or 3, got " + version);
    }
    long tensorCount = cursor.count("the number of tensors");
    long valueCount = cursor.count("the number of metadata values");
    Map<String, Object> values = new HashMap<>();
    for (long i = 0; i < valueCount; i++) {
      String key = cursor.string();
      values.put(key, cursor.value(cursor.int32()));
    }
    var metadata = new GgufMetadata(values);
    return new GgufFile(file, metadata, tensors(cursor, tensorCount, metadata, file));
  }

  private static List<GgufTensor> tensors(
      GgufCursor cursor, long count, GgufMetadata metadata, MemorySegment file)
      throws ConversionException {
    List<GgufTensor> relative = new ArrayList<>();
    for (long i = 0; i < count; i++) {
      relative.add(tensor(cursor));
    }
    long alignment = metadata.optionalInteger("general.alignment").orElse(DEFAULT_ALIGNMENT);
    long data = (cursor.position() + alignment - 1) / alignment * alignment;
    List<GgufTensor> tensors = new ArrayList<>();
    for (var tensor : relative) {
      var placed =
          new GgufTensor(tensor.name(), tensor.shape(), tensor.type(), data + tensor.offset());
      if (placed.offset() + placed.bytes() > file.byteSize()) {
        throw ConversionException.corrupt(
            "not a whole GGUF file: tensor %s ends at byte %d of %d"
                .formatted(placed.name(), placed.offset() + placed.bytes(), file.byteSize()));
      }
      tensors.add(placed);
    }
    return List.copyOf(tensors);
  }

  private static GgufTensor tensor(GgufCursor cursor) throws ConversionException {
    String name = cursor.string();
    int dimensions = cursor.int32();
    if (dimensions < 1 || dimensions > 4) {
      throw ConversionException.unsupported(
          "tensor %s must have 1 to 4 dimensions, got %d".formatted(name, dimensions));
    }
    List<Long> shape = new ArrayList<>();
    for (int i = 0; i < dimensions; i++) {
      shape.add(cursor.int64());
    }
    Collections.reverse(shape);
    int typeId = cursor.int32();
    long offset = cursor.int64();
    GgmlType type = GgmlType.of(typeId).orElse(null);
    if (type == null) {
      throw ConversionException.unsupported(
          "tensor %s is of type %s, which cannot be converted"
              .formatted(name, GgmlType.nameOf(typeId)));
    }
    var tensor = new GgufTensor(name, shape, type, offset);
    if (shape.stream().anyMatch(size -> size < 1) || tensor.columns() % type.blockElements() != 0) {
      throw ConversionException.corrupt(
          "tensor %s of type %s cannot have shape %s".formatted(name, type, shape));
    }
    return tensor;
  }

  GgufMetadata metadata() {
    return metadata;
  }

  List<GgufTensor> tensors() {
    return tensors;
  }

  /** Reads one row as float32. The arrays are the caller's, to be used again. */
  void readRow(GgufTensor tensor, long row, byte[] blocks, float[] values) {
    long from = tensor.offset() + row * tensor.rowBytes();
    MemorySegment.copy(file, ValueLayout.JAVA_BYTE, from, blocks, 0, (int) tensor.rowBytes());
    Dequantizer.row(tensor.type(), blocks, values);
  }
}
